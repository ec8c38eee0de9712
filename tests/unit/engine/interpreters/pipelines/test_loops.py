"""ForEach."""

from __future__ import annotations

import pytest

from stepmill.core.json import Json
from stepmill.core.statuses import PipelineExecutionStatus as Status
from stepmill.language.pipelines.definition import Pick, PropertyFile, StepType, Trigger
from support.interpreting import Execution, fail_step, for_each, step

ITEM = {"Get": "ForEach.CurrentItem"}


def fit(arguments: Json = None) -> list:  # type: ignore[type-arg]
    return [step("Fit", StepType.CALLBACK, arguments=arguments or {"item": ITEM})]  # type: ignore[arg-type]


def items_seen(run: Execution) -> list[Json]:
    return [task.payload["item"] for task in run.all_tasks]  # type: ignore[index,call-overload]


def test_each_item_runs_one_child_and_max_concurrency_limits_them() -> None:
    run = Execution.of(for_each("Loop", ["a", "b", "c"], fit(), concurrency=2)).start()
    assert run.under_way == ["Fit-0", "Fit-1"]
    assert run.step_statuses["Loop"] == "Executing"
    run.succeed("Fit-1")
    assert run.under_way == ["Fit-0", "Fit-2"]
    run.succeed("Fit-0")
    run.succeed("Fit-2")
    assert items_seen(run) == ["a", "b", "c"]
    assert run.status is Status.SUCCEEDED
    assert run.entry("Loop")["Metadata"] == {
        "ForEach": {
            "Status": "Succeeded",
            "InputItemCount": 3,
            "TotalStepCount": 3,
            "SucceededStepCount": 3,
            "FailedStepCount": 0,
            "StoppedStepCount": 0,
        }
    }


def test_children_need_slots_of_the_execution_too() -> None:
    run = Execution.of(for_each("Loop", [1, 2, 3], fit(), concurrency=3), step("A")).start(parallelism=2)
    assert len(run.under_way) == 2
    for name in ("Fit-0", "Fit-1", "Fit-2", "A"):
        if name in run.under_way:
            run.succeed(name)
    while run.under_way:
        assert len(run.under_way) <= 2
        run.succeed(run.under_way[0])
    assert run.status is Status.SUCCEEDED


def test_a_child_is_listed_with_its_iteration() -> None:
    run = Execution.of(for_each("Loop", ["a", {"Get": "Parameters.P"}], fit())).start({"P": 5})
    assert run.entry("Fit-1")["IterationContext"] == {"ParentStepName": "Loop", "Index": 1, "Item": "5"}


@pytest.mark.parametrize(
    ("text", "items"),
    [('["a","b"]', ["a", "b"]), ("[1, 2.5, true]", [1, 2.5, True]), ('[{"k": 1}]', [{"k": 1}])],
)
def test_items_can_come_as_json_text(text: str, items: list[Json]) -> None:
    run = Execution.of(for_each("Loop", {"Get": "Parameters.Items"}, fit(), concurrency=9)).start(
        {"Items": text}
    )
    assert items_seen(run) == items


def test_items_can_be_the_output_of_a_step() -> None:
    items = {"Get": "Steps.List.OutputParameters['items']"}
    run = Execution.of(step("List", StepType.LAMBDA), for_each("Loop", items, fit())).start()
    run.succeed("List", {"OutputParameters": {"items": '["x"]'}})
    assert run.under_way == ["Fit-0"]


def test_items_can_be_read_from_a_file() -> None:
    items = {"Std:JsonGet": {"S3Uri": "s3://b/i.json", "Path": "items"}}
    run = Execution.of(for_each("Loop", items, fit())).start()
    run.succeed("Loop", {"values": [["x", "y"]]})
    assert run.under_way == ["Fit-0", "Fit-1"]


def test_single_items_can_be_read_from_files() -> None:
    items: Json = ["a", {"Std:JsonGet": {"S3Uri": "s3://b/i.json", "Path": "one"}}]
    run = Execution.of(for_each("Loop", items, fit())).start()
    run.succeed("Loop", {"values": ["b"]})
    assert [task.payload for task in run.tasks.values()] == [{"item": "a"}, {"item": "b"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "IterableItems is an empty list"),
        ('"a"', "not a list"),
        ("{}", "IterableItems is {}, not a list"),
        ("nonsense", "This is not valid JSON"),
        ("7", "IterableItems is 7, not a list"),
    ],
)
def test_items_that_are_no_list_fail_the_step(text: str, reason: str) -> None:
    run = Execution.of(for_each("Loop", {"Get": "Parameters.Items"}, fit())).start({"Items": text})
    assert run.status is Status.FAILED
    assert reason in run.entry("Loop")["FailureReason"]


