"""How an execution stands, for whoever looks from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stepmill.core.json import JsonObject
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.storage.executions import StoredExecution


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """An execution as a whole.

    Args:
        id: Twelve lower-case alphanumerics.
        arn: Its Amazon resource name.
        pipeline: Name of the pipeline.
        version: Version of the pipeline; 0 where none was said.
        status: How it stands.
        failure_reason: Why it failed; empty if it did not.
        created_at: Aware, UTC.
        modified_at: When it last advanced.
        parameters: Every parameter with the value that it runs with.
        parallelism: The most steps at once; ``None``: the default of 50.
        display_name: For humans.
        description: For humans.
        selected_steps: Of a selective execution; empty: all steps run.
        source_execution: Of a selective execution: id of the one whose results it takes over.
        owner: Id of the engine that drives it; empty if none does.
        is_interrupted: Whether it is not at its end and nobody drives it: ``resume`` goes on with it.
        position: Of the last record of its history.
        definition: Digest of the document that it runs.
        role: ARN of the role that it runs under; empty where none was said.
        started_by: Name of the key of whoever started it; empty for the terminal.
        modified_by: The same, of whoever stopped, retried or changed it last.
        uses_cache: Whether steps may reuse earlier results.
    """

    id: str
    arn: str
    pipeline: str
    version: int
    status: PipelineExecutionStatus
    failure_reason: str
    created_at: datetime
    modified_at: datetime
    parameters: JsonObject
    parallelism: int | None
    display_name: str
    description: str
    selected_steps: tuple[str, ...]
    source_execution: str
    owner: str
    is_interrupted: bool
    position: int
    definition: str
    role: str = ""
    started_by: str = ""
    modified_by: str = ""
    uses_cache: bool = True


@dataclass(frozen=True, slots=True)
class SummaryPage:
    """Part of a listing; ``next_token`` is ``None`` on the last page."""

    executions: tuple[ExecutionSummary, ...]
    next_token: str | None


def summarize(stored: StoredExecution, *, is_owner_alive: bool) -> ExecutionSummary:
    """Return the summary of an execution as it is stored."""
    status = PipelineExecutionStatus(stored.status)
    details = stored.details
    return ExecutionSummary(
        id=stored.id,
        arn=details.arn,
        pipeline=stored.pipeline,
        version=details.version,
        status=status,
        failure_reason=details.failure_reason,
        created_at=stored.created_at,
        modified_at=stored.modified_at,
        parameters=details.parameters,
        parallelism=details.parallelism,
        display_name=details.display_name,
        description=details.description,
        selected_steps=details.selected_steps,
        source_execution=details.source_execution,
        owner=stored.owner if is_owner_alive else "",
        is_interrupted=not status.is_final and not is_owner_alive,
        position=stored.position,
        definition=details.definition,
        role=details.role,
        started_by=details.started_by,
        modified_by=details.modified_by,
        uses_cache=details.uses_cache,
    )
