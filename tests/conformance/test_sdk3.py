"""A document as version 3 of the ``sagemaker`` SDK emits it, with what it uploads beside it, runs for real.

Training brings its own driver as a channel: a shell script that looks for Python and pip, writes variables
to a file, installs requirements and runs the user's script. Loops and triggers are new in this version.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import statuses
from support.sdk_uploads import Uploads, points

HERE = Path(__file__).parent
DOCUMENT = (HERE / "sdk3/definition.json").read_text()
INPUT = "out/shape/shape-1/input"


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    folder = tmp_path_factory.mktemp("sdk3")
    uploads = Uploads(folder)
    with uploads.platform:
        uploads.put("raw/points.csv", points())
        uploads.put("Shape/code/1/prepare.py", HERE / "prepare.py")
        uploads.put_folder(f"{INPUT}/code", HERE / "sdk3/code")
        uploads.put_folder(f"{INPUT}/sm_drivers", HERE / "sdk3/drivers")
        (folder / "double.py").write_text(
            "def handler(event, context):\n    return {'value': 2 * event['i']}\n"
        )
        uploads.platform.functions.put("double", code=folder / "double.py", handler="double.handler")
        yield uploads


@pytest.fixture(scope="module")
def first(uploads: Uploads) -> Any:
    return uploads.run("Shape", DOCUMENT)


def test_every_step_that_is_triggered_succeeds(first: Any) -> None:
    assert first["status"] == "Succeeded", first
    assert statuses(first) == dict.fromkeys(
        ("Prepare", "Fit", "Loop", "Double-0", "Double-1", "Double-2", "Enough", "After",
         "Kept-RegisterModel"),
        "Succeeded",
    )  # fmt: skip


def test_the_driver_finds_python_pip_and_its_configuration(uploads: Uploads, first: Any) -> None:
    log = uploads.log(first, "Fit")
    assert "0.5 two words True 1.5" in log
    assert "algo-1 eth0" in log


def test_a_loop_hands_on_its_best_iteration(first: Any) -> None:
    (after,) = [entry for entry in first["steps"] if entry["StepName"] == "After"]
    assert after["Metadata"]["Lambda"]["OutputParameters"] == [{"Name": "value", "Value": "20.0"}]


def test_an_upload_under_another_name_runs_nothing_again(uploads: Uploads, first: Any) -> None:
    """The SDK puts the time into the address of what it uploads."""
    later = "out/shape/shape-2/input"
    uploads.put_folder(f"{later}/code", HERE / "sdk3/code")
    uploads.put_folder(f"{later}/sm_drivers", HERE / "sdk3/drivers")
    again = uploads.run("Shape", DOCUMENT.replace(INPUT, later))
    cached = {entry["StepName"] for entry in again["steps"] if "CacheHitResult" in entry}
    assert cached == {"Prepare", "Fit"}
    assert statuses(again) == statuses(first)


def test_a_failure_triggers_what_waits_for_it(uploads: Uploads) -> None:
    broken = uploads.run("Shape", DOCUMENT.replace(f"{INPUT}/code", "raw"))
    assert statuses(broken)["Fit"] == "Failed"
    assert statuses(broken)["Mourn"] == "Succeeded"
    assert statuses(broken)["After"] == "Succeeded"
    assert broken["status"] == "CompletedWithFailures"
