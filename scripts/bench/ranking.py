"""Ranking: which short vector keeps the order of the full similarity, and what learning brings.

    python -m scripts.bench.ranking shortlist GALLERY.h5 QUERIES.h5 [--rank rank.h5]
    python -m scripts.bench.ranking held-out GALLERY.h5 QUERIES.h5 [--seeds 3]

`shortlist`: the ten best by the mean cosine over positions are the truth; how many of them are
among the first N by a short vector? `held-out`: a head learns from two thirds of the classes
(folders) and searches the others, which it never saw; both files hold maps.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.ranking.labels import folder_label
from tvcli.core.ranking.map_pca import comparable_maps
from tvcli.core.ranking.metrics import names_of, query_figures, relevant_ranks
from tvcli.core.ranking.mining import Candidates, mine_labelled
from tvcli.core.ranking.rank import load_rank
from tvcli.core.ranking.rank_head import RankHead, identity_head
from tvcli.core.ranking.rank_training import RankData, RankSettings, train_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.views import Encodings
from tvcli.core.reports import Report

BEST = 10
SHORTLISTS = (20, 50, 100)
DIMENSION = 256


def read_maps(path: Path) -> torch.Tensor:
    with open_artifact(path, "encodings") as file:
        return torch.from_numpy(file.read("encodings"))


def blocks(maps: torch.Tensor, rank: Path | None) -> torch.Tensor:
    """Return maps ready to compare, flattened: (N, D*H*W) float32."""
    ranker = load_rank(rank) if rank else None
    parts = [comparable_maps(block.float(), ranker).flatten(1) for block in maps.split(100)]
    return torch.cat(parts)


def pooled(maps: torch.Tensor, how: str, head: RankHead) -> torch.Tensor:
    vectors = torch.cat([pool_maps(block.float(), how) for block in maps.split(100)])
    return vectors if how == "spatial" else head(vectors).detach()


def kept(truth: torch.Tensor, scores: torch.Tensor) -> list[float]:
    """Return the share of each query's ten best that the first N by `scores` hold."""
    order = scores.argsort(dim=1, descending=True)
    return [
        float(
            np.mean(
                [
                    len(set(t) & set(o[:n])) / BEST
                    for t, o in zip(truth.tolist(), order.tolist(), strict=True)
                ]
            )
        )
        for n in SHORTLISTS
    ]


def shortlist(gallery: Path, queries: Path, rank: Path | None) -> None:
    maps, asked = read_maps(gallery), read_maps(queries)
    flat, wanted = blocks(maps, rank), blocks(asked, rank)
    full = wanted @ flat.T  # (Q, N)
    truth = full.argsort(dim=1, descending=True)[:, :BEST]
    head = load_rank(rank).head if rank else identity_head(maps.shape[1])
    print(f"{len(maps)} rows, {len(asked)} queries, maps {tuple(maps.shape[1:])}")
    print("vector values " + " ".join(f"in_{n}" for n in SHORTLISTS))
    for how in ("mean", "gem") + (() if rank else ("spatial",)):
        own, theirs = (F.normalize(pooled(m, how, head), dim=1) for m in (maps, asked))
        show(how, own.shape[1], kept(truth, theirs @ own.T))
    values, axes = torch.linalg.eigh(flat @ flat.T)  # PCA by the Gram matrix
    values, axes = values[-DIMENSION:].clamp(min=1e-9), axes[:, -DIMENSION:]
    own, theirs = axes * values.sqrt(), full @ axes / values.sqrt()
    show("pca", own.shape[1], kept(truth, F.normalize(theirs, dim=1) @ F.normalize(own, dim=1).T))
    generator = torch.Generator().manual_seed(0)
    own, theirs = torch.zeros(len(flat), DIMENSION), torch.zeros(len(wanted), DIMENSION)
    for start in range(0, flat.shape[1], 4096):  # the projection need not be held whole
        part = slice(start, start + 4096)
        matrix = torch.randn(flat[:, part].shape[1], DIMENSION, generator=generator)
        own, theirs = own + flat[:, part] @ matrix, theirs + wanted[:, part] @ matrix
    show("random", DIMENSION, kept(truth, F.normalize(theirs, dim=1) @ F.normalize(own, dim=1).T))


def show(name: str, size: int, figures: list[float]) -> None:
    print(name, size, " ".join(f"{value:.3f}" for value in figures), flush=True)


def held_out(gallery: Path, queries: Path, seeds: int) -> None:
    with open_artifact(gallery, "encodings") as file, open_artifact(queries, "encodings") as other:
        encodings, asked = Encodings([file]), Encodings([other])
        names = [folder_label(image) for image in RowTable(file).images]
        wanted = np.array([folder_label(image) for image in RowTable(other).images])
        classes, labels = np.unique(names, return_inverse=True)
        rows = encodings.pooled(np.arange(len(encodings)), "gem")
        theirs = asked.pooled(np.arange(len(asked)), "gem")
    print(f"{len(classes)} classes; figures on those held out: " + " ".join(names_of([1, 20])))
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        unseen = rng.choice(len(classes), round(len(classes) * 11 / 31), replace=False)
        held = np.isin(labels, unseen)
        with open_artifact(gallery, "encodings") as file:
            head = learned(Encodings([file]), rows, labels, held, seed)
        places = np.flatnonzero(held)
        picked = np.flatnonzero(np.isin(wanted, classes[unseen]))
        for name, each in (("before", identity_head(rows.shape[1])), ("after", head)):
            figures = searched(
                each, rows[places], labels[places], theirs[picked], wanted[picked], classes
            )
            print(
                seed, name, len(picked), " ".join(f"{value:.3f}" for value in figures), flush=True
            )


def learned(
    encodings: Encodings, rows: torch.Tensor, labels: np.ndarray, held: np.ndarray, seed: int
) -> RankHead:
    rng = np.random.default_rng(seed)
    test = ~held & (rng.random(len(held)) < 0.1)
    known = np.where(held, -1, labels)
    candidates = Candidates(rows.numpy(), np.arange(len(labels)), known, test)
    triplets = np.array(list(mine_labelled(candidates, 4, "hard", rng)), np.intp)
    testing = test[triplets[:, 0]]
    data = RankData(encodings, triplets[~testing], triplets[testing], known)
    return train_rank(data, RankSettings(seed=seed), Report()).head


@torch.no_grad()
def searched(
    head: RankHead,
    rows: torch.Tensor,
    labels: np.ndarray,
    theirs: torch.Tensor,
    wanted: np.ndarray,
    classes: np.ndarray,
) -> np.ndarray:
    similarities = (head(theirs) @ head(rows).T).numpy()
    found = [
        query_figures(relevant_ranks(row, np.flatnonzero(classes[labels] == name)), [1, 20])
        for row, name in zip(similarities, wanted, strict=True)
    ]
    return np.mean(found, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["shortlist", "held-out"])
    parser.add_argument("gallery", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--rank", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "shortlist":
        shortlist(options.gallery, options.queries, options.rank)
    else:
        held_out(options.gallery, options.queries, options.seeds)


if __name__ == "__main__":
    main()
