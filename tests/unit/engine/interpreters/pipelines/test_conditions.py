"""Condition steps: branches, reads, outcomes."""

from __future__ import annotations

import pytest

from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.core.tasks import TaskFailed, TaskSucceeded
from stepmill.language.pipelines.conditions import (
    Comparator,
    Comparison,
    Condition,
    Disjunction,
    Membership,
    Negation,
)
from stepmill.language.pipelines.definition import PropertyFile, Trigger
from stepmill.language.pipelines.expressions import GetParameter, Literal, ReadObject, parse_expression
from support.interpreting import EXECUTION_ID, Execution, condition, fail_step, step

REPORT = PropertyFile("Report", "report", "evaluation.json")
DESCRIBED = {
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "report", "S3Output": {"S3Uri": "s3://b/eval/"}}]}
}
MSE = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Eval.PropertyFiles.Report"}, "Path": "metrics.mse"}}


def is_at_most(limit: float) -> Condition:
    return Comparison(Comparator.LESS_THAN_OR_EQUAL_TO, parse_expression(MSE), Literal(limit))


def gate(*conditions: Condition) -> Execution:
    return Execution.of(
        step("Eval", property_files=(REPORT,)),
        condition("Gate", *conditions, then=[step("Register")], otherwise=[fail_step("Bad", "too bad")]),
    ).start()


