"""tv beside its peers: photos to vectors by one network with the same weights; a search, cold.

    python -m scripts.bench.peers [PHOTOS] [--count 600] [--rounds 3]

- imagededup 0.3: its own package and loop (`CNN.encode_images`), given `mini` as its custom model.
- clip-retrieval 2.45: its loop re-timed, since its package wants CLIP and sentence-transformers: a
  DataLoader of files (256 a batch, 4 workers, as by default), forward, unit length, float16, .npy.
- rclip 3.3: what `rclip PHOTO` does, re-timed: its imports, an ONNX Runtime session of a ViT-B/32
  (random weights, as its own must be downloaded), vectors from SQLite, one product.

Without PHOTOS they are drawn. All take turns in each round; medians. All rows are compared: a peer
whose vectors are not tv's (cosine below 0.99) ends the bench.
"""

import argparse
import importlib.util
import io
import logging
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from tvcli.core.backbones.loading import load_backbone
from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.sources import open_sources, walk_photos
from tvcli.core.reports import Report

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "clothing" / "validation"
TV = Path(sys.executable).with_name("tv")
ALIKE = 0.99
RCLIP = """
import sqlite3, sys, PIL.Image, tqdm, numpy as np, onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = len(__import__("os").sched_getaffinity(0))
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
image = PIL.Image.open(sys.argv[3]).convert("RGB").resize((224, 224), PIL.Image.Resampling.BICUBIC)
batch = (np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 255 - 0.45) / 0.27
(query,) = session.run(None, {"input": batch})
rows = sqlite3.connect(sys.argv[2]).execute("SELECT path, vector FROM images").fetchall()
vectors = np.stack([np.frombuffer(vector, np.float32) for _, vector in rows])
for row in np.argsort(-(vectors @ (query[0] / np.linalg.norm(query))))[:10]:
    print(rows[row][0])
"""


