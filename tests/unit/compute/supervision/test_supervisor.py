from __future__ import annotations

import signal
import struct
from pathlib import Path

import pytest

from stepmill.compute.supervision import supervisor
from stepmill.compute.supervision.files import Started, claim
from stepmill.compute.supervision.launch import Report, read_report
from stepmill.compute.supervision.threads import ThreadCounts, _wanted


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (0, (0, False)),
        (256, (1, False)),
        (127 << 8, (127, False)),
        (9, (137, True)),
        (11 | 0x80, (139, True)),
    ],
)
def test_wait_statuses_become_exit_codes(status: int, found: tuple[int, bool]) -> None:
    assert supervisor._decode(status) == found


def test_an_unknown_status_is_minus_one() -> None:
    assert supervisor._decode(None) == (-1, False)


def test_signals_have_names() -> None:
    assert supervisor._signal_name(signal.SIGKILL) == "SIGKILL"
    assert supervisor._signal_name(63) == "signal 63"


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (b"", Report()),
        (b"R", Report()),
        (b"RS" + struct.pack("=i", 256), Report(wait_status=256, is_clean=True)),
        (b"Rs" + struct.pack("=i", 0), Report(wait_status=0)),
        (b"RS\x00", Report()),
        (b"E" + struct.pack("=H", 4) + b"nope", Report(error="nope")),
        (b"RE" + struct.pack("=H", 4) + b"nopeS" + struct.pack("=i", 127), Report(error="nope")),
        (b"E", Report()),
        (b"E" + struct.pack("=H", 1) + b"\xff", Report(error="\ufffd")),
    ],
)
def test_reports_are_read_however_much_of_them_came(data: bytes, report: Report) -> None:
    assert read_report(data) == report


def test_a_lost_job_began_when_its_claim_says(tmp_path: Path) -> None:
    assert supervisor.lost(tmp_path, 7.0).started_at == 7.0
    claim(tmp_path, Started(3.0, "none"))
    record = supervisor.lost(tmp_path, 7.0)
    assert (record.ending, record.exit_code, record.started_at, record.ended_at) == ("lost", -1, 3.0, 7.0)


def test_the_beginning_of_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert supervisor._beginning(tmp_path / "log") == ""
    (tmp_path / "log").write_bytes(b" bwrap: no\n" + b"x" * 10_000)
    assert supervisor._beginning(tmp_path / "log").startswith("bwrap: no")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, 0),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2,1"}, 4),
        ({"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "3"}, 2),
        ({"OMP_NUM_THREADS": "0"}, 0),
        ({"OMP_NUM_THREADS": "many"}, 0),
        ({"OMP_NUM_THREADS": ""}, 0),
    ],
)
def test_thread_counts_are_read_as_the_libraries_do(environment: dict[str, str], wanted: int) -> None:
    assert _wanted(environment, ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")) == wanted


def test_a_process_without_numeric_libraries_has_nothing_to_restore() -> None:
    ThreadCounts().restore({"OMP_NUM_THREADS": "1"})
