"""Says in SageMaker's words how a job has ended, and why.

Source: API reference, DescribeTrainingJob: FailureReason, SecondaryStatus; container contract, C1.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from stepmill.compute.spec import Ending, JobEnded
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StorageFullError,
    UnsupportedError,
)
from stepmill.core.statuses import JobStatus

LONGEST_REASON = 1024

ALGORITHM_ERROR = "AlgorithmError"
CLIENT_ERROR = "ClientError"
INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"

_READ_ONLY_HINT = (
    "Hint: inputs are read-only here, because they are shared and not copied. Write to an output folder, "
    "to /tmp or to the working directory instead."
)
# With less room than this a job's writes fail.
_ROOM_BYTES = 256 * 1024
_FULL_DISK = "The disk is full. Free some room (`stepmill gc` removes what no execution needs) and retry."
_READ_ONLY_TEXT = "Read-only file system"


@dataclass(frozen=True)
class Outcome:
    """How a job has ended.

    Args:
        status: Its last status.
        secondary: The last secondary status of a training job.
        error: Name of the error that the engine knows; empty if the job did not fail for it.
        reason: FailureReason, at most 1,024 characters; empty if there is none.
    """

    status: JobStatus
    secondary: str
    error: str = ""
    reason: str = ""


def outcome_of(
    ended: JobEnded,
    *,
    failure: str = "",
    log_tail: Sequence[str] = (),
    timeout: timedelta | None = None,
    host: str = "",
    memory: str = "",
) -> Outcome:
    """Return how a job has ended.

    Args:
        ended: What compute says.
        failure: Text of the failure file that the job wrote; may be empty.
        log_tail: Last lines of its log; stand in for a failure file.
        timeout: The one it had.
        host: Which host it was that ended so; empty if the job has one only.
        memory: Why it may use no more memory, if it is for its instance type.
    """
    match ended.ending:
        case Ending.EXITED if ended.exit_code == 0:
            return Outcome(JobStatus.COMPLETED, "Completed")
        case Ending.STOPPED:
            return Outcome(JobStatus.STOPPED, "Stopped")
        case Ending.TIMED_OUT:
            seconds = f" ({timeout.total_seconds():.0f})" if timeout else ""
            reason = f"The job ran longer than MaxRuntimeInSeconds{seconds} allows and was stopped."
            return Outcome(JobStatus.STOPPED, "MaxRuntimeExceeded", CLIENT_ERROR, reason)
        case Ending.LOST:
            text = ended.message or "the job's supervisor was killed, or the machine was restarted"
            return _failed(INTERNAL_ERROR, "InternalServerError", f"{_of(host)}The job was lost: {text}")
        case Ending.NOT_STARTED:
            text = ended.message or "the program could not be started"
            return _failed(CLIENT_ERROR, CLIENT_ERROR, f"{_of(host)}CannotStartContainerError: {text}")
    return _algorithm_error(ended, failure, log_tail, _of(host), memory)


def waited_too_long(longest_wait: timedelta | None) -> Outcome:
    """Return the end of a job on spot capacity that was not done in the time that counts the waiting, too."""
    seconds = f" ({longest_wait.total_seconds():.0f})" if longest_wait else ""
    reason = f"The job took longer, waiting for capacity included, than MaxWaitTimeInSeconds{seconds} allows."
    return Outcome(JobStatus.STOPPED, "MaxWaitTimeExceeded", CLIENT_ERROR, reason)


def full_disk_told(outcome: Outcome, free_bytes: int) -> Outcome:
    """Return how a job has ended, with a word on the disk if the job failed and no room is left on it.

    The job's own last words are often missing then: its log is on the same disk.
    """
    if not outcome.error or free_bytes > _ROOM_BYTES:
        return outcome
    reason = f"{outcome.reason[: LONGEST_REASON - len(_FULL_DISK) - 1]}\n{_FULL_DISK}"
    return replace(outcome, reason=reason)


def blame_of(error: BaseException) -> tuple[str, str]:
    """Return the engine's name of an error that ended a job, and SageMaker's word for it."""
    if isinstance(error, StorageFullError):
        return CAPACITY_ERROR, "CapacityError"
    if isinstance(error, InvalidInputError | NotFoundError | UnsupportedError | ConflictError):
        return CLIENT_ERROR, "ClientError"
    return INTERNAL_ERROR, "InternalServerError"


def cause_text(reason: str, log_tail: Sequence[str]) -> str:
    """Return for a human why a job failed: its reason, and the last lines of its log.

    Lines that stand in the reason already are not said again. Where they show a known trap there is a hint.
    """
    parts = [reason] if reason else []
    said = "\n".join(line for line in log_tail if line.strip())
    if said and said not in reason:
        parts.append("Last lines of the log:\n" + "\n".join(f"  {line}" for line in log_tail))
    if _READ_ONLY_TEXT in said:
        parts.append(_READ_ONLY_HINT)
    return "\n".join(parts)


def _of(host: str) -> str:
    return f"{host}: " if host else ""


def _algorithm_error(
    ended: JobEnded, failure: str, log_tail: Sequence[str], host: str, memory: str
) -> Outcome:
    if ended.ending is Ending.EXITED and failure.startswith(f"{CLIENT_ERROR}: "):
        # AWS's own algorithms tell by that word that data or hyperparameters are to blame.
        ending = f", exit code: {ended.exit_code}"
        text = f"{CLIENT_ERROR}: {host}{failure.strip().removeprefix(f'{CLIENT_ERROR}: ')}"
        kept = text[: LONGEST_REASON - len(ending)]
        return Outcome(JobStatus.FAILED, "Failed", CLIENT_ERROR, f"{kept}{ending}")
    text = failure.strip() or "\n".join(line for line in log_tail if line.strip())
    if ended.ending is Ending.OUT_OF_MEMORY:
        message = ended.message.rstrip(".") or "the job needed more memory than it may use"
        text = f"OutOfMemoryError: {message}{f' ({memory})' if memory else ''}"
    elif ended.ending is Ending.SIGNALLED:
        text = f"The program was ended by {_signal_name(ended.exit_code)}.\n{text}".strip()
    ending = f", exit code: {ended.exit_code}"
    # The end of a log says more than its beginning; a failure file is cut at its end, as SageMaker does.
    room = LONGEST_REASON - len(f"{ALGORITHM_ERROR}: {host}") - len(ending)
    kept = text[:room] if failure.strip() else _last_lines(text, room)
    return Outcome(JobStatus.FAILED, "Failed", ALGORITHM_ERROR, f"{ALGORITHM_ERROR}: {host}{kept}{ending}")


def _last_lines(text: str, room: int) -> str:
    """Return the end of a text; from the beginning of a line, unless that would leave out much."""
    kept = text[-room:]
    whole = kept.partition("\n")[2]
    return whole if len(kept) < len(text) and len(whole) > room // 2 else kept


def _failed(error: str, word: str, text: str) -> Outcome:
    return Outcome(JobStatus.FAILED, "Failed", error, f"{word}: {text}"[:LONGEST_REASON])


def _signal_name(exit_code: int) -> str:
    try:
        return signal.Signals(exit_code - 128).name
    except ValueError:
        return "a signal"
