"""Which file systems the photos of a watched folder lie on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tvcli.core.errors import BadInput
from tvcli.core.files import watching
from tvcli.core.files.watching import ELSEWHERE, check_watchable, mounts_of

LINES = """\
22 1 8:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:40 / /mnt/nas rw shared:5 - nfs4 nas:/photos rw
31 22 0:41 / /mnt/nas\\040of\\040mum rw - fuse.sshfs mum: rw
32 30 0:42 / /mnt/nas/2024 rw - tmpfs none rw
33 22 0:43 / /mnt/other rw - cifs //other/x rw
nonsense
"""


def test_the_file_systems_around_and_in_a_folder(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(LINES)
    assert mounts_of([Path("/mnt/nas")], mounts) == {
        Path("/"): "ext4",
        Path("/mnt/nas"): "nfs4",
        Path("/mnt/nas/2024"): "tmpfs",
    }
    assert mounts_of([Path("/mnt/nas of mum/a")], mounts) == {
        Path("/"): "ext4",
        Path("/mnt/nas of mum"): "fuse.sshfs",
    }
    assert mounts_of([Path("/mnt")], tmp_path / "gone") == {}


def test_file_systems_of_other_machines_are_polled() -> None:
    told = ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone"]
    assert all(ELSEWHERE.fullmatch(kind) for kind in told)
    assert not any(ELSEWHERE.fullmatch(kind) for kind in ("ext4", "btrfs", "fuseblk", "tmpfs"))


def test_a_name_that_is_not_utf8_says_that_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("watchfiles", reason="extra watch")
    from watchfiles._rust_notify import WatchfilesRustInternalError

    begun: list[int] = []

    def told(*_: object) -> Iterator[bool]:
        begun.append(1)
        yield False
        if len(begun) == 1:
            raise WatchfilesRustInternalError("error in underlying watcher: path is not UTF-8")
        yield True

    monkeypatch.setattr(watching, "_told", told)
    changes = watching._changes([tmp_path], tmp_path / "i.tvx", quiet=0)
    assert [next(changes) for _ in range(4)] == [False, True, False, True]


def test_without_watchfiles_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install 'tvcli\[watch\]'"):
        check_watchable([str(tmp_path)])
