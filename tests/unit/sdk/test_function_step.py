from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import (
    ConditionStep,
    FunctionStep,
    Output,
    Parameter,
    ProcessingInput,
    ProcessingStep,
    TrainingStep,
    step,
)
from stepmill.sdk.function_step import StepOptions
from support.sdk import compiled, definition, step_document

FACTOR = 2


def doubled(number: int) -> int:
    return number * FACTOR


@step(image="sklearn", cache=True)
def prepare(raw: Path, share: float = 0.2, *, train: Output, test: Output) -> None:
    """Split it."""
    (train / "a.txt").write_text(raw.read_text())
    (test / "b.txt").write_text(str(share))


@step
def everything(
    name: str,
    count: int,
    share: float,
    flag: bool,
    layers: list[int],
    maybe: int | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    inside = sorted(path.name for path in folder.iterdir()) if folder else None
    return {
        "name": name,
        "count": doubled(count),
        "share": share,
        "flag": flag,
        "layers": layers,
        "maybe": maybe,
        "folder": inside,
    }


@step(name="Odd", image="python")
def odd(kind: str) -> Any:
    class Array:
        def tolist(self) -> list[int]:
            return [1, 2]

    return {
        "array": Array(),
        "path": Path("a"),
        "nan": float("nan"),
        "set": {1},
        "number": 3,
        "nothing": None,
    }[kind]


class Job:
    """Runs the script of a step as a container would, with a folder in place of /opt/ml."""

    def __init__(self, base: Path, made: FunctionStep, *, source: Path | None = None) -> None:
        self.base = base
        self.document = step_document(made, folder=base)["Arguments"]
        result = compiled(made, folder=base)
        (base / "config").mkdir(exist_ok=True)
        config = {"ProcessingInputs": self.document["ProcessingInputs"]}
        (base / "config" / "processingjobconfig.json").write_text(json.dumps(config))
        for each in self.document["ProcessingInputs"]:
            uri = each["S3Input"]["S3Uri"]
            folder = base / each["S3Input"]["LocalPath"].removeprefix("/opt/ml/")
            folder.mkdir(parents=True, exist_ok=True)
            for asset in result.assets:
                if isinstance(uri, str) and asset.uri.startswith(uri):
                    name = asset.uri[len(uri) :] or uri.rpartition("/")[2]
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(asset.read())

    def run(self) -> subprocess.CompletedProcess[str]:
        entry = self.document["AppSpecification"]["ContainerEntrypoint"][-1].removeprefix("/opt/ml/")
        arguments = self.document["AppSpecification"].get("ContainerArguments", [])
        return subprocess.run(
            [sys.executable, self.base / entry, *arguments],
            env={**os.environ, "SAGEMAKER_BASE_DIR": str(self.base)},
            capture_output=True,
            text=True,
            check=False,
        )

    def result(self) -> Any:
        done = self.run()
        assert done.returncode == 0, done.stderr
        return json.loads((self.base / "processing/output/result/result.json").read_text())["result"]


def test_a_call_makes_a_processing_step() -> None:
    made = prepare("s3://b/raw.csv", share=Parameter("share", 0.3))
    document = step_document(made)
    assert document["Name"] == "prepare"
    assert document["CacheConfig"] == {"Enabled": True}
    arguments = document["Arguments"]
    assert "scikit-learn" in arguments["AppSpecification"]["ImageUri"]
    assert arguments["AppSpecification"]["ContainerEntrypoint"] == [
        "python3",
        "/opt/ml/processing/input/code/prepare_step.py",
    ]
    assert arguments["AppSpecification"]["ContainerArguments"] == [
        "--share",
        {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.share"}]}},
    ]
    assert [each["InputName"] for each in arguments["ProcessingInputs"]] == ["code", "raw"]
    assert [each["OutputName"] for each in arguments["ProcessingOutputConfig"]["Outputs"]] == [
        "train",
        "test",
    ]


def test_a_call_with_less_is_a_smaller_document() -> None:
    arguments = step_document(prepare("s3://b/raw.csv"))["Arguments"]
    assert "ContainerArguments" not in arguments["AppSpecification"]


def test_the_function_itself_stays_at_hand(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("x")
    prepare.function(tmp_path / "raw", train=tmp_path, test=tmp_path)
    assert (tmp_path / "a.txt").read_text() == "x"
    assert prepare.__doc__ == "Split it."
    assert prepare.__name__ == "prepare"
    assert repr(prepare) == "<step function prepare>"


def test_steps_hand_on_what_they_leave() -> None:
    made = prepare("s3://b/raw.csv")
    counted = everything(name="x", count=1, share=0.5, flag=True, layers=[1], folder=made.outputs["train"])
    good = ConditionStep("Good", counted.result["share"] <= 0.5, then=[odd(counted.result["name"])])
    documents = definition(good)["Steps"]
    assert [each["Name"] for each in documents] == ["prepare", "everything", "Good"]
    assert documents[1]["PropertyFiles"] == [
        {"PropertyFileName": "result", "OutputName": "result", "FilePath": "result.json"}
    ]
    assert documents[2]["Arguments"]["Conditions"][0]["LeftValue"] == {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.everything.PropertyFiles.result"},
            "Path": "result.share",
        }
    }


def test_the_script_runs_without_stepmill_and_gets_what_was_given(tmp_path: Path) -> None:
    made = everything("--dashed", count=3, share=1, flag=False, layers=[1, 2], maybe=None)
    job = Job(tmp_path, made)
    assert "stepmill" not in " ".join(
        line
        for asset in compiled(made).assets
        for line in asset.read().decode().splitlines()
        if "import" in line
    )
    assert job.result() == {
        "name": "--dashed",
        "count": 6,
        "share": 1.0,
        "flag": False,
        "layers": [1, 2],
        "maybe": None,
        "folder": None,
    }


def test_a_single_file_arrives_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "raw.csv").write_text("content")
    job = Job(tmp_path, prepare("raw.csv", share=0.25))
    done = job.run()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "processing/output/train/a.txt").read_text() == "content"
    assert (tmp_path / "processing/output/test/b.txt").read_text() == "0.25"


