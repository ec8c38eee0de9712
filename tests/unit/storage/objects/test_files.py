"""Files: written whole, copied whole, opened only if they are files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, StorageError, StorageFullError
from stepmill.storage.objects import files


def _failing(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_new_file_is_whole_and_read_only(tmp_path: Path) -> None:
    seen: list[bytes] = []
    written = files.write_new(tmp_path / "new", iter([b"a", b"", b"bc"]), seen.append)
    assert (written, seen) == (3, [b"a", b"", b"bc"])
    assert (tmp_path / "new").read_bytes() == b"abc"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == files.READ_ONLY


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with pytest.raises(StorageError):
        files.write_new(tmp_path / "old", [b"new"], len)
    assert (tmp_path / "old").read_bytes() == b"old"


def test_the_kernel_may_take_only_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    files.write_new(tmp_path / "new", [b"x" * 100, b"y" * 3], len)
    assert (tmp_path / "new").read_bytes() == b"x" * 100 + b"y" * 3


def test_no_room_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", _failing(errno.ENOSPC))
    with pytest.raises(StorageFullError):
        files.write_new(tmp_path / "new", [b"x"], len)


def test_an_error_of_the_sender_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    def broken() -> list[bytes]:
        raise ConnectionResetError("the sender hung up")

    with pytest.raises(ConnectionResetError):
        files.write_new(tmp_path / "new", (chunk for _ in "x" for chunk in broken()), len)


@pytest.mark.parametrize("size", [0, 1, 4096, 3_000_001])
def test_a_copy_is_whole_and_read_only(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "old").write_bytes(data)
    with files.open_regular(tmp_path / "old") as source:
        assert files.copy_new(source, tmp_path / "new") == size
    assert (tmp_path / "new").read_bytes() == data
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == files.READ_ONLY


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_kernel_does_not_copy_it_goes_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "copy_file_range", _failing(number), raising=False)
    (tmp_path / "old").write_bytes(b"data")
    with files.open_regular(tmp_path / "old") as source:
        assert files.copy_new(source, tmp_path / "new") == 4


def test_what_the_kernel_began_is_ended_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def some(source: int, target: int, _: int) -> int:
        calls.append(1)
        return os.write(target, os.read(source, 3)) if len(calls) == 1 else 0

    monkeypatch.setattr(os, "copy_file_range", some, raising=False)
    (tmp_path / "old").write_bytes(b"123456789")
    with files.open_regular(tmp_path / "old") as source:
        files.copy_new(source, tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"123456789"


def test_a_file_of_the_kernel_can_be_copied(tmp_path: Path) -> None:
    """Such files say that they are empty."""
    with files.open_regular(Path("/proc/self/status")) as source:
        assert files.copy_new(source, tmp_path / "new") > 100


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_bytes(b"data")
    monkeypatch.setattr(os, "fsync", _failing(errno.ENOSPC))
    with files.open_regular(tmp_path / "old") as source, pytest.raises(OSError, match="No space"):
        files.copy_new(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_link_is_a_second_name(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"data")
    assert files.try_link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one").samefile(tmp_path / "two")


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES])
def test_where_no_link_can_be_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", _failing(number))
    assert not files.try_link(tmp_path / "one", tmp_path / "two")


def test_any_other_trouble_with_a_link_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.try_link(tmp_path / "missing", tmp_path / "two")


def test_only_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", Path("/dev/null")):
        with pytest.raises(InvalidInputError, match="Only regular files"), files.open_regular(path):
            pass
    with pytest.raises(NotFoundError), files.open_regular(tmp_path / "missing"):
        pass


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"data")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with files.open_regular(tmp_path / "old") as source:
        files.copy_new(source, tmp_path / "new")
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(InvalidInputError), files.open_regular(path):
            pass
    files.sync_folder(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("kernel", [True, False])
def test_pieces_are_joined_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool) -> None:
    if not kernel:
        monkeypatch.setattr(os, "copy_file_range", _failing(errno.EXDEV))
    one, two = os.urandom(2_000_003), b"two"
    (tmp_path / "one").write_bytes(one)
    (tmp_path / "two").write_bytes(two)
    pieces = [
        files.Piece(tmp_path / "two", 1, 2),
        files.Piece(tmp_path / "one", 7, 1_999_990),
        files.Piece(tmp_path / "two", 0, 0),
        files.Piece(tmp_path / "one", 0, len(one)),
    ]
    size = files.join_new(pieces, tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"wo" + one[7:1_999_997] + one
    assert size == (tmp_path / "new").stat().st_size
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == files.READ_ONLY
