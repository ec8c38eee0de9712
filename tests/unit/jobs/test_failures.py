"""How a job has ended, in SageMaker's words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.spec import Ending, JobEnded
from stepmill.core.statuses import JobStatus
from stepmill.jobs.failures import LONGEST_REASON, Outcome, cause_text, full_disk_told, outcome_of
from support.job_data import T0


def ended(ending: Ending, exit_code: int = -1, message: str = "") -> JobEnded:
    return JobEnded("job", ending, exit_code, T0, T0, message)


def test_exit_code_zero_is_completed() -> None:
    outcome = outcome_of(ended(Ending.EXITED, 0), failure="left over")
    assert (outcome.status, outcome.secondary, outcome.error, outcome.reason) == (
        JobStatus.COMPLETED,
        "Completed",
        "",
        "",
    )


def test_a_failure_file_is_the_reason() -> None:
    outcome = outcome_of(ended(Ending.EXITED, 2), failure="ValueError: no data\n", log_tail=["x"])
    assert outcome.reason == "AlgorithmError: ValueError: no data, exit code: 2"
    assert (outcome.status, outcome.error) == (JobStatus.FAILED, "AlgorithmError")


@pytest.mark.parametrize(
    ("end", "failure", "reason"),
    [
        (ended(Ending.EXITED, 2), "no data", "AlgorithmError: algo-2: no data, exit code: 2"),
        (ended(Ending.EXITED, 2), "ClientError: bad", "ClientError: algo-2: bad, exit code: 2"),
        (ended(Ending.LOST, message="gone"), "", "InternalServerError: algo-2: The job was lost: gone"),
        (
            ended(Ending.NOT_STARTED, message="why"),
            "",
            "ClientError: algo-2: CannotStartContainerError: why",
        ),
    ],
)
def test_of_several_hosts_the_one_that_failed_is_named(end: JobEnded, failure: str, reason: str) -> None:
    assert outcome_of(end, failure=failure, host="algo-2").reason == reason


def test_a_long_reason_keeps_host_and_exit_code() -> None:
    reason = outcome_of(ended(Ending.EXITED, 2), failure="x" * 5000, host="algo-2").reason
    assert len(reason) == LONGEST_REASON
    assert reason.startswith("AlgorithmError: algo-2: xxx")
    assert reason.endswith("x, exit code: 2")


def test_without_one_the_log_is() -> None:
    outcome = outcome_of(ended(Ending.EXITED, 1), log_tail=["Traceback ...", "", "ValueError: x"])
    assert outcome.reason == "AlgorithmError: Traceback ...\nValueError: x, exit code: 1"


def test_a_long_failure_file_keeps_its_head_and_a_long_log_its_end() -> None:
    by_file = outcome_of(ended(Ending.EXITED, 1), failure="head" + "x" * 5000).reason
    by_log = outcome_of(ended(Ending.EXITED, 1), log_tail=["x" * 5000, "end"]).reason
    assert len(by_file) == len(by_log) == LONGEST_REASON
    assert by_file.startswith("AlgorithmError: headxxx")
    assert by_log.endswith("x\nend, exit code: 1")


def test_the_end_of_a_log_begins_with_a_line() -> None:
    lines = [f"line {number} " + "x" * 90 for number in range(30)]
    reason = outcome_of(ended(Ending.EXITED, 1), log_tail=lines).reason
    assert reason.startswith("AlgorithmError: line ")
    assert reason.endswith(f"{lines[-1]}, exit code: 1")
    assert len(reason) <= LONGEST_REASON


def test_a_signal_is_named() -> None:
    reason = outcome_of(ended(Ending.SIGNALLED, 139), log_tail=["last"]).reason
    assert "SIGSEGV" in reason
    assert reason.endswith("last, exit code: 139")


def test_memory() -> None:
    outcome = outcome_of(ended(Ending.OUT_OF_MEMORY, 137), log_tail=["working"])
    assert outcome.reason.startswith("AlgorithmError: OutOfMemoryError: ")
    assert outcome.error == "AlgorithmError"


def test_time() -> None:
    outcome = outcome_of(ended(Ending.TIMED_OUT, 143), timeout=timedelta(seconds=60))
    assert (outcome.status, outcome.secondary) == (JobStatus.STOPPED, "MaxRuntimeExceeded")
    assert outcome.error == "ClientError"
    assert "MaxRuntimeInSeconds (60)" in outcome.reason


def test_stopped_is_no_failure() -> None:
    outcome = outcome_of(ended(Ending.STOPPED, 143))
    assert (outcome.status, outcome.error, outcome.reason) == (JobStatus.STOPPED, "", "")


def test_a_lost_job_may_be_tried_again() -> None:
    outcome = outcome_of(ended(Ending.LOST))
    assert outcome.error == "SageMaker.JOB_INTERNAL_ERROR"
    assert outcome.reason.startswith("InternalServerError: ")


def test_a_program_that_cannot_be_started() -> None:
    outcome = outcome_of(ended(Ending.NOT_STARTED, message="no such file: trian"))
    assert outcome.error == "ClientError"
    assert "no such file: trian" in outcome.reason


@given(
    st.sampled_from(Ending),
    st.integers(-1, 255),
    st.text(max_size=3000),
    st.text(max_size=3000),
    st.lists(st.text(max_size=600), max_size=5),
)
def test_every_ending_has_an_outcome_within_the_limits(
    ending: Ending, code: int, message: str, failure: str, tail: list[str]
) -> None:
    outcome = outcome_of(ended(ending, code, message), failure=failure, log_tail=tail)
    assert len(outcome.reason) <= LONGEST_REASON
    assert outcome.status.is_final
    assert bool(outcome.error) == bool(outcome.reason)


@pytest.mark.parametrize(
    ("lines", "hinted"), [(["OSError: [Errno 30] Read-only file system: 'x'"], True), (["x"], False)]
)
def test_a_known_trap_is_explained(lines: list[str], hinted: bool) -> None:
    assert ("inputs are read-only" in cause_text("", lines)) is hinted


def test_a_reason_and_the_log_s_last_lines() -> None:
    assert cause_text("AlgorithmError: bad", ["a", "", "b"]) == (
        "AlgorithmError: bad\nLast lines of the log:\n  a\n  \n  b"
    )


def test_lines_that_are_the_reason_are_not_said_again() -> None:
    assert (
        cause_text("AlgorithmError: a\nb, exit code: 1", ["a", "", "b"])
        == "AlgorithmError: a\nb, exit code: 1"
    )


def test_no_log_no_text() -> None:
    assert cause_text("", []) == ""
    assert cause_text("why", ["", ""]) == "why"


def test_a_full_disk_is_told_of_a_failed_job_alone() -> None:
    failed = Outcome(JobStatus.FAILED, "Failed", "AlgorithmError", "x" * LONGEST_REASON)
    told = full_disk_told(failed, 0)
    assert told.reason.endswith(
        "\nThe disk is full. Free some room (`stepmill gc` removes what no execution needs) and retry."
    )
    assert len(told.reason) == LONGEST_REASON
    assert full_disk_told(failed, 10**9) == failed
    done = Outcome(JobStatus.COMPLETED, "Completed")
    assert full_disk_told(done, 0) == done
