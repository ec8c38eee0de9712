"""RetryPipelineExecution."""

from __future__ import annotations

import pytest

from stepmill.core.errors import WrongStateError
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.interpreters.pipelines.restarting import RETRYABLE, check_retry
from stepmill.language.pipelines.conditions import Comparator, Comparison
from stepmill.language.pipelines.definition import Pick, StepType, Trigger
from stepmill.language.pipelines.expressions import Literal, ReadObject
from support.interpreting import EXECUTION_ID, Execution, condition, fail_step, for_each, step


def test_what_succeeded_is_kept_and_the_rest_runs_again() -> None:
    run = Execution.of(
        step("A"), step("B", after=["A"]), step("C", after=["B"]), step("D", after=["A"])
    ).start()
    run.succeed("A", {"x": 1})
    run.succeed("D")
    run.fail("B")
    run.wait(60).retry()
    assert run.status is Status.EXECUTING
    assert run.under_way == ["B"]
    assert run.task("B").id == f"{EXECUTION_ID}/B/2"
    assert run.entry("B")["AttemptCount"] == 2
    assert run.entry("B")["StartTime"] == "2026-01-01T12:01:00Z"
    run.succeed("B")
    run.succeed("C")
    assert run.status is Status.SUCCEEDED
    assert run.root.failure_reason == ""
    assert run.said.count("StepStarted A") == 1


def test_a_step_that_is_to_run_again_is_not_listed_before() -> None:
    run = Execution.of(step("A"), step("B")).start(parallelism=1)
    run.fail("A")
    run.fail("B")
    run.retry()
    assert run.step_statuses == {"A": "Starting"}


def test_a_stopped_execution_goes_on() -> None:
    run = Execution.of(step("A"), step("B", after=["A"]), step("C")).start(parallelism=1)
    run.stop()
    run.end_stopped("A")
    run.retry(parallelism=2)
    assert run.under_way == ["A", "C"]
    run.succeed("A")
    run.succeed("B")
    run.succeed("C")
    assert run.status is Status.SUCCEEDED


def test_a_condition_that_was_decided_is_not_decided_again() -> None:
    wanted = Comparison(Comparator.EQUALS, ReadObject(Literal("s3://b/k"), ("a",)), Literal(1))
    run = Execution.of(condition("C", wanted, then=[step("A")], otherwise=[step("B")])).start()
    run.succeed("C", {"values": [1]})
    run.fail("A")
    run.retry()
    assert run.under_way == ["A"]


def test_a_condition_that_failed_is_decided_again() -> None:
    wanted = Comparison(Comparator.EQUALS, ReadObject(Literal("s3://b/k"), ("a",)), Literal(1))
    run = Execution.of(condition("C", wanted, then=[step("A")], otherwise=[step("B")])).start()
    run.fail("C", "ClientError", "not there")
    run.retry()
    assert run.task("C").id == f"{EXECUTION_ID}/C/read/2"
    run.succeed("C", {"values": [2]})
    assert run.under_way == ["B"]


def test_a_fail_step_fails_again() -> None:
    run = Execution.of(step("A"), fail_step("Bad", "no", after=["A"]), step("B", after=["A"])).start()
    run.succeed("A")
    assert run.status is Status.FAILED
    run.retry()
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "no"


def test_a_reaction_runs_again_with_what_it_reacted_to() -> None:
    run = Execution.of(
        step("A"), step("Tell", after=[("A", Trigger.FAILED)]), step("Log", after=["Tell"])
    ).start()
    run.fail("A")
    run.succeed("Tell")
    run.succeed("Log")
    assert run.status is Status.COMPLETED_WITH_FAILURES
    run.retry()
    assert run.under_way == ["A"]
    assert run.step_statuses == {"A": "Starting"}
    run.fail("A")
    assert run.task("Tell").id == f"{EXECUTION_ID}/Tell/2"
    run.succeed("Tell")
    run.succeed("Log")
    assert run.status is Status.COMPLETED_WITH_FAILURES


