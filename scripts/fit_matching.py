"""Fit the weights by which evidence becomes a probability, and tell how well they decide.

    python -m scripts.fit_matching ROWS_FOLDER [--write]

ROWS_FOLDER holds the rows of evidence of each domain, DOMAIN.jsonl, which `scripts.matching.rows`
writes. Every domain is decided by weights that were fitted on the others; with `--write` those
fitted on all go into the package. Tables are printed as Markdown.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score

from scripts.bench.intervals import share_of
from tvcli.core.matching.evidence import Evidence
from tvcli.core.matching.score import TERMS, WEIGHTS, terms

MEASURES = [field.name for field in fields(Evidence)]
COLOURS = ("hue", "photometric")  # of grey photos, and of old indexes, they are not known
GREY = 0.15  # of the rows are taken once more without colours
AGAINST = ("disagreement", "repainted")  # more never speaks for a copy; of others never against
DRAWN = 0.05  # what a recoloured picture counts: it is drawn, and as hard as none that was found
REGULAR = 1.0  # the strength of the ridge; 0.3 and 3 gave the same recall to a hundredth
UNLIKE = ("packages",)  # one brand's cartons in several tastes: no other domain has their like
FALSE = 1e-3  # of strangers may pass by the default

Row = dict[str, Any]
Query = tuple[str, int]
Values = npt.NDArray[np.float64]


def main() -> None:
    """Fit, report, and perhaps write."""
    rows = [row for path in sorted(Path(sys.argv[1]).glob("*.jsonl")) for row in read(path)]
    queries = {query_of(row): str(row["kind"]) for row in rows if row["same"]}
    strangers = {query_of(row) for row in rows if not row["same"]} & queries.keys()
    seen = [row for row in rows if "zncc" in row]
    domains = np.array([row["domain"] for row in seen])
    apart = np.zeros(len(seen))
    for domain in sorted(set(domains)):
        others = [row for row, own in zip(seen, domains, strict=True) if own != domain]
        weights = fitted(others)
        for place in np.flatnonzero(domains == domain):
            apart[place] = weights(seen[place])
    everything = fitted(seen)
    inside = np.array([everything(row) for row in seen])
    usual = np.flatnonzero([row["domain"] not in UNLIKE for row in seen])
    least = max(
        least_log_odds(seen, inside, len(strangers)),
        least_log_odds([seen[place] for place in usual], apart[usual], len(strangers)),
    )
    report(seen, apart, queries, "weights of the other domains", least)
    plain = np.array([row["inliers"] if row["look"] == "plain" else -1.0 for row in seen])
    report(
        seen,
        plain,
        queries,
        "ORB and MAGSAC, by inliers",
        least_log_odds(seen, plain, len(queries)),
    )
    report(seen, inside, queries, "weights of all domains, not kept apart", least)
    if "--write" in sys.argv:
        probability = round(float(expit(least)) + 0.0005, 3)
        kept = {"version": 1, **everything.as_json(), "min_probability": probability}
        WEIGHTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


class Weights:
    """A fitted logistic regression over terms and what of them is missing."""

    def __init__(self, values: Values, bias: float) -> None:
        self._values, self._bias = values, bias

    def __call__(self, row: Row) -> float:
        return float(columns([row])[0] @ self._values + self._bias)

    def as_json(self) -> Row:
        """Return them by name."""
        values, missing = self._values.reshape(2, -1).round(4).tolist()
        return {
            "bias": round(self._bias, 4),
            "weights": dict(zip(TERMS, values, strict=True)),
            "missing": dict(zip(TERMS, missing, strict=True)),
        }


def read(path: Path) -> Iterable[Row]:
    """Yield the rows of a domain."""
    yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def query_of(row: Row) -> Query:
    return row["domain"], row["query"]


def fitted(rows: list[Row]) -> Weights:
    """Return the weights that tell copies from others best; either kind counts as much."""
    rng = np.random.default_rng(0)
    grey = [row for row in rows if rng.random() < GREY]
    every = rows + [{n: v for n, v in row.items() if n not in COLOURS} for row in grey]
    same = np.array([row["same"] for row in every])
    values = np.c_[columns(every), np.ones(len(every))]
    signs = np.where(same, 1.0, -1.0)
    light = np.array([DRAWN if "in other colours" in row["other"] else 1.0 for row in every])
    counts = light * np.where(same, 0.5 / same.mean(), 0.5 / (light * ~same).mean())

    def loss(weights: Values) -> tuple[float, Values]:
        margins = signs * (values @ weights)
        slopes = -signs * counts * expit(-margins)
        ridge = np.append(weights[:-1], 0) * REGULAR
        total = counts @ np.logaddexp(0, -margins) + ridge @ weights / 2
        return float(total), slopes @ values + ridge

    free = [(None, None)] * (len(TERMS) + 1)
    limits = [(None, 0) if name in AGAINST else (0, None) for name in TERMS] + free
    found = minimize(loss, np.zeros(values.shape[1]), jac=True, method="L-BFGS-B", bounds=limits)
    return Weights(found.x[:-1], float(found.x[-1]))


def columns(rows: list[Row]) -> Values:
    """Return the terms of each row (n, terms), and which of them are missing, beside them."""
    known = [terms(Evidence(**{n: row.get(n) for n in MEASURES})) for row in rows]
    values = [[one.get(name, 0.0) for name in TERMS] for one in known]
    missing = [[float(name not in one) for name in TERMS] for one in known]
    return np.concatenate([values, missing], axis=1)


def best_of(rows: list[Row], scores: Values, same: bool) -> dict[Query, float]:
    """Return the highest score of each query with a photo that is, or is not, the same."""
    found: dict[Query, float] = defaultdict(lambda: -np.inf)
    for row, score in zip(rows, scores, strict=True):
        if row["same"] is same:
            found[query_of(row)] = max(found[query_of(row)], float(score))
    return found


def is_found(row: Row) -> bool:
    """Tell whether the other photo was found somewhere, not drawn to be hard."""
    return "in other colours" not in row["other"]


def least_log_odds(rows: list[Row], scores: Values, queries: int) -> float:
    """Return the score that fewer than `FALSE` of so many strangers reach."""
    kept = [place for place, row in enumerate(rows) if is_found(row)]
    best = best_of([rows[place] for place in kept], scores[kept], same=False)
    highest = sorted(best.values(), reverse=True)
    passing = int(np.ceil(FALSE * queries)) - 1  # as many may pass
    return float(np.nextafter(highest[max(passing, 0)], np.inf))


def report(
    rows: list[Row], scores: Values, queries: dict[Query, str], name: str, least: float
) -> None:
    """Print recall at a score, by domain and kind of change, and micro-AP over all pairs."""
    drawn = [float(s) for row, s in zip(rows, scores, strict=True) if not is_found(row)]
    kept = [place for place, row in enumerate(rows) if is_found(row)]
    rows, scores = [rows[place] for place in kept], scores[kept]
    pairs: dict[tuple[Query, str], tuple[float, bool]] = {}
    for row, score in zip(rows, scores, strict=True):
        key = query_of(row), row["other"]
        pairs[key] = max(pairs.get(key, (-np.inf, row["same"])), (float(score), row["same"]))
    values, same = zip(*pairs.values(), strict=True)
    found = len([one for one in same if one]) / len(queries)
    ap = average_precision_score(same, np.maximum(values, -1e6)) * found
    right, wrong = best_of(rows, scores, same=True), best_of(rows, scores, same=False)
    first = max(wrong.values(), default=-np.inf)
    print(
        f"\n### {name}: micro-AP {ap:.4f}, recall at precision 1 "
        f"{share_of([right[q] > first for q in queries])}, at {least:.2f} "
        f"{share_of([right[q] >= least for q in queries])}, strangers that pass "
        f"{share_of([wrong[q] >= least for q in queries])}, of looks at recoloured pictures "
        f"{share_of([score >= least for score in drawn])}\n"
    )
    for title, part in (("domain", lambda q: q[0]), ("change", lambda q: queries[q])):
        table(title, part, queries, right, wrong, least)


def table(
    title: str,
    part: Callable[[Query], str],
    queries: dict[Query, str],
    right: dict[Query, float],
    wrong: dict[Query, float],
    least: float,
) -> None:
    print(f"| {title} | copies | recall (95 %) | strangers that pass |\n|---|---|---|---|")
    for value in sorted({part(query) for query in queries}):
        own = [query for query in queries if part(query) == value]
        passing = sum(wrong[query] >= least for query in own)
        print(
            f"| {value} | {len(own)} | {share_of([right[q] >= least for q in own])} | {passing} |"
        )
    print()


if __name__ == "__main__":
    main()
