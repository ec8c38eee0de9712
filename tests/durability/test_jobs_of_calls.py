"""Jobs that API calls have started: the server is killed under them, and another one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.storage.lineage import EdgeSelection, EntitySelection, LineageKind
from stepmill.storage.objects.uri import S3Uri
from support.cli import PYTHON_IMAGE, ROLE, Cli, eventually
from support.features import group_request
from support.served import Gate, Served

_WAITS = """
import socket, sys
with socket.create_connection(("127.0.0.1", PORT), timeout=120) as connection:
    print("begun", flush=True)
    answer = connection.recv(10)
open("/opt/ml/model/answer", "wb").write(answer)
print("ended with", answer.decode(), flush=True)
"""


# A job that fills one feature group before it waits, and reads another one afterwards.
_FILLS = """
import boto3
store = boto3.client("sagemaker-featurestore-runtime")
for number in range(20):
    record = {"id": str(number), "at": "2026-01-01T00:00:00Z"}
    store.put_record(
        FeatureGroupName="filled",
        Record=[{"FeatureName": name, "ValueAsString": value} for name, value in record.items()],
    )
"""
_ASKS = """
store.get_record(FeatureGroupName="asked", RecordIdentifierValueAsString="1")
"""


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "project").mkdir()
    cli = Cli(tmp_path / "project", tmp_path / "home")
    yield Served(cli)
    cli.close()


def job(served: Served, gate: Gate, name: str, before: str = "", after: str = "") -> dict[str, Any]:
    script = before + _WAITS.replace("PORT", str(gate.port)) + after
    code = S3Uri("code", f"{name}/train.py")
    with served.cli.platform() as platform:
        platform.objects.create_bucket(code.bucket, exist_ok=True)
        platform.objects.put_bytes(code, script.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": str(code)}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": PYTHON_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
        },
        "RoleArn": ROLE,
        "InputDataConfig": [{"ChannelName": "code", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://models/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def ended(client: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_training_job(TrainingJobName=name)
        return found if found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return eventually(look, f"the end of {name}")


@pytest.mark.parametrize("goes_on", ["while nobody serves", "under the next server"])
def test_a_job_outlives_its_server_and_is_begun_once(served: Served, gate: Gate, goes_on: str) -> None:
    client = served.serve()
    is_served = goes_on == "under the next server"
    with served.cli.platform() as platform:
        for group in ("filled", "asked"):
            platform.features.groups.create(group_request(group, OfflineStoreConfig=None))
    # What it has written is known to lineage, though the server that has seen it is killed at once.
    request = job(served, gate, "outlives", before=_FILLS, after=_ASKS if is_served else "")
    client.create_training_job(**request)
    eventually(lambda: gate.knocked, "the job's beginning")
    served.kill()
    if not is_served:
        gate.open()
    client = served.serve()
    if is_served:
        assert client.describe_training_job(TrainingJobName="outlives")["TrainingJobStatus"] == "InProgress"
        gate.open()
    found = ended(client, "outlives")
    assert found["TrainingJobStatus"] == "Completed", found
    assert len(gate.knocked) == 1
    phases = [phase["Status"] for phase in found["SecondaryStatusTransitions"]]
    assert phases == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    with served.cli.platform() as platform:
        log = platform.log_streams.streams("/aws/sagemaker/TrainingJobs", "outlives/")
        assert "ended with go" in (log[0].folder / "log").read_text()
    assert groups_in_lineage(served) == [
        *([("asked", "outlives")] if is_served else []),
        ("outlives", "filled"),
    ]


def groups_in_lineage(served: Served) -> list[tuple[str, str]]:
    """Return which groups led to which jobs, and which jobs to which groups."""
    with served.cli.platform() as platform:
        for _ in range(2):
            platform.lineage.catch_up()
        edges, _ = platform.lineage.associations(EdgeSelection(limit=1000))
        groups, _ = platform.lineage.store.page(EntitySelection(LineageKind.CONTEXT, type="FeatureGroup"))
        assert sorted(one.name for one in groups) == ["asked-aws-feature-group", "filled-aws-feature-group"]
    ends = [(edge.source, edge.destination) for edge in edges]
    return sorted(
        (_plain(source.name), _plain(target.name))
        for source, target in ends
        if "FeatureGroup" in (source.type, target.type)
    )


def _plain(name: str) -> str:
    return name.removesuffix("-aws-feature-group").removesuffix("-aws-training-job")


def test_killed_right_after_the_answer_nothing_is_lost(served: Served, gate: Gate) -> None:
    client = served.serve()
    for number in range(5):
        client.create_training_job(**job(served, gate, f"job-{number}"))
    served.kill()
    client = served.serve()
    eventually(lambda: len(gate.knocked) >= 5, "five beginnings")
    gate.open()
    for number in range(5):
        assert ended(client, f"job-{number}")["TrainingJobStatus"] == "Completed"
    assert len(gate.knocked) == 5
    names = [each["TrainingJobName"] for each in client.list_training_jobs()["TrainingJobSummaries"]]
    assert names == [f"job-{number}" for number in range(5)]


def test_one_that_was_asked_to_stop_is_stopped_by_the_next_server(served: Served, gate: Gate) -> None:
    client = served.serve()
    client.create_training_job(**job(served, gate, "stopped"))
    eventually(lambda: gate.knocked, "the job's beginning")
    client.stop_training_job(TrainingJobName="stopped")
    served.kill()
    found = ended(served.serve(), "stopped")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "Stopped")
    phases = [phase["Status"] for phase in found["SecondaryStatusTransitions"]]
    assert phases[-1] == "Stopped"
    assert len(phases) == len(set(phases))
