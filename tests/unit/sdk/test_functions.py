from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import CallbackStep, Function, FunctionAsset, LambdaStep, Parameter, TrainingStep
from support.sdk import compiled, step_document

TRAIN = TrainingStep("Train")
ARN = "arn:aws:lambda:eu-west-1:999999999999:function:other"


def test_calling_a_function_of_the_pipeline(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): return {}")
    function = Function("score-it", "app.py", "app.handler", timedelta(minutes=1), {"A": "b"})
    step = LambdaStep(
        "Score",
        function=function,
        inputs={"model": TRAIN.model, "n": 3, "nested": {"x": [Parameter("p", 0.5)]}},
        outputs={"score": float, "n": int, "ok": bool, "text": str},
    )
    assert step_document(step, folder=tmp_path) == {
        "Name": "Score",
        "Type": "Lambda",
        "Arguments": {
            "model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
            "n": 3,
            "nested": {"x": [{"Get": "Parameters.p"}]},
        },
        "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:score-it",
        "OutputParameters": [
            {"OutputName": "score", "OutputType": "Float"},
            {"OutputName": "n", "OutputType": "Integer"},
            {"OutputName": "ok", "OutputType": "Boolean"},
            {"OutputName": "text", "OutputType": "String"},
        ],
    }
    assert compiled(step, folder=tmp_path).functions == (
        FunctionAsset("score-it", tmp_path / "app.py", "app.handler", timedelta(minutes=1), {"A": "b"}),
    )
    assert step.outputs["score"].expression() == {"Get": "Steps.Score.OutputParameters['score']"}
    assert [step.outputs[name].is_text for name in step.outputs] == [False, False, False, True]


@pytest.mark.parametrize(
    ("function", "arn"),
    [
        ("mine", "arn:aws:lambda:us-west-2:123456789012:function:mine"),
        (ARN, ARN),
        (Parameter("arn", ARN), {"Get": "Parameters.arn"}),
    ],
)
def test_calling_a_function_that_exists(function: object, arn: object) -> None:
    step = LambdaStep("F", function=function, outputs=["a"])
    assert step_document(step)["FunctionArn"] == arn
    assert compiled(step).functions == ()


def test_one_function_serves_two_steps(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    steps = [LambdaStep(name, function=Function("f", "app.py", "app.handler")) for name in ("A", "B")]
    assert len(compiled(*steps, folder=tmp_path).functions) == 1


def test_two_functions_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    steps = [LambdaStep(name, function=Function("f", "app.py", f"app.{name}")) for name in ("a", "b")]
    with pytest.raises(InvalidInputError, match="Two functions are named 'f'"):
        compiled(*steps, folder=tmp_path)


def test_missing_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="does not exist"):
        compiled(LambdaStep("F", function=Function("f", "app.py", "app.handler")), folder=tmp_path)


@pytest.mark.parametrize("handler", ["", "handler", "app.", ".handler", "app/x.handler", "app.1"])
def test_bad_handlers_are_refused(handler: str) -> None:
    with pytest.raises(InvalidInputError, match="no handler"):
        Function("f", "app.py", handler)


def test_bad_names_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        Function("a b", "app.py", "app.handler")
    with pytest.raises(InvalidInputError):
        compiled(LambdaStep("F", function="a b"))


def test_asking_someone_outside() -> None:
    step = CallbackStep(
        "Ask", queue="approvals", inputs={"model": TRAIN.model}, outputs={"approved": bool}, cache="1d"
    )
    assert step_document(step) == {
        "Name": "Ask",
        "Type": "Callback",
        "Arguments": {"model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
        "SqsQueueUrl": "https://sqs.us-west-2.amazonaws.com/123456789012/approvals",
        "OutputParameters": [{"OutputName": "approved", "OutputType": "Boolean"}],
        "CacheConfig": {"Enabled": True, "ExpireAfter": "1d"},
    }


@pytest.mark.parametrize(
    "queue", ["https://sqs.eu-west-1.amazonaws.com/1/q", Parameter("queue", "https://x/1/q")]
)
def test_a_queue_by_its_address(queue: object) -> None:
    url = step_document(CallbackStep("Ask", queue=queue))["SqsQueueUrl"]
    assert url == (queue if isinstance(queue, str) else {"Get": "Parameters.queue"})


def test_a_single_output_needs_no_list() -> None:
    assert list(CallbackStep("Ask", queue="q", outputs="done").outputs) == ["done"]


def test_other_types_of_outputs_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no type of an output"):
        LambdaStep("F", function="f", outputs={"a": list})
