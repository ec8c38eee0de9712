from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import ModelStep, Parameter, ProcessingStep, RegisterModelStep, Retry, TrainingStep
from support.sdk import compiled, step_document

SKLEARN = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
TRAIN = TrainingStep("Train")
OUTPUT = "Steps.Evaluate.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"


def test_a_model() -> None:
    step = ModelStep("Model", model=TRAIN.model, environment={"A": 1}, tags={"a": "b"}, retry=Retry())
    document = step_document(step)
    assert document["Type"] == "Model"
    assert document["RetryPolicies"]
    assert document["Arguments"] == {
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
        "PrimaryContainer": {
            "Image": SKLEARN,
            "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
            "Environment": {"A": "1"},
        },
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert step.model_name.expression() == {"Get": "Steps.Model.ModelName"}


def test_a_model_that_reaches_nothing() -> None:
    document = step_document(ModelStep("M", model="s3://b/model.tar.gz", network_isolation=True))["Arguments"]
    assert document["EnableNetworkIsolation"] is True
    assert document["PrimaryContainer"]["ModelDataUrl"] == "s3://b/model.tar.gz"


def test_a_model_from_a_local_file(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"1")
    step = ModelStep("M", model="model.tar.gz")
    document = step_document(step, folder=tmp_path)["Arguments"]
    assert document["PrimaryContainer"]["ModelDataUrl"] == compiled(step, folder=tmp_path).assets[0].uri


def test_the_code_that_serves(tmp_path: Path) -> None:
    (tmp_path / "inference.py").write_text("def model_fn(folder): ...\n")
    step = ModelStep("M", model="s3://b/m.tar.gz", entry_point="inference.py")
    environment = step_document(step, folder=tmp_path)["Arguments"]["PrimaryContainer"]["Environment"]
    assert environment.pop("SAGEMAKER_SUBMIT_DIRECTORY") == compiled(step, folder=tmp_path).assets[0].uri
    assert environment == {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_REGION": "us-west-2"}


def test_serving_images_that_do_not_fetch_code_refuse_it() -> None:
    with pytest.raises(InvalidInputError, match="within the model"):
        ModelStep("M", model="s3://b/m.tar.gz", image="pytorch", entry_point="inference.py")


def test_the_serving_image_is_taken() -> None:
    document = step_document(ModelStep("M", model="s3://b/m.tar.gz", image="pytorch"))["Arguments"]
    assert "/pytorch-inference:" in document["PrimaryContainer"]["Image"]


def test_registering() -> None:
    evaluate = ProcessingStep("Evaluate", image="python", outputs=["out"])
    step = RegisterModelStep(
        "Register",
        group=Parameter("group", "abalone"),
        model=TRAIN.model,
        metrics=evaluate.report("evaluation.json"),
        approval=Parameter("approval", "Approved"),
        content_types=["application/json"],
        response_types=["application/json"],
        inference_instances=["ml.c5.large"],
        transform_instances=["ml.c5.xlarge"],
        package_description="The best so far.",
        metadata={"epochs": 3},
        tags={"a": "b"},
    )
    assert step_document(step)["Arguments"] == {
        "ModelPackageGroupName": {"Get": "Parameters.group"},
        "InferenceSpecification": {
            "Containers": [
                {"Image": SKLEARN, "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.c5.large"],
            "SupportedTransformInstanceTypes": ["ml.c5.xlarge"],
        },
        "ModelApprovalStatus": {"Get": "Parameters.approval"},
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": {
                        "Std:Join": {
                            "On": "/",
                            "Values": [
                                {"Get": OUTPUT},
                                "evaluation.json",
                            ],
                        }
                    },
                }
            }
        },
        "ModelPackageDescription": "The best so far.",
        "CustomerMetadataProperties": {"epochs": "3"},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert step.package_arn.expression() == {"Get": "Steps.Register.ModelPackageArn"}


def test_the_least_that_registering_takes() -> None:
    document = step_document(RegisterModelStep("R", group="g", model="s3://b/m.tar.gz"))["Arguments"]
    assert document["ModelApprovalStatus"] == "PendingManualApproval"
    assert "ModelMetrics" not in document


def test_metrics_at_an_address() -> None:
    document = step_document(
        RegisterModelStep("R", group="g", model="s3://b/m.tar.gz", metrics="s3://b/e.json")
    )
    assert document["Arguments"]["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == "s3://b/e.json"
