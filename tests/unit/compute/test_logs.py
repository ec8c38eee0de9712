from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute import logs
from stepmill.compute.logs import follow_log, log_lines, raw_log, read_log, tail_log
from stepmill.compute.supervision.files import ExitRecord, RecordWriter, Started, claim
from stepmill.compute.supervision.pump import LogWriter

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class _Log:
    """A log whose pieces come in a second apart."""

    def __init__(self, folder: Path, limit: int = 10_000) -> None:
        self.folder = folder
        self._seconds = -1
        self._writer = LogWriter(folder, limit, now=self._tick)

    def _tick(self) -> int:
        return int((_NOON + timedelta(seconds=self._seconds)).timestamp() * 1_000_000)

    def write(self, data: bytes) -> None:
        self._seconds += 1
        self._writer.write(data)

    def close(self) -> None:
        self._writer.close()


def _write(folder: Path, *pieces: bytes, limit: int = 10_000) -> Path:
    log = _Log(folder, limit)
    for piece in pieces:
        log.write(piece)
    log.close()
    return folder


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    assert list(raw_log(tmp_path)) == []
    assert read_log(tmp_path) == ""
    assert read_log(tmp_path / "missing", tail=3) == ""
    assert list(log_lines(tmp_path)) == []
    assert tail_log(tmp_path, 5) == ()


def test_lines_have_the_time_of_their_first_byte(tmp_path: Path) -> None:
    _write(tmp_path, b"one\ntw", b"o\n", b"three")
    found = [(line.text, (line.at - _NOON).seconds) for line in log_lines(tmp_path)]
    assert found == [("one", 0), ("two", 0), ("three", 2)]


def test_what_is_not_utf8_is_replaced_and_carriage_returns_stay(tmp_path: Path) -> None:
    _write(tmp_path, b"\xff\xfe\n10%\r20%\n\n")
    assert [line.text for line in log_lines(tmp_path)] == ["\ufffd\ufffd", "10%\r20%", ""]


def test_a_character_that_comes_in_two_pieces_is_whole(tmp_path: Path) -> None:
    _write(tmp_path, "ä".encode()[:1], "ä".encode()[1:] + b"\n")
    assert [line.text for line in log_lines(tmp_path)] == ["ä"]


def test_a_very_long_line_comes_in_pieces(tmp_path: Path) -> None:
    _write(tmp_path, b"x" * 200_000 + b"\nend\n", limit=1_000_000)
    lengths = [len(line.text) for line in log_lines(tmp_path)]
    assert lengths == [65536, 65536, 65536, 200_000 - 3 * 65536, 3]


def test_what_was_dropped_is_told_in_a_line(tmp_path: Path) -> None:
    _write(tmp_path, *(f"line {n:02}\n".encode() for n in range(50)), limit=40)
    found = [line.text for line in log_lines(tmp_path)]
    assert found[:5] == ["line 00", "line 01", "line 02", "line 03", "line 04"]
    assert found[5].startswith("[stepmill: ")
    assert found[-1] == "line 49"


@given(
    st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\xff", b"\xc3\xa4"]), max_size=60),
    st.integers(0, 12),
)
def test_the_tail_is_the_end_of_all_lines(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], count: int
) -> None:
    folder = _write(tmp_path_factory.mktemp("job"), *pieces)
    every = [line.text for line in log_lines(folder)]
    assert list(tail_log(folder, count)) == (every[-count:] if count else [])
    text = b"".join(pieces).decode("utf-8", "replace")
    assert read_log(folder) == text
    assert every == text.removesuffix("\n").split("\n") or (not text and not every)


def test_the_tail_of_a_large_log_needs_only_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, *(f"{n}\n".encode() * 1000 for n in range(500)), limit=10_000_000)
    monkeypatch.setattr(logs, "_PIECE_BYTES", 64)
    assert tail_log(tmp_path, 2) == ("499", "499")
    assert read_log(tmp_path, tail=2) == "499\n499\n"


def test_the_tail_goes_on_over_parts_and_gaps(tmp_path: Path) -> None:
    _write(tmp_path, *(f"{n:03}\n".encode() for n in range(100)), limit=20)
    found = tail_log(tmp_path, 100)
    assert found[-3:] == ("097", "098", "099")
    assert any(line.startswith("[stepmill: ") for line in found)
    assert found[0] == "000"


def test_the_tail_of_one_endless_line_is_bounded(tmp_path: Path) -> None:
    _write(tmp_path, b"x" * 6_000_000, limit=20_000_000)
    (line,) = tail_log(tmp_path, 3)
    assert len(line) == logs.LONGEST_LINE_BYTES


def test_following_ends_with_the_job_and_loses_nothing(tmp_path: Path) -> None:
    log = _Log(tmp_path, 1000)
    claim(tmp_path, Started(0.0, "none"))
    turns = iter(range(100))

    def wait(_: float) -> None:
        turn = next(turns)
        log.write(f"line {turn}\npart".encode())
        if turn == 3:
            log.write(b" of the last")
            log.close()
            RecordWriter(tmp_path).write(ExitRecord("exited", 0, 0.0, 1.0))

    (tmp_path / "supervisor.lock").touch()
    holder = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "folder_state", lambda _: None)
        found = [line.text for line in follow_log(tmp_path, wait=wait)]
    holder.set()
    assert found == ["line 0", "partline 1", "partline 2", "partline 3", "part of the last"]


def test_following_ends_when_nobody_wants_more(tmp_path: Path) -> None:
    _write(tmp_path, b"one\n")
    assert [line.text for line in follow_log(tmp_path, keep_on=lambda: False)] == ["one"]


def test_following_a_lost_job_ends(tmp_path: Path) -> None:
    _write(tmp_path, b"one\ntwo")
    claim(tmp_path, Started(0.0, "none"))
    assert [line.text for line in follow_log(tmp_path)] == ["one", "two"]


def test_a_part_that_vanishes_meanwhile_is_told_as_a_gap(tmp_path: Path) -> None:
    log = _Log(tmp_path, 10)
    log.write(b"0123456789")
    reader = logs.LogReader(tmp_path)
    assert list(reader.read(final=False)) == []
    for n in range(20):
        log.write(f"{n:04}\n".encode())
    log.close()
    found = [line.text for line in reader.read(final=True)]
    assert found[0] == "0123456789"
    assert found[1].startswith("[stepmill: ")
    assert found[-1] == "0019"


def test_torn_times_do_not_matter(tmp_path: Path) -> None:
    _write(tmp_path, b"one\n", b"two\n")
    times = tmp_path / "log.times"
    times.write_bytes(times.read_bytes()[:-3])
    assert [line.text for line in log_lines(tmp_path)] == ["one", "two"]
    times.unlink()
    assert [line.text for line in log_lines(tmp_path)] == ["one", "two"]