def test_a_reaction_does_not_run_if_all_goes_well_this_time() -> None:
    run = Execution.of(step("A"), step("Tell", after=[("A", Trigger.FAILED)])).start()
    run.fail("A")
    run.succeed("Tell")
    run.retry()
    run.succeed("A")
    assert run.status is Status.SUCCEEDED
    assert run.step_statuses == {"A": "Succeeded"}


def test_retry_policies_count_from_the_beginning() -> None:
    run = Execution.of(step("A")).start()
    for _ in range(5):
        run.fail("A", "Step.THROTTLING")
        run.fire()
    run.fail("A", "Step.THROTTLING")
    assert run.status is Status.FAILED
    run.retry()
    run.fail("A", "Step.THROTTLING")
    assert run.status is Status.EXECUTING
    run.fire()
    assert run.task("A").id == f"{EXECUTION_ID}/A/8"


def test_a_for_each_keeps_its_items_and_the_children_that_succeeded() -> None:
    items = {"Get": "Steps.List.OutputParameters['items']"}
    body = [
        step("Fit", StepType.CALLBACK, arguments={"i": {"Get": "ForEach.CurrentItem"}}),
        step("Eval", after=["Fit"]),
    ]
    run = Execution.of(
        step("List"), for_each("Loop", items, body, concurrency=9, pick=Pick.MAX_BY, field_path="Fit.m")
    ).start()
    run.succeed("List", {"OutputParameters": {"items": '["a","b","c"]'}})
    run.succeed("Fit-0", {"m": 3})
    run.succeed("Eval-0")
    run.succeed("Fit-1", {"m": 9})
    run.fail("Eval-1")
    run.fail("Fit-2")
    assert run.status is Status.FAILED
    run.retry()
    assert run.under_way == ["Eval-1", "Fit-2"]
    assert run.task("Fit-2").payload == {"i": "c"}
    run.succeed("Eval-1")
    run.succeed("Fit-2", {"m": 5})
    run.succeed("Eval-2")
    assert run.status is Status.SUCCEEDED
    counts = run.entry("Loop")["Metadata"]["ForEach"]
    assert (counts["SucceededStepCount"], counts["FailedStepCount"]) == (6, 0)
    assert counts["Selector"] == {"StepName": "Fit-1", "Index": 1}


def test_a_for_each_that_was_stopped_goes_on() -> None:
    run = Execution.of(for_each("Loop", [1, 2, 3], [step("A")], concurrency=1)).start()
    run.succeed("A-0")
    run.stop()
    run.end_stopped("A-1")
    assert run.status is Status.STOPPED
    run.retry()
    assert run.under_way == ["A-1"]
    run.succeed("A-1")
    run.succeed("A-2")
    assert run.status is Status.SUCCEEDED
    assert run.entry("Loop")["Metadata"]["ForEach"]["SucceededStepCount"] == 3


def test_a_for_each_after_a_step_that_runs_again_begins_anew() -> None:
    run = Execution.of(
        step("A"), for_each("Loop", {"Get": "Parameters.I"}, [step("B")], after=[("A", Trigger.ANY)])
    ).start({"I": "[1]"})
    run.fail("A")
    run.succeed("B-0")
    assert run.status is Status.COMPLETED_WITH_FAILURES
    run.retry()
    assert run.step_statuses == {"A": "Starting"}
    run.succeed("A")
    assert run.task("B-0").id == f"{EXECUTION_ID}/B-0/2"
    run.succeed("B-0")
    assert run.status is Status.SUCCEEDED


@pytest.mark.parametrize("status", list(Status))
def test_check_retry(status: Status) -> None:
    if status in RETRYABLE:
        check_retry(status)
    else:
        with pytest.raises(WrongStateError, match="cannot be retried"):
            check_retry(status)


def test_a_retry_while_it_runs_changes_nothing() -> None:
    run = Execution.of(step("A")).start()
    assert run.retry().is_empty