class Mini(nn.Module):
    """mini with the mean over its map, as one network from pictures to vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = load_backbone("mini").spec
        self.network = load_backbone("mini").network.eval()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        means: torch.Tensor = self.network(pictures).mean(dim=(2, 3))  # (N, C)
        return means

    def look(self) -> Callable[[Any], torch.Tensor]:
        steps = [
            transforms.Resize((self.spec.size, self.spec.size)),
            transforms.ToTensor(),
            transforms.Normalize(self.spec.mean, self.spec.std),
        ]
        look: Callable[[Any], torch.Tensor] = transforms.Compose(steps)
        return look


class Files(Dataset[torch.Tensor]):
    def __init__(self, files: list[Path], look: Callable[[Any], torch.Tensor]) -> None:
        self.files, self.look = files, look

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> torch.Tensor:
        return self.look(Image.open(self.files[number]).convert("RGB"))


def by_tv(folder: Path, work: Path) -> np.ndarray:
    target = work / "tv.h5"
    encoder = make_encoder("mini", pool="mean", device="cpu")
    encode_file(open_sources([str(folder)], stdin=io.BytesIO()), encoder, target, Report(), {})
    with open_artifact(target) as file:
        rows: np.ndarray = file.read("encodings")
        return rows


def by_imagededup(folder: Path, model: Mini, workers: int) -> np.ndarray:
    from imagededup.methods import CNN
    from imagededup.utils import CustomModel

    logging.disable(logging.CRITICAL)
    cnn = CNN(verbose=False, model_config=CustomModel("mini", model, model.look()))
    found = cnn.encode_images(image_dir=folder, recursive=True, num_enc_workers=workers)
    return np.stack([found[name] for name in sorted(found)])


def by_clip_retrieval(folder: Path, model: Mini, work: Path) -> np.ndarray:
    files = sorted(walk_photos(folder))
    batches = DataLoader(Files(files, model.look()), batch_size=256, num_workers=4)
    rows = []
    with torch.no_grad():
        for pictures in batches:
            features = model(pictures)
            features /= features.norm(dim=-1, keepdim=True)
            rows.append(features.cpu().to(torch.float16).numpy())
    np.save(work / "clip-retrieval.npy", np.concatenate(rows))
    return np.concatenate(rows)


def spent() -> float:
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def encoding(folder: Path, rounds: int, work: Path) -> None:
    model, count = Mini(), sum(1 for _ in walk_photos(folder))
    ways: dict[str, Callable[[], np.ndarray]] = {"tv encode": lambda: by_tv(folder, work)}
    if importlib.util.find_spec("imagededup"):
        ways["imagededup, its package"] = lambda: by_imagededup(folder, model, 0)
        ways["imagededup, a worker a core"] = lambda: by_imagededup(
            folder, model, os.cpu_count() or 1
        )
    ways["clip-retrieval's loop, re-timed"] = lambda: by_clip_retrieval(folder, model, work)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    own = np.empty((0, 0))
    for _ in range(rounds):
        for name, way in ways.items():
            used, started = spent(), time.perf_counter()
            rows = unit(way())
            taken[name].append((time.perf_counter() - started, spent() - used))
            own = rows if name == "tv encode" else own
            check(name, own, rows)
    print(f"{count} photos, `mini`, photos to vectors of float16 or float32 in memory or a file:\n")
    print("| way | photos/s | tv / it | photos per CPU-second | tv / it |\n" + "|---" * 5 + "|")
    for name, times in taken.items():
        cells = []
        for of in (0, 1):
            speed = statistics.median(count / values[of] for values in times)
            pairs = zip(times, taken["tv encode"], strict=True)
            cells.append(f"{speed:.0f} | {statistics.median(t[of] / o[of] for t, o in pairs):.2f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def unit(rows: np.ndarray) -> np.ndarray:
    values = rows.astype(np.float32)
    units: np.ndarray = values / np.linalg.norm(values, axis=1, keepdims=True)
    return units


def check(name: str, expected: np.ndarray, found: np.ndarray) -> None:
    likeness = np.sort((expected @ found.T).max(axis=1))  # orders differ: each has its own
    if len(found) != len(expected) or likeness[0] < ALIKE:
        sys.exit(f"{name}: other vectors than tv's: cosine {likeness[0]:.3f}")


def cold(folder: Path, rounds: int, work: Path) -> None:
    photo = next(walk_photos(folder))
    hundred = [str(path) for path in walk_photos(folder)][:100]
    subprocess.run([TV, "index", *hundred, "-o", work / "i.tvx", "-q"], check=True)
    rclip = [work / "rclip.py", work / "vit.onnx", work / "rclip.db", photo]
    prepare_rclip(work, hundred)
    commands: dict[str, list[str | Path]] = {
        "tv search PHOTO, mini": [TV, "search", photo, "-i", work / "i.tvx"],
        "rclip's way, ViT-B/32, re-timed": [sys.executable, *rclip],
        'python -c "import torch"': [sys.executable, "-c", "import torch"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if turn:  # the first only warms the disk cache
                taken[name].append(time.perf_counter() - started)
    print("\nA search among 100 photos, from exec to the last hit:\n")
    print("| command | s | it / tv |\n|---|---|---|")
    for name, times in taken.items():
        pairs = zip(times, taken["tv search PHOTO, mini"], strict=True)
        ratio = statistics.median(t / o for t, o in pairs)
        print(f"| `{name}` | {statistics.median(times):.2f} | {ratio:.2f} |", flush=True)


def prepare_rclip(work: Path, photos: list[str]) -> None:
    (work / "rclip.py").write_text(RCLIP)
    network = torchvision.models.vit_b_32(weights=None)
    network.heads = nn.Linear(768, 512, bias=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, 224, 224),),
            work / "vit.onnx",
            input_names=["input"],
            dynamo=False,
            opset_version=17,
        )
    vectors = np.random.default_rng(0).normal(size=(len(photos), 512)).astype(np.float32)
    with sqlite3.connect(work / "rclip.db") as database:
        database.execute("CREATE TABLE images (path TEXT, vector BLOB)")
        pairs = [(path, vector.tobytes()) for path, vector in zip(photos, vectors, strict=True)]
        database.executemany("INSERT INTO images VALUES (?, ?)", pairs)
    database.close()


def some_photos(source: Path | None, count: int, folder: Path) -> Path:
    """Give a folder of `count` photos: copies of those given, or drawn ones."""
    folder.mkdir()
    found = list(walk_photos(source.resolve()))[:count] if source else []
    for number, path in enumerate(found):
        shutil.copyfile(path, folder / f"{number:05}{path.suffix}")
    for number in range(count if not found else 0):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:05}.jpg")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = PHOTOS if PHOTOS.is_dir() else None
    parser.add_argument("photos", type=Path, nargs="?", default=default)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        photos = some_photos(given.photos, given.count, Path(name, "photos"))
        encoding(photos, given.rounds, Path(name))
        cold(photos, 2 * given.rounds, Path(name))


if __name__ == "__main__":
    main()
