"""Peak memory of the commands that stream, by the number of records.

python -m scripts.bench.streams [--records 10000,100000,1000000] [--only COMMAND] [--folder FOLDER]

Records are synthetic: ten boxes to a photo, photos that are links to a few drawn ones. What is
reported is the largest resident set of the command's own process (VmHWM), and beside it that of
`tv info` of a small file, which is what the interpreter and the libraries take.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tvcli.core.encoding.checkpoints import encoding_settings
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.artifacts import write_artifact

PER_PHOTO = 10
LINKS = 60_000  # of one file: ext4 allows 65,000
IDLE = "info"  # of a small file: what the interpreter and the libraries take
ROWS = 2000  # of encodings that triplets are made of


# The process reads its own high-water mark: its ru_maxrss would begin with its parent's.
MEASURED = """
import resource, sys
from tvcli.cli import run
status = run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
mark = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(status, mark.split()[1], used.ru_utime + used.ru_stime, file=sys.stderr)
"""


def peak(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Run `tv` and return its peak resident set in MiB and the CPU seconds it took."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    ran = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    status, kib, seconds = ran.stderr.splitlines()[-1].split()
    if status != "0":
        raise SystemExit(f"{' '.join(arguments)}: {ran.stderr[-500:]}")
    return int(kib) / 1024, float(seconds)


def boxes(count: int, scored: bool = False) -> Iterator[str]:
    rng = np.random.default_rng(0)
    for number in range(count):
        x, y = rng.integers(0, 40, 2).tolist()
        record = {"image": f"photos/{number // PER_PHOTO}.jpg", "width": 96, "height": 80}
        record |= {"box": [x, y, x + 30, y + 30], "label": "dress"}
        yield json.dumps(record | ({"score": 0.5} if scored else {})) + "\n"


def triplets(count: int) -> Iterator[str]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        images = ({"image": f"photos/{row}.jpg"} for row in rng.integers(0, ROWS, 3).tolist())
        yield json.dumps(dict(zip(("anchor", "positive", "negative"), images, strict=True))) + "\n"


def write_lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(lines)


def link_photos(folder: Path, count: int) -> None:
    """Make photos that are links to a few files, so that a million take no room."""
    (folder / "photos").mkdir(exist_ok=True)
    for number in range(count):
        photo = folder / "photos" / f"{number}.jpg"
        real = folder / f"real-{number // LINKS}.jpg"
        if not real.exists():
            Image.new("RGB", (96, 80), (number % 251, 90, 120)).save(real)
        if not photo.exists():
            photo.hardlink_to(real)


def write_encodings(path: Path, count: int, first: int = 0) -> None:
    """Write an encodings file of random vectors, of photos and labels in turn."""
    encoder = make_encoder("mini", size=96, pool="gem")
    settings = encoding_settings(encoder, path.parent, path)
    with write_artifact(path, "encodings", settings, {}) as writer:
        for start in range(first, first + count, ROWS):
            rows = range(start, min(start + ROWS, first + count))
            vectors = np.random.default_rng(start).normal(size=(len(rows), 64))
            writer.append(
                {
                    "encodings": vectors.astype(np.float16),
                    "image": [f"photos/{row}.jpg" for row in rows],
                    "region": np.tile(np.array([0, 0, 96, 80], np.float32), (len(rows), 1)),
                    "digest": [f"{row:032x}" for row in rows],
                    "label": [str(row % 20) for row in rows],
                }
            )


def jobs(count: int) -> dict[str, list[str]]:
    """Return what is measured: the commands, by name."""
    each = str(max(1, count // ROWS))
    return {
        "crops": ["crops", "boxes.jsonl", "-o", "crops.jsonl", "--per-photo", "1", "--looks", "2"],
        "crops --sample 1000": ["crops", "boxes.jsonl", "-o", "few.jsonl", "--sample", "1000"],
        "triplets": ["triplets", "rows.h5", "-o", "made.jsonl", "--per-anchor", each],
        "eval triplets": ["eval", "triplets", "rows.h5", "triplets.jsonl"],
        "eval boxes": ["eval", "boxes", "located.jsonl", "boxes.jsonl"],
        "eval search": ["eval", "search", "rows.tvx", "--truth", "labels", "--queries", "asked.h5"],
    }


def measure(count: int, folder: Path, only: str) -> dict[str, tuple[float, float]]:
    """Return the peak in MiB and the CPU seconds of each command, and what an idle one takes."""
    write_lines(folder / "boxes.jsonl", boxes(count))
    write_lines(folder / "located.jsonl", boxes(count, scored=True))
    write_lines(folder / "triplets.jsonl", triplets(count))
    link_photos(folder, -(-count // PER_PHOTO))
    write_encodings(folder / "rows.h5", ROWS)
    write_encodings(folder / "asked.h5", count, ROWS)
    peak(["index", "rows.h5", "-o", "rows.tvx"], folder)
    found = {IDLE: peak(["info", "rows.h5"], folder)}
    for name, arguments in jobs(count).items():
        if only in name:
            found[name] = peak(arguments, folder)
            print(f"{count} {name}: {found[name]}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", default="10000,100000,1000000")
    parser.add_argument("--only", default="", help="commands whose name contains this")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    counts = [int(count) for count in options.records.split(",")]
    with tempfile.TemporaryDirectory(prefix="tv-streams-") as temporary:
        folder = options.folder or Path(temporary)
        found = [measure(count, folder, options.only) for count in counts]
    print_table(counts, found)


def print_table(counts: list[int], found: list[dict[str, tuple[float, float]]]) -> None:
    """Print peaks by the number of records, how they grow, and the CPU time of the most records."""
    head = [f"{count:,}" for count in counts]
    heads = ["", *head, f"for {counts[-1] / counts[0]:.0f} times the records", "CPU s"]
    print("Peak memory in MiB by the number of records\n")
    print(f"| {' | '.join(heads)} |\n" + "|---" * len(heads) + "|")
    for name in found[0]:
        peaks = [row[name][0] for row in found]
        cells = [f"{mib:.0f}" for mib in peaks]
        cells += [f"x {peaks[-1] / peaks[0]:.2f}", f"{found[-1][name][1]:.1f}"]
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
