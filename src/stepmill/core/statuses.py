"""Statuses, spelt as on the wire. Source: SageMaker's and Step Functions' API references."""

from __future__ import annotations

from enum import StrEnum


class PipelineExecutionStatus(StrEnum):
    """How an execution of a pipeline stands."""

    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    COMPLETED_WITH_FAILURES = "CompletedWithFailures"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in (self.EXECUTING, self.STOPPING)


class StateMachineExecutionStatus(StrEnum):
    """How an execution of a state machine stands."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in (self.RUNNING, self.PENDING_REDRIVE)


class StepStatus(StrEnum):
    """How a step of an execution stands. A step that never started has no status."""

    STARTING = "Starting"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (self.STOPPED, self.FAILED, self.SUCCEEDED)


class JobStatus(StrEnum):
    """How a processing or training job stands."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in (self.COMPLETED, self.FAILED, self.STOPPED)
