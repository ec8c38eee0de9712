"""The attempts at a job: when it is begun again, how long it may still take, and what its record says of it.

Pure. A job on spot capacity is begun again after each interruption, and one with a retry strategy when it was
lost through no fault of its own.

Source: developer guide, "Managed Spot Training"; API reference, StoppingCondition: both times are those of
all attempts in total; RetryStrategy; TrainingJob, SecondaryStatus.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from stepmill.compute.spec import Ending, JobEnded
from stepmill.jobs.records import Attempt, JobState
from stepmill.jobs.requests.common import JobRequest

INTERRUPTED = "Interrupted"
RESTARTING = "Restarting"

# A job that has no time left is begun and stopped, so that it ends like any other that took too long.
_LEAST = timedelta(milliseconds=100)


@dataclass(frozen=True)
class TimeLeft:
    """How long an attempt may take.

    Args:
        timeout: After which it is stopped; ``None``: never.
        is_wait: Whether it is the time that counts the waiting, too, which ends first.
    """

    timeout: timedelta | None
    is_wait: bool = False


def why_again(request: JobRequest, state: JobState, ended: JobEnded) -> str:
    """Return the secondary status of a job that is to be begun again; empty if it has ended for good."""
    if state.stop_requested:
        return ""
    if state.interrupting and ended.ending is Ending.STOPPED:
        return INTERRUPTED
    lost = sum(attempt.then == RESTARTING for attempt in state.attempts)
    return RESTARTING if ended.ending is Ending.LOST and lost < request.retries else ""


def time_left(request: JobRequest, state: JobState, now: datetime) -> TimeLeft:
    """Return how long an attempt that begins now may take."""
    run = None if request.timeout is None else request.timeout - _used(state.attempts)
    until = end_of_waiting(request, state)
    if until is None or (run is not None and run <= until - now):
        return TimeLeft(None if run is None else max(run, _LEAST))
    return TimeLeft(max(until - now, _LEAST), is_wait=True)


def end_of_waiting(request: JobRequest, state: JobState) -> datetime | None:
    """Return when a job is stopped, waiting or not: MaxWaitTimeInSeconds after it was asked for."""
    if request.longest_wait is None or not state.transitions:
        return None
    return state.transitions[0].at + request.longest_wait


def paused(state: JobState, ended: JobEnded, then: str, now: datetime, resumes_at: datetime) -> JobState:
    """Return the state of a job one of whose attempts has ended, and that waits for the next.

    Args:
        state: How it stood.
        ended: How the attempt ended.
        then: Why it is begun again: ``Interrupted`` or ``Restarting``.
        now: The moment.
        resumes_at: When it is to be begun again.
    """
    attempt = Attempt(ended.started_at, ended.ended_at, then)
    return msgspec.structs.replace(
        state.entered(then, now),
        attempts=(*state.attempts, attempt),
        started_at=state.started_at or ended.started_at,
        interrupting=False,
        resumes_at=resumes_at,
    )


def remark(request: JobRequest, then: str, attempt: int) -> str:
    """Return what is said of an attempt that has ended and that another one follows.

    Args:
        request: What the job was asked.
        then: Why it is begun again.
        attempt: Which one has ended; the first is 0.
    """
    which = f"attempt {attempt + 1}"
    from_where = (
        "it goes on from its last checkpoint"
        if request.document.get("CheckpointConfig")
        else "it has no CheckpointConfig and starts from nothing"
    )
    if then == RESTARTING:
        return f"{which} was lost: {from_where}"
    return f"{which} was interrupted, its spot capacity taken away: {from_where}"


def resumed(state: JobState, now: datetime) -> JobState:
    """Return the state of a job that has waited and is begun again."""
    state = msgspec.structs.replace(state, resumes_at=None)
    return state.entered("Starting", now).entered("Downloading", now)


def waiting(state: JobState, now: datetime) -> JobState:
    """Return the state of a job that waits for the machine: nothing is downloaded for it yet."""
    transitions = state.transitions
    if transitions and transitions[-1].status == "Downloading":
        transitions = transitions[:-1]
    state = msgspec.structs.replace(state, transitions=transitions, secondary="Pending")
    return state.entered("Pending", now)


def all_attempts(state: JobState, ended: JobEnded | None, now: datetime) -> tuple[Attempt, ...]:
    """Return the attempts at a job that has ended; none if it was never begun again."""
    if not state.attempts or ended is None:
        return state.attempts
    return (*state.attempts, Attempt(ended.started_at, now))


def _used(attempts: tuple[Attempt, ...]) -> timedelta:
    return sum((attempt.ended_at - attempt.started_at for attempt in attempts), timedelta())
