from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import Channel, Parameter, ProcessingStep, TrainingStep
from stepmill.sdk.images import image_uri
from stepmill.sdk.training import script_text
from support.sdk import compiled, step_document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("print('trained')\n")
    (tmp_path / "train.csv").write_text("1\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("import helper\n")
    (tmp_path / "src" / "helper.py").write_text("")
    (tmp_path / "src" / "requirements.txt").write_text("rich\n")
    return tmp_path


def archive_of(step: TrainingStep, folder: Path) -> dict[str, bytes]:
    (asset,) = [
        each for each in compiled(step, folder=folder).assets if each.uri.endswith("sourcedir.tar.gz")
    ]
    with tarfile.open(fileobj=io.BytesIO(asset.read())) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def test_script_mode(folder: Path) -> None:
    step = TrainingStep("Train", entry_point="train.py", hyperparameters={"alpha": 0.5})
    document = step_document(step, folder=folder)["Arguments"]
    directory = json.loads(document["HyperParameters"].pop("sagemaker_submit_directory"))
    assert directory.startswith("s3://bucket/prefix/Test/code/")
    assert directory.endswith("/sourcedir.tar.gz")
    assert directory in [asset.uri for asset in compiled(step, folder=folder).assets]
    assert document == {
        "AlgorithmSpecification": {
            "TrainingImage": image_uri("sklearn", "us-west-2", ""),
            "TrainingInputMode": "File",
        },
        "OutputDataConfig": {
            "S3OutputPath": {
                "Std:Join": {
                    "On": "/",
                    "Values": [
                        "s3://bucket/prefix",
                        "Test",
                        {"Get": "Execution.PipelineExecutionId"},
                        "Train",
                    ],
                }
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
        "HyperParameters": {
            "alpha": "0.5",
            "sagemaker_program": '"train.py"',
            "sagemaker_container_log_level": "20",
            "sagemaker_region": '"us-west-2"',
        },
    }


def test_the_archive_holds_the_script(folder: Path) -> None:
    assert archive_of(TrainingStep("T", entry_point="train.py"), folder) == {
        "train.py": b"print('trained')\n"
    }


def test_the_archive_holds_the_whole_folder(folder: Path) -> None:
    step = TrainingStep("T", entry_point="main.py", source_dir="src")
    assert sorted(archive_of(step, folder)) == ["helper.py", "main.py", "requirements.txt"]


def test_requirements_can_be_listed(folder: Path) -> None:
    step = TrainingStep("T", entry_point="train.py", requirements=["rich>=13"])
    assert archive_of(step, folder)["requirements.txt"] == b"rich>=13\n"


def test_unchanged_code_keeps_its_address(folder: Path) -> None:
    step = TrainingStep("T", entry_point="main.py", source_dir="src")
    before = compiled(step, folder=folder)
    (folder / "src" / "helper.py").touch()
    assert compiled(step, folder=folder).definition == before.definition
    (folder / "src" / "helper.py").write_text("x = 1")
    assert compiled(step, folder=folder).definition != before.definition


def test_one_archive_serves_two_steps(folder: Path) -> None:
    steps = [TrainingStep(name, entry_point="train.py") for name in ("A", "B")]
    assert len(compiled(*steps, folder=folder).assets) == 1


def test_an_image_s_own_algorithm() -> None:
    image = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"
    step = TrainingStep(
        "T", image=image, hyperparameters={"eta": 0.2, "objective": "reg:linear", "n": 3, "b": True}
    )
    document = step_document(step)["Arguments"]
    assert document["HyperParameters"] == {"eta": "0.2", "objective": "reg:linear", "n": "3", "b": "true"}
    assert document["AlgorithmSpecification"]["TrainingImage"] == image


def test_values_as_hyperparameters(folder: Path) -> None:
    step = TrainingStep(
        "T",
        entry_point="train.py",
        hyperparameters={"epochs": Parameter("epochs", 3), "name": Parameter("name", "x"), "layers": [1, 2]},
    )
    document = step_document(step, folder=folder)["Arguments"]["HyperParameters"]
    assert document["epochs"] == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.epochs"}]}}
    assert document["name"] == {"Get": "Parameters.name"}
    assert document["layers"] == "[1,2]"


def test_spot_capacity_and_checkpoints(folder: Path) -> None:
    step = TrainingStep("Train", spot=True, max_runtime=timedelta(hours=1), checkpoints=True)
    document = step_document(step, folder=folder)["Arguments"]
    assert document["EnableManagedSpotTraining"] is True
    assert document["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    assert document["CheckpointConfig"]["S3Uri"]["Std:Join"]["Values"] == [
        "s3://bucket/prefix",
        "Test",
        {"Get": "Execution.PipelineExecutionId"},
        "Train",
        "checkpoints",
    ]


def test_a_wait_and_an_address_of_ones_own(folder: Path) -> None:
    step = TrainingStep(
        "Train",
        spot=True,
        max_runtime=timedelta(hours=1),
        max_wait=timedelta(hours=1),
        checkpoints="s3://team/checkpoints",
    )
    document = step_document(step, folder=folder)["Arguments"]
    assert document["StoppingCondition"]["MaxWaitTimeInSeconds"] == 3600
    assert document["CheckpointConfig"] == {"S3Uri": "s3://team/checkpoints"}


@pytest.mark.parametrize(
    "wrong",
    [{"spot": False}, {"spot": True, "max_runtime": timedelta(hours=2)}],
    ids=["no spot", "too short"],
)
def test_a_wait_that_can_be_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="max_wait counts the waiting"):
        TrainingStep("Train", max_wait=timedelta(hours=1), **wrong)


def test_on_demand_nothing_is_said_of_spot_capacity(folder: Path) -> None:
    document = step_document(TrainingStep("Train"), folder=folder)["Arguments"]
    assert not {"EnableManagedSpotTraining", "CheckpointConfig"} & document.keys()


def test_channels(folder: Path) -> None:
    prepare = ProcessingStep("Prepare", image="python", outputs=["train"])
    step = TrainingStep(
        "T",
        inputs={
            "train": prepare.outputs["train"],
            "local": "train.csv",
            "csv": Channel("s3://b/x", content_type="text/csv", mode="FastFile", sharded=True),
            "list": Channel("s3://b/m", manifest=True, compression="Gzip"),
        },
    )
    train, local, csv, listed = step_document(step, folder=folder)["Arguments"]["InputDataConfig"]
    assert train == {
        "ChannelName": "train",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    assert local["DataSource"]["S3DataSource"]["S3Uri"].endswith("/train.csv")
    assert (csv["ContentType"], csv["InputMode"]) == ("text/csv", "FastFile")
    assert csv["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"
    assert listed["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
    assert listed["CompressionType"] == "Gzip"


def test_metrics(folder: Path) -> None:
    step = TrainingStep("T", entry_point="train.py", metrics={"validation:rmse": "rmse=([0-9.]+)"})
    document = step_document(step, folder=folder)["Arguments"]["AlgorithmSpecification"]
    assert document["MetricDefinitions"] == [{"Name": "validation:rmse", "Regex": "rmse=([0-9.]+)"}]
    assert step.metrics["validation:rmse"].expression() == {
        "Get": "Steps.T.FinalMetricDataList['validation:rmse'].Value"
    }
    with pytest.raises(InvalidInputError, match="no metric 'rmse'"):
        _ = step.metrics["rmse"]


def test_metrics_of_an_algorithm_need_no_declaring() -> None:
    step = TrainingStep("T", image="xgboost")
    assert step.metrics["train:rmse"].expression() == {
        "Get": "Steps.T.FinalMetricDataList['train:rmse'].Value"
    }
    assert list(step.metrics) == []


def test_what_it_leaves() -> None:
    step = TrainingStep("T")
    assert step.model.expression() == {"Get": "Steps.T.ModelArtifacts.S3ModelArtifacts"}
    assert step.job_name.expression() == {"Get": "Steps.T.TrainingJobName"}
    assert step.output_data.expression() == {
        "Std:Join": {
            "On": "/",
            "Values": [
                {"Get": "Steps.T.OutputDataConfig.S3OutputPath"},
                {"Get": "Steps.T.TrainingJobName"},
                "output",
                "output.tar.gz",
            ],
        }
    }


def test_surroundings() -> None:
    step = TrainingStep(
        "T",
        environment={"A": Parameter("a", 1)},
        instance_type="ml.g5.xlarge",
        instance_count=2,
        volume_size_gb=Parameter("gb", 100),
        max_runtime=timedelta(minutes=5),
        network_isolation=True,
        output_path="s3://b/models",
        tags={"a": "b"},
    )
    document = step_document(step)["Arguments"]
    assert document["Environment"] == {"A": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.a"}]}}}
    assert document["ResourceConfig"] == {
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": {"Get": "Parameters.gb"},
    }
    assert document["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert document["EnableNetworkIsolation"] is True
    assert document["OutputDataConfig"] == {"S3OutputPath": "s3://b/models"}
    assert document["Tags"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source_dir": "src"}, "no script"),
        ({"requirements": ["x"]}, "no script"),
        ({"image": "python", "entry_point": "train.py"}, "no training toolkit"),
        ({"inputs": {"a b": "s3://b/x"}}, "no name for a channel"),
    ],
)
def test_what_is_refused_at_once(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TrainingStep("T", **options)


@given(
    st.one_of(
        st.text(), st.sampled_from(["1e3", "007", "1.50", "null", "true", "[1]", '"x"', "NaN", "1", "{}"])
    )
)
def test_a_text_reaches_the_script_unchanged(text: str) -> None:
    sent = script_text(text, "")
    try:  # as the training toolkit does
        received = json.loads(sent)
    except ValueError:
        received = sent
    assert str(received) == text
