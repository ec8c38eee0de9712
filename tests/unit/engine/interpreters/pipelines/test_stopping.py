from __future__ import annotations

import pytest

from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.interpreters.pipelines.events import TimerFired
from stepmill.engine.interpreters.pipelines.lifecycle import check_stop
from stepmill.language.pipelines.conditions import Comparator, Comparison
from stepmill.language.pipelines.definition import StepType, Trigger
from stepmill.language.pipelines.expressions import Literal, ReadObject
from support.interpreting import EXECUTION_ID, Execution, condition, fail_step, for_each, step


def test_running_tasks_are_asked_to_stop_and_waited_for() -> None:
    run = Execution.of(step("A"), step("B"), step("C", after=["A"])).start(parallelism=2)
    run.running("A")
    run.stop()
    assert run.status is Status.STOPPING
    assert run.stopped == [f"{EXECUTION_ID}/A/1", f"{EXECUTION_ID}/B/1"]
    assert run.step_statuses == {"A": "Stopping", "B": "Stopping"}
    run.end_stopped("A")
    assert run.status is Status.STOPPING
    run.end_stopped("B")
    assert run.status is Status.STOPPED
    assert run.step_statuses == {"A": "Stopped", "B": "Stopped"}
    assert run.statuses == [Status.EXECUTING, Status.STOPPING, Status.STOPPED]


def test_what_waits_for_a_slot_never_starts() -> None:
    run = Execution.of(step("A"), step("B")).start(parallelism=1)
    run.stop()
    run.end_stopped("A")
    assert run.status is Status.STOPPED
    assert list(run.step_statuses) == ["A"]
    assert not [key for key in run.frames if key.startswith("ready/")]


def test_a_task_that_succeeds_all_the_same() -> None:
    run = Execution.of(step("A"), step("B", after=["A"])).start()
    run.stop()
    run.succeed("A")
    assert run.step_statuses == {"A": "Succeeded"}
    assert run.status is Status.STOPPED


def test_a_task_that_fails_meanwhile() -> None:
    run = Execution.of(step("A"), step("Tell", after=[("A", Trigger.ANY)])).start()
    run.stop()
    run.fail("A", "Step.THROTTLING")
    assert run.step_statuses == {"A": "Failed"}
    assert not run.timers
    assert run.status is Status.STOPPED


def test_a_lambda_that_fails_while_it_is_waited_for_fails_the_execution() -> None:
    run = Execution.of(step("A", StepType.LAMBDA)).start()
    run.stop()
    run.fail("A", "ClientError", "timed out")
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "ClientError: timed out"


def test_a_task_may_still_report_that_it_runs() -> None:
    run = Execution.of(step("A")).start()
    run.stop()
    run.running("A", ProcessingJob={"Arn": "x"})
    assert run.step_statuses == {"A": "Stopping"}
    assert run.entry("A")["Metadata"] == {"ProcessingJob": {"Arn": "x"}}


def test_a_step_that_waits_between_attempts_ends_at_once() -> None:
    run = Execution.of(step("A")).start()
    run.fail("A", "Step.THROTTLING")
    run.stop()
    assert run.status is Status.STOPPED
    assert run.post(TimerFired("retry/A/1")).is_empty


def test_a_step_whose_next_attempt_waits_for_a_slot_ends_at_once() -> None:
    run = Execution.of(step("A"), step("B")).start(parallelism=1)
    run.fail("A", "Step.THROTTLING")
    run.fire()
    run.stop()
    assert run.step_statuses == {"A": "Stopped", "B": "Stopping"}
    run.end_stopped("B")
    assert run.status is Status.STOPPED


@pytest.mark.parametrize("end", ["end_stopped", "fail"])
def test_a_condition_that_reads(end: str) -> None:
    wanted = Comparison(Comparator.EQUALS, ReadObject(Literal("s3://b/k"), ("a",)), Literal(1))
    run = Execution.of(condition("C", wanted, then=[step("A")])).start()
    run.stop()
    assert run.stopped == [f"{EXECUTION_ID}/C/read/1"]
    getattr(run, end)("C")
    assert run.status is Status.STOPPED


def test_values_that_arrive_meanwhile_start_nothing() -> None:
    read = {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a"}}
    run = Execution.of(step("A", arguments={"x": read})).start()
    run.stop()
    run.succeed("A", {"values": [1]})
    assert run.under_way == []
    assert run.step_statuses == {"A": "Stopped"}
    assert run.status is Status.STOPPED


def test_a_for_each_stops_with_its_children() -> None:
    run = Execution.of(for_each("Loop", [1, 2, 3, 4], [step("A")], concurrency=3)).start(parallelism=2)
    run.stop()
    assert run.stopped == [f"{EXECUTION_ID}/A-0/1", f"{EXECUTION_ID}/A-1/1"]
    assert run.step_statuses == {"Loop": "Stopping", "A-0": "Stopping", "A-1": "Stopping"}
    run.succeed("A-0")
    run.end_stopped("A-1")
    assert run.status is Status.STOPPED
    counts = run.entry("Loop")["Metadata"]["ForEach"]
    assert (counts["Status"], counts["SucceededStepCount"], counts["StoppedStepCount"]) == ("Stopped", 1, 1)


def test_a_for_each_none_of_whose_children_runs() -> None:
    run = Execution.of(step("A"), for_each("Loop", [1, 2], [step("B")])).start(parallelism=1)
    run.stop()
    assert run.step_statuses == {"Loop": "Stopped", "A": "Stopping"}


def test_a_stop_after_a_fail_step_leaves_it_failed() -> None:
    run = Execution.of(step("A"), fail_step("Bad", "no")).start()
    run = Execution.of(step("A"), step("B"), fail_step("Bad", "no", after=["B"])).start()
    run.succeed("B")
    run.stop()
    run.end_stopped("A")
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "no"


def test_a_second_stop_changes_nothing() -> None:
    run = Execution.of(step("A")).start()
    run.stop()
    assert run.stop().is_empty


@pytest.mark.parametrize("status", list(Status))
def test_check_stop(status: Status) -> None:
    if status.is_final:
        with pytest.raises(WrongStateError, match="nothing to stop"):
            check_stop(status)
    else:
        check_stop(status)
