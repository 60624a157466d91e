"""Locating in many photos: detections in order, each photo opened once, every core busy."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path

from PIL import Image, ImageDraw

from tvcli.core.backbones.specs import Device
from tvcli.core.boxes import Box
from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.encoding.encoder import encoder_of
from tvcli.core.errors import BadInput
from tvcli.core.files.fields import as_json, merged
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source
from tvcli.core.heads import check_encoder
from tvcli.core.images.own_pictures import save_picture
from tvcli.core.images.photo import BadImage, Photo, decode_photo, read_photo, thumbnail
from tvcli.core.location.locate import Located, LocateSettings, Locator
from tvcli.core.location.location_heads import load_boxes, load_classifier
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

BARELY = 0.2  # of the way from the threshold to certainty
DRAWN = 800  # pixels: the long side of a photo with its boxes drawn in
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where to write pictures of what was found: each object cut out, each photo with its boxes."""

    crops: Path | None = None
    drawn: Path | None = None


@dataclass(slots=True)
class _Seen:
    region: Region
    width: int = 0
    height: int = 0
    objects: list[Located] = field(default_factory=list)
    reason: str = ""


def load_locator(
    classifier: Path,
    boxes: Path,
    settings: LocateSettings | None = None,
    *,
    weights: Path | None = None,
    device: Device = "auto",
) -> Locator:
    """Return a locator of two heads, with the encoder that they were trained with.

    Raises:
        BadInput: a head cannot be used, or the backbone's weights are not there.
        Mismatch: the heads were trained on different encodings.
    """
    first, second = load_classifier(classifier), load_boxes(boxes)
    spec = second.file.settings["encoder"]
    check_encoder(first.file, spec, classifier)
    if first.file.settings["window"] != second.file.settings["window"]:
        raise BadInput(f"{classifier}: trained on crops of another size than {boxes}")
    file = second.file.settings["weights_file"]
    encoder = encoder_of(spec, file, weights=weights, device=device, runtime="torch")
    return Locator(encoder, first, second, settings)


def locate_photos(
    source: Source,
    locator: Locator,
    base: Path,
    report: Report,
    *,
    pictures: Pictures | None = None,
    keep_empty: bool = False,
) -> Iterator[Record]:
    """Yield a detection for every object found, photo by photo; paths become relative to `base`.

    A photo in which nothing is found is noted, and with `keep_empty` gives a record without a box.

    Raises:
        BadInput: not one photo could be used.
        OSError: a folder of pictures cannot be written.
    """
    wanted = pictures or Pictures()
    for folder in filter(None, (wanted.crops, wanted.drawn)):
        folder.mkdir(parents=True, exist_ok=True)
    if locator.weakness:
        report.note(
            f"warning: the classifier is weak: {locator.weakness}; what is found may be anything: "
            f"annotate more photos, or ask for more by --threshold"
        )
    report.start("locating", "photos")
    empty = unsure = 0
    label = locator.label
    for seen in _see_all(_once(source.regions), source.root, locator, wanted):
        if seen.reason:
            report.skip(seen.region.image, "locate", seen.reason)
            continue
        report.advance()
        region = seen.region
        image = region.image
        if region.data is None:  # it lies in a file
            image = os.path.relpath(source.root / image, base)
        about: Record = {"image": image, "width": seen.width, "height": seen.height}
        about |= as_json(merged({}, region.fields))
        if source.share:
            about["position"] = seen.region.position
        if not seen.objects:
            empty += 1
            report.note(f"{image}: no object found")
            if keep_empty:
                yield about
        unsure += _is_unsure(seen.objects, locator.threshold)
        for found in seen.objects:
            box = [round(side, 2) for side in found.box]
            yield about | {"box": box, "label": label, "score": round(found.score, 4)}
    if unsure > (report.done - empty) / 2:
        report.note(
            f"warning: {unsure} of {report.done - empty} photos score barely above the threshold "
            f"of {locator.threshold:.2f}: look at them with --draw, or raise --threshold"
        )
    if report.done == 0 and report.skipped and not source.share:
        first = report.skipped[0]
        raise BadInput(f"not one photo could be used; {first.image}: {first.reason}")
    if source.share:
        made = {"located": locator.record, "keep_empty": keep_empty}
        yield {"shard": source.share.note() | made}


def _is_unsure(objects: list[Located], threshold: float) -> bool:
    """Tell whether the surest object of a photo is hardly surer than it must be."""
    best = max((found.score for found in objects), default=1.0)
    return best < threshold + BARELY * (1 - threshold)


def located_regions(source: Source, locator: Locator, report: Report) -> Iterator[Region]:
    """Yield the objects of a source's photos; parts of photos named as such stay as they are.

    A photo in which nothing is found is noted, and stays whole.
    """
    regions, named = tee(source.regions)
    seen = _see_all((r for r in regions if r.crop is None), source.root, locator, Pictures())
    for region in named:
        if region.crop is not None:
            yield region
            continue
        found = next(seen)
        if found.reason:
            report.skip(region.image, "locate", found.reason)
            continue
        if not found.objects:
            report.note(f"{region.image}: no object found; the whole photo is taken")
            yield region
        for item in found.objects:
            yield replace(region, crop=item.box, box=item.box, label=region.label or locator.label)


def _once(regions: Iterable[Region]) -> Iterator[Region]:
    """Yield one region a photo: records of boxes name a photo once for every box."""
    seen: set[int] = set()  # 64-bit hashes: names of a million photos would take twice the room
    for region in regions:
        name = hash(region.image)
        if name not in seen:
            seen.add(name)
            yield region


def _see_all(
    regions: Iterable[Region], root: Path, locator: Locator, pictures: Pictures
) -> Iterator[_Seen]:
    def see(region: Region) -> _Seen:
        return _see(region, root, locator, pictures)

    if locator.encoder.backbone.device.type != "cpu":
        yield from map(see, regions)
        return
    with one_thread_each(), ThreadPoolExecutor(cores()) as pool:
        yield from in_order(pool, see, regions)


def _see(region: Region, root: Path, locator: Locator, pictures: Pictures) -> _Seen:
    try:
        data = region.data if region.data is not None else read_photo(root / region.image)
        photo = decode_photo(data, colour=locator.encoder.settings.colour)
    except BadImage as error:
        return _Seen(region, reason=str(error))
    objects = locator.locate(photo)
    _save(region.image, photo, objects, pictures)
    return _Seen(region, photo.width, photo.height, objects)


def _save(image: str, photo: Photo, objects: list[Located], pictures: Pictures) -> None:
    name = "-".join(part for part in Path(image).with_suffix("").parts if part not in ("..", "/"))
    if pictures.crops is not None:
        for number, found in enumerate(objects, 1):
            cut = thumbnail(photo, max(photo.width, photo.height), found.box)
            save_picture(cut, pictures.crops / f"{name}-{number}.jpg")
    if pictures.drawn is not None:
        save_picture(draw_boxes(photo, objects), pictures.drawn / f"{name}.jpg")


def draw_boxes(photo: Photo, objects: list[Located]) -> Image.Image:
    """Return the photo with the boxes and scores of its objects drawn in."""
    picture = thumbnail(photo, DRAWN)
    scale = picture.width / photo.width
    pen = ImageDraw.Draw(picture)
    for number, found in enumerate(objects):
        colour = COLOURS[number % len(COLOURS)]
        box: Box = tuple(side * scale for side in found.box)  # type: ignore[assignment]
        pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=colour, width=3)
        pen.text((box[0] + 5, box[1] + 3), f"{found.score:.2f}", fill=colour)
    return picture
