"""A document as version 2 of the ``sagemaker`` SDK emits it, with what it uploads beside it, runs for real.

The document has the shape of the SDK's abalone pipeline: a script for preparation, script mode with
requirements, an evaluation that reads ``model.tar.gz``, a FrameworkProcessor, a condition on property
files, a repacked model that is registered, a Lambda step, a Fail step. The scripts stand for the SDK's.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.storage.objects.uri import S3Uri
from support.cli import statuses
from support.sdk_uploads import Uploads, points

HERE = Path(__file__).parent
DOCUMENT = (HERE / "sdk2/definition.json").read_text()
FUNCTION = """
def handler(event, context):
    return {"text": f"{event['version'].rpartition('/')[2]} {event['mse']:.2f} {event['model'][-12:]}"}
"""
ALL = {
    "Prepare", "Fit", "Evaluate", "Frame", "Good", "Made-CreateModel", "Kept-RepackModel-0",
    "Kept-RegisterModel", "Tell",
}  # fmt: skip


def upload(uploads: Uploads, *, when: int) -> None:
    """Put there what compiling the pipeline at some time puts there."""
    sdk2 = HERE / "sdk2"
    uploads.put("Shape/code/1/prepare.py", HERE / "prepare.py")
    uploads.put_archive("Shape/code/2/sourcedir.tar.gz", sdk2 / "fit", when=when)
    uploads.put("Shape/code/3/evaluate.py", sdk2 / "evaluate.py")
    uploads.put_archive("Shape/code/4/sourcedir.tar.gz", sdk2 / "frame", when=when)
    uploads.put("Shape/code/5/runproc.sh", sdk2 / "runproc.sh")
    uploads.put_archive("repack/source/sourcedir.tar.gz", sdk2 / "repack", when=when)


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    folder = tmp_path_factory.mktemp("sdk2")
    uploads = Uploads(folder)
    with uploads.platform:
        uploads.put("raw/points.csv", points())
        upload(uploads, when=1_700_000_000)
        (folder / "tell.py").write_text(FUNCTION)
        uploads.platform.functions.put("tell", code=folder / "tell.py", handler="tell.handler")
        yield uploads


@pytest.fixture(scope="module")
def first(uploads: Uploads) -> Any:
    return uploads.run("Shape", DOCUMENT)


def metadata_of(execution: Any, step: str) -> Any:
    (entry,) = [entry for entry in execution["steps"] if entry["StepName"] == step]
    return entry["Metadata"]


def test_every_step_succeeds(first: Any) -> None:
    assert first["status"] == "Succeeded", first
    assert statuses(first) == dict.fromkeys(ALL, "Succeeded")


def test_script_mode_gets_its_arguments_variables_and_packages(uploads: Uploads, first: Any) -> None:
    assert "with stepmill_extra 1.5" in uploads.log(first, "Fit")
    # The points lie 0.1 off a line, to and fro.
    assert first["metrics"]["Fit"]["train:mse"] == pytest.approx(0.01, rel=0.1)


def test_a_processing_job_installs_what_its_source_folder_requires(uploads: Uploads, first: Any) -> None:
    # pip writes names one way or the other, by its version.
    log = uploads.log(first, "Frame").replace("stepmill-extra", "stepmill_extra")
    assert "Successfully installed stepmill_extra-1.5" in log


def test_the_repacked_model_has_the_code_for_serving(uploads: Uploads, first: Any) -> None:
    package = metadata_of(first, "Kept-RegisterModel")["RegisterModel"]["Arn"]
    described: Any = uploads.platform.models.describe(package)
    (container,) = described["InferenceSpecification"]["Containers"]
    data = uploads.platform.objects.read_bytes(S3Uri.parse(container["ModelDataUrl"]))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert set(archive.getnames()) == {"model.joblib", "code/inference.py"}


def test_the_function_sees_the_results_of_jobs(first: Any) -> None:
    (output,) = metadata_of(first, "Tell")["Lambda"]["OutputParameters"]
    assert output["Value"].split() == ["1", "0.01", "model.tar.gz"]


def test_compiling_again_runs_nothing_again(uploads: Uploads, first: Any) -> None:
    upload(uploads, when=1_700_009_999)
    again = uploads.run("Shape", DOCUMENT)
    cached = {entry["StepName"] for entry in again["steps"] if "CacheHitResult" in entry}
    assert cached == {"Prepare", "Fit", "Evaluate", "Frame"}
    assert statuses(again) == statuses(first)


def test_the_other_branch_fails_with_its_message(uploads: Uploads, first: Any) -> None:
    too_bad = uploads.run("Shape", DOCUMENT, {"Limit": "0.001"})
    assert too_bad["status"] == "Failed"
    assert too_bad["failureReason"] == "The error is above 0.001"
    assert statuses(too_bad)["TooBad"] == "Failed"
    assert "Kept-RegisterModel" not in statuses(too_bad)