@pytest.mark.parametrize("item", [{"a": {"b": [1, 2]}}, '{"a": {"b": [1, 2]}}'])
def test_an_item_can_be_entered(item: Json) -> None:
    arguments: Json = {"item": {"Get": "ForEach.CurrentItem.a['b'][1]"}}
    items = {"Get": "Parameters.Items"}
    run = Execution.of(for_each("Loop", items, fit(arguments))).start({"Items": [item]})
    assert items_seen(run) == [2]


def test_an_item_that_cannot_be_entered_fails_the_child() -> None:
    arguments: Json = {"item": {"Get": "ForEach.CurrentItem.a"}}
    run = Execution.of(for_each("Loop", ["plain"], fit(arguments))).start()
    assert run.step_statuses == {"Loop": "Failed", "Fit-0": "Failed"}
    assert run.status is Status.FAILED


def test_body_steps_wait_for_one_another_within_an_iteration() -> None:
    body = [
        step("Fit", StepType.CALLBACK, arguments={"item": ITEM}),
        step("Check", StepType.CALLBACK, arguments={"item": {"Get": "Steps.Fit.OutputParameters['m']"}}),
    ]
    run = Execution.of(for_each("Loop", ["a", "b"], body, concurrency=2)).start()
    run.succeed("Fit-1", {"OutputParameters": {"m": "one"}})
    assert run.under_way == ["Fit-0", "Check-1"]
    run.succeed("Fit-0", {"OutputParameters": {"m": "zero"}})
    assert run.task("Check-1").payload == {"item": "one"}
    assert run.task("Check-0").payload == {"item": "zero"}


def test_a_property_file_of_the_same_iteration() -> None:
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Fit.PropertyFiles.R"}, "Path": "a"}}
    body = [
        step("Fit", property_files=(PropertyFile("R", "out", "r.json"),)),
        step("Check", StepType.CALLBACK, arguments={"item": read}),
    ]
    described = {
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": "s3://b/one"}}]}
    }
    run = Execution.of(for_each("Loop", ["a", "b"], body)).start()
    run.succeed("Fit-1", described)
    assert run.task("Check-1").payload == {"reads": [{"uri": "s3://b/one/r.json", "path": "a"}]}


def test_max_concurrency_counts_children_not_iterations() -> None:
    body = [step("A"), step("B")]
    run = Execution.of(for_each("Loop", [1, 2], body, concurrency=3)).start()
    assert run.under_way == ["A-0", "B-0", "A-1"]


def test_children_of_begun_iterations_go_before_new_ones() -> None:
    body = [step("A"), step("B", after=["A"])]
    run = Execution.of(for_each("Loop", [1, 2, 3], body, concurrency=1)).start()
    seen = []
    while run.under_way:
        seen.append(run.under_way[0])
        run.succeed(run.under_way[0])
    assert seen == ["A-0", "B-0", "A-1", "B-1", "A-2", "B-2"]


def test_a_child_that_fails_fails_the_step_in_the_end() -> None:
    run = Execution.of(
        for_each("Loop", [1, 2, 3], fit(), concurrency=1), step("After", after=["Loop"])
    ).start()
    run.succeed("Fit-0")
    run.fail("Fit-1")
    run.succeed("Fit-2")
    assert run.step_statuses["Loop"] == "Failed"
    assert run.entry("Loop")["FailureReason"] == "1 of the steps of 3 iterations failed."
    assert run.entry("Loop")["Metadata"]["ForEach"]["FailedStepCount"] == 1
    assert run.status is Status.FAILED


def test_counts_can_be_read_after_a_failure() -> None:
    arguments = {"failed": {"Get": "Steps.Loop.FailedStepCount"}, "status": {"Get": "Steps.Loop.Status"}}
    run = Execution.of(
        for_each("Loop", [1], fit()),
        step("Tell", StepType.CALLBACK, after=[("Loop", Trigger.FAILED)], arguments=arguments),
    ).start()
    run.fail("Fit-0")
    assert run.task("Tell").payload == {"failed": 1, "status": "Failed"}
    run.succeed("Tell")
    assert run.status is Status.COMPLETED_WITH_FAILURES


def test_a_child_that_somebody_stopped_stops_the_step() -> None:
    run = Execution.of(for_each("Loop", [1], fit())).start()
    run.end_stopped("Fit-0")
    assert run.step_statuses["Loop"] == "Stopped"
    assert run.status is Status.FAILED


def test_a_child_after_one_that_failed_does_not_run() -> None:
    body = [step("A"), step("B", after=["A"]), step("Tell", after=[("A", Trigger.FAILED)])]
    run = Execution.of(for_each("Loop", [1], body)).start()
    run.fail("A-0")
    assert run.under_way == ["Tell-0"]
    run.succeed("Tell-0")
    assert run.step_statuses == {"Loop": "Failed", "A-0": "Failed", "Tell-0": "Succeeded"}


