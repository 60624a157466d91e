"""An index of a folder of photos brought up to date, against the same index made anew.

    python -m scripts.bench.update PHOTOS.zip [--photos 20000] [--share 0.01] [--backbone mini]

Of the photos of an archive so many are indexed; then a share of them is changed: half of it gets
other content, a fifth each is added and renamed, a tenth removed. Seconds are those of processors
and of the clock, of whole `tv` processes, on the same machine one after the other.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.files.sources import is_photo_name


@dataclass(frozen=True)
class Took:
    """What a command took, and the last line it said."""

    cpu: float
    wall: float
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--backbone", default="mini")
    asked = parser.parse_args()
    changed = round(asked.photos * asked.share)
    with tempfile.TemporaryDirectory(prefix="tv-bench-") as name:
        home = Path(name)
        spare = unpack(asked.archive, home / "photos", asked.photos, changed)
        options = ["--backbone", asked.backbone]
        update = ["index", "photos", "-o", "x.tvx", "--update"]
        full = tv(home, "index", "photos", "-o", "x.tvx", *options)
        idle = tv(home, *update)
        touched = [home / "photos" / f"{number:06}.jpg" for number in range(asked.photos)]
        for photo in touched:
            os.utime(photo)
        hashed = tv(home, *update)
        change(home / "photos", spare, asked.photos)
        some = tv(home, *update)
        (home / "x.tvx" / "stamps.npy").unlink()
        again = tv(home, *update)
        anew = tv(home, "index", "photos", "-o", "anew.tvx", *options)
    print(f"{asked.photos} photos, {asked.backbone}; {changed} changed: {some.said}\n")
    print("| | CPU s | s | share of a build (CPU) |")
    print("|---|---|---|---|")
    for what, took in (
        ("made", full),
        ("made anew after the changes", anew),
        (f"`--update`, {asked.share:.0%} changed", some),
        ("`--update`, nothing changed", idle),
        ("`--update`, all times changed, no content", hashed),
        ("`--update`, nothing changed, stamps lost", again),
    ):
        print(f"| {what} | {took.cpu:.1f} | {took.wall:.1f} | {took.cpu / anew.cpu:.2%} |")


def unpack(archive: Path, folder: Path, photos: int, spare: int) -> list[bytes]:
    """Unpack photos, numbered, from all over an archive; return the content of `spare` others."""
    folder.mkdir()
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if is_photo_name(name))
        names = names[:: max(1, len(names) // (photos + spare))][: photos + spare]
        if len(names) < photos + spare:
            sys.exit(f"{archive}: {len(names)} photos, {photos + spare} are needed")
        for number, name in enumerate(names[:photos]):
            (folder / f"{number:06}.jpg").write_bytes(file.read(name))
        return [file.read(name) for name in names[photos:]]


def change(folder: Path, contents: list[bytes], photos: int) -> None:
    """Change photos all over a folder, as many as there are new contents."""
    step = max(1, photos // len(contents))
    for number, content in enumerate(contents):
        photo = folder / f"{number * step:06}.jpg"
        match number % 10:
            case 0 | 1 | 2 | 3 | 4:
                photo.write_bytes(content)
            case 5 | 6:
                photo.with_stem(f"new-{number}").write_bytes(content)
            case 7 | 8:
                photo.rename(photo.with_stem(f"moved-{number}"))
            case _:
                photo.unlink()


def tv(folder: Path, *arguments: str) -> Took:
    """Run `tv` and return what it took, with all its threads."""
    command = [sys.executable, "-m", "tvcli", *arguments]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{' '.join(arguments)}: {ran.stderr.splitlines()[-1]}", file=sys.stderr, flush=True)
    return Took(cpu, wall, ran.stderr.splitlines()[-1])


if __name__ == "__main__":
    main()
