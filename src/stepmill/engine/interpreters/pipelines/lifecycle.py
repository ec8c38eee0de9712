"""The execution as a whole: it starts, and somebody stops it."""

from __future__ import annotations

from msgspec.structs import replace

from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.engine.interpreters.commands import StopTask
from stepmill.engine.interpreters.pipelines.draft import Draft
from stepmill.engine.interpreters.pipelines.endings import (
    Ending,
    end_step,
    started_instances,
)
from stepmill.engine.interpreters.pipelines.events import (
    ExecutionStarted,
    ReusedStep,
    Selection,
    UpdateRequested,
)
from stepmill.engine.interpreters.pipelines.frames import (
    INPUTS,
    ExecutionFrame,
    InputsFrame,
    OutputFrame,
    Phase,
    StepFrame,
)
from stepmill.engine.interpreters.pipelines.gates import set_gates
from stepmill.engine.interpreters.pipelines.outcome import HistoryType

# Source: API reference, ParallelismConfiguration: without one, up to 50 steps run at once.
DEFAULT_PARALLELISM = 50


def check_stop(status: PipelineExecutionStatus) -> None:
    """Check that an execution can be stopped as it stands.

    Raises:
        WrongStateError: If it has ended.
    """
    if status.is_final:
        raise WrongStateError(f"The execution is {status}: there is nothing to stop.")


def start(draft: Draft, event: ExecutionStarted) -> None:
    """Start the execution; a second time changes nothing."""
    if draft.has_execution:
        return
    selection = event.selection
    draft.execution = ExecutionFrame(
        status=PipelineExecutionStatus.EXECUTING, parallelism=event.parallelism or DEFAULT_PARALLELISM
    )
    draft.put(
        INPUTS,
        InputsFrame(
            execution_id=event.execution_id,
            execution_arn=event.execution_arn,
            pipeline=event.pipeline,
            pipeline_arn=event.pipeline_arn,
            parameters=event.parameters,
            started_at=draft.at,
            selected=frozenset(selection.steps) if selection else None,
            source_arn=selection.source_arn if selection else "",
            uses_cache=event.uses_cache,
        ),
    )
    draft.say(HistoryType.EXECUTION_STARTED, body={"pipeline": event.pipeline})
    if selection:
        _take_over(draft, selection)
        set_gates(draft)
    else:
        draft.opened.extend((name, -1) for name, g in draft.plan.gates.items() if not g.needs and not g.loop)


def update(draft: Draft, event: UpdateRequested) -> None:
    """Let so many steps run at once from now on; what is said of an execution is no part of its state."""
    if event.parallelism is not None:
        draft.change_execution(parallelism=event.parallelism)
    draft.say(HistoryType.EXECUTION_UPDATED)


def stop(draft: Draft) -> None:
    """Ask everything that runs to end, and start nothing more."""
    if draft.execution.status is not PipelineExecutionStatus.EXECUTING:
        return
    draft.change_execution(status=PipelineExecutionStatus.STOPPING)
    draft.say(HistoryType.EXECUTION_STOPPING)
    for step in tuple(started_instances(draft)):
        if step.phase in (Phase.WAITING, Phase.QUEUED):
            end_step(draft, step, Ending(StepStatus.STOPPED, step.failure_reason))
        elif step.phase is not None:
            _stop_step(draft, step)


def _stop_step(draft: Draft, step: StepFrame) -> None:
    draft.put_step(replace(step, status=StepStatus.STOPPING))
    draft.say(HistoryType.STEP_STOPPING, step.name)
    if step.task_id:
        draft.commands.append(StopTask(step.task_id))
    else:
        draft.due_loops.append(step.name)


def _take_over(draft: Draft, selection: Selection) -> None:
    """Put the results of the steps outside the selection in place, as if they had run here."""
    for name in draft.plan.steps:
        found = selection.reused.get(name)
        if found is not None and name not in selection.steps:
            _reuse(draft, name, found, selection.source_arn)
    for name, found in selection.reused.items():
        if name not in draft.plan.steps:  # children of a ForEach: only their outputs are needed
            draft.put(f"output/{name}", OutputFrame(found.output))


def _reuse(draft: Draft, name: str, found: ReusedStep, source_arn: str) -> None:
    root = draft.execution
    draft.put_step(
        StepFrame(
            name=name,
            status=StepStatus.SUCCEEDED,
            order=root.started,
            attempt=1,
            started_at=draft.at,
            ended_at=draft.at,
            metadata=found.metadata,
            reused_from=found.source_arn or source_arn,
        )
    )
    draft.put(f"output/{name}", OutputFrame(found.output))
    draft.change_execution(started=root.started + 1)
    draft.say(HistoryType.STEP_REUSED, name, {"source": found.source_arn or source_arn})