def test_iteration_outputs_can_be_read() -> None:
    arguments = {"x": {"Get": "Steps.Loop.IterationOutputs[1].Fit.OutputParameters['m']"}}
    run = Execution.of(
        for_each("Loop", [1, 2], fit()), step("After", StepType.CALLBACK, arguments=arguments)
    ).start()
    run.succeed("Fit-0", {"OutputParameters": {"m": 10}})
    run.succeed("Fit-1", {"OutputParameters": {"m": 11}})
    assert run.task("After").payload == {"x": 11}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("IterationOutputs[7].Fit.x", "step 'Fit-7' has not run"),
        ("IterationOutputs.Fit.x", "is no property of a ForEach step"),
        ("Selected.x", "no iteration was selected"),
        ("Count", "'Count' is not to be found in the document"),
    ],
)
def test_wrong_properties_of_a_for_each(path: str, reason: str) -> None:
    arguments = {"x": {"Get": f"Steps.Loop.{path}"}}
    run = Execution.of(for_each("Loop", [1], fit()), step("After", arguments=arguments)).start()
    run.succeed("Fit-0", {})
    assert reason in run.entry("After")["FailureReason"]


@pytest.mark.parametrize(
    ("pick", "values", "chosen"),
    [
        (Pick.MAX_BY, [1, 3, 2], 1),
        (Pick.MIN_BY, [1, 3, 0.5], 2),
        (Pick.MAX_BY, ["2026-01-01", "2026-01-03", "2026-01-02"], 1),
        (Pick.MAX_BY, [5, 5.0, 5], 0),
        (Pick.MIN_BY, ["10", 9, 11], 1),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_selector_picks_an_iteration(
    pick: Pick, values: list[Json], chosen: int, order: tuple[int, ...]
) -> None:
    arguments = {"x": {"Get": "Steps.Loop.Selected.OutputParameters['id']"}}
    run = Execution.of(
        for_each("Loop", [1, 2, 3], fit(), concurrency=3, pick=pick, field_path="Fit.OutputParameters['m']"),
        step("After", StepType.CALLBACK, arguments=arguments),
    ).start()
    for index in order:
        run.succeed(f"Fit-{index}", {"OutputParameters": {"m": values[index], "id": index}})
    assert run.task("After").payload == {"x": chosen}
    assert run.entry("Loop")["Metadata"]["ForEach"]["Selector"] == {
        "StepName": f"Fit-{chosen}",
        "Index": chosen,
    }


@pytest.mark.parametrize("output", [{}, {"OutputParameters": {"m": None}}, None])
def test_a_selector_that_cannot_compare_fails_the_step(output: Json) -> None:
    run = Execution.of(
        for_each("Loop", [1, 2], fit(), pick=Pick.MAX_BY, field_path="Fit.OutputParameters['m']")
    ).start()
    run.succeed("Fit-0", {"OutputParameters": {"m": 1}})
    run.succeed("Fit-1", output)
    assert run.step_statuses["Loop"] == "Failed"
    assert (
        "cannot compare IterationOutput.Fit.OutputParameters.m of iteration 1"
        in run.entry("Loop")["FailureReason"]
    )


def test_a_fail_step_ends_a_loop_early() -> None:
    run = Execution.of(
        for_each("Loop", [1, 2, 3], fit(), concurrency=1), step("A"), fail_step("Bad", "no", after=["A"])
    ).start()
    run.succeed("A")
    run.succeed("Fit-0")
    assert run.under_way == []
    assert run.step_statuses["Loop"] == "Stopped"
    assert run.status is Status.FAILED
    assert run.root.failure_reason == "no"


def test_a_fail_step_takes_back_children_that_wait_for_a_slot() -> None:
    run = Execution.of(
        step("A"),
        for_each("Loop", [1, 2, 3], fit(), concurrency=3, after=["A"]),
        step("B", after=["A"]),
        fail_step("Bad", "no", after=["B"]),
    ).start(parallelism=1)
    run.succeed("A")
    while run.under_way:
        run.succeed(run.under_way[0])
    assert run.status is Status.FAILED
    assert not [key for key in run.frames if key.startswith("ready/")]


def test_a_thousand_iterations_touch_few_frames_each() -> None:
    items = {"Get": "Parameters.Items"}
    run = Execution.of(for_each("Loop", items, fit(), concurrency=50)).start({"Items": list(range(1000))})
    result = run.succeed("Fit-7")
    assert set(result.frames) == {
        "execution",
        "loop/Loop",
        "step/Fit-7",
        "output/Fit-7",
        "step/Fit-50",
    }
    while run.under_way:
        run.succeed(run.under_way[0])
    assert run.status is Status.SUCCEEDED
