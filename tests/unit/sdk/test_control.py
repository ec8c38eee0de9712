from __future__ import annotations

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import (
    Best,
    ConditionStep,
    FailStep,
    ForEachStep,
    Join,
    LambdaStep,
    Parameter,
    ProcessingStep,
    TrainingStep,
    current_item,
)
from support.sdk import definition, find_step, step_document


def job(name: str, **options: object) -> ProcessingStep:
    return ProcessingStep(name, image="python", **options)


LIMIT = Parameter("limit", 6)


def test_both_branches() -> None:
    step = ConditionStep("Gate", LIMIT <= 6, then=[job("Yes")], otherwise=FailStep("No", "too high"))
    document = step_document(step)
    assert document["Type"] == "Condition"
    assert document["Arguments"]["Conditions"] == [
        {"Type": "LessThanOrEqualTo", "LeftValue": {"Get": "Parameters.limit"}, "RightValue": 6}
    ]
    assert [each["Name"] for each in document["Arguments"]["IfSteps"]] == ["Yes"]
    assert document["Arguments"]["ElseSteps"] == [
        {"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": "too high"}}
    ]
    assert step.outcome.expression() == {"Get": "Steps.Gate.Outcome"}


def test_several_conditions_must_all_hold() -> None:
    step = ConditionStep("Gate", [LIMIT <= 6, (LIMIT > 1) & (LIMIT != 3)], then=[job("Yes")])
    assert [each["Type"] for each in step_document(step)["Arguments"]["Conditions"]] == [
        "LessThanOrEqualTo",
        "GreaterThan",
        "Not",
    ]


@pytest.mark.parametrize("condition", [True, [], None, LIMIT, [LIMIT <= 6, True]])
def test_what_is_no_condition_is_refused(condition: object) -> None:
    with pytest.raises(InvalidInputError, match="no condition"):
        ConditionStep("Gate", condition, then=[job("Yes")])


def test_a_condition_without_steps_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="decides nothing"):
        ConditionStep("Gate", LIMIT <= 6)


def test_branches_hold_steps() -> None:
    with pytest.raises(InvalidInputError, match="'Yes' is no step"):
        ConditionStep("Gate", LIMIT <= 6, then=["Yes"])


def test_failing_with_values_in_the_message() -> None:
    document = step_document(FailStep("Stop", Join(["above ", LIMIT])))
    assert document["Arguments"]["ErrorMessage"] == {
        "Std:Join": {"On": "", "Values": ["above ", {"Get": "Parameters.limit"}]}
    }


def test_nested_conditions() -> None:
    inner = ConditionStep("Inner", LIMIT > 1, then=[job("Deep")])
    documents = definition(ConditionStep("Outer", LIMIT < 9, then=[inner]))["Steps"]
    assert len(documents) == 1
    assert find_step(documents, "Deep")["Type"] == "Processing"


def loop(**options: object) -> ForEachStep:
    train = TrainingStep("Train", hyperparameters={"alpha": current_item}, metrics={"rmse": "rmse=(.*)"})
    report = job("Report", inputs={"model": train.model}, outputs=["out"])
    given = {"items": [0.1, 1.0], "body": [train, report], "best": Best(train.metrics["rmse"]), **options}
    return ForEachStep("Sweep", **given)


def test_a_loop() -> None:
    step = loop(max_concurrency=2)
    document = step_document(step)
    assert document["Type"] == "ForEach"
    arguments = document["Arguments"]
    assert arguments["IterableItems"] == [0.1, 1.0]
    assert arguments["MaxConcurrency"] == 2
    assert arguments["Selector"] == {
        "Pick": "MinBy",
        "Field": {"Get": "IterationOutput.Train.FinalMetricDataList['rmse'].Value"},
    }
    assert [each["Name"] for each in arguments["ForEachBody"]] == ["Train", "Report"]
    assert arguments["ForEachBody"][0]["Arguments"]["HyperParameters"]["alpha"] == {
        "Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem"}]}
    }


def test_objects_as_items_are_written_as_json() -> None:
    step = ForEachStep("S", items=[{"a": 1}, [2], "x", LIMIT], body=[job("A", arguments=[current_item["a"]])])
    assert step_document(step)["Arguments"]["IterableItems"] == [
        '{"a":1}',
        "[2]",
        "x",
        {"Get": "Parameters.limit"},
    ]


def test_iterations_do_not_share_an_output() -> None:
    output = find_step([step_document(loop())], "Report")["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]
    assert {"Get": "Execution.ProcessingJobName"} in output["S3Output"]["S3Uri"]["Std:Join"]["Values"]


def test_the_greatest_can_be_the_best() -> None:
    train = TrainingStep("Train", metrics={"auc": "auc=(.*)"})
    step = ForEachStep("S", items=["a"], body=[train], best=Best(train.metrics["auc"], greatest=True))
    assert step_document(step)["Arguments"]["Selector"]["Pick"] == "MaxBy"


def test_items_that_a_step_gives() -> None:
    listing = LambdaStep("List", function="f", outputs={"items": str})
    step = ForEachStep("S", items=listing.outputs["items"], body=[job("A", arguments=[current_item["name"]])])
    documents = definition(step)["Steps"]
    assert [each["Name"] for each in documents] == ["List", "S"]
    assert documents[1]["Arguments"]["IterableItems"] == {"Get": "Steps.List.OutputParameters['items']"}


def test_what_a_loop_leaves() -> None:
    step = loop()
    train, report = step.body
    assert step.selected(train.model).expression() == {
        "Get": "Steps.Sweep.Selected.ModelArtifacts.S3ModelArtifacts"
    }
    assert step.iteration(1, train.model).expression() == {
        "Get": "Steps.Sweep.IterationOutputs[1].Train.ModelArtifacts.S3ModelArtifacts"
    }
    after = job(
        "After",
        inputs={"best": step.selected(train.model), "first": step.iteration(0, report.outputs["out"])},
    )
    assert [each["Name"] for each in definition(after)["Steps"]] == ["Sweep", "After"]


def test_what_a_loop_does_not_leave() -> None:
    step = loop()
    other = TrainingStep("Other")
    with pytest.raises(InvalidInputError, match="cannot be selected"):
        step.selected(other.model)
    with pytest.raises(InvalidInputError, match="cannot be selected"):
        loop(best=None).selected(step.body[0].model)
    with pytest.raises(InvalidInputError, match="not a value of a step in the loop"):
        step.iteration(0, other.model)


def test_a_file_that_a_loop_wrote_cannot_be_read_from_outside() -> None:
    report = job("A", outputs=["o"]).report("x.json")["a"]
    step = loop()
    with pytest.raises(InvalidInputError, match="cannot be read from outside"):
        step.iteration(0, report)
    with pytest.raises(InvalidInputError, match="cannot be selected"):
        step.selected(report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"body": [], "best": None}, "nothing to repeat"),
        ({"body": [FailStep("F", "x")], "best": None}, "cannot be repeated"),
        ({"body": [ConditionStep("C", LIMIT > 1, then=[job("A")])], "best": None}, "cannot be repeated"),
        ({"items": []}, "0 items"),
        ({"items": "[1, 2]"}, "one text, not a list"),
        ({"items": list(range(101))}, "101 items"),
        ({"best": Best(TrainingStep("Other").model)}, "not a value of a step in the loop"),
    ],
)
def test_loops_that_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        loop(**options)


def test_iterations_are_compared_by_properties() -> None:
    with pytest.raises(InvalidInputError, match="cannot be compared"):
        Best(job("A", outputs=["o"]).report("x.json")["a"])
