"""What the system has recorded, through the SDKs' own lineage classes, in programs of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients import run_script
from support.keeping import EXECUTION
from support.lineage import Served, served
from support.wire import Wire

SCRIPTS = Path(__file__).parents[2] / "clients"
RAW, PREPARED = "s3://bucket/raw", "s3://bucket/prepared"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as home:
        home.kept.put(f"{RAW}/a.csv")
        home.kept.put("s3://bucket/code.tar.gz", "code")
        home.process("prepare-1", {"raw": RAW}, {"train": PREPARED})
        home.model = home.train("fit-1", {"train": PREPARED}, "s3://bucket/code.tar.gz")
        home.package = home.register("churn", home.model)
        yield home


def said_by(generation: int, home: Served, folder: Path) -> Any:
    script = SCRIPTS / f"sdk{generation}" / "lineage.py"
    wire: Wire = home.wire
    said = run_script(generation, script, wire.endpoint, folder, home.package, "fit-1", RAW, "bucket")
    return json.loads(said.splitlines()[-1])


def test_sdk_2_finds_what_made_a_model_and_notes_down_more(recorded: Served, tmp_path: Path) -> None:
    said = said_by(2, recorded, tmp_path)
    job = "arn:aws:sagemaker:us-west-2:123456789012:training-job/fit-1"
    assert said["recorded"] == {
        "training": job,
        "datasets": [PREPARED, RAW],
        "upstream": [PREPARED],
        "back": [RAW],
        "trained": ["ModelGroup"],
        "of component": [PREPARED, RAW],
        "models": [recorded.model],
        "execution": EXECUTION,
        "group": None,
        "approved data": [],
        "of image": 1,
        "table": [
            ["Input", "Code", "ContributedTo", "artifact"],
            ["Input", "DataSet", "ContributedTo", "artifact"],
            ["Input", "Image", "ContributedTo", "artifact"],
            ["Input", "PipelineExecution", "AssociatedWith", "context"],
            ["Output", "Model", "Produced", "artifact"],
            ["Output", "ModelGroup", "ContributedTo", "context"],
        ],
        "registered": [
            ["Input", "Approval", "ContributedTo", "action"],
            ["Input", "Image", "ContributedTo", "artifact"],
            ["Input", "Model", "ContributedTo", "artifact"],
            ["Output", "ModelGroup", "AssociatedWith", "context"],
        ],
        "model": recorded.model,
    }
    assert said["noted"] == {
        "properties": {"k3": "v3"},
        "endpoints": ["endpoint"],
        "of data": ["endpoint"],
        "trainings": [job],
        "processing": 1,
        "served from": [PREPARED, RAW],
        "execution": EXECUTION,
        "actions": said["noted"]["actions"],
        "found": ["Code", "TrainingJob"],
        "tags": [{"Key": "team", "Value": "churn"}],
        "objects": ["Action", "Artifact", "Context", "EndpointContext", "ModelArtifact"],
        "refused": "ValidationException",
        "left": [],
    }
    assert said["noted"]["actions"][0] == "deploy"


def test_sdk_3_finds_the_same(recorded: Served, tmp_path: Path) -> None:
    assert said_by(3, recorded, tmp_path) == {
        "trainings": ["arn:aws:sagemaker:us-west-2:123456789012:training-job/fit-1"],
        "datasets": [PREPARED, RAW],
        "types": ["Code", "DataSet", "Image", "Model", "ModelGroup", "PipelineExecution"],
        "execution": EXECUTION,
        "listed": [["Deed", "Place", "Produced"]],
        "down": ["deed"],
        "left": 0,
    }
