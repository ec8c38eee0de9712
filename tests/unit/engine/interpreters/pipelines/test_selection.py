"""Selective execution."""

from __future__ import annotations

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.engine.interpreters.pipelines.events import ReusedStep
from stepmill.engine.interpreters.pipelines.frames import Frame
from stepmill.engine.interpreters.pipelines.listing import step_views
from stepmill.engine.interpreters.pipelines.selection import check_selection, selection_from
from stepmill.language.pipelines.conditions import Comparator, Comparison
from stepmill.language.pipelines.definition import Pick, StepType, Trigger
from stepmill.language.pipelines.expressions import GetParameter, Literal
from support.interpreting import Execution, Item, condition, for_each, step

SOURCE = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/source"
GOOD = Comparison(Comparator.EQUALS, GetParameter("Good"), Literal(True))


def uses(name: str, source: str, **more: Json) -> Item:
    return step(name, StepType.CALLBACK, arguments={"x": {"Get": f"Steps.{source}.out"}}, **more)


def abalone() -> list[Item]:
    return [
        step("Prep"),
        uses("Train", "Prep"),
        uses("Eval", "Train"),
        condition("Gate", GOOD, then=[uses("Register", "Train")], otherwise=[step("Alarm")], after=["Eval"]),
        step("Report", after=["Prep"]),
    ]


def run_all(items: list[Item], *, good: bool = True) -> Execution:
    run = Execution.of(*items).start({"Good": good})
    while run.under_way:
        name = run.under_way[0]
        run.succeed(name, {"out": name}, ProcessingJob={"Arn": name})
    return run


def rerun(items: list[Item], names: list[str], source: dict[str, Frame], *, good: bool = True) -> Execution:
    run = Execution.of(*items)
    return run.start({"Good": good}, selection=check_selection(run.plan, names, source, SOURCE))


def test_selected_steps_run_on_the_results_of_the_source() -> None:
    run = rerun(abalone(), ["Train"], run_all(abalone()).frames)
    assert run.under_way == ["Train"]
    assert run.task("Train").payload == {"x": "Prep"}
    run.succeed("Train")
    assert run.status is Status.SUCCEEDED
    assert run.step_statuses == {"Prep": "Succeeded", "Train": "Succeeded"}


def test_reused_steps_are_listed_as_such() -> None:
    run = rerun(abalone(), ["Train"], run_all(abalone()).frames)
    assert run.entry("Prep") == {
        "StepName": "Prep",
        "StepStatus": "Succeeded",
        "StartTime": "2026-01-01T12:00:00Z",
        "EndTime": "2026-01-01T12:00:00Z",
        "Metadata": {"ProcessingJob": {"Arn": "Prep"}},
        "SelectiveExecutionResult": {"SourcePipelineExecutionArn": SOURCE},
    }
    assert "StepReused Prep" in run.said


def test_what_is_reused_twice_names_its_first_source() -> None:
    second = rerun(abalone(), ["Train"], run_all(abalone()).frames)
    second.succeed("Train", {"out": "better"})
    plan = second.plan
    third = check_selection(plan, ["Train"], second.frames, "arn:second")
    assert third.reused["Prep"] == ReusedStep({"out": "Prep"}, {"ProcessingJob": {"Arn": "Prep"}}, SOURCE)


def test_a_selected_condition_is_decided_anew() -> None:
    run = rerun(abalone(), ["Gate", "Register", "Alarm"], run_all(abalone()).frames, good=False)
    assert run.under_way == ["Alarm"]


def test_unselected_steps_of_a_selected_condition_do_not_run() -> None:
    run = rerun(abalone(), ["Gate"], run_all(abalone()).frames)
    assert run.status is Status.SUCCEEDED
    assert list(run.step_statuses) == ["Eval", "Gate"]
    standings = {view.name: str(view.status) for view in step_views(run.plan, run.frames)}
    assert standings == {
        "Prep": "NotSelected",
        "Train": "NotSelected",
        "Eval": "Succeeded",
        "Gate": "Succeeded",
        "Register": "NotSelected",
        "Alarm": "NotSelected",
        "Report": "NotSelected",
    }


def test_the_outcome_of_a_condition_outside_stays_valid() -> None:
    run = rerun(abalone(), ["Register"], run_all(abalone()).frames, good=False)
    assert run.under_way == ["Register"]


def test_a_step_of_the_branch_that_was_not_taken_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"did not take.*Select 'Gate' too"):
        rerun(abalone(), ["Alarm"], run_all(abalone()).frames)


def test_the_same_without_a_source_is_taken_at_its_word() -> None:
    assert rerun(abalone(), ["Alarm"], {}).under_way == ["Alarm"]


def test_an_order_without_data_counts_as_done() -> None:
    assert rerun(abalone(), ["Report"], {}).under_way == ["Report"]