def test_a_folder_arrives_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        (tmp_path / "data" / name).write_text(name)
    job = Job(tmp_path, everything("x", 1, 0.5, True, [], folder="data"))
    assert job.result()["folder"] == ["a", "b"]


def test_an_output_arrives_as_a_folder_even_with_one_file_of_its_name(tmp_path: Path) -> None:
    made = everything("x", 1, 0.5, True, [], folder=prepare("s3://b/x").outputs["train"])
    job = Job(tmp_path, made)
    (tmp_path / "processing/input/folder/train").write_text("")
    assert job.result()["folder"] == ["train"]


@pytest.mark.parametrize(
    ("kind", "result"), [("array", [1, 2]), ("path", "a"), ("number", 3), ("nothing", None)]
)
def test_what_can_be_returned(tmp_path: Path, kind: str, result: object) -> None:
    assert Job(tmp_path, odd(kind)).result() == result


@pytest.mark.parametrize(("kind", "message"), [("set", "not a set"), ("nan", "not JSON compliant")])
def test_what_cannot_be_returned_fails_the_job(tmp_path: Path, kind: str, message: str) -> None:
    done = Job(tmp_path, odd(kind)).run()
    assert done.returncode != 0
    assert message in done.stderr


def test_a_text_that_is_no_number_fails_the_job(tmp_path: Path) -> None:
    job = Job(tmp_path, everything("x", 1, 0.5, True, []))
    arguments = job.document["AppSpecification"]["ContainerArguments"]
    arguments[arguments.index("--count") + 1] = "many"
    done = job.run()
    assert done.returncode != 0
    assert "The argument count is no int" in done.stderr


def test_what_a_function_that_returns_nothing_leaves() -> None:
    made = prepare("s3://b/x")
    assert list(made.outputs) == ["train", "test"]
    with pytest.raises(InvalidInputError, match="returns nothing"):
        _ = made.result


def test_an_output_may_be_sent_elsewhere() -> None:
    outputs = step_document(prepare("s3://b/x", train="s3://b/here"))["Arguments"]["ProcessingOutputConfig"]
    assert outputs["Outputs"][0]["S3Output"]["S3Uri"] == "s3://b/here"


def test_options_of_a_call() -> None:
    again = prepare.options(name="Again", cache="1d", requirements=["rich"], instance_type="ml.m5.4xlarge")
    document = step_document(again(ProcessingInput("s3://b/x", sharded=True)), prepare("s3://b/x"))
    assert document["Name"] == "Again"
    assert document["CacheConfig"] == {"Enabled": True, "ExpireAfter": "1d"}
    assert document["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.m5.4xlarge"
    assert document["Arguments"]["AppSpecification"]["ContainerEntrypoint"][0] == "/bin/bash"


def test_the_same_name_twice_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidInputError, match="options"):
        definition(prepare("s3://b/x"), prepare("s3://b/y"))


def test_every_option_is_one_of_a_processing_step() -> None:
    known = {each.name for each in fields(ProcessingStep)}
    assert set(StepOptions.__annotations__) <= known
    assert known - set(StepOptions.__annotations__) == {
        "arguments",
        "code",
        "command",
        "inputs",
        "outputs",
        "source_dir",
    }


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Did you mean 'image'"):
        step(imagee="sklearn")(prepare.function)


@pytest.mark.parametrize("thing", [print, Path, 3])
def test_only_functions_are_decorated(thing: object) -> None:
    with pytest.raises(InvalidInputError, match="no plain function"):
        step(thing)


def test_result_is_taken() -> None:
    def function(*, result: Output) -> None: ...

    with pytest.raises(InvalidInputError, match="Rename it"):
        step(function)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing a required argument: 'raw'"),
        (("s3://b/x", 0.1, 3), {}, "too many positional arguments"),
        (("s3://b/x",), {"shares": 1}, "unexpected keyword argument 'shares'"),
        (("s3://b/x",), {"share": "much"}, "'share' is of type float, and was given 'much'"),
        ((3,), {}, "3 is no input 'raw'"),
        ((TrainingStep("T"),), {}, "the whole step 'T'"),
    ],
)
def test_calls_that_do_not_fit(args: tuple[object, ...], kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        prepare(*args, **kwargs)
    assert "function 'prepare'" in caught.value.where


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.recursive(st.none() | st.integers(-9, 9) | st.text("ab'\"\\", max_size=3), st.lists, max_leaves=4),
)
def test_the_text_of_every_argument_stands_in_the_definition(
    name: str, count: int, share: float, flag: bool, layers: object
) -> None:
    made = everything(name, count, share, flag, layers if layers is not None else [])
    texts = dict(zip(made.arguments[::2], made.arguments[1::2], strict=True))
    assert texts["--name"] == name
    assert int(texts["--count"]) == count
    assert float(texts["--share"]) == share
    assert texts["--flag"] == str(flag).lower()
    assert json.loads(texts["--layers"]) == (layers if layers is not None else [])
