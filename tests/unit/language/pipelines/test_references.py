from __future__ import annotations

from typing import Any

import pytest

from stepmill.core.findings import Severity
from support.documents import (
    condition,
    fail,
    findings_of,
    for_each,
    function,
    get,
    only_finding,
    processing,
    read_file,
    training,
)

SCORE = "OutputParameters['score']"


def reads(name: str, *texts: str, **keys: Any) -> Any:
    """Make a function step that reads these, and has an output itself."""
    return function(name, "score", arguments={f"a{at}": get(text) for at, text in enumerate(texts)}, **keys)


def test_a_reference_to_an_unknown_step_is_found_and_mended() -> None:
    finding = only_finding(
        training("Train", channels={"train": get("Steps.Prepare.X")}), processing("PrepareData")
    )
    assert finding.code == "UNKNOWN_STEP"
    assert finding.path == "Steps[0].Arguments.InputDataConfig[0].DataSource.S3DataSource.S3Uri"
    assert finding.message == "There is no step 'Prepare'."
    assert finding.mend == "Did you mean 'PrepareData'?"


def test_a_reference_to_an_unknown_parameter_is_found_and_mended() -> None:
    finding = only_finding(reads("A", "Parameters.Cuont", "Parameters.Count"), parameters=[{"Name": "Count"}])
    assert (finding.code, finding.path) == ("UNKNOWN_PARAMETER", "Steps[0].Arguments.a0")
    assert finding.mend == "Did you mean 'Count'?"


def test_references_inside_joins_are_followed() -> None:
    step = function(
        "A", arguments={"x": {"Std:Join": {"On": "/", "Values": [get("Parameters.No"), get("Steps.No.x")]}}}
    )
    assert [code for code, _ in findings_of(step)] == ["UNKNOWN_PARAMETER", "UNKNOWN_STEP"]


def test_references_in_other_keys_are_followed() -> None:
    step = {**function("A"), "FunctionArn": get("Steps.No.x")}
    assert findings_of(step) == [("UNKNOWN_STEP", "Steps[0].FunctionArn")]


def test_a_step_cannot_read_itself() -> None:
    assert findings_of(reads("A", f"Steps.A.{SCORE}")) == [("OWN_PROPERTY", "Steps[0].Arguments.a0")]


def test_a_cycle_is_named() -> None:
    finding = only_finding(
        reads("A", f"Steps.B.{SCORE}"), reads("B", f"Steps.C.{SCORE}"), reads("C", DependsOn=["A"])
    )
    assert (finding.code, finding.path) == ("CYCLE", "Steps[0]")
    assert finding.message == "Steps wait for one another: A waits for B waits for C waits for A."


def test_a_condition_that_reads_its_own_branch_is_a_cycle() -> None:
    compared = {"Type": "Equals", "LeftValue": get(f"Steps.In.{SCORE}"), "RightValue": 1}
    assert findings_of(condition("Gate", compared, then=[reads("In")])) == [("CYCLE", "Steps[0]")]


def test_a_step_in_a_branch_that_a_condition_above_waits_for_is_a_cycle() -> None:
    inner = condition("Gate", then=[reads("In")])
    found = findings_of(inner | {"DependsOn": ["After"]}, reads("After", f"Steps.In.{SCORE}"))
    assert ("CYCLE", "Steps[0]") in found


def test_a_step_in_a_branch_may_read_the_outcome_and_its_siblings() -> None:
    then = [reads("One", "Steps.Gate.Outcome"), reads("Two", f"Steps.One.{SCORE}")]
    assert findings_of(condition("Gate", then=then)) == []


def test_a_step_outside_a_branch_that_reads_from_it_is_warned_of() -> None:
    finding = only_finding(condition("Gate", then=[reads("In")]), reads("Out", f"Steps.In.{SCORE}"))
    assert (finding.code, finding.severity) == ("BRANCH_MAY_NOT_RUN", Severity.WARNING)
    assert finding.message == "Step 'In' runs only if 'Gate' takes its IfSteps."


def test_a_dependency_on_a_step_in_a_branch_is_warned_of() -> None:
    found = findings_of(condition("Gate", otherwise=[reads("In")]), reads("Out", DependsOn=["In"]))
    assert found == [("BRANCH_MAY_NOT_RUN", "Steps[1].DependsOn[0]")]


def test_the_other_branch_is_out_of_reach() -> None:
    gate = condition("Gate", then=[reads("Yes")], otherwise=[reads("No", f"Steps.Yes.{SCORE}")])
    finding = only_finding(gate)
    assert (finding.code, finding.path) == (
        "UNREACHABLE_STEP",
        "Steps[0].Arguments.ElseSteps[0].Arguments.a0",
    )


def test_the_other_branch_is_out_of_reach_from_deep_inside() -> None:
    deep = condition("Inner", then=[reads("Deep", f"Steps.Yes.{SCORE}")])
    found = findings_of(condition("Gate", then=[reads("Yes")], otherwise=[deep]))
    assert [code for code, _ in found] == ["UNREACHABLE_STEP"]


def test_a_nested_condition_sees_its_own_branch() -> None:
    inner = condition("Inner", then=[reads("Deep", f"Steps.Side.{SCORE}")])
    assert findings_of(condition("Gate", otherwise=[reads("Side"), inner])) == []


