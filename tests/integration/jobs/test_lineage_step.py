"""Lineage steps: entities are made, then the associations between them and others; once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.jobs.lineage.step import RESOURCE, LineageHandler
from stepmill.storage.lineage import LineageKind
from support.keeping import Reports, a_task
from support.lineage import Recording, recording

ARTIFACT = {"ArtifactName": "model", "Source": {"SourceUri": "s3://b/model"}, "ArtifactType": "Model"}
ACTION = {"ActionName": "run", "Source": {"SourceUri": "s3://b/run"}, "ActionType": "ModelTraining"}
CONTEXT = {"ContextName": "team", "Source": {"SourceUri": "x"}, "ContextType": "Team"}
ALL = {"Actions": [ACTION], "Artifacts": [ARTIFACT], "Contexts": [CONTEXT]}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Recording]:
    with recording(tmp_path) as home:
        yield home


def do(home: Recording, payload: Any, task_id: str = "e/Step/1") -> Reports:
    reports = Reports()
    LineageHandler(home.lineage).start(a_task(RESOURCE, payload, task_id=task_id), reports)
    return reports


def named(name: str, kind: str) -> dict[str, str]:
    return {"Name": name, "Type": kind}


def test_its_properties_are_the_arns_by_name(home: Recording) -> None:
    joined = {"Source": named("run", "Action"), "Destination": named("model", "Artifact")}
    payload = {**ALL, "Associations": [{**joined, "AssociationType": "Produced"}]}
    output: Any = do(home, payload).succeeded.output
    prefix = "arn:aws:sagemaker:us-west-2:123456789012"
    assert output["ActionArns"] == {"run": f"{prefix}:action/run"}
    assert output["ContextArns"] == {"team": f"{prefix}:context/team"}
    assert output["ArtifactArns"]["model"].startswith(f"{prefix}:artifact/")
    assert output["Associations"] == [
        {"SourceArn": f"{prefix}:action/run", "DestinationArn": output["ArtifactArns"]["model"]}
    ]
    assert home.edges() == {("run", "Produced", "model")}


def test_the_same_task_makes_them_once_and_another_is_refused_but_for_artifacts(home: Recording) -> None:
    first = do(home, ALL).succeeded.output
    assert do(home, ALL).succeeded.output == first
    assert "already exists" in do(home, ALL, "other/Step/1").failed.cause
    assert do(home, {"Artifacts": [ARTIFACT]}, "other/Step/1").succeeded
    assert len(home.all(LineageKind.ACTION)) == 1


def test_an_end_may_be_anything_that_is_there(home: Recording) -> None:
    model = home.train("fit", {})
    home.lineage.listen(home.recorder.catch_up)
    component = "arn:aws:sagemaker:us-west-2:123456789012:experiment-trial-component/fit-aws-training-job"
    joined = {"Source": {"Arn": component}, "Destination": named("team", "Context")}
    assert do(home, {"Contexts": [CONTEXT], "Associations": [joined]}).succeeded
    assert {("fit", "", "team"), ("fit", "Produced", model)} <= home.edges()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (named("other", "Action"), "makes no Action 'other'"),
        (named("run", "Artifact"), "makes no Artifact 'run'"),
        ({"Arn": "arn:aws:sagemaker:us-west-2:123456789012:action/missing"}, "does not exist"),
        ({}, "makes no entity"),
        ("text", "makes no entity"),
    ],
)
def test_an_end_that_is_not_there_fails_the_step(home: Recording, end: Any, said: str) -> None:
    joined = {"Source": named("run", "Action"), "Destination": end}
    failed = do(home, {"Actions": [ACTION], "Associations": [joined]}).failed
    assert (failed.error, said in failed.cause) == ("ClientError", True)


def test_what_is_no_list_makes_nothing(home: Recording) -> None:
    output: Any = do(home, {"Actions": "x", "Associations": [1]}).succeeded.output
    assert output == {"ActionArns": {}, "ArtifactArns": {}, "ContextArns": {}, "Associations": []}
    LineageHandler(home.lineage).stop(a_task(RESOURCE))
