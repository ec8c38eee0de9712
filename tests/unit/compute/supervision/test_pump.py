from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.logs import raw_log
from stepmill.compute.supervision import pump
from stepmill.compute.supervision.pump import TIME_ENTRY, LogWriter

pieces = st.lists(st.binary(max_size=200), max_size=20)


def _kept(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("log*") if path.suffix != ".times")


def test_a_short_log_is_one_file(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, 100)
    log.write(b"a\n")
    log.write(b"b\n")
    log.close()
    assert (tmp_path / "log").read_bytes() == b"a\nb\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.times"]


def test_the_head_is_followed_by_parts_named_by_their_first_byte(tmp_path: Path) -> None:
    log = LogWriter(tmp_path, 10)
    log.write(bytes(range(25)))
    log.close()
    assert {path.name for path in tmp_path.glob("log*") if path.suffix != ".times"} == {
        "log", "log.10", "log.15", "log.20",
    }  # fmt: skip


@given(pieces, st.integers(1, 60))
def test_head_and_tail_are_exact_and_bounded(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("job")
    log = LogWriter(folder, limit)
    for piece in written:
        log.write(piece)
    log.close()
    whole = b"".join(written)
    assert log.size == len(whole)
    kept = b"".join(raw_log(folder))
    assert kept.startswith(whole[:limit])
    assert kept.endswith(whole[-limit:])
    assert _kept(folder) <= limit + max(2 * limit, 2) + 1
    assert _kept(folder) + log.dropped_bytes == len(whole)
    if not log.dropped_bytes:
        assert kept == whole


def test_times_are_kept_for_every_part_and_not_too_often(tmp_path: Path) -> None:
    now = iter(range(1_000_000, 10_000_000, 4_000))
    log = LogWriter(tmp_path, 4, now=lambda: next(now))
    for _ in range(6):
        log.write(b"x")
    log.close()
    assert list(TIME_ENTRY.iter_unpack((tmp_path / "log.times").read_bytes())) == [
        (0, 1_000_000),
        (3, 1_012_000),
    ]
    assert list(TIME_ENTRY.iter_unpack((tmp_path / "log.4.times").read_bytes())) == [(0, 1_016_000)]


class _FullDisk:
    """Stands for ``os.write`` on a disk that has room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(fd, bytes(data)[: self.room])
        self.room -= written
        return written


def test_a_full_disk_loses_what_comes_while_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogWriter(tmp_path, 1000)
    disk = _FullDisk(room=16 + 5)
    monkeypatch.setattr(pump.os, "write", disk)
    log.write(b"0123456789")
    log.write(b"lost")
    disk.room = 1000
    log.write(b"back again")
    log.close()
    monkeypatch.undo()
    assert log.dropped_bytes == 9
    assert "No space left" in log.trouble
    kept = b"".join(raw_log(tmp_path))
    assert kept == b"01234\n[stepmill: 9 bytes of the log were dropped here]\nback again"


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_raise(tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "missing", 1000)
    log.write(b"x")
    log.close()
    assert log.trouble
    assert log.dropped_bytes == 1


@given(st.lists(pieces, max_size=4), st.integers(1, 60))
def test_another_attempt_goes_on_where_the_last_one_left_off(
    tmp_path_factory: pytest.TempPathFactory, attempts: list[list[bytes]], limit: int
) -> None:
    folder = tmp_path_factory.mktemp("job")
    whole = b""
    for written in attempts:
        if whole and not whole.endswith(b"\n"):
            whole += b"\n"
        log = LogWriter(folder, limit)
        for piece in written:
            log.write(piece)
            whole += piece
        log.close()
    kept = b"".join(raw_log(folder))
    assert kept.startswith(whole[:limit]) or len(attempts) > 1
    if len(whole) <= limit:
        assert kept == whole
    assert kept.endswith(whole[-limit:])
    # Each attempt can begin a part of its own before the last one is full.
    assert _kept(folder) <= limit + max(2 * limit, 2) + len(attempts) * (limit // 2 + 2)
