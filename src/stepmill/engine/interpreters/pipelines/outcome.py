"""What one event leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stepmill.core.json import JsonObject
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.interpreters.commands import Command
from stepmill.engine.interpreters.pipelines.frames import Frame


class HistoryType(StrEnum):
    """What can happen to an execution and to its steps."""

    EXECUTION_STARTED = "ExecutionStarted"
    EXECUTION_RETRIED = "ExecutionRetried"
    EXECUTION_UPDATED = "ExecutionUpdated"
    EXECUTION_STOPPING = "ExecutionStopping"
    EXECUTION_STOPPED = "ExecutionStopped"
    EXECUTION_FAILED = "ExecutionFailed"
    EXECUTION_SUCCEEDED = "ExecutionSucceeded"
    EXECUTION_COMPLETED_WITH_FAILURES = "ExecutionCompletedWithFailures"
    STEP_STARTED = "StepStarted"
    STEP_RUNNING = "StepRunning"
    STEP_RETRY_SCHEDULED = "StepRetryScheduled"
    STEP_STOPPING = "StepStopping"
    STEP_STOPPED = "StepStopped"
    STEP_FAILED = "StepFailed"
    STEP_SUCCEEDED = "StepSucceeded"
    STEP_CACHE_HIT = "StepCacheHit"
    STEP_SKIPPED = "StepSkipped"
    STEP_REUSED = "StepReused"


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """A fact for the history of an execution.

    Args:
        type: What happened, in the past tense; a ``HistoryType``.
        step: Name of the step; empty for what concerns the whole execution.
        body: A little more about it, for who watches.
    """

    type: HistoryType
    step: str = ""
    body: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advance:
    """What the engine must record, in one transaction, and then do.

    Args:
        frames: The changed frames by key; ``None``: to be deleted.
        history: What happened, in order.
        commands: What is to be done, in order.
        status: The execution's new status, if it changed.
        failure_reason: With a new status: why it failed; else empty.
    """

    frames: Mapping[str, Frame | None] = field(default_factory=dict)
    history: tuple[HistoryEvent, ...] = ()
    commands: tuple[Command, ...] = ()
    status: PipelineExecutionStatus | None = None
    failure_reason: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed: the event was a duplicate, or too late."""
        return not (self.frames or self.history or self.commands)
