"""Processing and training jobs behind the cache, run for real."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.core.tasks import CachePolicy
from stepmill.images.catalog import ImageCatalog
from stepmill.jobs import processing, training
from stepmill.jobs.cache_keys import JobKeys
from stepmill.jobs.cache_outputs import KeptOutputs
from stepmill.jobs.caching import CachingHandler
from stepmill.jobs.processing import processing_handler
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, EXECUTION, Keeping, Reports, a_task, keeping, output_of, run_task

PREPARE = """
import pathlib, sys
data = pathlib.Path("/opt/ml/processing/data/raw.csv").read_text()
pathlib.Path("/opt/ml/processing/out/result.csv").write_text(data * int(sys.argv[1]))
"""
TRAIN = """
import os, pathlib
data = pathlib.Path("/opt/ml/input/data/train/result.csv").read_text()
pathlib.Path("/opt/ml/model/weights").write_text(data + os.environ.get("SUFFIX", ""))
"""


class Case:
    """Cached handlers of jobs over real stores and real compute."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.compute = LocalCompute(hidden=(kept.folder / "objects",))
        images = ImageCatalog({}, kept.folder / "environments")
        services = JobServices(
            objects=kept.objects,
            records=kept.records,
            compute=self.compute,
            images=images,
            clock=kept.clock,
            arns=ARNS,
            folder=kept.folder / "jobs",
            project=kept.folder,
        )
        keys = JobKeys(kept.contents, kept.objects, kept.folder, images.identity)
        outputs = KeptOutputs(kept.objects, kept.folder)

        def cached(inner: Any, key: Any) -> CachingHandler:
            return CachingHandler(inner, key, kept.cache, kept.records, outputs, kept.clock)

        self.processing = cached(processing_handler(services), keys.processing)
        self.training = cached(training_handler(services), keys.training)

    def prepare(self, run: str, times: str = "2", code: str = "s3://bucket/code/prepare.py") -> Reports:
        payload = {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
            },
            "AppSpecification": {
                "ImageUri": "stepmill-python:3",
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/prepare.py"],
                "ContainerArguments": [times],
            },
            "RoleArn": ARNS.role("R"),
            "ProcessingInputs": [
                _input("data", "s3://bucket/raw/", "/opt/ml/processing/data"),
                _input("code", code, "/opt/ml/processing/input/code"),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": f"s3://bucket/{run}/out",
                            "LocalPath": "/opt/ml/processing/out",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        }
        task = a_task(
            processing.RESOURCE,
            payload,
            task_id=f"{run}/Prepare/1",
            name=f"{run}-prepare",
            step="Prepare",
            execution_arn=f"{EXECUTION}-{run}",
            cache=CachePolicy(),
        )
        # The clock stands still else, and of two results of one moment none is the newest.
        self.kept.clock.advance(timedelta(seconds=1))
        return run_task(self.processing, task)

    def train(self, run: str, data: str) -> Reports:
        payload = {
            "AlgorithmSpecification": {
                "TrainingImage": "stepmill-python:3",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
            },
            "RoleArn": ARNS.role("R"),
            "InputDataConfig": [_channel("train", data), _channel("code", "s3://bucket/code/train.py")],
            "OutputDataConfig": {"S3OutputPath": f"s3://bucket/{run}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }
        task = a_task(
            training.RESOURCE,
            payload,
            task_id=f"{run}/Train/1",
            name=f"{run}-train",
            step="Train",
            execution_arn=f"{EXECUTION}-{run}",
            cache=CachePolicy(),
        )
        return run_task(self.training, task)


def _input(name: str, uri: str, path: str) -> dict[str, Any]:
    s3 = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "AppManaged": False, "S3Input": s3}


def _channel(name: str, uri: str) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri, "S3DataType": "S3Prefix"}}}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        kept.put("s3://bucket/raw/raw.csv", "1\n")
        kept.put("s3://bucket/code/prepare.py", PREPARE)
        kept.put("s3://bucket/code/train.py", TRAIN)
        opened = Case(kept)
        yield opened
        opened.compute.close()


def text(case: Case, uri: str) -> str:
    return case.kept.objects.read_bytes(S3Uri.parse(uri)).decode()


def test_a_chain_runs_once_and_again_only_where_something_changed(case: Case) -> None:
    assert case.prepare("run1").succeeded.cached_from == ""
    assert text(case, "s3://bucket/run1/out/result.csv") == "1\n1\n"
    trained = case.train("run1", "s3://bucket/run1/out/")
    assert trained.succeeded.cached_from == ""
    model = output_of(trained)["ModelArtifacts"]
    assert model == {"S3ModelArtifacts": "s3://bucket/run1/models/run1-train/output/model.tar.gz"}

    # Nothing changed, and the code was uploaded again to another place.
    case.kept.put("s3://bucket/code-again/prepare.py", PREPARE)
    second = case.prepare("run2", code="s3://bucket/code-again/prepare.py")
    assert second.succeeded.cached_from == f"{EXECUTION}-run1"
    assert case.train("run2", "s3://bucket/run1/out/").succeeded.cached_from == f"{EXECUTION}-run1"

    # Another argument: the step behind runs again too, for its data is other.
    third = case.prepare("run3", times="3")
    assert third.notes[0] == "cache miss: AppSpecification.ContainerArguments[0]: '2' -> '3'"
    note = case.train("run3", "s3://bucket/run3/out/").notes[0]
    assert note == "cache miss: InputDataConfig['train'] changed content (s3://bucket/run3/out/)"

    # Other code that writes the same bytes: it runs, and the step behind it does not.
    case.kept.put("s3://bucket/code/prepare.py", PREPARE + "\n# a comment")
    fourth = case.prepare("run4")
    assert fourth.notes[0].startswith("cache miss: AppSpecification.ContainerArguments[0]: '3' -> '2'; Proc")
    assert case.train("run4", "s3://bucket/run4/out/").succeeded.cached_from == f"{EXECUTION}-run1"


def test_a_job_that_failed_is_run_again(case: Case) -> None:
    case.kept.put("s3://bucket/code/prepare.py", "raise SystemExit(3)")
    assert case.prepare("run1").failed.error
    assert case.prepare("run2").failed.error
    case.kept.put("s3://bucket/code/prepare.py", PREPARE)
    assert case.prepare("run3").succeeded


def test_a_missing_input_fails_in_the_words_of_the_job(case: Case) -> None:
    case.kept.objects.delete([S3Uri.parse("s3://bucket/raw/raw.csv")])
    reports = case.prepare("run1")
    assert "s3://bucket/raw" in reports.failed.cause