def test_a_nested_condition_that_reads_what_is_inside_it_is_a_cycle() -> None:
    compared = {"Type": "Equals", "LeftValue": get(f"Steps.Deep.{SCORE}"), "RightValue": 1}
    inner = condition("Inner", compared, then=[reads("Deep")])
    found = findings_of(condition("Gate", otherwise=[inner]))
    assert [code for code, _ in found] == ["CYCLE"]


def test_a_body_is_read_by_iteration_only() -> None:
    finding = only_finding(for_each("Loop", reads("Body")), reads("Out", f"Steps.Body.{SCORE}"))
    assert finding.code == "UNREACHABLE_STEP"
    assert finding.mend == "Write Steps.Loop.IterationOutputs[0].Body.<property>."


def test_steps_in_a_body_may_read_one_another() -> None:
    assert findings_of(for_each("Loop", reads("One"), reads("Two", f"Steps.One.{SCORE}"))) == []


def test_a_body_cannot_wait_for_its_loop() -> None:
    assert findings_of(for_each("Loop", reads("Body", "Steps.Loop.Status"))) == [
        ("CYCLE", "Steps[0].Arguments.ForEachBody[0].Arguments.a0")
    ]


def test_a_body_that_reads_what_waits_for_its_loop_is_a_cycle() -> None:
    loop = for_each("Loop", reads("Body", f"Steps.After.{SCORE}"))
    assert [code for code, _ in findings_of(loop, reads("After", DependsOn=["Loop"]))] == ["CYCLE"]


def test_the_current_item_is_known_in_a_body() -> None:
    body = reads("Body", "ForEach.CurrentItem", "ForEach.CurrentItem.a['b']")
    assert findings_of(for_each("Loop", body)) == []


def test_the_current_item_is_unknown_elsewhere() -> None:
    assert findings_of(reads("A", "ForEach.CurrentItem")) == [("NOT_HERE", "Steps[0].Arguments.a0")]


def test_an_iteration_output_is_for_selectors() -> None:
    found = findings_of(for_each("Loop", reads("Body")), reads("A", f"IterationOutput.Body.{SCORE}"))
    assert found == [("NOT_HERE", "Steps[1].Arguments.a0")]


def test_nothing_waits_for_a_fail_step() -> None:
    found = findings_of(condition("Gate", then=[fail("Stop"), function("A", DependsOn=["Stop"])]))
    assert [code for code, _ in found] == ["DEPENDS_ON_FAIL"]


def test_a_property_file_must_be_declared() -> None:
    declared = [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "r.json"}]
    step = processing("Eval", outputs=("out",), PropertyFiles=declared)
    wrong = function("A", arguments={"x": read_file("Eval", "Reprot", "a")})
    right = function("B", arguments={"x": read_file("Eval", "Report", "a")})
    finding = only_finding(step, wrong, right)
    assert (finding.code, finding.path) == ("UNKNOWN_PROPERTY_FILE", "Steps[1].Arguments.x")
    assert finding.mend == "Did you mean 'Report'?"


def test_a_property_file_is_no_property() -> None:
    declared = [{"PropertyFileName": "Report", "OutputName": "out", "FilePath": "r.json"}]
    step = processing("Eval", outputs=("out",), PropertyFiles=declared)
    found = findings_of(step, reads("A", "Steps.Eval.PropertyFiles.Report"))
    assert found == [("BAD_EXPRESSION", "Steps[1].Arguments.a0")]


def test_the_name_of_the_job_is_known_in_its_own_step() -> None:
    step = training("Train", HyperParameters={"me": get("Execution.TrainingJobName")})
    assert findings_of(step) == []
    assert findings_of(reads("A", "Execution.TrainingJobName")) == [("NOT_HERE", "Steps[0].Arguments.a0")]


def test_an_experiment_that_is_switched_off_cannot_be_read() -> None:
    step = reads("A", "PipelineExperimentConfig.TrialName")
    assert findings_of(step) == []
    assert findings_of(step, PipelineExperimentConfig=None) == [("NO_EXPERIMENT", "Steps[0].Arguments.a0")]


def test_a_document_of_errors_ends_early() -> None:
    found = findings_of(function("A", arguments={f"a{at}": get("Parameters.No") for at in range(5000)}))
    assert len(found) == 1001
    assert found[-1] == ("TOO_MANY_FINDINGS", "")


def test_warnings_beyond_many_are_counted() -> None:
    steps = [processing(f"s{at}", inputs={"in": "./here"}) for at in range(1500)]
    finding = findings_of(*steps)
    assert len(finding) == 1001
    assert finding[-1][0] == "TOO_MANY_FINDINGS"


@pytest.mark.parametrize("size", [400])
def test_long_chains_are_walked(size: int) -> None:
    steps = [reads(f"s{at}", f"Steps.s{at - 1}.{SCORE}") if at else reads("s0") for at in range(size)]
    assert [code for code, _ in findings_of(*steps)] == ["AWS_LIMIT"]


def test_outputs_inputs_and_channels_have_names_of_their_own() -> None:
    step = processing("A", inputs={"in": "s3://bucket/k"}, outputs=("out",))
    step["Arguments"]["ProcessingInputs"] *= 2
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"] *= 2
    fit = training("B")
    fit["Arguments"]["InputDataConfig"] *= 2
    assert findings_of(step, fit) == [
        ("DUPLICATE_NAME", "Steps[0].Arguments.ProcessingOutputConfig.Outputs[1].OutputName"),
        ("DUPLICATE_NAME", "Steps[0].Arguments.ProcessingInputs[1].InputName"),
        ("DUPLICATE_NAME", "Steps[1].Arguments.InputDataConfig[1].ChannelName"),
    ]
