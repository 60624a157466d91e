"""What the tests of core share: all readers, in a process of their own."""

from collections.abc import Iterator

import pytest

from scripts.reliability.watched import Watched


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Give readers that are killed when they do not end; the process starts once."""
    with Watched(tmp_path_factory.mktemp("good")) as watched:
        yield watched
