from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepmill.core.errors import DefinitionError, InvalidInputError
from stepmill.core.findings import Severity
from stepmill.sdk import LambdaStep, Parameter, Pipeline, ProcessingStep, RawStep, TrainingStep
from support.sdk import compiled, definition


def job(name: str = "A", **options: object) -> ProcessingStep:
    return ProcessingStep(name, image="python", **options)


def test_the_whole_document() -> None:
    document = definition(job(arguments=[Parameter("p", 1)]), metadata={"team": "red"})
    assert document.pop("Steps")[0]["Name"] == "A"
    assert document == {
        "Version": "2020-12-01",
        "Metadata": {"team": "red"},
        "Parameters": [{"Name": "p", "Type": "Integer", "DefaultValue": 1}],
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
    }


def test_what_goes_beside_the_definition() -> None:
    result = compiled(job(), description="Does it.", max_parallel_steps=3)
    assert (result.name, result.description, result.max_parallel_steps) == ("Test", "Does it.", 3)


def test_one_step_needs_no_list() -> None:
    assert [step.name for step in Pipeline("P", job()).steps] == ["A"]


def test_named_parameters_come_first_and_may_be_unused() -> None:
    a, b, c = Parameter("a", 1), Parameter("b", 2), Parameter("c", 3)
    pipeline = Pipeline("P", [job(arguments=[a, b])], parameters=[c, b])
    assert pipeline.parameters == (c, b, a)


def test_a_named_parameter_must_agree_with_the_used_one() -> None:
    with pytest.raises(InvalidInputError, match="two different parameters"):
        Pipeline("P", [job(arguments=[Parameter("a", 1)])], parameters=[Parameter("a", 2)])


def test_a_pipeline_says_what_it_is() -> None:
    assert repr(Pipeline("P", [job("A"), job("B")])) == "<Pipeline 'P': A, B>"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("a b", [job()]), {}, "no name for a pipeline"),
        (("P", []), {}, "no steps"),
        (("P", ["A"]), {}, "'A' is no step"),
        (("P", [job()]), {"max_parallel_steps": 0}, "cannot run at once"),
    ],
)
def test_pipelines_that_are_refused(
    arguments: tuple[object, ...], options: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Pipeline(*arguments, **options)


def test_waits_added_later_count() -> None:
    first, second = job("A"), job("B")
    pipeline = Pipeline("P", [second])
    second.after(first)
    document = json.loads(pipeline.compile().definition)
    assert [step["Name"] for step in document["Steps"]] == ["A", "B"]


def test_compiling_again_gives_the_same_text() -> None:
    pipeline = Pipeline("P", [job("A"), TrainingStep("B")])
    assert pipeline.compile().definition == pipeline.compile().definition


def test_the_place_it_is_compiled_for() -> None:
    pipeline = Pipeline("P", [TrainingStep("T"), LambdaStep("L", function="f")])
    text = pipeline.compile(
        code_prefix="s3://mine/x/", region="eu-west-1", account="999999999999", role="arn:aws:iam::9:role/R"
    ).definition
    assert '"s3://mine/x","P"' in text
    assert "141502667606.dkr.ecr.eu-west-1.amazonaws.com/" in text
    assert "arn:aws:lambda:eu-west-1:999999999999:function:f" in text
    assert '"RoleArn":"arn:aws:iam::9:role/R"' in text


def test_the_role_of_the_pipeline() -> None:
    pipeline = Pipeline("P", [TrainingStep("T")], role="arn:aws:iam::123456789012:role/Mine")
    assert "role/Mine" in pipeline.compile().definition
    assert "role/Other" in pipeline.compile(role="arn:aws:iam::123456789012:role/Other").definition


def test_the_default_place_is_that_of_the_sagemaker_sdk() -> None:
    text = Pipeline("P", [TrainingStep("T")]).compile().definition
    assert "s3://sagemaker-us-west-2-123456789012" in text
    assert "arn:aws:iam::123456789012:role/SageMakerExecutionRole" in text


@pytest.mark.parametrize("prefix", ["bucket", "s3://", "s3:///", "https://b"])
def test_other_prefixes_are_refused(prefix: str) -> None:
    pipeline = Pipeline("P", [TrainingStep("T")])
    with pytest.raises(InvalidInputError, match="no s3:// address"):
        pipeline.compile(code_prefix=prefix)


def test_paths_begin_at_the_file_that_makes_the_pipeline() -> None:
    assert Pipeline("P", [job()]).folder == Path(__file__).parent


def test_paths_begin_where_there_is_no_file_at_the_current_folder() -> None:
    names: dict[str, object] = {"Pipeline": Pipeline, "job": job}
    exec("pipeline = Pipeline('P', [job()])", names)
    assert names["pipeline"].folder == Path.cwd()


def test_a_folder_can_be_given(tmp_path: Path) -> None:
    assert Pipeline("P", [job()], folder=tmp_path).folder == tmp_path


def test_a_definition_that_breaks_a_rule_is_refused_with_all_findings() -> None:
    pipeline = Pipeline("P", [RawStep("A", "Nothing", {}), RawStep("B", "Training", {"X": 1})])
    with pytest.raises(DefinitionError) as caught:
        pipeline.compile()
    errors = [finding for finding in caught.value.findings if finding.severity is Severity.ERROR]
    assert len(errors) >= 2
    assert {finding.path.split(".")[0] for finding in errors} == {"Steps[0]", "Steps[1]"}


def test_warnings_are_kept() -> None:
    step = job(inputs={f"i{number}": f"s3://b/{number}" for number in range(11)})
    warnings = Pipeline("P", [step]).compile().warnings
    assert warnings
    assert all(finding.severity is Severity.WARNING for finding in warnings)
