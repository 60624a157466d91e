"""Grouping and preference: what is kept and dropped, whatever the order things come in."""

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.deduping.decisions import Decisions, read_decisions
from tvcli.core.deduping.facts import Facts, border_of, facts_of
from tvcli.core.deduping.grouping import components, parted
from tvcli.core.deduping.preference import Preference
from tvcli.core.errors import BadInput

Pairs = set[frozenset[int]]
pairs = st.sets(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1])
)


def never(*_: int) -> bool:
    return False


def unordered(found: set[tuple[int, int]]) -> Pairs:
    return {frozenset(pair) for pair in found}


@given(pairs, st.randoms(use_true_random=False))
def test_components_are_those_of_a_naive_search_in_any_order(
    found: set[tuple[int, int]], random: object
) -> None:
    mixed = [pair[::-1] if random.random() < 0.5 else pair for pair in found]  # type: ignore[attr-defined]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    groups = [{one} for one in {one for pair in found for one in pair}]
    for pair in found:
        joined = [group for group in groups if group & set(pair)]
        groups = [g for g in groups if g not in joined] + [set().union(*joined)]
    assert components(mixed) == sorted(sorted(group) for group in groups)


@given(pairs, pairs, st.permutations(range(10)))
def test_groups_agree_with_what_is_kept_and_respect_decisions(
    same: set[tuple[int, int]], different: set[tuple[int, int]], order: list[int]
) -> None:
    is_same, is_different = unordered(same), unordered(different)

    def groups(members: list[int]) -> list[list[int]]:
        return parted(
            members,
            lambda some: min(some, key=order.index),
            lambda a, b: frozenset((a, b)) in is_same,
            lambda a, b: frozenset((a, b)) in is_different,
            never,
        )

    found = groups(list(range(10)))
    assert groups(order) == found  # whatever the order they are named in
    members = [one for group in found for one in group]
    assert len(members) == len(set(members))
    for group in found:
        assert len(group) > 1
        assert all(frozenset((group[0], other)) in is_same for other in group[1:])
        assert order.index(group[0]) == min(order.index(one) for one in group)
        assert not any(frozenset(pair) in is_different for pair in combinations(group, 2))


def test_a_chain_is_not_one_group() -> None:
    chain = {(0, 1), (1, 2), (2, 3)}
    same = unordered(chain)
    assert components(chain) == [[0, 1, 2, 3]]
    is_same = lambda a, b: frozenset((a, b)) in same  # noqa: E731
    assert parted(range(4), min, is_same, never, never) == [[0, 1], [2, 3]]


def test_one_may_be_the_same_by_way_of_another_that_is_so_itself() -> None:
    same = unordered({(0, 1), (1, 2), (2, 3)})
    is_same = lambda a, b: frozenset((a, b)) in same  # noqa: E731
    asked = []

    def through(first: int, between: int, last: int) -> bool:
        asked.append((first, between, last))
        return True

    assert parted(range(4), min, is_same, never, through) == [[0, 1, 2, 3]]
    assert set(asked) == {(0, 1, 2), (0, 1, 3)}  # and never by way of 2, which is not itself
    differ = lambda a, b: {a, b} == {1, 2}  # noqa: E731
    assert parted(range(4), min, is_same, differ, through) == [[0, 1, 3]]


FACTS = Facts("b.jpg", Path("/photos/b.jpg"), 400, 300, 9000, "JPEG", "aa")
BEST = [  # each better than FACTS, by the rule named
    ("preferred", {"path": Path("/raw/z.jpg"), "image": "z.jpg", "width": 40}),
    ("pixels", {"width": 800, "height": 600, "format": "GIF", "bytes": 10}),
    ("pixels", {"height": 306}),  # alike, so that other rules come first; but none of them decides
    ("format", {"format": "PNG", "bytes": 10}),
    ("file", {"bytes": 9001, "image": "z.jpg"}),
    ("name", {"image": "a.jpg"}),
]


