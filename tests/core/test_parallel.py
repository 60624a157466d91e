"""How many cores there are: by affinity, and by the quotas of control groups."""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from tvcli.core import parallel
from tvcli.core.parallel import (
    as_they_come,
    cgroup_quota,
    cores,
    in_order,
    limit_libraries,
    one_blas_thread,
)


def group(root: Path, **files: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / name.replace("__", ".")).write_text(content)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


@pytest.mark.parametrize(
    ("content", "quota"),
    [("200000 100000\n", 2), ("150000 100000", 1.5), ("max 100000", math.inf), ("", math.inf),
     ("100000 0", math.inf), ("much 100000", math.inf)],
)  # fmt: skip
def test_a_quota_of_version_2(tmp_path: Path, own: Path, content: str, quota: float) -> None:
    own.write_text("0::/\n")  # as it is seen from inside a container
    group(tmp_path / "sys", cpu__max=content)
    assert cgroup_quota(own, tmp_path / "sys") == quota


def test_the_least_quota_of_the_groups_around(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/user.slice/job.scope\n")
    group(tmp_path / "sys" / "user.slice", cpu__max="300000 100000")
    group(tmp_path / "sys" / "user.slice" / "job.scope", cpu__max="max 100000")
    group(tmp_path / "sys" / "other", cpu__max="100000 100000")
    assert cgroup_quota(own, tmp_path / "sys") == 3


@pytest.mark.parametrize(("quota", "wanted"), [("400000", 4), ("-1", math.inf), ("x", math.inf)])
def test_a_quota_of_version_1(tmp_path: Path, own: Path, quota: str, wanted: float) -> None:
    own.write_text("5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n")
    group(tmp_path / "sys" / "cpu,cpuacct" / "job",
          cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")  # fmt: skip
    assert cgroup_quota(own, tmp_path / "sys") == wanted


@pytest.mark.parametrize("lines", ["", "nonsense\n", "0::/../../etc\n", "::\n", "0\n"])
def test_no_quota_where_there_are_no_groups(tmp_path: Path, own: Path, lines: str) -> None:
    own.write_text(lines)
    assert cgroup_quota(own, tmp_path / "sys") == math.inf
    assert cgroup_quota(tmp_path / "gone", tmp_path / "sys") == math.inf


@pytest.mark.parametrize(("quota", "wanted"), [("50000", 1), ("150000", 2), ("9900000", 4)])
def test_cores_are_those_of_the_quota(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch, quota: str, wanted: int
) -> None:
    own.write_text("0::/\n")
    group(tmp_path / "sys", cpu__max=f"{quota} 100000")
    monkeypatch.setattr(parallel, "OWN_GROUPS", own)
    monkeypatch.setattr(parallel, "CGROUPS", tmp_path / "sys")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MKL_NUM_THREADS", "")
    monkeypatch.delenv("MKL_NUM_THREADS")
    cores.cache_clear()
    try:
        assert cores() == wanted
        limit_libraries()
        assert os.environ["OMP_NUM_THREADS"] == "3"  # said by somebody
        assert os.environ.get("MKL_NUM_THREADS") == (None if wanted == 4 else str(wanted))
    finally:
        cores.cache_clear()


def test_results_come_in_order_and_a_bounded_number_is_under_way() -> None:
    started: list[int] = []

    def items() -> range:
        return range(40)

    with ThreadPoolExecutor(2) as pool:
        for number, result in enumerate(in_order(pool, lambda n: started.append(n) or n, items())):
            assert result == number
            assert len(started) <= number + 1 + parallel.AHEAD * cores()


Outcome = tuple[list[int], str]


def outcome(results: Iterator[int]) -> Outcome:
    """Return the results, and the error that ended them."""
    found: list[int] = []
    try:
        for result in results:
            found.append(result)  # what came before an error is kept
    except ValueError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize("mapped", [in_order, as_they_come])
@given(count=st.integers(0, 30), item_fails=st.integers(0, 40), work_fails=st.integers(0, 40))
def test_results_and_errors_are_those_of_a_plain_loop(
    mapped: Callable[..., Iterator[int]], count: int, item_fails: int, work_fails: int
) -> None:
    def items() -> Iterator[int]:
        for number in range(count):
            if number == item_fails:
                raise ValueError("item")
            yield number

    def work(number: int) -> int:
        if number == work_fails:
            raise ValueError("work")
        return -number

    with ThreadPoolExecutor(2) as pool:
        assert outcome(mapped(pool, work, items())) == outcome(map(work, items()))


def test_one_thread_of_blas_and_then_as_many_as_before() -> None:
    def threads() -> set[int]:
        return {
            int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"
        }

    np.linalg.eigh(np.eye(2))  # so that it is loaded
    with threadpool_limits(3, "blas"):
        before = threads()
        with one_blas_thread():
            assert threads() <= {1}
        assert threads() == before