def test_a_trigger_on_a_step_outside_counts_as_met() -> None:
    items = [step("A"), step("Tell", after=[("A", Trigger.FAILED)])]
    run = rerun(items, ["Tell"], run_all(items).frames)
    assert run.under_way == ["Tell"]
    assert {view.name: str(view.status) for view in step_views(run.plan, run.frames)}["Tell"] == "Starting"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "No step is selected"),
        (["Trane"], "There is no step 'Trane'.*Did you mean 'Train'?"),
        (["Train", "Gate"], "not connected: 'Eval' would run between them"),
        (["Prep", "Gate", "Train"], "'Eval'"),
        (["Eval", "Register"], "'Gate'"),
    ],
)
def test_selections_that_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        rerun(abalone(), names, run_all(abalone()).frames)
    assert caught.value.where == "SelectiveExecutionConfig.SelectedSteps"


def test_a_result_that_the_source_has_not_got() -> None:
    source = Execution.of(*abalone()).start({"Good": True})
    source.fail("Prep")
    with pytest.raises(InvalidInputError, match="'Prep', which did not succeed in the source"):
        rerun(abalone(), ["Train"], source.frames)
    with pytest.raises(InvalidInputError, match="no source execution to take it from"):
        rerun(abalone(), ["Train"], {})


def test_steps_side_by_side_can_be_selected() -> None:
    run = rerun(abalone(), ["Train", "Report"], run_all(abalone()).frames)
    assert run.under_way == ["Train", "Report"]


def test_a_name_given_twice_counts_once() -> None:
    assert rerun(abalone(), ["Prep", "Prep"], {}).under_way == ["Prep"]


def test_a_selective_execution_can_be_retried() -> None:
    run = rerun(abalone(), ["Train", "Eval"], run_all(abalone()).frames)
    run.succeed("Train", {"out": "new"})
    run.fail("Eval")
    run.retry()
    assert run.under_way == ["Eval"]
    run.succeed("Eval")
    assert run.status is Status.SUCCEEDED


def loop_items() -> list[Item]:
    body = [uses("Fit", "Prep"), step("Check", after=["Fit"])]
    return [
        step("Prep"),
        for_each("Loop", [1, 2], body, pick=Pick.MAX_BY, field_path="Fit.out"),
        step("Use", StepType.CALLBACK, arguments={"x": {"Get": "Steps.Loop.Selected.out"}}),
        step("One", StepType.CALLBACK, arguments={"x": {"Get": "Steps.Loop.IterationOutputs[0].Check.out"}}),
        step("Count", StepType.CALLBACK, arguments={"x": {"Get": "Steps.Loop.InputItemCount"}}),
    ]


def test_results_of_a_for_each_can_be_taken_over() -> None:
    run = rerun(loop_items(), ["Use", "One", "Count"], run_all(loop_items()).frames)
    assert [task.payload for task in run.tasks.values()] == [{"x": "Fit-1"}, {"x": "Check-0"}, {"x": 2}]


def test_a_for_each_can_be_selected_but_not_its_body() -> None:
    source = run_all(loop_items()).frames
    assert rerun(loop_items(), ["Loop"], source).under_way == ["Fit-0", "Fit-1"]
    with pytest.raises(InvalidInputError, match=r"part of the ForEach step 'Loop'.*Select 'Loop'"):
        rerun(loop_items(), ["Fit"], source)
    with pytest.raises(InvalidInputError, match="Select 'Loop'"):
        selection_from(run_all(loop_items()).plan, "Fit", source)


def test_from_a_step_on() -> None:
    source = run_all(abalone())
    assert selection_from(source.plan, "Eval", source.frames) == ("Eval", "Gate", "Register", "Alarm")
    assert selection_from(source.plan, "Report", source.frames) == ("Report",)
    with pytest.raises(InvalidInputError, match="There is no step 'X'"):
        selection_from(source.plan, "X", source.frames)


@pytest.mark.parametrize("first", ["Prep", "Train", "Eval", "Gate", "Register", "Report"])
def test_from_every_step_on_makes_a_good_selection(first: str) -> None:
    source = run_all(abalone())
    names = selection_from(source.plan, first, source.frames)
    run = rerun(abalone(), list(names), source.frames)
    while run.under_way:
        run.succeed(run.under_way[0], {"out": 1})
    assert run.status is Status.SUCCEEDED


def test_from_leaves_out_branches_that_a_condition_before_did_not_take() -> None:
    items = [
        step("A"),
        step("B"),
        condition(
            "C", False, then=[step("Yes", after=["B"])], otherwise=[step("No", after=["B"])], after=["A"]
        ),
        step("AfterYes", after=["Yes"]),
        step("AfterNo", after=["No"]),
    ]
    source = run_all(items)
    assert selection_from(source.plan, "B", source.frames) == ("B", "No", "AfterNo")
    assert selection_from(source.plan, "B", {}) == ("B", "Yes", "No", "AfterYes", "AfterNo")
