"""The files that a job finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepmill.core.arns import Arns
from stepmill.jobs.contract import job_environment, lay_out_processing, lay_out_training, training_environment
from stepmill.jobs.requests.processing import read_processing_request
from stepmill.jobs.requests.training import read_training_request
from support.job_data import channel, processing_document, processing_output, training_document

ARNS = Arns("eu-west-1", "123456789012")


def training_files(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    lay_out_training(tmp_path, read_training_request(training_document(**changes), tmp_path))
    folder = tmp_path / "input" / "config"
    return {path.name: json.loads(path.read_text()) for path in folder.iterdir()}


def test_the_configuration_of_a_training_job(tmp_path: Path) -> None:
    files = training_files(
        tmp_path,
        HyperParameters={"epochs": "3"},
        InputDataConfig=[channel("train", "s3://data/x")],
        CheckpointConfig={"S3Uri": "s3://data/ck", "LocalPath": "/opt/ml/checkpoints/mine"},
    )
    assert files["hyperparameters.json"] == {"epochs": "3"}
    assert files["inputdataconfig.json"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }
    assert files["resourceconfig.json"] == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.xlarge",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.xlarge",
                "hosts": ["algo-1"],
            }
        ],
        "network_interface_name": "eth0",
    }
    assert files["checkpointconfig.json"]["S3Uri"] == "s3://data/ck"
    assert "debughookconfig.json" not in files
    for folder in ("model", "output/data", "checkpoints/mine", "code", "input/data"):
        assert (tmp_path / folder).is_dir()


def group(name: str, count: int, kind: str) -> dict[str, object]:
    return {"InstanceGroupName": name, "InstanceCount": count, "InstanceType": kind}


def test_each_host_of_several_is_told_of_all(tmp_path: Path) -> None:
    own = channel("own", "s3://data/x")
    own["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["dnn"]
    document = training_document(
        ResourceConfig={
            "InstanceGroups": [group("data", 2, "ml.c5.large"), group("dnn", 1, "ml.p3.2xlarge")]
        },
        InputDataConfig=[channel("train", "s3://data/x"), own],
    )
    request = read_training_request(document, tmp_path)
    for host in request.hosts:
        lay_out_training(tmp_path / host.name, request, host)

    def read(host: str, name: str) -> Any:
        return json.loads((tmp_path / host / "input" / "config" / name).read_text())

    assert read("algo-3", "resourceconfig.json") == {
        "current_host": "algo-3",
        "current_instance_type": "ml.p3.2xlarge",
        "current_group_name": "dnn",
        "hosts": ["algo-1", "algo-2", "algo-3"],
        "instance_groups": [
            {"instance_group_name": "data", "instance_type": "ml.c5.large", "hosts": ["algo-1", "algo-2"]},
            {"instance_group_name": "dnn", "instance_type": "ml.p3.2xlarge", "hosts": ["algo-3"]},
        ],
        "network_interface_name": "lo",
    }
    assert list(read("algo-1", "inputdataconfig.json")) == ["train"]
    assert list(read("algo-3", "inputdataconfig.json")) == ["train", "own"]


def test_each_host_of_a_processing_job_is_told_of_all(tmp_path: Path) -> None:
    resources = {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}
    request = read_processing_request(processing_document(ProcessingResources=resources), tmp_path)
    lay_out_processing(tmp_path, request, "prep-1", "arn:prep-1", request.hosts[1])
    told = json.loads((tmp_path / "config" / "resourceconfig.json").read_text())
    assert told == {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}


def test_the_configuration_of_a_processing_job(tmp_path: Path) -> None:
    document = processing_document(
        ProcessingOutputConfig={"Outputs": [processing_output("train", "s3://data/t")]}
    )
    request = read_processing_request(document, tmp_path)
    lay_out_processing(tmp_path, request, "prep-1", "arn:prep-1")
    config = json.loads((tmp_path / "config" / "processingjobconfig.json").read_text())
    assert config == {**document, "ProcessingJobName": "prep-1", "ProcessingJobArn": "arn:prep-1"}
    resources = json.loads((tmp_path / "config" / "resourceconfig.json").read_text())
    assert resources == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert (tmp_path / "processing" / "output" / "train").is_dir()


def test_the_role_lies_where_the_sdk_looks_for_it(tmp_path: Path) -> None:
    training, processing = tmp_path / "training", tmp_path / "processing"
    training_files(training)
    lay_out_processing(processing, read_processing_request(processing_document(), tmp_path), "a", "arn:a")
    for folder in (training, processing):
        metadata = json.loads((folder / "metadata" / "resource-metadata.json").read_text())
        assert metadata == {"ExecutionRoleArn": training_document()["RoleArn"]}


def test_a_request_without_a_role_has_no_such_file(tmp_path: Path) -> None:
    training_files(tmp_path, RoleArn=None)
    assert not (tmp_path / "metadata").exists()


def test_the_variables_of_the_request_win() -> None:
    environment = job_environment(ARNS, {"PYTHONUNBUFFERED": "", "A": "1"})
    assert environment == {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PYTHONUNBUFFERED": "",
        "A": "1",
    }
    assert training_environment("n", "arn:n") == {"TRAINING_JOB_NAME": "n", "TRAINING_JOB_ARN": "arn:n"}
