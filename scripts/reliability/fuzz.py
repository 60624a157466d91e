"""Feed a reader with ever other broken files, guided by what they reach (atheris).

python -m scripts.reliability.fuzz            all readers in turn, a minute each, and a table
python -m scripts.reliability.fuzz coco --seconds 600

A finding is any end but a result or one of tv's own errors in one line, a crash, more than two
seconds for one input, or more than 2 GiB of memory. Findings are kept in --keep; what answers to
nothing any more is killed and kept, too.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=1048576", "-print_final_stats=1"]
GRACE = 120  # seconds on top, after which a reader is taken to be beyond libFuzzer's own limit


def main() -> int:
    """Fuzz the readers named, or all; exit status 1 where something was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--keep", type=Path, default=Path("findings"))
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        _fuzz(options.names[0], options.inside, options)
    options.keep.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tv-fuzz-") as folder:
        from scripts.reliability.readers import readers

        names = options.names or list(readers(Path(folder)))
    print("| reader | inputs | findings |\n|---|---:|---:|")
    return max([_supervise(name, options) for name in names])


def _supervise(name: str, options: argparse.Namespace) -> int:
    """Fuzz one reader in a process of its own, which may crash; print its line of the table."""
    with tempfile.TemporaryDirectory(prefix="tv-fuzz-") as folder:
        command = [sys.executable, "-m", __spec__.name, name, "--inside", folder]
        command += ["--seconds", str(options.seconds), "--keep", str(options.keep)]
        try:
            ran = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=options.seconds + GRACE,
            )
        except subprocess.TimeoutExpired:
            kept = shutil.copytree(Path(folder) / "fuzzed", options.keep / f"endless-{name}")
            print(f"| {name} | ? | 1: {kept} |", flush=True)
            return 1
    counts = re.findall(r"number_of_executed_units: (\d+)|Done (\d+) runs", ran.stderr)
    inputs = max((int(a or b) for a, b in counts), default=0)
    print(f"| {name} | {inputs:,} | {int(ran.returncode != 0)} |", flush=True)
    if ran.returncode:
        print(ran.stderr[-3000:], file=sys.stderr)
    return int(ran.returncode != 0)


def _fuzz(name: str, folder: Path, options: argparse.Namespace) -> None:
    import atheris

    with atheris.instrument_imports(include=["tvcli"], enable_loader_override=False):
        from scripts.reliability.readers import readers, sound
    reader = readers(folder)[name]
    place = folder / "fuzzed"
    if reader.input.inside:
        shutil.copytree(reader.input.inside, place)
    place.mkdir(exist_ok=True)
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(reader.input.good)

    def one(data: bytes) -> None:
        path = place / reader.input.name
        path.write_bytes(data)
        if fault := sound(reader, path):
            raise RuntimeError(fault)

    limits = [*LIMITS, f"-max_total_time={options.seconds}", f"-artifact_prefix={options.keep}/"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
