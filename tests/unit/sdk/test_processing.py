from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import Parameter, ProcessingInput, ProcessingOutput, ProcessingStep, Script, TrainingStep
from support.sdk import compiled, step_document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prepare.py").write_text("print(1)\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "b.csv").write_text("2")
    (tmp_path / "src" / "lib").mkdir(parents=True)
    (tmp_path / "src" / "main.py").write_text("import lib\n")
    (tmp_path / "src" / "lib" / "__init__.py").write_text("")
    return tmp_path


def test_a_script(folder: Path) -> None:
    step = ProcessingStep("Prepare", code="prepare.py", outputs=["train"])
    document = step_document(step, folder=folder)["Arguments"]
    uri = document["ProcessingInputs"][0]["S3Input"].pop("S3Uri")
    assert uri.startswith("s3://bucket/prefix/Test/code/")
    assert uri.endswith("/prepare.py")
    assert re.fullmatch(r"[0-9a-f]{64}", uri.split("/")[-2])
    assert document == {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "AppSpecification": {
            "ImageUri": "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/prepare.py"],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
        "ProcessingInputs": [
            {
                "InputName": "code",
                "AppManaged": False,
                "S3Input": {
                    "LocalPath": "/opt/ml/processing/input/code",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": "FullyReplicated",
                    "S3CompressionType": "None",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "train",
                    "AppManaged": False,
                    "S3Output": {
                        "S3Uri": {
                            "Std:Join": {
                                "On": "/",
                                "Values": [
                                    "s3://bucket/prefix",
                                    "Test",
                                    {"Get": "Execution.PipelineExecutionId"},
                                    "Prepare",
                                    "output",
                                    "train",
                                ],
                            }
                        },
                        "LocalPath": "/opt/ml/processing/output/train",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


def test_the_script_s_address_follows_its_content(folder: Path) -> None:
    step = ProcessingStep("Prepare", code="prepare.py")
    first = compiled(step, folder=folder).assets
    assert compiled(step, folder=folder).assets == first
    (folder / "prepare.py").write_text("print(2)\n")
    assert compiled(step, folder=folder).assets[0].uri != first[0].uri


def test_a_folder_of_code(folder: Path) -> None:
    result = compiled(ProcessingStep("Prepare", code="main.py", source_dir="src"), folder=folder)
    assert [asset.uri.rpartition("Test/code/")[2][65:] for asset in result.assets] == [
        "lib/__init__.py",
        "main.py",
    ]
    assert '"/opt/ml/processing/input/code/main.py"' in result.definition


def test_code_in_a_sub_folder_brings_the_whole_folder(folder: Path) -> None:
    document = step_document(ProcessingStep("P", code="lib/__init__.py", source_dir="src"), folder=folder)
    assert document["Arguments"]["AppSpecification"]["ContainerEntrypoint"][-1].endswith(
        "code/lib/__init__.py"
    )
    assert document["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"].endswith("/")


def test_requirements_are_installed_first(folder: Path) -> None:
    step = ProcessingStep("P", code="prepare.py", requirements=["polars>=1", "rich"])
    result = compiled(step, folder=folder)
    command = step_document(step, folder=folder)["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    assert command[:2] == ["/bin/bash", "-c"]
    assert "pip install" in command[2]
    assert command[-2:] == ["python3", "/opt/ml/processing/input/code/prepare.py"]
    assert {asset.uri.rpartition("/")[2]: asset.read() for asset in result.assets} == {
        "prepare.py": b"print(1)\n",
        "requirements.txt": b"polars>=1\nrich\n",
    }


def test_a_requirements_file_in_the_folder_counts(folder: Path) -> None:
    (folder / "src" / "requirements.txt").write_text("rich")
    step = ProcessingStep("P", code="main.py", source_dir="src")
    assert (
        step_document(step, folder=folder)["Arguments"]["AppSpecification"]["ContainerEntrypoint"][0]
        == "/bin/bash"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code": "missing.py"}, "does not exist"),
        ({"code": "data"}, "not a file"),
        ({"code": "prepare.py", "source_dir": "src"}, "not in 'src'"),
        ({"code": "main.py", "source_dir": "prepare.py"}, "not a folder"),
        ({"code": "prepare.py", "requirements": "none.txt"}, "does not exist"),
        ({"code": "prepare.py", "requirements": 3}, "no requirements"),
        ({"inputs": {"a": "missing.csv"}}, "does not exist"),
        ({"inputs": {"a": "https://x/y"}}, "no s3:// address"),
        ({"inputs": {"a": 3}}, "no input"),
        ({"outputs": {"a": "local/folder"}}, "no s3:// address"),
        ({"arguments": [None]}, "None is no text"),
        ({"image": "nothing"}, "no image"),
    ],
)
def test_what_cannot_be_compiled(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        compiled(ProcessingStep("P", **options), folder=folder)
    assert "P" in caught.value.where


@pytest.mark.parametrize(
    "options",
    [
        {"source_dir": "src"},
        {"requirements": ["x"]},
        {"code": "a.py", "inputs": {"code": "x"}},
        {"inputs": {"a b": "x"}},
        {"outputs": ["a b"]},
        {"outputs": [""]},
    ],
)
def test_what_is_refused_at_once(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        ProcessingStep("P", **options)


def test_an_image_s_own_program() -> None:
    document = step_document(
        ProcessingStep("P", image="1.dkr.ecr.us-west-2.amazonaws.com/x:1", arguments=["a"])
    )
    assert document["Arguments"]["AppSpecification"] == {
        "ImageUri": "1.dkr.ecr.us-west-2.amazonaws.com/x:1",
        "ContainerArguments": ["a"],
    }


def test_inputs(folder: Path) -> None:
    train = TrainingStep("Train")
    step = ProcessingStep(
        "P",
        image="python",
        inputs={
            "file": "data/a.csv",
            "folder": folder / "data",
            "s3": "s3://b/k",
            "model": train.model,
            "given": Parameter("uri", "s3://b/x"),
            "parts": ProcessingInput("s3://b/p/", path="/opt/ml/processing/parts", sharded=True),
            "list": ProcessingInput("s3://b/m", manifest=True),
        },
    )
    result = compiled(step, folder=folder)
    inputs = {
        each["InputName"]: each["S3Input"]
        for each in step_document(step, folder=folder)["Arguments"]["ProcessingInputs"]
    }
    assert inputs["file"]["S3Uri"].endswith("/a.csv")
    assert inputs["folder"]["S3Uri"].endswith("/")
    assert inputs["s3"]["S3Uri"] == "s3://b/k"
    assert inputs["s3"]["LocalPath"] == "/opt/ml/processing/input/s3"
    assert inputs["model"]["S3Uri"] == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    assert inputs["given"]["S3Uri"] == {"Get": "Parameters.uri"}
    assert inputs["parts"]["LocalPath"] == "/opt/ml/processing/parts"
    assert inputs["parts"]["S3DataDistributionType"] == "ShardedByS3Key"
    assert inputs["list"]["S3DataType"] == "ManifestFile"
    assert sorted(asset.uri.rpartition("/")[2] for asset in result.assets) == ["a.csv", "a.csv", "b.csv"]


def test_outputs_with_destinations() -> None:
    step = ProcessingStep(
        "P",
        image="python",
        outputs={
            "a": "s3://b/a",
            "b": Parameter("uri", "s3://b/b"),
            "c": ProcessingOutput(path="/opt/ml/processing/c", continuous=True),
            "d": None,
        },
    )
    outputs = step_document(step)["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert [each["S3Output"]["S3Uri"] for each in outputs[:2]] == ["s3://b/a", {"Get": "Parameters.uri"}]
    assert (outputs[2]["S3Output"]["LocalPath"], outputs[2]["S3Output"]["S3UploadMode"]) == (
        "/opt/ml/processing/c",
        "Continuous",
    )
    assert outputs[3]["S3Output"]["LocalPath"] == "/opt/ml/processing/output/d"


def test_outputs_by_name() -> None:
    step = ProcessingStep("P", outputs=["train", "test"])
    assert list(step.outputs) == ["train", "test"]
    assert len(step.outputs) == 2
    assert "train" in step.outputs
    assert "x" not in step.outputs
    assert repr(step.outputs) == "<outputs of P: train, test>"
    assert step.outputs["train"].is_text


def test_an_unknown_output_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match="Did you mean 'train'"):
        _ = ProcessingStep("P", outputs=["train", "test"]).outputs["trian"]


def test_arguments_become_texts() -> None:
    share, name = Parameter("share", 0.2), Parameter("name", "x")
    expected = ["--share", {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.share"}]}}, "--name"]
    listed = ProcessingStep(
        "P", image="python", arguments=["--share", share, "--name", name, "--n", 3, "--b", True]
    )
    by_name = ProcessingStep("P", image="python", arguments={"share": share, "name": name, "n": 3, "b": True})
    for step in (listed, by_name):
        arguments = step_document(step)["Arguments"]["AppSpecification"]["ContainerArguments"]
        assert arguments == [*expected, {"Get": "Parameters.name"}, "--n", "3", "--b", "true"]


def test_surroundings() -> None:
    step = ProcessingStep(
        "P",
        image="python",
        environment={"A": 1, "B": Parameter("b", "x")},
        instance_type=Parameter("machine", "ml.m5.xlarge"),
        instance_count=Parameter("machines", 2),
        volume_size_gb=50,
        max_runtime=timedelta(hours=2),
        network_isolation=True,
    )
    document = step_document(step)["Arguments"]
    assert document["Environment"] == {"A": "1", "B": {"Get": "Parameters.b"}}
    assert document["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": {"Get": "Parameters.machine"},
        "InstanceCount": {"Get": "Parameters.machines"},
        "VolumeSizeInGB": 50,
    }
    assert document["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}
    assert document["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_a_report_becomes_a_property_file() -> None:
    step = ProcessingStep("P", image="python", outputs=["out", "other"])
    assert step.report("e.json", output="out") is step.report("e.json", output="out")
    step.report("sub/e.json", output="out")
    step.report("e.json", output="other")
    step.report("!.json", output="other")
    assert step_document(step)["PropertyFiles"] == [
        {"PropertyFileName": "e", "OutputName": "out", "FilePath": "e.json"},
        {"PropertyFileName": "e-2", "OutputName": "out", "FilePath": "sub/e.json"},
        {"PropertyFileName": "e-3", "OutputName": "other", "FilePath": "e.json"},
        {"PropertyFileName": "report", "OutputName": "other", "FilePath": "!.json"},
    ]


@pytest.mark.parametrize("outputs", [[], ["a", "b"]])
def test_a_report_of_an_unsaid_output_is_refused(outputs: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="which output"):
        ProcessingStep("P", outputs=outputs).report("e.json")


def test_a_script_given_as_text(tmp_path: Path) -> None:
    beside = tmp_path / "x.py"
    beside.write_text("a = 1")
    step = ProcessingStep("P", code=Script("main.py", "import x", {"x.py": beside}))
    assert {asset.uri.rpartition("/")[2]: asset.read() for asset in compiled(step).assets} == {
        "main.py": b"import x",
        "x.py": b"a = 1",
    }


@given(st.lists(st.text("abc/.-_!ä", min_size=1, max_size=8), unique=True, max_size=6))
def test_reports_never_share_a_name(paths: list[str]) -> None:
    step = ProcessingStep("P", outputs=["out"])
    names = [step.report(path).name for path in paths]
    assert len(set(names)) == len(names)