@pytest.mark.parametrize(("rule", "change"), BEST)
def test_the_rules_decide_in_order_and_say_so(rule: str, change: dict[str, object]) -> None:
    better = replace(FACTS, digest="bb", **change)  # type: ignore[arg-type]
    preference = Preference(preferred=[Path("/raw")])
    for photos in ([FACTS, better], [better, FACTS]):
        assert preference.best(photos) is better
    assert rule in preference.why_kept(better, [FACTS])
    assert rule in preference.why_dropped(FACTS, better) or rule == "file"
    protecting = Preference(protected=[Path("/photos")], preferred=[Path("/raw")])
    if better.path.parent.name == "raw":
        assert protecting.best([FACTS, better]) is FACTS
        assert "protected folder /photos" in protecting.why_kept(FACTS, [better])


def test_a_few_pixels_more_do_not_beat_a_better_format() -> None:
    png = replace(FACTS, format="PNG", digest="bb", image="z.png")
    cut = replace(png, height=299, digest="cc")
    assert Preference().best([FACTS, cut]).digest == "aa"  # resolution comes before format
    framed = replace(FACTS, width=440, height=340, border=0.2, bytes=99_000, digest="dd")
    assert Preference().best([FACTS, framed]) is FACTS
    assert "border" in Preference().why_dropped(framed, FACTS)
    padded = replace(framed, width=FACTS.width, height=FACTS.height, border=0.1)
    size = f"{FACTS.width}x{FACTS.height}"  # of both: what differs is told
    why = Preference().why_dropped(padded, FACTS)
    assert why == f"fewer pixels, {size} (10% of it border) next to {size}"


def test_borders_are_of_one_colour_and_not_white() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 240, (80, 100), dtype=np.uint8)
    assert border_of(picture) == 0
    framed = np.pad(picture, 10, constant_values=77)
    assert border_of(framed) == pytest.approx(1 - picture.size / framed.size, abs=0.02)
    assert border_of(np.pad(picture, 10, constant_values=255)) == 0
    assert border_of(np.full((9, 9), 3, np.uint8)) == 0  # nothing but border


def test_a_plain_wall_behind_a_thing_is_no_border() -> None:
    wall = np.full((96, 96), 120, np.uint8)
    noise = np.random.default_rng(0).integers(0, 90, (96, 96), dtype=np.uint8)
    wall[:, 46:50], wall[46:50] = noise[:, :4], noise[:4]  # a window's cross, from side to side
    wall[0, 3:-3], wall[-1, 3:-3], wall[3:-3, 0], wall[3:-3, -1] = 9, 9, 9, 9  # of uneven light
    assert border_of(wall) == 0
    noise = np.random.default_rng(0).integers(0, 230, (70, 70), dtype=np.uint8)
    turned = Image.fromarray(noise).rotate(30, expand=True, fillcolor=240)
    corners = 1 - noise.size / (turned.width * turned.height)
    assert border_of(np.asarray(turned)) == pytest.approx(corners, abs=0.03)


def test_facts_are_those_of_the_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    path = tmp_path / "really.jpg"
    Image.fromarray(noise).save(path, "PNG")
    facts = facts_of(path, "really.jpg")
    assert (facts.width, facts.height, facts.format) == (90, 60, "PNG")
    assert facts.bytes == path.stat().st_size and facts.border == 0


def test_decisions_are_read_in_three_ways(tmp_path: Path) -> None:
    file = tmp_path / "different.jsonl"
    group = {"members": [{"image": n, "digest": n * 2} for n in "abc"]}
    lines = [group, {"digests": ["x", "y"]}, {"images": ["p.jpg", "gone.jpg", "q.jpg"]}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    known = {str(tmp_path / "p.jpg"): "pp", str(tmp_path / "q.jpg"): "qq"}
    decisions = read_decisions(file, known.get)
    assert len(decisions) == 5
    assert (
        decisions.differ("aa", "cc") and decisions.differ("y", "x") and decisions.differ("qq", "pp")
    )
    assert not decisions.differ("aa", "x") and not Decisions().differ("a", "b")


@pytest.mark.parametrize(
    "line", ['{"group": 1}', '{"digests": ["a"]}', '{"images": [1, 2]}', "[]x"]
)
def test_what_is_no_decision_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "different.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(BadInput, match="different"):
        read_decisions(file, lambda path: None)
