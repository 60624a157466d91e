"""Run the benchmarks and write what they measure into docs/notes/benchmarks.md: `make bench`.

    python -m scripts.bench.run [NAME...] [--data ../shared/data] [--minutes 20] [--page FILE]

Each is a process of its own with settings that bound it. What it prints goes between the marks
`<!-- bench NAME -->` and `<!-- end NAME -->` of the page, with its command, date and time; all else
on the page is written by hand and stays. A bench whose photos are not there, or whose turn comes
after the time is up, is named and keeps the figures it has.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "notes" / "benchmarks.md"
DATA = ROOT.parent / "shared" / "data"
SQUEEZENET = "{data}/weights/squeezenet1_1-torchvision-fp16src.pth"
PACKAGES = ("tvcli", "torch", "onnxruntime", "openvino", "numpy", "pillow", "faiss-cpu")
PEERS = ("hnswlib", "usearch", "imagededup", "ImageHash")


@dataclass(frozen=True, slots=True)
class Bench:
    """A benchmark: its module, the arguments that bound it, and the seconds it may take.

    `{data}` in an argument is the folder of photos, and what is named of it must be there;
    `{work}` is a folder that is gone afterwards.
    """

    name: str
    title: str
    arguments: str = ""
    seconds: int = 300


BENCHES = (  # the seconds are twice what quiet cores take, and all of them 20 minutes
    Bench("startup", "Starting", "--rounds 5", 110),
    Bench("runtimes", "Networks on a CPU", "--rounds 3 --seconds 0.5", 130),
    Bench(
        "encode",
        "Encoding",
        f"{{data}}/clothing --weights {SQUEEZENET} --count 300 --rounds 2",
        130,
    ),
    Bench("peers", "Beside its peers", "--count 300 --rounds 2", 160),
    Bench("search", "Searching", "--rows 100000", 170),
    Bench("postgres", "PostgreSQL", "--rows 20000", 40),
    Bench("update", "Updating", "{data}/tiny-imagenet/tiny-imagenet-35k.zip --photos 2000", 50),
    Bench("streams", "Memory of streams", "--records 5000,50000", 80),
    Bench(
        "copies",
        "Copies found again",
        "--data {data} --limit 200 --clothes 500 --out {work}/copies",
        140,
    ),
    Bench(
        "dedupe",
        "Duplicates",
        "{data}/paintings/bbdd --per-photo 2 --folder {work}/dedupe "
        "--one-picture bbdd_00057.jpg bbdd_00120.jpg --one-picture bbdd_00028.jpg bbdd_00146.jpg",
        110,
    ),
    Bench("pages", "Pages", "--rows 50000 --photos 60 --boxes 10000", 20),
    Bench("service", "The service", "{data}/grocery/train --seconds 4", 60),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--data", type=Path, default=DATA, help="photos and weights")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    known = [bench.name for bench in BENCHES]
    if unknown := set(given.names) - set(known):
        parser.error(f"no bench {', '.join(sorted(unknown))}: {', '.join(known)}")
    end, failed = time.monotonic() + 60 * given.minutes, []
    for bench in BENCHES:
        if given.names and bench.name not in given.names:
            continue
        text, why = measured(bench, given.data, end - time.monotonic())
        print(f"\n## {bench.title}\n\n{text or why}", flush=True)
        if why:
            failed.append(f"{bench.name}: {why}")
        else:
            write(given.page, "machine", machine())
            write(given.page, bench.name, text, f"## {bench.title}")
    if failed:
        print("\nnot measured:\n" + "\n".join(failed), file=sys.stderr)
    sys.exit(any("failed" in line for line in failed))


def measured(bench: Bench, data: Path, left: float) -> tuple[str, str]:
    """Return what a bench printed, or why it did not."""
    with tempfile.TemporaryDirectory() as work:
        return _run(bench, data, Path(work), left)


def _run(bench: Bench, data: Path, work: Path, left: float) -> tuple[str, str]:
    arguments = [word.format(data=data, work=work) for word in bench.arguments.split()]
    missing = [word for word in arguments if str(data) in word and not Path(word).exists()]
    if missing:
        return "", f"{missing[0]} is not there"
    limit = min(bench.seconds, left)
    if limit < 10:
        return "", "no time left"
    command = [sys.executable, "-m", f"scripts.bench.{bench.name}", *arguments]
    started = time.monotonic()
    try:
        ran = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"stopped after {limit:.0f} s"
    if ran.returncode:
        return "", f"failed with status {ran.returncode}"
    shown = (
        " ".join(["python -m", *command[2:]]).replace(f"{data}", "DATA").replace(f"{work}", "WORK")
    )
    when = f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - started:.0f} s"
    return f"`{shown}` ({when})\n\n{ran.stdout.strip()}", ""


def machine() -> str:
    """Return what the figures were measured on, in lines of Markdown."""
    packages = ", ".join(f"{name} {found}" for name, found in installed(PACKAGES))
    peers = ", ".join(f"{name} {found}" for name, found in installed(PEERS))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    busy = os.getloadavg()[0]
    return (
        f"{processor()}, {cores} cores, {memory()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; {packages}; peers: {peers or 'none'}. "
        f"{datetime.now(UTC):%Y-%m-%d}; load {busy:.1f} at the end: where that is more than the "
        "cores, others were at work too, and only ratios within one run count."
    )


def installed(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        text = ""
    found = re.search(r"model name\s*: (.+)", text)
    return found[1].strip() if found else platform.processor() or platform.machine()


def memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def write(page: Path, name: str, text: str, heading: str = "") -> None:
    """Put a text between its marks on the page; without marks it is added at the end."""
    first, last = f"<!-- bench {name} -->", f"<!-- end {name} -->"
    block = f"{first}\n{text}\n{last}"
    old = page.read_text("utf-8") if page.exists() else "# Benchmarks\n"
    pattern = re.compile(f"{re.escape(first)}.*?{re.escape(last)}", re.S)
    if pattern.search(old):
        new = pattern.sub(lambda _: block, old)
    else:
        new = f"{old.rstrip()}\n\n{heading}\n\n{block}\n".replace("\n\n\n\n", "\n\n")
    page.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