def test_the_branch_that_is_taken_runs_and_the_other_is_skipped() -> None:
    run = Execution.of(condition("C", False, then=[step("Yes")], otherwise=[step("No")])).start()
    assert run.under_way == ["No"]
    assert run.entry("C")["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert "StepSkipped Yes" in run.said
    run.succeed("No")
    assert run.status is Status.SUCCEEDED
    assert "Yes" not in run.step_statuses


def test_steps_after_a_branch_that_is_not_taken_do_not_run_whatever_their_trigger() -> None:
    run = Execution.of(
        condition("C", True, then=[step("Yes")], otherwise=[step("No")]),
        step("AfterNo", after=["No"]),
        step("AnyNo", after=[("No", Trigger.ANY)]),
        step("After", after=["AfterNo"]),
        step("AfterYes", after=["Yes"]),
    ).start()
    run.succeed("Yes")
    run.succeed("AfterYes")
    assert run.status is Status.SUCCEEDED
    assert list(run.step_statuses) == ["C", "Yes", "AfterYes"]


def test_steps_in_a_branch_wait_for_their_other_needs_too() -> None:
    run = Execution.of(step("A"), condition("C", True, then=[step("B", after=["A"])])).start()
    assert run.under_way == ["A"]
    run.succeed("A")
    assert run.under_way == ["B"]


def test_a_step_can_wait_for_the_condition_itself() -> None:
    run = Execution.of(condition("C", False, then=[step("Yes")]), step("A", after=["C"])).start()
    assert run.under_way == ["A"]


def test_a_condition_without_a_branch_to_take_ends_the_execution() -> None:
    run = Execution.of(condition("C", False, then=[step("Yes")])).start()
    assert run.status is Status.SUCCEEDED


def test_the_outcome_can_be_read() -> None:
    run = Execution.of(
        condition("C", True), step("A", arguments={"Environment": {"X": {"Get": "Steps.C.Outcome"}}})
    ).start()
    assert run.task("A").payload == {"Environment": {"X": "True"}}


def test_a_property_file_is_read_by_a_task() -> None:
    run = gate(is_at_most(6.0))
    run.succeed("Eval", DESCRIBED)
    task = run.task("Gate")
    assert (task.id, task.resource) == (f"{EXECUTION_ID}/Gate/read/1", "stepmill:readJson")
    assert task.payload == {"reads": [{"uri": "s3://b/eval/evaluation.json", "path": "metrics.mse"}]}
    assert run.step_statuses["Gate"] == "Executing"
    run.succeed("Gate", {"values": [5.5]})
    assert run.under_way == ["Register"]
    assert not [key for key in run.frames if key.startswith("reads/")]


def test_the_other_branch_may_fail_the_execution() -> None:
    run = gate(is_at_most(6.0))
    run.succeed("Eval", DESCRIBED)
    run.succeed("Gate", {"values": [6.5]})
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "too bad"


def test_a_file_that_is_not_there_fails_the_condition() -> None:
    run = gate(is_at_most(6.0))
    run.succeed("Eval", DESCRIBED)
    run.fail("Gate", "ClientError", "s3://b/eval/evaluation.json is not there")
    assert run.step_statuses["Gate"] == "Failed"
    assert run.entry("Gate")["FailureReason"] == "ClientError: s3://b/eval/evaluation.json is not there"
    assert run.status is Status.FAILED


def test_each_value_is_read_once() -> None:
    run = gate(is_at_most(6.0), Negation(is_at_most(1.0)), Disjunction((is_at_most(2.0), is_at_most(9.0))))
    run.succeed("Eval", DESCRIBED)
    assert len(run.task("Gate").payload["reads"]) == 1  # type: ignore[index,call-overload,arg-type]
    run.succeed("Gate", {"values": [5.5]})
    assert run.entry("Gate")["Metadata"] == {"Condition": {"Outcome": "True"}}


def test_an_address_that_is_itself_read_takes_a_second_round() -> None:
    where = ReadObject(Literal("s3://b/index.json"), ("where",))
    run = Execution.of(
        condition("C", Comparison(Comparator.EQUALS, ReadObject(where, ("a", 0)), Literal(3)))
    ).start()
    assert run.task("C").payload == {"reads": [{"uri": "s3://b/index.json", "path": "where"}]}
    run.succeed("C", {"values": ["s3://b/data.json"]})
    assert run.task("C").id.endswith("/read/1.2")
    assert run.task("C").payload == {"reads": [{"uri": "s3://b/data.json", "path": "a[0]"}]}
    run.succeed("C", {"values": [3]})
    assert run.entry("C")["Metadata"] == {"Condition": {"Outcome": "True"}}


@pytest.mark.parametrize("answer", [None, {}, {"values": []}, {"values": [1, 2]}, {"values": "x"}, [1]])
def test_an_answer_without_the_values_fails_the_step(answer: object) -> None:
    run = gate(is_at_most(6.0))
    run.succeed("Eval", DESCRIBED)
    run.post(TaskSucceeded(run.task("Gate").id, answer))  # type: ignore[arg-type]
    assert "not as many values" in run.entry("Gate")["FailureReason"]


def test_values_without_an_order_fail_the_condition() -> None:
    run = Execution.of(
        condition("C", Comparison(Comparator.GREATER_THAN, Literal("high"), GetParameter("Limit")))
    ).start({"Limit": 3})
    reason = run.entry("C")["FailureReason"]
    assert reason == (
        "ClientError: 'high' and 3 have no order, so GreaterThan cannot be decided. "
        "Compare two numbers, or two texts."
    )


def test_a_throttled_read_is_tried_again() -> None:
    run = gate(is_at_most(6.0))
    run.succeed("Eval", DESCRIBED)
    run.post(TaskFailed(run.tasks.popitem()[0], "Step.THROTTLING", "slow down"))
    run.fire()
    assert run.task("Gate").id == f"{EXECUTION_ID}/Gate/read/2"
    run.succeed("Gate", {"values": [1]})
    assert run.under_way == ["Register"]


@pytest.mark.parametrize(
    ("condition_", "outcome"),
    [
        (Membership(GetParameter("Mode"), (Literal("fast"), Literal("slow"))), "True"),
        (Membership(GetParameter("Mode"), (Literal("slow"),)), "False"),
        (Membership(GetParameter("Mode"), (Literal("slow"),), negated=True), "True"),
        (Membership(GetParameter("Mode"), (GetParameter("Mode"),), negated=True), "False"),
        (Negation(Comparison(Comparator.EQUALS, Literal(1), Literal(2))), "True"),
        (Disjunction(()), "False"),
        (Disjunction((Comparison(Comparator.EQUALS, Literal(1), Literal(1)),)), "True"),
    ],
)
def test_kinds_of_conditions(condition_: Condition, outcome: str) -> None:
    run = Execution.of(condition("C", condition_)).start({"Mode": "fast"})
    assert run.entry("C")["Metadata"] == {"Condition": {"Outcome": outcome}}


def test_all_conditions_must_hold() -> None:
    run = Execution.of(condition("C", True, False, True)).start()
    assert run.entry("C")["Metadata"] == {"Condition": {"Outcome": "False"}}


def test_a_condition_without_conditions_holds() -> None:
    run = Execution.of(condition("C")).start()
    assert run.entry("C")["Metadata"] == {"Condition": {"Outcome": "True"}}
