"""Definitions made by hand, and an execution that folds events over frames as the engine does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.core.tasks import Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.engine.interpreters.commands import (
    SetTimer,
    StartTask,
    StopTask,
    decode_command,
    encode_command,
)
from stepmill.engine.interpreters.pipelines.advance import advance
from stepmill.engine.interpreters.pipelines.events import (
    Event,
    ExecutionStarted,
    RetryRequested,
    Selection,
    StopRequested,
    TimerFired,
    decode_event,
    encode_event,
)
from stepmill.engine.interpreters.pipelines.frames import (
    EXECUTION,
    ExecutionFrame,
    Frame,
    StepFrame,
    decode_frame,
    encode_frame,
)
from stepmill.engine.interpreters.pipelines.listing import step_entries
from stepmill.engine.interpreters.pipelines.outcome import Advance, HistoryEvent
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.conditions import Comparator, Comparison, Condition, operands_of
from stepmill.language.pipelines.definition import (
    Branch,
    ConditionBody,
    Dependency,
    ForEachBody,
    Pick,
    PipelineDefinition,
    Selector,
    Step,
    StepType,
    Trigger,
)
from stepmill.language.pipelines.expressions import (
    Expression,
    GetIterationOutput,
    GetStepProperty,
    Literal,
    ReadPropertyFile,
    expressions_in,
    leaves_of,
    parse_expression,
)
from stepmill.language.pipelines.paths import parse_path
from stepmill.language.pipelines.places import ROOT

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EXECUTION_ID = "0a1b2c3d4e5f"
PIPELINE_ARN = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p"
EXECUTION_ARN = f"{PIPELINE_ARN}/execution/{EXECUTION_ID}"


@dataclass(frozen=True)
class Item:
    """A step and what is inside."""

    step: Step
    inside: tuple[Item, ...] = ()


def _references(values: Sequence[Json], expressions: Sequence[Expression] = ()) -> tuple[str, ...]:
    found = [parse_expression(each) for value in values for _, each in expressions_in(value, ROOT)]
    leaves = [leaf for expression in (*found, *expressions) for leaf in leaves_of(expression)]
    names = [leaf.step for leaf in leaves if isinstance(leaf, GetStepProperty | ReadPropertyFile)]
    return tuple(dict.fromkeys(names))


def _depends_on(after: Sequence[str | tuple[str, Trigger]]) -> tuple[Dependency, ...]:
    return tuple(Dependency(each) if isinstance(each, str) else Dependency(*each) for each in after)


def step(
    name: str,
    kind: StepType = StepType.PROCESSING,
    *,
    after: Sequence[str | tuple[str, Trigger]] = (),
    arguments: JsonObject | None = None,
    extra: JsonObject | None = None,
    **more: Any,
) -> Item:
    arguments, extra = arguments or {}, extra or {}
    return Item(
        Step(
            name,
            kind,
            arguments=arguments,
            extra=extra,
            depends_on=_depends_on(after),
            references=_references([arguments, extra]),
            **more,
        )
    )


def fail_step(name: str, message: Json, *, after: Sequence[str] = ()) -> Item:
    return step(name, StepType.FAIL, after=after, arguments={"ErrorMessage": message})


def condition(
    name: str,
    *conditions: Condition | bool,
    then: Sequence[Item] = (),
    otherwise: Sequence[Item] = (),
    after: Sequence[str | tuple[str, Trigger]] = (),
) -> Item:
    real = tuple(
        Comparison(Comparator.EQUALS, Literal(each), Literal(True)) if isinstance(each, bool) else each
        for each in conditions
    )
    body = ConditionBody(real, tuple(i.step.name for i in then), tuple(i.step.name for i in otherwise))
    inside = [replace(i, step=replace(i.step, parent=name, branch=Branch.IF)) for i in then]
    inside += [replace(i, step=replace(i.step, parent=name, branch=Branch.ELSE)) for i in otherwise]
    operands = [operand for each in real for operand in operands_of(each)]
    references = _references([], operands)
    return Item(
        Step(name, StepType.CONDITION, depends_on=_depends_on(after), references=references, condition=body),
        tuple(inside),
    )


def for_each(
    name: str,
    items: Json,
    body: Sequence[Item],
    *,
    concurrency: int = 2,
    pick: Pick | None = None,
    field_path: str = "",
    after: Sequence[str | tuple[str, Trigger]] = (),
) -> Item:
    source: Expression | tuple[Expression, ...] = (
        tuple(parse_expression(each) for each in items)
        if isinstance(items, list)
        else parse_expression(items)
    )
    selector = None
    if pick:
        chosen, _, path = field_path.partition(".")
        selector = Selector(pick, GetIterationOutput(chosen, parse_path(path)))
    inner = ForEachBody(source, concurrency, tuple(i.step.name for i in body), selector)
    references = _references([], source if isinstance(source, tuple) else (source,))
    return Item(
        Step(name, StepType.FOR_EACH, depends_on=_depends_on(after), references=references, for_each=inner),
        tuple(replace(i, step=replace(i.step, parent=name, branch=Branch.BODY)) for i in body),
    )


def _flat(items: Sequence[Item]) -> Iterator[Step]:
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        yield item.step
        waiting.extend(reversed(item.inside))


def definition(*items: Item, **more: Any) -> PipelineDefinition:
    """Make a definition of steps; it records no experiment unless ``experiment`` is given."""
    return PipelineDefinition({each.name: each for each in _flat(items)}, **{"experiment": None, **more})


def layers(count: int, width: int, kind: StepType = StepType.PROCESSING) -> PipelineDefinition:
    """Layers of steps, each step after all steps of the layer before."""
    items: list[Item] = []
    before: list[str] = []
    for layer in range(count):
        names = [f"S{layer}-x{position}" for position in range(width)]
        items.extend(step(name, kind, after=before) for name in names)
        before = names
    return definition(*items)


@dataclass
class Execution:
    """One execution, driven by hand. What is committed is decoded again from its JSON."""

    plan: Plan
    frames: dict[str, Frame] = field(default_factory=dict)
    at: datetime = NOON
    history: list[HistoryEvent] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)  # under way, by id
    all_tasks: list[Task] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    timers: dict[str, datetime] = field(default_factory=dict)
    recorded: list[tuple[Event, datetime]] = field(default_factory=list)
    statuses: list[PipelineExecutionStatus] = field(default_factory=list)

    @classmethod
    def of(cls, *items: Item, **more: Any) -> Execution:
        return cls(Plan.of(definition(*items, **more)))

    def post(self, event: Event) -> Advance:
        event = decode_event(encode_event(event))
        self.recorded.append((event, self.at))
        result = advance(self.plan, self.frames, event, self.at)
        for key, frame in result.frames.items():
            if frame is None:
                del self.frames[key]
            else:
                self.frames[key] = decode_frame(encode_frame(frame))
                assert self.frames[key] == frame
        self.history.extend(result.history)
        for command in result.commands:
            self._carry_out(decode_command(encode_command(command)))
        if result.status is not None:
            self.statuses.append(result.status)
        return result

    def _carry_out(self, command: StartTask | StopTask | SetTimer) -> None:
        match command:
            case StartTask(task):
                assert all(task.id != each.id for each in self.all_tasks), "a task id came twice"
                self.tasks[task.id] = task
                self.all_tasks.append(task)
            case StopTask(task_id):
                self.stopped.append(task_id)
            case SetTimer(timer_id, due_at):
                self.timers[timer_id] = due_at

    def start(
        self,
        parameters: JsonObject | None = None,
        *,
        parallelism: int | None = None,
        selection: Selection | None = None,
    ) -> Execution:
        event = ExecutionStarted(
            EXECUTION_ID, EXECUTION_ARN, "P", PIPELINE_ARN, parameters or {}, parallelism, selection
        )
        self.post(event)
        return self

    def wait(self, seconds: float) -> Execution:
        self.at += timedelta(seconds=seconds)
        return self

    def task(self, name: str) -> Task:
        """The task under way for a step."""
        (found,) = [task for task in self.tasks.values() if task.step == name]
        return found

    def running(self, name: str, *, notes: tuple[str, ...] = (), **metadata: Json) -> Advance:
        return self.post(TaskStarted(self.task(name).id, metadata, notes))

    def succeed(self, name: str, output: Json = None, *, cached_from: str = "", **metadata: Json) -> Advance:
        task = self.tasks.pop(self.task(name).id)
        return self.post(TaskSucceeded(task.id, output, metadata, cached_from))

    def fail(
        self, name: str, error: str = "AlgorithmError", cause: str = "it broke", output: Json = None
    ) -> Advance:
        task = self.tasks.pop(self.task(name).id)
        return self.post(TaskFailed(task.id, error, cause, output=output))

    def end_stopped(self, name: str) -> Advance:
        task = self.tasks.pop(self.task(name).id)
        return self.post(TaskStopped(task.id))

    def stop(self) -> Advance:
        return self.post(StopRequested())

    def retry(self, parallelism: int | None = None) -> Advance:
        return self.post(RetryRequested(parallelism))

    def fire(self) -> Advance:
        """Let the earliest timer fire, at its moment."""
        timer_id = min(self.timers, key=lambda each: (self.timers[each], each))
        self.at = max(self.at, self.timers.pop(timer_id))
        return self.post(TimerFired(timer_id))

    @property
    def under_way(self) -> list[str]:
        """The steps with a task under way, in the order in which the tasks were asked for."""
        return [task.step for task in self.tasks.values()]

    @property
    def root(self) -> ExecutionFrame:
        frame = self.frames[EXECUTION]
        assert isinstance(frame, ExecutionFrame)
        return frame

    @property
    def status(self) -> PipelineExecutionStatus:
        return self.root.status

    def frame(self, name: str) -> StepFrame:
        frame = self.frames[f"step/{name}"]
        assert isinstance(frame, StepFrame)
        return frame

    @property
    def step_statuses(self) -> dict[str, str]:
        """Status of each listed step, in start order."""
        return {str(entry["StepName"]): str(entry["StepStatus"]) for entry in self.entries}

    @property
    def entries(self) -> list[dict[str, Json]]:
        return step_entries(self.plan, self.frames)

    def entry(self, name: str) -> Mapping[str, Any]:
        (found,) = [entry for entry in self.entries if entry["StepName"] == name]
        return found

    @property
    def said(self) -> list[str]:
        """The history, as ``type step``."""
        return [f"{each.type} {each.step}".strip() for each in self.history]
