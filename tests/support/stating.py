"""State machines made by hand, and an execution that folds events over frames as the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.core.tasks import (
    Task,
    TaskFailed,
    TaskHeartbeat,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSubmitted,
    TaskSucceeded,
)
from stepmill.engine.interpreters.commands import (
    DropTimer,
    SetTimer,
    StartTask,
    StopTask,
    decode_command,
    encode_command,
)
from stepmill.engine.interpreters.states.advance import advance
from stepmill.engine.interpreters.states.events import (
    Event,
    ExecutionStarted,
    RedriveRequested,
    StopRequested,
    TimerFired,
    decode_event,
    encode_event,
)
from stepmill.engine.interpreters.states.frames import Frame, decode_frame, encode_frame
from stepmill.engine.interpreters.states.outcome import Advance, HistoryEvent
from stepmill.engine.interpreters.states.plan import Plan, plan_of
from stepmill.language.states.definition import (
    Branch,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    QueryLanguage,
    State,
    StateMachine,
    SucceedState,
    TaskState,
    WaitState,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MACHINE_ARN = "arn:aws:states:us-west-2:123456789012:stateMachine:m"
EXECUTION_ARN = "arn:aws:states:us-west-2:123456789012:execution:m:e"
ROLE_ARN = "arn:aws:iam::123456789012:role/r"
FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:f"
ACTIVITY = "arn:aws:states:us-west-2:123456789012:activity:a"
SEND = "arn:aws:states:::sqs:sendMessage"

_KINDS: Mapping[str, type[Any]] = {
    "Pass": PassState,
    "Task": TaskState,
    "Choice": ChoiceState,
    "Wait": WaitState,
    "Succeed": SucceedState,
    "Fail": FailState,
    "Parallel": ParallelState,
    "Map": MapState,
}


def state(kind: str, name: str, **fields: Any) -> State:
    """A state; its place is found when the machine is made of it."""
    language = QueryLanguage.JSONATA if fields.pop("jsonata", False) else QueryLanguage.JSON_PATH
    made: State = _KINDS[kind](name=name, path=f"/States/{name}", query_language=language, **fields)
    return made


def branch(*states: State) -> Branch:
    """A branch that starts with its first state."""
    return Branch(start_at=states[0].name, states={each.name: each for each in states})


def machine(*states: State, **fields: Any) -> StateMachine:
    """A machine that starts with its first state."""
    return StateMachine(start_at=states[0].name, states={each.name: each for each in states}, **fields)


class Execution:
    """Folds events over frames, each through its text, as the engine's store does."""

    def __init__(self, *states: State, plan: Plan | None = None, parity: bool = False, **fields: Any) -> None:
        self.plan = plan or plan_of(machine(*states, **fields), parity=parity)
        self.frames: dict[str, Frame] = {}
        self.texts: dict[str, str] = {}
        self.at = NOON
        self.history: list[HistoryEvent] = []
        self.moments: list[datetime] = []
        self.tasks: dict[str, Task] = {}
        self.all_tasks: list[Task] = []
        self.stopped: list[str] = []
        self.timers: dict[str, datetime] = {}
        self.events: list[tuple[Event, datetime]] = []
        self.status: StateMachineExecutionStatus | None = None
        self.output: str | None = None
        self.error: str | None = None
        self.cause: str | None = None

    def post(self, event: Event) -> Advance:
        event = decode_event(encode_event(event))
        self.events.append((event, self.at))
        outcome = advance(self.plan, self.frames, event, self.at)
        for key, frame in outcome.frames.items():
            if frame is None:
                del self.frames[key], self.texts[key]
            else:
                self.texts[key] = encode_frame(frame)
                self.frames[key] = decode_frame(self.texts[key])
        self.history += outcome.history
        self.moments += [self.at] * len(outcome.history)
        for command in outcome.commands:
            self._carry_out(decode_command(encode_command(command)))
        if outcome.status is not None:
            self.status, self.output = outcome.status, outcome.output
            self.error, self.cause = outcome.error, outcome.cause
        return outcome

    def _carry_out(self, command: object) -> None:
        match command:
            case StartTask(task):
                assert all(task.id != each.id for each in self.all_tasks), "a task id came twice"
                self.tasks[task.id] = task
                self.all_tasks.append(task)
            case StopTask(task_id):
                assert task_id in self.tasks, "a task was stopped that does not run"
                self.stopped.append(task_id)
            case SetTimer(timer_id, due_at):
                self.timers[timer_id] = due_at
            case DropTimer(timer_id):
                self.timers.pop(timer_id, None)

    def start(self, value: str = "{}", **more: Any) -> Execution:
        event = ExecutionStarted(
            execution_id="x1",
            execution_arn=EXECUTION_ARN,
            name="e",
            machine_arn=MACHINE_ARN,
            machine_name="m",
            role_arn=ROLE_ARN,
            input_text=value,
            started_at=self.at,
            seed="seed",
            **more,
        )
        self.post(event)
        return self

    def wait(self, seconds: float) -> Execution:
        self.at += timedelta(seconds=seconds)
        return self

    def task(self, name: str = "") -> Task:
        """The oldest task under way, of a state if one is named."""
        return next(task for task in self.tasks.values() if name in ("", task.step))

    def report(self, report: TaskReport) -> Advance:
        return self.post(report)

    def began(self, name: str = "", **metadata: Json) -> Advance:
        return self.post(TaskStarted(self.task(name).id, metadata))

    def submitted(self, name: str = "", output: Json = None) -> Advance:
        return self.post(TaskSubmitted(self.task(name).id, output))

    def beat(self, name: str = "") -> Advance:
        return self.post(TaskHeartbeat(self.task(name).id))

    def succeed(self, name: str = "", output: Json = None) -> Advance:
        return self.post(TaskSucceeded(self.tasks.pop(self.task(name).id).id, output))

    def fail(self, name: str = "", error: str = "Boom", cause: str = "it broke") -> Advance:
        return self.post(TaskFailed(self.tasks.pop(self.task(name).id).id, error, cause))

    def end_stopped(self) -> Execution:
        """Let all tasks end that were asked to stop."""
        for task_id in self.stopped:
            if self.tasks.pop(task_id, None) is not None:
                self.post(TaskStopped(task_id))
        return self

    def stop(self, error: str | None = None, cause: str | None = None) -> Advance:
        return self.post(StopRequested(error, cause))

    def redrive(self) -> Advance:
        return self.post(RedriveRequested())

    def fire(self) -> Advance:
        """Let the earliest timer fire, at its moment."""
        timer_id = min(self.timers, key=lambda each: (self.timers[each], each))
        self.at = max(self.at, self.timers.pop(timer_id))
        return self.post(TimerFired(timer_id))

    def fire_all(self) -> Execution:
        """Let timers fire until there are none."""
        while self.timers:
            self.fire()
        return self

    @property
    def said(self) -> list[str]:
        """The history, as ``type state <previous``."""
        return [
            f"{each.type} {each.step}".strip() + f" <{each.body['previousEventId']}" for each in self.history
        ]

    def details(self, number: int) -> JsonObject:
        """The details of the event with an id."""
        body = self.history[number - 1].body
        (found,) = [value for key, value in body.items() if key != "previousEventId"]
        assert isinstance(found, dict)
        return found
