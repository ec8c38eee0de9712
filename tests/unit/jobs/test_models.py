"""The handlers of Model and RegisterModel steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.catalog.packages import PACKAGE_KIND
from stepmill.core.json import Json
from stepmill.jobs.models import ModelHandler
from stepmill.jobs.registering import RegisterHandler
from support.keeping import EXECUTION, Keeping, a_task, keeping, output_of, run_task

DATA = "s3://bucket/model.tar.gz"
MODEL: Json = {"PrimaryContainer": {"Image": "x", "ModelDataUrl": DATA}}
PACKAGE: Json = {
    "ModelPackageGroupName": "Churn",
    "InferenceSpecification": {"Containers": [{"Image": "x", "ModelDataUrl": DATA}]},
}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        opened.put(DATA)
        yield opened


def test_a_model_gets_the_tasks_name_and_the_step_its_arn(kept: Keeping) -> None:
    task = a_task("sagemaker:createModel", MODEL, name="pipelines-abc-Step-x")
    reports = run_task(ModelHandler(kept.models), task)
    output = output_of(reports)
    assert output["ModelName"] == "pipelines-abc-Step-x"
    assert reports.succeeded.metadata == {"Model": {"Arn": output["ModelArn"]}}
    assert kept.models.describe("pipelines-abc-Step-x") == output


def test_a_task_that_is_handed_over_again_makes_one_model(kept: Keeping) -> None:
    handler, task = ModelHandler(kept.models), a_task("sagemaker:createModel", MODEL, name="m")
    assert run_task(handler, task).all == run_task(handler, task).all
    other = a_task("sagemaker:createModel", MODEL, name="m", task_id="other")
    assert "Cannot create already existing model" in run_task(handler, other).failed.cause


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (
            {"PrimaryContainer": {"Image": "x", "ModelDataUrl": "s3://bucket/no"}},
            "Could not find model data at s3://bucket/no",
        ),
        ({}, "either a PrimaryContainer or Containers"),
        (None, "either a PrimaryContainer or Containers"),
        ([], "either a PrimaryContainer or Containers"),
        ({"PrimaryContainer": {"ModelPackageName": "g/1"}}, "no model package 'g/1'"),
    ],
)
def test_what_cannot_be_made_fails_the_task(kept: Keeping, payload: Json, words: str) -> None:
    failed = run_task(ModelHandler(kept.models), a_task("sagemaker:createModel", payload, name="m")).failed
    assert failed.error == "ClientError"
    assert words in failed.cause


def test_a_version_is_registered_once_for_a_task(kept: Keeping) -> None:
    handler, task = RegisterHandler(kept.registry), a_task("sagemaker:createModelPackage", PACKAGE)
    first, again = run_task(handler, task), run_task(handler, task)
    assert first.all == again.all
    output = output_of(first)
    assert output["ModelPackageVersion"] == 1
    assert first.succeeded.metadata == {"RegisterModel": {"Arn": output["ModelPackageArn"]}}
    next_task = a_task("sagemaker:createModelPackage", PACKAGE, task_id="other")
    assert output_of(run_task(handler, next_task))["ModelPackageVersion"] == 2


def test_a_version_remembers_which_step_made_it(kept: Keeping) -> None:
    run_task(RegisterHandler(kept.registry), a_task("sagemaker:createModelPackage", PACKAGE, step="Register"))
    state = kept.records.get(PACKAGE_KIND, "churn/1").body["state"]
    assert isinstance(state, dict)
    assert state["source"] == {"execution": EXECUTION, "pipeline": "p", "step": "Register"}


def test_a_version_says_which_execution_made_it(kept: Keeping) -> None:
    handler = RegisterHandler(kept.registry)
    made = output_of(run_task(handler, a_task("sagemaker:createModelPackage", PACKAGE)))
    assert made["MetadataProperties"] == {"GeneratedBy": EXECUTION}
    said: dict[str, Json] = {**PACKAGE, "MetadataProperties": {"GeneratedBy": "me", "CommitId": "abc"}}
    own = output_of(run_task(handler, a_task("sagemaker:createModelPackage", said, task_id="other")))
    assert own["MetadataProperties"] == said["MetadataProperties"]


@pytest.mark.parametrize(
    "payload", [None, {}, {"ModelPackageGroupName": "a b"}, {**PACKAGE, "ModelApprovalStatus": "?"}]
)  # type: ignore[dict-item]
def test_what_cannot_be_registered_fails_the_task(kept: Keeping, payload: Json) -> None:
    failed = run_task(RegisterHandler(kept.registry), a_task("sagemaker:createModelPackage", payload)).failed
    assert failed.error == "ClientError"


def test_stopping_does_nothing(kept: Keeping) -> None:
    task = a_task("sagemaker:createModel", MODEL, name="m")
    ModelHandler(kept.models).stop(task)
    RegisterHandler(kept.registry).stop(task)
