"""Runs through the SDKs' ``Run``, outside of jobs and in one, in programs of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.clients import run_script, sdk_python
from support.wire import Wire, running_server

SCRIPTS = Path(__file__).parents[2] / "clients"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[int], Wire]]:
    """Give a server whose image has the SDK of a generation."""
    opened: list[Any] = []

    def serve(generation: int) -> Wire:
        home = tmp_path / "home"
        home.mkdir()
        (home / "stepmill.toml").write_text(f'[images.sdk]\npython = "{sdk_python(generation)}"\n')
        opened.append(running_server(home))
        wire: Wire = opened[0].__enter__()
        return wire

    yield serve
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("generation", [2, 3])
def test_runs_are_logged_from_inside_and_outside_of_jobs(
    served: Callable[[int], Wire], tmp_path: Path, generation: int
) -> None:
    wire = served(generation)
    role = wire.platform.settings.arns.role("SageMakerRole")
    script = SCRIPTS / f"sdk{generation}" / "runs.py"
    image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/sdk:1"
    wire.client("s3").create_bucket(Bucket="runs-of-sdks")
    told = run_script(generation, script, wire.endpoint, tmp_path, image, role, "runs-of-sdks")
    said = json.loads(told.splitlines()[-1])
    assert said["config"] == {
        "ExperimentName": "compared",
        "TrialName": "Default-Run-Group-compared",
        "RunName": "compared-first",
    }
    assert said["parameters"] == {"lr": 0.1, "kind": "tree 'ü' \"q\"", "nested": 1.0, "inside": "yes"}
    assert said["metrics"] == {"loss": [25, 0.04, 0.04], "accuracy": [12, 1.1, 0.0]}
    assert (said["inputs"], said["outputs"]) == (["as-input", "data"], ["notes"])
    assert said["job"] == ["Completed", True]
    assert said["sources"]
    assert said["broken"] == ["Failed", "it broke"]
    assert said["listed"] == ["broken", "first"]
    assert said["series"] == ["Complete", list(range(12)), 1.1]
    assert said["found"] == ["compared-first"]
    assert said["of_job"] == [False, True]
    assert said["frame"][1] == [
        "loss - Avg",
        "loss - Count",
        "loss - Last",
        "loss - Max",
        "loss - Min",
        "loss - StdDev",
        "lr",
    ]
    assert said["status"] == "Completed"
    assert said["deleted"] == 3
