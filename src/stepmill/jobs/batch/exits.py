"""How an attempt ended, in Batch's words, and whether the job is tried again. Pure.

Source: Batch user guide, "Automated job retries", "Job timeouts"; API reference, EvaluateOnExit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stepmill.compute.spec import Ending, JobEnded
from stepmill.core.errors import StepmillError
from stepmill.jobs.batch.job import Attempt

EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"
NOT_STARTED = "Task failed to start"
LOST = "Host EC2 (this machine) terminated."
DEPENDENCY_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_LONGEST_REASON = 4096
# That of a program which was killed.
_KILLED = 137


def attempt_of(ended: JobEnded, stream: str) -> Attempt:
    """Return an attempt whose program ended.

    Args:
        ended: What compute says.
        stream: Of its log.
    """
    started, stopped = milliseconds(ended.started_at), milliseconds(ended.ended_at)
    code: int | None = ended.exit_code if ended.exit_code >= 0 else _KILLED
    status_reason, reason = EXITED, ""
    match ended.ending:
        case Ending.TIMED_OUT:
            status_reason = TIMED_OUT
        case Ending.OUT_OF_MEMORY:
            reason = _OUT_OF_MEMORY
        case Ending.LOST:
            status_reason, code, reason = LOST, None, ended.message
        case Ending.NOT_STARTED:
            status_reason, code = NOT_STARTED, None
            reason = f"CannotStartContainerError: {ended.message or 'the program could not be started'}"
    return Attempt(stream, status_reason, code, reason[:_LONGEST_REASON], started, stopped)


def attempt_not_begun(error: StepmillError, stream: str, now_ms: int) -> Attempt:
    """Return an attempt that could not be begun: its image is unknown, or its environment cannot be built."""
    reason = f"CannotPullContainerError: {error}"[:_LONGEST_REASON]
    return Attempt(stream, NOT_STARTED, None, reason, 0, now_ms)


def is_tried_again(attempt: Attempt, number: int, retries: Mapping[str, Any]) -> bool:
    """Return whether a job is tried again.

    Args:
        attempt: That failed.
        number: Of it, from 1.
        retries: ``retryStrategy``.

    Example:
        >>> retries = {"attempts": 3, "evaluateOnExit": [{"onExitCode": "1*", "action": "EXIT"}]}
        >>> [is_tried_again(Attempt("s", EXITED, code), 1, retries) for code in (137, 2)]
        [False, True]
    """
    if number >= retries.get("attempts", 1) or attempt.status_reason == TIMED_OUT:
        return False
    conditions: Sequence[Mapping[str, Any]] = retries.get("evaluateOnExit") or ()
    code = "" if attempt.exit_code is None else str(attempt.exit_code)
    for condition in conditions:
        said = (
            (condition.get("onStatusReason"), attempt.status_reason),
            (condition.get("onReason"), attempt.reason),
            (condition.get("onExitCode"), code),
        )
        if all(_fits(str(pattern), text) for pattern, text in said if pattern is not None):
            return str(condition.get("action", "")).upper() == "RETRY"
    return True


def milliseconds(moment: datetime) -> int:
    """Return a moment in milliseconds since the epoch."""
    return int(moment.timestamp() * 1000)


def _fits(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
