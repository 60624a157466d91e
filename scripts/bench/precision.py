"""What bfloat16 costs: the first hit of each query, by `tv` itself, in float32 and in bfloat16.

    python -m scripts.bench.precision GALLERY QUERIES --weights squeezenet1_1.pth

GALLERY and QUERIES are folders of folders, one a class. A query is encoded as its gallery was.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TV = str(Path(sys.executable).parent / "tv")
WAYS = (("fp32", "onnx"), ("bf16", "torch"), ("bf16", "openvino"))


def hit_at_1(given: argparse.Namespace, folder: Path, precision: str, runtime: str) -> float:
    """Index the gallery and search it with the queries; return the share of right first hits."""
    rows = {"gallery": given.gallery, "queries": given.queries}
    for name, photos in rows.items():
        encode = [TV, "encode", str(photos), "-o", str(folder / f"{name}.h5"), "-q"]
        how = ["--pool", "auto", "--precision", precision, "--runtime", runtime]
        of = ["--backbone", given.backbone, "--device", "cpu"]
        weights = ["--weights", given.weights] if given.weights else []
        subprocess.run([*encode, *how, *of, *weights], check=True)
    index = str(folder / "index.tvx")
    subprocess.run([TV, "index", str(folder / "gallery.h5"), "-o", index, "-q"], check=True)
    command = [TV, "eval", "search", index, "--queries", str(folder / "queries.h5"), "-k", "1"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    figures = [json.loads(line) for line in ran.stdout.splitlines()]
    return next(float(f["value"]) for f in figures if f["metric"] in ("hit@1", "recall@1"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gallery", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--backbone", default="squeezenet1_1")
    parser.add_argument("--weights")
    given = parser.parse_args()
    print("| precision | runtime | hit@1 |\n|---|---|---|")
    for precision, runtime in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            value = hit_at_1(given, Path(folder), precision, runtime)
        print(f"| {precision} | {runtime} | {value:.3f} |", flush=True)


if __name__ == "__main__":
    main()
