"""Mirrored positives are encoded from the mirrored photo: a mirrored map is not the same thing."""

from pathlib import Path

import numpy as np
import torch
from conftest import picture
from PIL import ImageOps

from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.records import Region
from tvcli.core.images.photo import decode_photo
from tvcli.core.ranking.similarity import similarities


def png(seed: int, *, mirrored: bool = False) -> bytes:
    import io

    image = picture(seed, 64, 64)
    buffer = io.BytesIO()
    (ImageOps.mirror(image) if mirrored else image).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_flipped_region_is_encoded_as_the_mirrored_photo_is() -> None:
    encoder = make_encoder("mini", size=64)
    region = Region("x.png")
    flipped = encoder.look(decode_photo(png(1)), Region("x.png", flip=True))
    mirrored = encoder.look(decode_photo(png(1, mirrored=True)), region)
    assert np.abs(flipped.astype(int) - mirrored.astype(int)).max() <= 1  # resampling rounds


def test_a_mirrored_map_is_only_about_the_map_of_the_mirrored_photo(
    real_data: Path, squeezenet_weights: Path
) -> None:
    """Strided windows start at the left edge: 0.78 on real photos, so it is not used."""
    encoder = make_encoder("squeezenet1_1", weights=squeezenet_weights)
    paths = sorted((real_data / "grocery" / "val").rglob("*.jpg"))[:6]
    photos = [decode_photo(path.read_bytes()) for path in paths]
    maps = torch.from_numpy(encoder.encode([encoder.look(p, Region("")) for p in photos]))
    flips = [encoder.look(photo, Region("", flip=True)) for photo in photos]
    encoded = torch.from_numpy(encoder.encode(flips))
    agreement = similarities(maps.flip(3), encoded).diagonal()
    assert bool((agreement < 0.95).all())
    assert bool((agreement > similarities(maps, encoded).diagonal()).all())
