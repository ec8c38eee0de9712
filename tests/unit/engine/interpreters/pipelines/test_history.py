"""What the history tells to whoever watches, and what an advance gives out."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.advance import advance
from stepmill.engine.interpreters.pipelines.draft import Draft
from stepmill.engine.interpreters.pipelines.endings import failure, merged, outcomes_of
from stepmill.engine.interpreters.pipelines.events import ExecutionStarted, TimerFired
from stepmill.engine.interpreters.pipelines.frames import ExecutionFrame, Frame
from stepmill.engine.interpreters.pipelines.outcome import Advance, HistoryType
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.language.pipelines.definition import Branch, StepType, Trigger
from support.interpreting import (
    EXECUTION_ARN,
    EXECUTION_ID,
    NOON,
    PIPELINE_ARN,
    Execution,
    condition,
    definition,
    fail_step,
    for_each,
    layers,
    step,
)


def told(run: Execution, kind: HistoryType, name: str = "") -> Any:
    (found,) = [event.body for event in run.history if event.type is kind and event.step == name]
    return found


class Watched(dict[str, Frame]):
    """Frames that note which of them were asked for."""

    def __init__(self, frames: dict[str, Frame]) -> None:
        super().__init__(frames)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Frame:
        self.asked.add(key)
        return super().__getitem__(key)

    def __iter__(self) -> Any:
        raise AssertionError("an advance must not look at all frames")


def test_a_whole_life() -> None:
    run = Execution.of(step("A"), fail_step("Bad", "no", after=["A"])).start()
    run.running("A")
    run.succeed("A")
    assert run.said == [
        "ExecutionStarted",
        "StepStarted A",
        "StepRunning A",
        "StepSucceeded A",
        "StepStarted Bad",
        "StepFailed Bad",
        "ExecutionFailed",
    ]


def test_a_stop_and_a_retry() -> None:
    run = Execution.of(step("A")).start()
    run.stop()
    run.end_stopped("A")
    run.retry()
    run.succeed("A")
    assert run.said == [
        "ExecutionStarted",
        "StepStarted A",
        "ExecutionStopping",
        "StepStopping A",
        "StepStopped A",
        "ExecutionStopped",
        "ExecutionRetried",
        "StepStarted A",
        "StepSucceeded A",
        "ExecutionSucceeded",
    ]


def test_bodies_are_small_and_say_what_a_terminal_shows() -> None:
    run = Execution.of(
        step("A", StepType.TRAINING),
        condition("C", False, then=[step("B")], after=["A"]),
        step("D", after=[("A", Trigger.FAILED)]),
    ).start()
    run.running("A", TrainingJob={"Arn": "arn"}, notes=("warm",))
    run.wait(1.25).succeed("A")
    assert told(run, HistoryType.STEP_STARTED, "A") == {"type": "Training", "attempt": 1}
    assert told(run, HistoryType.STEP_RUNNING, "A") == {
        "metadata": {"TrainingJob": {"Arn": "arn"}},
        "notes": ["warm"],
    }
    assert told(run, HistoryType.STEP_SUCCEEDED, "A") == {
        "attempt": 1,
        "seconds": 1.25,
        "metadata": {"TrainingJob": {"Arn": "arn"}},
    }
    assert told(run, HistoryType.STEP_SKIPPED, "B") == {"condition": "C", "outcome": "False"}
    assert told(run, HistoryType.EXECUTION_SUCCEEDED) == {}


def test_a_failure_says_why() -> None:
    run = Execution.of(step("A")).start()
    run.fail("A", "AlgorithmError", "exit code 1")
    assert told(run, HistoryType.STEP_FAILED, "A")["reason"] == "AlgorithmError: exit code 1"
    assert told(run, HistoryType.EXECUTION_FAILED) == {
        "reason": "Step failure: One or multiple steps failed."
    }


def test_an_advance_tells_a_new_status_and_why() -> None:
    run = Execution.of(step("A"), fail_step("Bad", "no", after=["A"]), step("B")).start()
    result = run.succeed("A")
    assert (result.status, result.failure_reason) == (None, "")
    result = run.succeed("B")
    assert (result.status, result.failure_reason) == (Status.FAILED, "no")


def test_an_advance_without_changes_is_empty() -> None:
    assert Advance().is_empty
    run = Execution.of(step("A")).start()
    assert run.post(TimerFired("retry/A/9")) == Advance()


def test_an_advance_looks_only_at_what_it_needs() -> None:
    plan = Plan.of(layers(4, 30))
    run = Execution(plan).start(parallelism=10)
    for _ in range(35):
        run.succeed(run.under_way[0])
    name = run.under_way[0]
    frames = Watched(dict(run.frames))
    run.frames = frames
    run.succeed(name)
    mine = {"execution", "inputs", f"step/{name}", f"output/{name}", f"reads/{name}"}
    others = frames.asked - mine
    assert len(others) <= 10, others


def test_advance_changes_nothing_that_it_was_given() -> None:
    plan = Plan.of(definition(step("A"), for_each("L", [1, 2], [step("B")], after=["A"])))
    event = ExecutionStarted(EXECUTION_ID, EXECUTION_ARN, "P", PIPELINE_ARN, {"a": [1]})
    frames: dict[str, Frame] = {}
    first = advance(plan, frames, event, NOON)
    assert frames == {}
    assert advance(plan, frames, event, NOON) == first


def test_a_frame_that_is_missing_is_a_bug_and_said_so() -> None:
    run = Execution.of(step("A"), step("B")).start(parallelism=1)
    for key in ("inputs", "ready/0"):
        frames = {name: frame for name, frame in run.frames.items() if name != key}
        draft = Draft(run.plan, frames, NOON)
        with pytest.raises(IllegalTransitionError):
            _ = draft.inputs if key == "inputs" else draft.ready(0)
    with pytest.raises(IllegalTransitionError, match="nothing has started it"):
        _ = Draft(run.plan, {}, NOON).execution
    with pytest.raises(IllegalTransitionError, match="'X' has no frame"):
        Draft(run.plan, {}, NOON).known_step("X")


def test_changes_that_change_nothing_are_not_given_out() -> None:
    run = Execution.of(step("A")).start()
    draft = Draft(run.plan, run.frames, NOON)
    draft.put_step(run.frame("A"))
    draft.change_execution(slots=run.root.slots)
    draft.drop("output/A")
    assert draft.outcome().is_empty


def test_a_dropped_frame_is_gone_for_the_rest_of_the_advance() -> None:
    run = Execution.of(step("A")).start()
    draft = Draft(run.plan, run.frames, NOON)
    draft.drop("step/A")
    assert draft.step("A") is None
    assert draft.outcome().frames == {"step/A": None}


@pytest.mark.parametrize(
    ("status", "outcome", "happened"),
    [
        (None, None, set()),
        (StepStatus.EXECUTING, None, set()),
        (StepStatus.STOPPING, None, set()),
        (StepStatus.SUCCEEDED, None, {Trigger.COMPLETED, Trigger.ANY}),
        (StepStatus.SUCCEEDED, "True", {Trigger.COMPLETED, Trigger.ANY, Branch.IF}),
        (StepStatus.SUCCEEDED, "False", {Trigger.COMPLETED, Trigger.ANY, Branch.ELSE}),
        (StepStatus.SUCCEEDED, "Maybe", {Trigger.COMPLETED, Trigger.ANY}),
        (StepStatus.SUCCEEDED, ["True"], {Trigger.COMPLETED, Trigger.ANY}),
        (StepStatus.FAILED, None, {Trigger.FAILED, Trigger.ANY}),
        (StepStatus.STOPPED, None, {Trigger.STOPPED, Trigger.ANY}),
    ],
)
def test_outcomes_of(status: StepStatus | None, outcome: Any, happened: set[object]) -> None:
    output = {"Outcome": outcome} if outcome else None
    assert set(outcomes_of(status, output)) == happened


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [("E", "c", "E: c"), ("", "c", "c"), ("E", "", "E"), ("", "", "")],
)
def test_failure(error: str, cause: str, reason: str) -> None:
    assert failure(error, cause) == reason


def test_a_reason_is_as_long_as_aws_allows() -> None:
    assert len(failure("E", "x" * 1021)) == 1024
    assert "..." not in failure("E", "x" * 1021)
    assert len(failure("E", "x" * 1022)) == 1024
    assert " ... " in failure("E", "x" * 1022)


def test_merged_changes_neither() -> None:
    old, new = {"A": {"x": 1}, "B": 1}, {"A": {"y": 2}, "B": {"z": 3}}
    assert merged(old, new) == {"A": {"x": 1, "y": 2}, "B": {"z": 3}}
    assert (old, new) == ({"A": {"x": 1}, "B": 1}, {"A": {"y": 2}, "B": {"z": 3}})


def test_the_root_frame_stays_small() -> None:
    run = Execution(Plan.of(layers(1, 500))).start(parallelism=400)
    for _ in range(50):
        run.succeed(run.under_way[0])
    root = run.frames["execution"]
    assert isinstance(root, ExecutionFrame)
    assert all(not isinstance(getattr(root, name), list | tuple | dict) for name in root.__struct_fields__)
    assert root.started == 450
