"""Reports on tasks, and timers. One that nobody waits for (late, twice, unknown) changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stepmill.core.json import Json
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.core.tasks import TaskFailed, TaskReport, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.pipelines import loops
from stepmill.engine.interpreters.pipelines.beginnings import (
    CLIENT_ERROR,
    begin_again,
    carry_on,
    fail_step,
)
from stepmill.engine.interpreters.pipelines.draft import Draft, ready_key
from stepmill.engine.interpreters.pipelines.endings import Ending, end_step, failure, merged
from stepmill.engine.interpreters.pipelines.frames import Phase, ReadsFrame, ReadyFrame, StepFrame
from stepmill.engine.interpreters.pipelines.naming import retry_timer, step_of_task, step_of_timer
from stepmill.engine.interpreters.pipelines.outcome import HistoryType
from stepmill.engine.interpreters.pipelines.retrying import schedule_retry


def take_report(draft: Draft, report: TaskReport) -> None:
    """Take what is reported on a task, if its step waits for that."""
    step = draft.step(step_of_task(report.task_id))
    if step is None or not step.task_id or step.task_id != report.task_id:
        return
    match report:
        case TaskStarted():
            _take_start(draft, step, report)
        case TaskSucceeded() if step.phase is Phase.READING:
            _take_values(draft, step, report.output)
        case TaskSucceeded():
            _take_success(draft, step, report)
        case TaskFailed():
            _take_failure(draft, step, report)
        case TaskStopped():
            end_step(draft, step, _ending(StepStatus.STOPPED, report.cause, report))


def take_timer(draft: Draft, timer_id: str) -> None:
    """Let a step whose wait is over try again."""
    step = draft.step(step_of_timer(timer_id))
    if step is None or step.phase is not Phase.WAITING or retry_timer(step.name, step.attempt) != timer_id:
        return
    if not draft.planned(step).resource:
        begin_again(draft, step)
        return
    root = draft.execution
    draft.put_step(replace(step, phase=Phase.QUEUED))
    draft.put(ready_key(root.tail), ReadyFrame(step=step.name))
    draft.change_execution(tail=root.tail + 1)


def _take_start(draft: Draft, step: StepFrame, report: TaskStarted) -> None:
    if step.phase is not Phase.WORKING:
        return
    is_new = step.status is StepStatus.STARTING
    notes = step.notes + tuple(note for note in report.notes if note not in step.notes)
    after = replace(
        step,
        status=StepStatus.EXECUTING if is_new else step.status,
        metadata=merged(step.metadata, report.metadata),
        notes=notes,
    )
    if after != step:
        draft.put_step(after)
        body: dict[str, Json] = {"metadata": after.metadata, "notes": list(report.notes)}
        draft.say(HistoryType.STEP_RUNNING, step.name, {key: each for key, each in body.items() if each})


def _take_values(draft: Draft, step: StepFrame, output: Json) -> None:
    if draft.execution.status is PipelineExecutionStatus.STOPPING:
        end_step(draft, step, Ending(StepStatus.STOPPED))
        return
    reads = draft.reads(step.name)
    values = output.get("values") if isinstance(output, Mapping) else None
    if not isinstance(values, list | tuple) or len(values) != len(reads.asked):
        fail_step(draft, step, CLIENT_ERROR, "The JSON files were read, but not as many values came back.")
        return
    found = tuple((uri, path, value) for (uri, path), value in zip(reads.asked, values, strict=True))
    draft.put(f"reads/{step.name}", ReadsFrame(reads.values + found, (), reads.rounds))
    carry_on(draft, replace(step, phase=None, task_id=""))


def _take_success(draft: Draft, step: StepFrame, report: TaskSucceeded) -> None:
    ending = Ending(
        StepStatus.SUCCEEDED,
        output=report.output,
        has_output=True,
        metadata=report.metadata,
        cached_from=report.cached_from,
    )
    end_step(draft, step, ending)
    if step.parent:
        loops.note_candidate(draft, step)


def _take_failure(draft: Draft, step: StepFrame, report: TaskFailed) -> None:
    is_stop = draft.execution.status is PipelineExecutionStatus.STOPPING
    if is_stop or not schedule_retry(draft, step, report):
        reason = failure(report.error, report.cause)
        end_step(draft, step, _ending(StepStatus.FAILED, reason, report))


def _ending(status: StepStatus, reason: str, report: TaskFailed | TaskStopped) -> Ending:
    has_output = report.output is not None
    return Ending(status, reason, report.output, has_output=has_output, metadata=report.metadata)
