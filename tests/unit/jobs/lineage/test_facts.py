"""What a job took and gave, read from its request."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.jobs.lineage.facts import JobFacts, Thing, facts_of


def training(**members: Any) -> JobFacts:
    request = {"AlgorithmSpecification": {"TrainingImage": "i"}, **members}
    return facts_of("training-job", request, model="s3://b/model.tar.gz")


def channel(name: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}


def processing_input(name: str, uri: str, path: str = "/opt/ml/processing/x") -> dict[str, Any]:
    return {"InputName": name, "S3Input": {"S3Uri": uri, "LocalPath": path}}


def test_a_transform_job_takes_data_and_gives_data() -> None:
    request = {
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://b/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://b/out"},
    }
    facts = facts_of("transform-job", request)
    assert facts.inputs == (Thing("input", "s3://b/in", "DataSet"),)
    assert facts.outputs == (Thing("output", "s3://b/out", "DataSet"),)
    assert facts.served == "m"
    assert facts_of("transform-job", {}) == JobFacts("", (), ())


class TestTraining:
    def test_channels_are_data_and_those_of_the_sdks_are_code(self) -> None:
        names = ("train", "code", "sm_drivers", "sagemaker_remote_function_bootstrap", "sm_rf_user_ws")
        facts = training(InputDataConfig=[channel(name, f"s3://b/{name}") for name in names])
        assert facts.image == "i"
        assert [thing.type for thing in facts.inputs] == ["DataSet", "Code", "Code", "Code", "Code"]
        assert facts.outputs == (Thing("model", "s3://b/model.tar.gz", "Model"),)

    @pytest.mark.parametrize("text", ["s3://b/sourcedir.tar.gz", '"s3://b/sourcedir.tar.gz"'])
    def test_the_archive_of_script_mode_is_code(self, text: str) -> None:
        facts = training(HyperParameters={"sagemaker_submit_directory": text})
        assert facts.inputs == (Thing("sourcedir", "s3://b/sourcedir.tar.gz", "Code"),)

    def test_a_path_inside_the_job_is_no_archive(self) -> None:
        assert training(HyperParameters={"sagemaker_submit_directory": "/opt/ml/code"}).inputs == ()

    def test_the_function_of_a_step_is_where_the_sdk_puts_it(self) -> None:
        words = [
            "--s3_base_uri", "s3://b/pipe", "--client_sagemaker_pysdk_version", "2.1",
            "--pipeline_step_name", "fit", "--func_step_s3_dir", "2026-01-01",
        ]  # fmt: skip
        facts = training(AlgorithmSpecification={"TrainingImage": "i", "ContainerArguments": words})
        assert facts.inputs == (Thing("function", "s3://b/pipe/fit/2026-01-01/function", "Code"),)
        remote = training(AlgorithmSpecification={"TrainingImage": "i", "ContainerArguments": words[:4]})
        assert [thing.uri for thing in remote.inputs] == ["s3://b/pipe/function"]

    def test_folders_that_are_stored_while_it_runs_are_outputs(self) -> None:
        facts = training(
            CheckpointConfig={"S3Uri": "s3://b/ckpt"}, TensorBoardOutputConfig={"S3OutputPath": "s3://b/tb"}
        )
        assert [(thing.type, thing.uri) for thing in facts.outputs[1:]] == [
            ("Checkpoint", "s3://b/ckpt"),
            ("TensorBoard", "s3://b/tb"),
        ]

    @pytest.mark.parametrize(
        "members",
        [
            {"InputDataConfig": "no list"},
            {"InputDataConfig": [1, {"ChannelName": "x"}, {"DataSource": []}]},
            {"HyperParameters": []},
            {"AlgorithmSpecification": {"ContainerArguments": "words"}},
            {"CheckpointConfig": "x"},
        ],
    )
    def test_what_is_no_request_gives_nothing(self, members: dict[str, Any]) -> None:
        assert training(**members).inputs == ()


class TestProcessing:
    def test_inputs_outputs_and_feature_groups(self) -> None:
        request = {
            "AppSpecification": {"ImageUri": "i"},
            "ProcessingInputs": [
                processing_input("raw", "s3://b/raw"),
                processing_input("code", "s3://b/run.py"),
                processing_input("mine", "s3://b/x", "/opt/ml/processing/input/code"),
                processing_input("again", "s3://b/raw"),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
                    {"OutputName": "fs", "FeatureStoreOutput": {"FeatureGroupName": "g"}},
                ]
            },
        }
        facts = facts_of("processing-job", request)
        assert [(thing.name, thing.type) for thing in facts.inputs] == [
            ("raw", "DataSet"),
            ("code", "Code"),
            ("mine", "Code"),
        ]
        assert facts.outputs == (Thing("train", "s3://b/train", "DataSet"),)
        assert facts.feature_groups == ("g",)
