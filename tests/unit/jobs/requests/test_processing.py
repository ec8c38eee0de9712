"""CreateProcessingJob, read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, StepmillError, UnsupportedError
from stepmill.jobs.requests.data import Compression, DataType, Distribution
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.requests.processing import read_processing_request
from stepmill.storage.objects.uri import S3Uri
from support.job_data import IMAGE, processing_document, processing_input, processing_output

PROJECT = Path("/project")


def read(**changes: Any) -> Any:
    return read_processing_request(processing_document(**changes), PROJECT)


def test_what_a_plain_request_says() -> None:
    request = read(
        ProcessingJobName="prep-1",
        Environment={"A": "1"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        NetworkConfig={"EnableNetworkIsolation": True},
        ProcessingInputs=[processing_input("data", "s3://data/raw")],
        ProcessingOutputConfig={
            "Outputs": [processing_output("train", "out/train", S3UploadMode="Continuous")]
        },
    )
    assert (request.name, request.image) == ("prep-1", IMAGE)
    assert request.hosts == (Host("algo-1", "ml.m5.xlarge"),)
    assert request.entrypoint == ("python3", "/opt/ml/processing/input/code/script.py")
    assert request.environment == {"A": "1"}
    assert request.timeout == timedelta(seconds=60)
    assert not request.network
    (item,) = request.inputs
    assert (item.source, item.target) == (S3Uri("data", "raw"), "/opt/ml/processing/input/data")
    (output,) = request.outputs
    assert (output.destination, output.continuous) == (PROJECT / "out/train", True)


def test_without_a_stopping_condition_a_job_runs_as_long_as_it_takes() -> None:
    assert read().timeout is None


def test_options_of_an_input() -> None:
    changes = {
        "S3DataType": "ManifestFile",
        "S3DataDistributionType": "ShardedByS3Key",
        "S3CompressionType": "Gzip",
        "S3InputMode": "File",
    }
    (item,) = read(ProcessingInputs=[processing_input("a", "s3://data/m", **changes)]).inputs
    assert item.data_type is DataType.MANIFEST
    assert item.distribution is Distribution.SHARDED
    assert item.compression is Compression.GZIP


def test_an_input_that_the_job_fetches_itself_has_no_source() -> None:
    entry = {**processing_input("a", "s3://data/x"), "AppManaged": True}
    assert read(ProcessingInputs=[entry]).inputs[0].source is None


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/opt/ml/processing/../../../etc",
        "/opt/ml/processing",
        "/opt/ml/processing/",
        "opt/ml/processing/x",
        "/opt/ml/processingx/y",
        "/opt/ml/processing/" + "x" * 256,
        "/opt/ml/model",
    ],
)
def test_folders_outside_are_refused(path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(ProcessingInputs=[processing_input("a", "s3://data/x", path)])
    assert caught.value.where == "ProcessingInputs[0].S3Input.LocalPath"
    with pytest.raises(InvalidInputError):
        read(ProcessingOutputConfig={"Outputs": [processing_output("a", "s3://data/x", path)]})


def test_a_folder_is_made_normal() -> None:
    (item,) = read(
        ProcessingInputs=[processing_input("a", "s3://data/x", "/opt/ml/processing//in/./a/")]
    ).inputs
    assert item.target == "/opt/ml/processing/in/a"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        (
            {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 65}}},
            "ProcessingResources.ClusterConfig.InstanceCount",
        ),
        (
            {"ProcessingInputs": [processing_input("a", "s3://data/x", S3InputMode="Pipe")]},
            "ProcessingInputs[0].S3Input.S3InputMode",
        ),
        (
            {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {}}]},
            "ProcessingInputs[0].DatasetDefinition",
        ),
    ],
)
def test_what_is_not_offered_is_refused_by_name(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(**changes)
    assert caught.value.where == where
    assert caught.value.mend


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"AppSpecification": {}}, "AppSpecification.ImageUri"),
        ({"AppSpecification": None}, "AppSpecification"),
        ({"ProcessingJobName": "-x"}, "ProcessingJobName"),
        ({"ProcessingJobName": "x" * 64}, "ProcessingJobName"),
        ({"ProcessingJobName": "-" * 100_000}, "ProcessingJobName"),
        ({"Environment": {"A=B": "1"}}, "Environment"),
        ({"Environment": ["A"]}, "Environment"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "StoppingCondition.MaxRuntimeInSeconds"),
        ({"ProcessingInputs": [processing_input("a", "https://x/y")]}, "ProcessingInputs[0].S3Input.S3Uri"),
        ({"ProcessingInputs": [processing_input("a", "s3://UPPER/y")]}, "ProcessingInputs[0].S3Input.S3Uri"),
        ({"ProcessingInputs": [processing_input("a", " ")]}, "ProcessingInputs[0].S3Input.S3Uri"),
        ({"ProcessingInputs": [processing_input("a", "file://host/y")]}, "ProcessingInputs[0].S3Input.S3Uri"),
        ({"ProcessingInputs": {"a": 1}}, "ProcessingInputs"),
        (
            {
                "ProcessingInputs": [
                    processing_input("a", "x"),
                    processing_input("a", "y", "/opt/ml/processing/z"),
                ]
            },
            "ProcessingInputs",
        ),
    ],
)
def test_wrong_values_are_named_with_their_place(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(**changes)
    assert caught.value.where == where


def group_output(name: Any = "customers", managed: Any = True, **more: Any) -> dict[str, Any]:
    group = {"OutputName": "g", "AppManaged": managed, "FeatureStoreOutput": {"FeatureGroupName": name}}
    return {"ProcessingOutputConfig": {"Outputs": [{**group, **more}]}}


def test_an_output_may_be_a_feature_group_and_then_it_is_no_folder() -> None:
    config = group_output()["ProcessingOutputConfig"]
    request = read(
        ProcessingOutputConfig={"Outputs": [*config["Outputs"], processing_output("o", "s3://data/o")]}
    )
    assert [one.name for one in request.outputs] == ["o"]
    (group,) = request.feature_groups
    assert (group.name, group.group) == ("g", "customers")
    assert group.where == "ProcessingOutputConfig.Outputs[0].FeatureStoreOutput"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        (group_output(managed=False), ".AppManaged"),
        (group_output(managed=None), ".AppManaged"),
        (group_output(S3Output={"S3Uri": "s3://data/o", "LocalPath": "/opt/ml/processing/o"}), ""),
        (group_output(FeatureStoreOutput=None), ""),
        (group_output(""), ".FeatureStoreOutput.FeatureGroupName"),
        (group_output(None), ".FeatureStoreOutput.FeatureGroupName"),
        (group_output("-x"), ".FeatureStoreOutput.FeatureGroupName"),
        (group_output("x" * 65), ".FeatureStoreOutput.FeatureGroupName"),
        (group_output("-" * 100_000), ".FeatureStoreOutput.FeatureGroupName"),
        (group_output(FeatureStoreOutput="customers"), ".FeatureStoreOutput"),
    ],
)
def test_a_group_of_an_output_is_checked(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(**changes)
    assert caught.value.where == f"ProcessingOutputConfig.Outputs[0]{where}"


def test_a_group_and_a_folder_do_not_share_a_name() -> None:
    outputs = [*group_output()["ProcessingOutputConfig"]["Outputs"], processing_output("g", "s3://data/o")]
    with pytest.raises(InvalidInputError, match="two outputs named 'g'"):
        read(ProcessingOutputConfig={"Outputs": outputs})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "S3Input",
                    "S3Output",
                    "Outputs",
                    "ClusterConfig",
                    "ImageUri",
                    "S3Uri",
                    "LocalPath",
                    "InputName",
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(processing_document(ProcessingInputs=1, Environment=1))), JSON))
def test_no_document_makes_it_raise_anything_else(changes: dict[str, Any]) -> None:
    try:
        read(**changes)
    except StepmillError as error:
        assert error.what
