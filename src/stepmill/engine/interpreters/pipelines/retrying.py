"""Retry policies: whether a failed attempt is tried again, and when.

Source: SageMaker developer guide, "Retry Policy for Pipeline Steps". Step.SERVICE_FAULT and
Step.THROTTLING are retried without a policy too; with one, it replaces the default. A failure of
the user's own code matches no policy.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from stepmill.core.clock import as_text
from stepmill.core.json import JsonObject
from stepmill.core.tasks import TaskFailed
from stepmill.engine.interpreters.commands import SetTimer
from stepmill.engine.interpreters.pipelines.draft import Draft
from stepmill.engine.interpreters.pipelines.endings import failure, merged, release_slot
from stepmill.engine.interpreters.pipelines.frames import Phase, StepFrame
from stepmill.engine.interpreters.pipelines.naming import retry_timer
from stepmill.engine.interpreters.pipelines.outcome import HistoryType
from stepmill.language.pipelines.definition import RetryPolicy, Step

DEFAULT_POLICY = RetryPolicy(exception_types=("Step.SERVICE_FAULT", "Step.THROTTLING"))
# Used in place of a policy's index in the definition.
DEFAULT_INDEX = -1
# The longest wait: twelve hours of IntervalSeconds grow past what a timedelta can hold within a
# few dozen attempts, and ExpireAfterMin ends every policy that may try more often after ten days.
LONGEST_WAIT = timedelta(days=10)


def matching_policy(step: Step, error: str) -> tuple[int, RetryPolicy] | None:
    """Return the first policy for an error, with its index in the definition (-1: the default one)."""
    for index, policy in enumerate(step.retry_policies):
        if error in policy.exception_types:
            return index, policy
    return (DEFAULT_INDEX, DEFAULT_POLICY) if error in DEFAULT_POLICY.exception_types else None


def retry_delay(policy: RetryPolicy, retry: int) -> timedelta:
    """Return the wait before a retry, counted from 1: interval x rate^(retry-1), ten days at most.

    Example:
        >>> retry_delay(RetryPolicy(("Step.THROTTLING",), timedelta(seconds=2), 3.0), 3)
        datetime.timedelta(seconds=18)
    """
    try:
        seconds = policy.interval.total_seconds() * policy.backoff_rate ** (retry - 1)
    except OverflowError:
        return LONGEST_WAIT
    return timedelta(seconds=seconds) if seconds < LONGEST_WAIT.total_seconds() else LONGEST_WAIT


def next_attempt(
    policy: RetryPolicy, retries: int, *, first_start: datetime, at: datetime
) -> datetime | None:
    """Return the moment of the next attempt; ``None`` if the policy allows no more.

    Args:
        policy: The one that matches.
        retries: How often it was used already.
        first_start: Of the step.
        at: When the attempt failed.
    """
    if policy.max_attempts is not None and retries >= policy.max_attempts:
        return None
    due_at = at + retry_delay(policy, retries + 1)
    if policy.expire_after is not None and due_at > first_start + policy.expire_after:
        return None
    return due_at


def schedule_retry(draft: Draft, step: StepFrame, report: TaskFailed) -> bool:
    """Let the step wait for its next attempt, if a policy allows one. Tell whether it does."""
    found = matching_policy(draft.planned(step).step, report.error)
    if found is None:
        return False
    index, policy = found
    retries = step.retries.get(str(index), 0)
    due_at = next_attempt(policy, retries, first_start=step.started_at, at=draft.at)
    if due_at is None:
        return False
    reason = failure(report.error, report.cause)
    draft.put_step(
        replace(
            release_slot(draft, step),
            phase=Phase.WAITING,
            task_id="",
            retries={**step.retries, str(index): retries + 1},
            failure_reason=reason,
            metadata=merged(step.metadata, report.metadata),
        )
    )
    draft.drop(f"reads/{step.name}")
    draft.commands.append(SetTimer(retry_timer(step.name, step.attempt), due_at))
    body: JsonObject = {"attempt": step.attempt, "reason": reason, "at": as_text(due_at)}
    draft.say(HistoryType.STEP_RETRY_SCHEDULED, step.name, body)
    return True
