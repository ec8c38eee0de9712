"""Values for tests of what keeps and drives executions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stepmill.storage.executions import PIPELINES, ExecutionDetails, NewExecution

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/"


def new_execution(
    execution: str = "abc",
    *,
    pipeline: str = "P",
    owner: str = "me",
    after_s: int = 0,
    definition: str = "{}",
    version: int = 3,
) -> NewExecution:
    return NewExecution(
        id=execution,
        language=PIPELINES,
        pipeline=pipeline,
        status="Executing",
        owner=owner,
        created_at=NOON + timedelta(seconds=after_s),
        details=ExecutionDetails(arn=ARN + execution, definition=f"digest of {definition}", version=version),
        definition=definition,
        first_event='{"type":"ExecutionStarted"}',
    )


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, duration: timedelta) -> None:
        self._now += duration
