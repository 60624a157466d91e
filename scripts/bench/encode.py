"""How near `tv encode` comes to its ceilings, and a plain loop beside it; all in one run.

    python -m scripts.bench.encode PHOTOS --weights squeezenet1_1.pth [--photos 1000] [--rounds 3]

Ceilings: decoding alone on all cores, and the network alone at the same batch, one thread on each
core. Where both share the cores, no program reaches the slower of the two: `both` is what they cost
together. Photos per second by the clock, then by the CPU time spent (what cores to themselves would
do), which a busy machine hardly changes. Medians of the rounds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision import transforms

from tvcli.core.backbones.loading import load_backbone
from tvcli.core.encoding.encode import chunked, encode_chunks, open_photo
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.files.sources import walk_photos
from tvcli.core.images.photo import Pixels
from tvcli.core.parallel import cores

Way = tuple[Encoder, torch.nn.Module]

NAMES = ("decode", "network", "both", "tv", "plain loop")


def decode_alone(files: list[Region], encoder: Encoder) -> None:
    def one(region: Region) -> Pixels:
        photo, _ = open_photo([region], Path("/"), encoder.settings)
        return encoder.look(photo, region)

    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(one, files, chunksize=8):
            pass


def blocks(count: int, encoder: Encoder) -> list[list[Pixels]]:
    side = encoder.settings.size
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return [[picture] * encoder.batch for _ in range(count // encoder.batch)]


def network_on_each_core(work: list[list[Pixels]], encoder: Encoder) -> None:
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(encoder.encode, work):
            pass


def tv(files: list[Region], encoder: Encoder) -> None:
    rows = sum(
        len(found) for found in encode_chunks(chunked(files, encoder.batch), Path("/"), encoder)
    )
    assert rows == len(files)


def plain_loop(files: list[Region], encoder: Encoder, network: torch.nn.Module) -> None:
    side, spec = encoder.settings.size, encoder.network.spec
    look = transforms.Compose(
        [
            transforms.Resize((side, side)),
            transforms.ToTensor(),
            transforms.Normalize(spec.mean, spec.std),
        ]
    )
    with torch.inference_mode():
        for start in range(0, len(files), encoder.batch):
            paths = [Path("/") / region.image for region in files[start : start + encoder.batch]]
            network(torch.stack([look(Image.open(path).convert("RGB")) for path in paths]))


def timed(work: Callable[[], None]) -> np.ndarray:
    """Return how long work takes: by the clock, and in CPU time shared by all cores."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - started, (time.process_time() - used) / cores()])


def measure(
    files: list[Region], encoder: Encoder, network: torch.nn.Module, rounds: int
) -> dict[str, np.ndarray]:
    """Return photos per second, by the clock and by CPU time, of each way."""
    work = blocks(len(files), encoder)
    tv(files[:64], encoder)
    taken: dict[str, list[np.ndarray]] = {name: [] for name in NAMES}
    for _ in range(rounds):
        decode = timed(lambda: decode_alone(files, encoder))
        share = len(files) / (len(work) * encoder.batch)
        forward = timed(lambda: network_on_each_core(work, encoder)) * share
        found = (decode, forward, decode + forward, timed(lambda: tv(files, encoder)))
        plain = timed(lambda: plain_loop(files, encoder, network))
        for name, seconds in zip(NAMES, (*found, plain), strict=True):
            taken[name].append(len(files) / seconds)
    return {name: np.median(values, axis=0) for name, values in taken.items()}


def row(name: str, found: dict[str, np.ndarray], clock: int) -> str:
    speed = {part: float(found[part][clock]) for part in NAMES}
    slower = min(speed["decode"], speed["network"])
    ratios = (speed["tv"] / slower, speed["tv"] / speed["both"], speed["tv"] / speed["plain loop"])
    cells = [f"{speed[part]:.0f}" for part in NAMES] + [f"{ratio:.2f}" for ratio in ratios]
    return f"| {name} | " + " | ".join(cells) + " |"


def encoders_and_networks(weights: Path, folder: Path) -> Iterator[tuple[str, Way]]:
    """Yield backbones by name: as tv runs them, and as torch does; ResNet-18 of chance weights."""
    squeezenet = torchvision.models.squeezenet1_1(weights=None).eval()
    squeezenet.load_state_dict(torch.load(weights, weights_only=True))
    encoder = make_encoder("squeezenet1_1", weights=weights, device="cpu")
    yield "squeezenet1_1", (encoder, squeezenet.features)
    yield "mini", (make_encoder("mini", device="cpu"), load_backbone("mini").network)
    resnet = torchvision.models.resnet18(weights=None).eval()
    torch.save(resnet.state_dict(), folder / "resnet18.pth")
    encoder = make_encoder("resnet18", weights=folder / "resnet18.pth", device="cpu")
    yield "resnet18", (encoder, torch.nn.Sequential(*list(resnet.children())[:-2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="of squeezenet1_1")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    paths = list(walk_photos(given.photos.resolve()))[: given.count]
    files = [Region(str(path)[1:]) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        ways = dict(encoders_and_networks(given.weights, Path(folder)))
    print(f"{len(files)} photos, {cores()} cores, photos per second")
    found = {name: measure(files, *both, given.rounds) for name, both in ways.items()}
    for clock, what in enumerate(("by the clock", "by CPU time")):
        heads = (what, *NAMES, "tv / slower", "tv / both", "tv / plain")
        print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
        for name, speeds in found.items():
            print(row(name, speeds, clock), flush=True)


if __name__ == "__main__":
    main()
