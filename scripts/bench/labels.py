"""What `tv label` gives photos of labels that an index has, and of labels that it has not.

    python -m scripts.bench.labels TRAIN VAL [--others 0.1] [--folds 5]

TRAIN and VAL are folders of one folder a label. The labels are taken out of an index of TRAIN by
fifths, and VAL is labelled by the whole command with what is left: so each photo of VAL is asked
about with and without its label in the index. `own` fits the rule to the index's photos, `half` to
half of VAL (--fit-on), and measures the other half. Intervals are of 95 % by bootstrap over photos.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.files.sources import walk_photos

RESAMPLES = 1000
BINS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("val", type=Path)
    parser.add_argument("--others", type=float, action="append")
    parser.add_argument("--folds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tv("index", given.train, "-o", folder / "all.tvx")
        photos = [str(photo) for photo in walk_photos(given.val.absolute())]
        for half in (0, 1):
            (folder / "half.txt").write_text("".join(f"{photo}\n" for photo in photos[half::2]))
            tv("encode", folder / "half.txt", "-o", folder / f"{half}.h5")
        for others in given.others or [0.1, 0.5]:
            for way in ("own", "half"):
                answers = asked(given, folder, others, way)
                print(json.dumps({"others": others, "fit": way, **figures(answers, others)}))


def asked(given: argparse.Namespace, folder: Path, others: float, way: str) -> list[dict[str, Any]]:
    """Return what is said of each photo of VAL in each fold, with what is so."""
    names = sorted(path.name for path in given.train.iterdir() if path.is_dir())
    found: list[dict[str, Any]] = []
    for fold in range(given.folds):
        out = set(names[fold :: given.folds])
        index = folder / f"fold-{fold}.tvx"
        if not index.exists():
            shutil.copytree(folder / "all.tvx", index)
            tv("index", "--remove", *(given.train / name for name in sorted(out)), "-o", index)
        for measured, fitted in (("0", "1"), ("1", "0")):
            options = ["-i", index, "--others", others, "-o", folder / "labels.jsonl"]
            options += ["--fit-on", folder / f"{fitted}.h5"] if way == "half" else []
            tv("label", folder / f"{measured}.h5", *options)
            first = tv("search", folder / f"{measured}.h5", "-i", index, "-k", 1)
            nearest = {Path(r["query"]).absolute(): r for r in map(json.loads, first.splitlines())}
            for line in (folder / "labels.jsonl").read_text().splitlines():
                record = json.loads(line)
                photo = Path(folder, record["image"]).resolve()
                truth, hit = photo.parent.name, Path(nearest[photo]["image"]).parent.name
                found.append(
                    {
                        "photo": str(photo),
                        "known": truth not in out,
                        "hit": hit == truth,
                        "won": (record["label"] or record.get("candidate")) == truth,
                        "labelled": record["label"] is not None,
                        "probability": record["probability"],
                    }
                )
    return found


def figures(answers: list[dict[str, Any]], others: float) -> dict[str, Any]:
    """Return shares with their intervals, resampled by photo."""
    photos = sorted({answer["photo"] for answer in answers})
    place = {photo: number for number, photo in enumerate(photos)}
    of = np.array([place[answer["photo"]] for answer in answers])
    names = ("known", "hit", "won", "labelled", "probability")
    columns = {name: np.array([float(a[name]) for a in answers]) for name in names}
    rng = np.random.default_rng(0)
    point = shares(columns, np.ones(len(of)), others)
    drawn = []
    for _ in range(RESAMPLES):
        counts = np.bincount(rng.integers(len(photos), size=len(photos)), minlength=len(photos))
        drawn.append(list(shares(columns, counts[of].astype(float), others).values()))
    low, high = np.nanquantile(np.array(drawn), [0.025, 0.975], axis=0)
    bounds = zip(point.items(), low, high, strict=True)
    found = {n: [round(v, 3), round(float(a), 3), round(float(b), 3)] for (n, v), a, b in bounds}
    return {"photos": len(photos), **found}


def shares(of: dict[str, Any], counts: Any, others: float) -> dict[str, float]:
    """Return the figures of answers, each counted so often; known ones make up 1 - `others`."""
    known, unknown = counts * of["known"], counts * (1 - of["known"])
    labelled = known * of["labelled"]
    mix = (1 - others) * known / known.sum() + others * unknown / unknown.sum()
    right = of["won"] * of["known"]
    bins = np.minimum((of["probability"] * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, mix * (of["probability"] - right), BINS)
    return {
        "hit@1": float((known * of["hit"]).sum() / known.sum()),
        "vote": float((known * of["won"]).sum() / known.sum()),
        "labelled": float(labelled.sum() / known.sum()),
        "right": float((labelled * of["won"]).sum() / max(labelled.sum(), 1e-9)),
        "refused": float((unknown * (1 - of["labelled"])).sum() / unknown.sum()),
        "calibration error": float(np.abs(gaps).sum()),
    }


def tv(*arguments: Any) -> str:
    done = subprocess.run(["tv", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"tv {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
