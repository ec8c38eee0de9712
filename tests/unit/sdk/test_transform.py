"""Transform steps of the SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import ForEachStep, Join, ModelStep, Parameter, Retry, TransformStep, current_item
from support.sdk import compiled, step_document

OWN_ADDRESS = ["Steps[0].Arguments.TransformOutput.S3OutputPath"]


def test_least() -> None:
    document = step_document(TransformStep("Predict", model="churn", data="s3://b/new/"))
    arguments = document["Arguments"]
    output = arguments["TransformOutput"].pop("S3OutputPath")
    assert document["Type"] == "Transform"
    assert arguments == {
        "ModelName": "churn",
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/new/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    # An address of its own in each execution.
    assert {"Get": "Execution.PipelineExecutionId"} in output["Std:Join"]["Values"]


def test_most(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("1,2\n")
    size = Parameter("size", 3)
    model = ModelStep("Model", model="s3://b/model.tar.gz")
    step = TransformStep(
        "Predict",
        model=model,
        data="new.csv",
        content_type="application/jsonlines",
        accept="text/csv",
        split=None,
        assemble=None,
        strategy="SingleRecord",
        max_payload_mb=size,
        concurrency=4,
        gzip=True,
        manifest=True,
        input_filter="$.a",
        join=True,
        output_filter="$['id','SageMakerOutput']",
        capture="s3://b/seen",
        inference_ids=True,
        environment={"A": 1},
        output_path="s3://b/out",
        tags={"a": "b"},
        retry=Retry(),
        cache=True,
    )
    steps = compiled(model, step, folder=tmp_path)
    document = step_document(step, folder=tmp_path)
    assert document["RetryPolicies"]
    assert document["CacheConfig"]["Enabled"] is True
    assert document["Arguments"] == {
        "ModelName": {"Get": "Steps.Model.ModelName"},
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": steps.assets[0].uri}},
            "ContentType": "application/jsonlines",
            "CompressionType": "Gzip",
        },
        "TransformOutput": {"S3OutputPath": "s3://b/out", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "MaxPayloadInMB": {"Get": "Parameters.size"},
        "MaxConcurrentTransforms": 4,
        "DataProcessing": {
            "InputFilter": "$.a",
            "OutputFilter": "$['id','SageMakerOutput']",
            "JoinSource": "Input",
        },
        "DataCaptureConfig": {"DestinationS3Uri": "s3://b/seen", "GenerateInferenceId": True},
        "Environment": {"A": "1"},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert step.output.expression() == {"Get": "Steps.Predict.TransformOutput.S3OutputPath"}


def test_an_output_that_is_no_address() -> None:
    with pytest.raises(InvalidInputError, match=r"is no s3:// address"):
        TransformStep("Predict", model="churn", data="s3://b/new/", output_path="out")


def test_ids_without_a_place_for_the_lists() -> None:
    with pytest.raises(InvalidInputError, match="nothing is captured"):
        TransformStep("Predict", model="churn", data="s3://b/new/", inference_ids=True)


def test_a_loop_needs_an_address_for_each_iteration() -> None:
    bare = TransformStep("Predict", model="churn", data="s3://b/new/")
    with pytest.raises(InvalidInputError, match="all iterations would go to the same address"):
        compiled(ForEachStep("Each", items=["a", "b"], body=[bare]))
    given = TransformStep(
        "Predict", model="churn", data="s3://b/new/", output_path=Join(["s3://b/out", current_item], on="/")
    )
    assert compiled(ForEachStep("Each", items=["a", "b"], body=[given])).definition
