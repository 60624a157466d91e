import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_formats_are_named_as_in_every_command(tmp_path: Path, tv: Callable[..., Any]) -> None:
    box = {"image": "a.jpg", "width": 90, "height": 90, "box": [0, 0, 40, 40], "label": "x"}
    truth, located = tmp_path / "truth.jsonl", tmp_path / "located.jsonl"
    truth.write_text(json.dumps(box) + "\n")
    located.write_text(json.dumps(box | {"score": 0.9}) + "\n")
    outs = [tv("eval", "boxes", located, truth, *more) for more in ([], ["--format", "jsonl"])]
    outs.append(tv("eval", "boxes", located, truth, "--format", "json"))
    assert {ran.status for ran in outs} == {0}
    assert len({ran.out for ran in outs}) == 1
    assert pytest.approx(1) in json.loads(outs[0].out).values()


def test_only_one_of_the_two_files_comes_from_stdin(tv: Callable[..., Any]) -> None:
    ran = tv("eval", "boxes", "-", "-")
    assert (ran.status, ran.out) == (2, "")
    assert "only one of the two files can come from stdin" in ran.err
