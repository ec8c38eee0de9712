"""Steps begin: a Condition chooses its branch, a Fail step fails, a ForEach lays out its items, and
every other step asks for the outside work that it stands for.

What a step needs from JSON files is read first, by a task of its own; then it goes on here.
"""

from __future__ import annotations

from msgspec.structs import replace

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.core.statuses import StepStatus
from stepmill.core.tasks import Task
from stepmill.engine.interpreters.commands import StartTask
from stepmill.engine.interpreters.pipelines import loops
from stepmill.engine.interpreters.pipelines.deciding import decide
from stepmill.engine.interpreters.pipelines.draft import Draft, body_step
from stepmill.engine.interpreters.pipelines.endings import Ending, end_step, failure
from stepmill.engine.interpreters.pipelines.frames import Phase, ReadsFrame, StepFrame
from stepmill.engine.interpreters.pipelines.naming import read_id
from stepmill.engine.interpreters.pipelines.outcome import HistoryType
from stepmill.engine.interpreters.pipelines.plan import READ_JSON
from stepmill.engine.interpreters.pipelines.requests import make_task
from stepmill.engine.interpreters.pipelines.resolving import Resolver
from stepmill.language.pipelines.definition import StepType

# What the caller of an operation gets for a request that cannot be taken; no policy retries it.
CLIENT_ERROR = "ClientError"


def begin_step(draft: Draft, name: str, *, loop: str = "", index: int = -1) -> None:
    """Start the first attempt of a step, or the first since the execution was retried."""
    before = draft.step(name)
    planned = draft.plan.steps[body_step(name, index)]
    root = draft.execution
    takes_slot = bool(planned.resource)
    frame = StepFrame(
        name=name,
        status=StepStatus.STARTING if takes_slot else StepStatus.EXECUTING,
        order=root.started,
        attempt=before.attempt + 1 if before else 1,
        started_at=draft.at,
        has_slot=takes_slot,
        parent=loop,
        index=index,
    )
    draft.change_execution(
        started=root.started + 1, unfinished=root.unfinished + 1, slots=root.slots + takes_slot
    )
    draft.say(HistoryType.STEP_STARTED, name, {"type": str(planned.step.type), "attempt": frame.attempt})
    if index < 0:
        _mark_handled(draft, planned.reacts_to)
    carry_on(draft, frame)


def begin_again(draft: Draft, step: StepFrame) -> None:
    """Start the next attempt of a step whose wait is over."""
    takes_slot = bool(draft.planned(step).resource)
    frame = replace(
        step,
        attempt=step.attempt + 1,
        status=StepStatus.STARTING if takes_slot else StepStatus.EXECUTING,
        has_slot=takes_slot,
    )
    draft.change_execution(slots=draft.execution.slots + takes_slot)
    draft.say(HistoryType.STEP_STARTED, step.name, {"attempt": frame.attempt})
    carry_on(draft, frame)


def carry_on(draft: Draft, step: StepFrame) -> None:
    """Do what the step is there for, or ask for the reads that it needs before."""
    try:
        match draft.planned(step).step.type:
            case StepType.CONDITION:
                _choose_branch(draft, step)
            case StepType.FAIL:
                _fail(draft, step)
            case StepType.FOR_EACH:
                _lay_out_items(draft, step)
            case _:
                _start_task(draft, step)
    except InvalidInputError as error:
        fail_step(draft, step, CLIENT_ERROR, str(error))


def fail_step(draft: Draft, step: StepFrame, error: str, cause: str) -> None:
    """End a step as failed before its task began."""
    end_step(draft, step, Ending(StepStatus.FAILED, failure(error, cause)))


def _mark_handled(draft: Draft, upstream: tuple[str, ...]) -> None:
    """Note that these failures have made a step start: they do not fail the execution any more."""
    for name in upstream:
        frame = draft.step(name)
        if frame is None or frame.is_handled or frame.status not in (StepStatus.FAILED, StepStatus.STOPPED):
            continue
        draft.put_step(replace(frame, is_handled=True))
        draft.change_execution(handled=draft.execution.handled + 1)


def _start_task(draft: Draft, step: StepFrame) -> None:
    task, resolver = make_task(draft, step)
    if not _reads_first(draft, step, resolver):
        draft.put_step(replace(step, phase=Phase.WORKING, task_id=task.id))
        draft.drop(f"reads/{step.name}")
        draft.commands.append(StartTask(task))


def _choose_branch(draft: Draft, step: StepFrame) -> None:
    body = draft.planned(step).step.condition
    assert body is not None
    resolver = Resolver(draft, step)
    holds = decide(body.conditions, resolver)
    if _reads_first(draft, step, resolver):
        return
    outcome = "True" if holds else "False"
    ending = Ending(
        StepStatus.SUCCEEDED,
        output={"Outcome": outcome},
        has_output=True,
        metadata={"Condition": {"Outcome": outcome}},
    )
    end_step(draft, step, ending)
    for name in body.else_steps if holds else body.if_steps:
        draft.say(HistoryType.STEP_SKIPPED, name, {"condition": step.name, "outcome": outcome})


def _fail(draft: Draft, step: StepFrame) -> None:
    resolver = Resolver(draft, step)
    message = resolver.text(draft.planned(step).step.arguments.get("ErrorMessage", ""))
    if _reads_first(draft, step, resolver):
        return
    end_step(draft, step, Ending(StepStatus.FAILED, message, metadata={"Fail": {"ErrorMessage": message}}))
    if not draft.execution.is_failing:
        draft.change_execution(is_failing=True, failure_reason=message)


def _lay_out_items(draft: Draft, step: StepFrame) -> None:
    resolver = Resolver(draft, step)
    items = loops.items_of(draft, step, resolver)
    if not _reads_first(draft, step, resolver):
        draft.put_step(replace(step, phase=Phase.WORKING))
        draft.drop(f"reads/{step.name}")
        loops.open_loop(draft, step, items)


def _reads_first(draft: Draft, step: StepFrame, resolver: Resolver) -> bool:
    """Ask for the reads that are missing. Tell whether there are any."""
    if not resolver.missing:
        return False
    inputs = draft.inputs
    reads = draft.reads(step.name)
    asked = tuple(resolver.missing)
    task = read_id(inputs.execution_id, step.name, step.attempt, reads.rounds + 1)
    draft.put(f"reads/{step.name}", ReadsFrame(reads.values, asked, reads.rounds + 1))
    draft.put_step(replace(step, phase=Phase.READING, task_id=task))
    payload: dict[str, Json] = {"reads": [{"uri": uri, "path": path} for uri, path in asked]}
    draft.commands.append(
        StartTask(
            Task(
                id=task,
                resource=READ_JSON,
                payload=payload,
                execution_arn=inputs.execution_arn,
                pipeline=inputs.pipeline,
                step=step.name,
            )
        )
    )
    return True
