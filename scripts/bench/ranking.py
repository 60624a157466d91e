"""Which short vector keeps the order of the full similarity of maps.

    python -m scripts.bench.ranking GALLERY.h5 QUERIES.h5 [--rank rank.h5]

The ten best by the mean cosine over positions are the truth; how many of them are among the first
N by a short vector? Both files hold maps. What learning brings is in `scripts.bench.learning`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.ranking.map_pca import comparable_maps
from tvcli.core.ranking.rank import Ranker, load_rank

BEST = 10
SHORTLISTS = (20, 50, 100)
DIMENSION = 256


def read_maps(path: Path) -> torch.Tensor:
    with open_artifact(path, "encodings") as file:
        return torch.from_numpy(file.read("encodings"))


def blocks(maps: torch.Tensor, rank: Path | None) -> torch.Tensor:
    """Return maps ready to compare, flattened: (N, D*H*W) float32."""
    ranker = load_rank(rank) if rank else None
    parts = [comparable_maps(block.float(), ranker).flatten(1) for block in torch.split(maps, 100)]
    return torch.cat(parts)


def pooled(maps: torch.Tensor, how: str, ranker: Ranker | None) -> torch.Tensor:
    vectors = torch.cat([pool_maps(block.float(), how) for block in torch.split(maps, 100)])
    return ranker.maps(vectors) if ranker else vectors


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
    ranker = load_rank(rank) if rank else None
    print(f"{len(maps)} rows, {len(asked)} queries, maps {tuple(maps.shape[1:])}")
    print("vector values " + " ".join(f"in_{n}" for n in SHORTLISTS))
    for how in (ranker.pool,) if ranker else ("mean", "gem", "spatial"):
        own, theirs = (F.normalize(pooled(m, how, ranker), dim=1) for m in (maps, asked))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gallery", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--rank", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    shortlist(options.gallery, options.queries, options.rank)


if __name__ == "__main__":
    main()
