"""`tv search --explain` and `--metric`, and backbones of the timm extra, through the commands."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file

Run = Callable[..., Any]


def records(text: str) -> list[dict[str, Any]]:
    """Return what a command printed as JSON Lines."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def squeezenet(tmp_path: Path) -> Path:
    """Give untrained weights of squeezenet1_1."""
    torch.manual_seed(0)
    path = tmp_path / "squeezenet.pth"
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), path)
    return path


def test_explain_draws_each_hit(tv: Run, photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "i.tvx"
    assert tv("index", photos, "-o", index, "-q").status == 0
    ran = tv("search", photos / "1.png", "-i", index, "-k", 3, "--explain", tmp_path / "why")
    hits = records(ran.out)
    assert len(hits) == 3
    names = [Path(str(hit["explain"])) for hit in hits]
    assert len(set(names)) == 3
    assert sorted(names) == sorted((tmp_path / "why").iterdir())
    for name in names:
        with Image.open(name) as drawn:
            assert drawn.format == "PNG"
            assert drawn.width > 2 * 320
    item = tv(
        "search", "--item", photos / "1.png", "-i", index, "-k", 1, "--explain", tmp_path / "b"
    )
    assert Path(str(records(item.out)[0]["explain"])).is_file()


def test_explain_through_a_rank_head(
    tv: Run, photos: Path, tmp_path: Path, added_up: Callable[..., None]
) -> None:
    """The shares go through the head, and add up to what is printed."""
    encodings, head, index = tmp_path / "e.h5", tmp_path / "r.h5", tmp_path / "i.tvx"
    assert tv("encode", photos, "-o", encodings, "-q").status == 0
    made = tv("triplets", encodings, "--flips", "-o", tmp_path / "t.jsonl", "-q")
    assert made.status == 0, made.err
    trained = tv("train-rank", encodings, tmp_path / "t.jsonl", "-o", head, "--dim", 12, "--steps",
                 60, "-q")  # fmt: skip
    assert trained.status == 0, trained.err
    assert tv("index", encodings, "--rank", head, "-o", index, "-q").status == 0
    ran = tv("search", photos / "1.png", "-i", index, "-k", 4, "--explain", tmp_path / "why")
    assert ran.status == 0, ran.err
    added_up(records(ran.out))


def test_explain_on_the_page(tv: Run, photos: Path, tmp_path: Path) -> None:
    index, why = tmp_path / "i.tvx", tmp_path / "why"
    tv("index", photos, "-o", index, "-q")
    ran = tv("search", photos / "1.png", "-i", index, "-k", 2, "--explain", why, "--format", "html")
    page = str(ran.out)
    assert page.count('<details class="why">') == 2
    data = page.split('<details class="why">')[1].split("base64,")[1].split('"')[0]
    with Image.open(io.BytesIO(base64.b64decode(data))) as drawn:
        assert drawn.width > 2 * 320


def test_explain_through_a_located_box_and_a_pipe(tv: Run, photos: Path, tmp_path: Path) -> None:
    index, why = tmp_path / "i.tvx", tmp_path / "why"
    tv("index", photos, "-o", index, "-q")
    ran = tv(
        "search", photos / "1.png", "-i", index, "-k", 1, "--box", "0,0,48,80", "--explain", why
    )
    with Image.open(str(records(ran.out)[0]["explain"])) as drawn:
        assert drawn.width == 3 * 8 + round(320 * 48 / 80) + 320


def test_class_activation_maps(tv: Run, photos: Path, squeezenet: Path, tmp_path: Path) -> None:
    index, why = tmp_path / "i.tvx", tmp_path / "why"
    network = ("--backbone", "squeezenet1_1", "--weights", squeezenet, "--size", 96)
    assert tv("index", photos, "-o", index, *network, "-q").status == 0
    search = ("search", photos / "1.png", "-i", index, "-k", 1, "--explain")
    plain = records(tv(*search, why / "a").out)[0]["explain"]
    classes = records(tv(*search, why / "b", "--cam").out)[0]["explain"]
    with Image.open(str(plain)) as low, Image.open(str(classes)) as high:
        assert high.height > low.height + 200


def test_what_cannot_be_explained(tv: Run, photos: Path, squeezenet: Path, tmp_path: Path) -> None:
    index, why = tmp_path / "i.tvx", tmp_path / "why"
    tv("index", photos, "-o", index, "-q")
    search = ("search", photos / "1.png", "-i", index)
    for given, said in [
        (("--cam",), "--cam: goes with --explain"),
        (("--explain", why, "--cam"), "mini has no classifier"),
        (("--explain", why, "--like", photos / "2.png"), "not with --like"),
        (("--explain", why, "--metric", "euclidean"), "goes by the cosine"),
    ]:
        ran = tv(*search, *given)
        assert ran.status == 2
        assert said in ran.err
    assert tv(*search, "--explain", photos / "1.png").status == 3


def test_euclidean_is_told_from_cosine(tv: Run, tmp_path: Path, photos: Path) -> None:
    """The order and the figures are those of the vectors themselves, whatever their lengths."""
    index, encodings = tmp_path / "i.tvx", tmp_path / "e.h5"
    tv("encode", photos, "-o", encodings, "--pool", "mean", "-q")
    with h5py.File(encodings, "r+") as file:  # lengths that matter
        vectors = file["encodings"][:].astype(np.float32)
        vectors *= np.linspace(0.2, 3, len(vectors))[:, None]
        file["encodings"][:] = vectors.astype(np.float16)
        vectors = file["encodings"][:].astype(np.float64)
        names = [Path(name.decode()).name for name in file["image"][:]]
    assert tv("index", encodings, "-o", index, "-q").status == 0
    for item in (0, 4):
        ran = tv("search", "--item", photos / names[item], "-i", index, "--metric", "euclidean")
        if ran.status == 3:
            ran = tv("search", "--item", photos / "inner" / names[item], "-i", index,
                     "--metric", "euclidean")  # fmt: skip
        hits = records(ran.out)
        distances = np.linalg.norm(vectors - vectors[item], axis=1)
        order = [names[row] for row in np.argsort(distances, kind="stable")]
        assert [Path(str(hit["image"])).name for hit in hits] == order
        expected = np.sort(1 / (1 + distances))[::-1]
        assert np.allclose([float(str(h["similarity"])) for h in hits], expected, atol=2e-3)
    queried = records(tv("search", encodings, "-i", index, "-k", 1, "--metric", "euclidean").out)
    assert all(hit["query"] == hit["image"] for hit in queried)


@pytest.mark.parametrize("name", ["resnet10t", "test_vit"])
def test_timm_through_the_commands(tv: Run, photos: Path, tmp_path: Path, name: str) -> None:
    timm = pytest.importorskip("timm", reason="the timm extra is not installed")
    torch.manual_seed(0)
    weights, index = tmp_path / "w.safetensors", tmp_path / "i.tvx"
    save_file(timm.create_model(name).state_dict(), weights)
    network = ("--backbone", f"timm:{name}", "--weights", weights, "--size", 96)
    encoded = tv("encode", photos, "-o", tmp_path / "e.h5", *network, "-q")
    assert encoded.status == 0, encoded.err
    assert tv("index", tmp_path / "e.h5", "-o", index, "-q").status == 0
    ran = tv("search", photos / "2.png", "-i", index, "-k", 2, "--explain", tmp_path / "why")
    hits = records(ran.out)
    assert Path(str(hits[0]["image"])).name == "2.png"
    assert float(str(hits[0]["similarity"])) > 0.999
    assert Path(str(hits[0]["explain"])).is_file()
    refused = tv("search", photos / "2.png", "-i", index, "--weights", photos / "1.png")
    assert refused.status == 3
