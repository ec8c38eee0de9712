"""Batch's jobs: the server is killed under them, and another one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import PYTHON_IMAGE, Cli, eventually
from support.served import Gate, Served

WAITS = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120) as connection:
    print("begun", flush=True)
    print("ended with", connection.recv(10).decode(), flush=True)
"""


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as opened:
        yield opened


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "project").mkdir()
    cli = Cli(tmp_path / "project", tmp_path / "home")
    yield Served(cli)
    cli.close()


def prepare(client: Any, gate: Gate) -> None:
    client.create_compute_environment(computeEnvironmentName="machine", type="UNMANAGED")
    order = [{"order": 1, "computeEnvironment": "machine"}]
    client.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}]
    for name, command in (("waits", ["python3", "-c", WAITS, str(gate.port)]), ("true", ["true"])):
        container = {"image": PYTHON_IMAGE, "command": command, "resourceRequirements": needs}
        client.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container
        )


def submit(client: Any, definition: str, *needs: str) -> str:
    depends = [{"jobId": need} for need in needs]
    given = {"jobName": "j", "jobQueue": "queue", "jobDefinition": definition, "dependsOn": depends}
    return str(client.submit_job(**given)["jobId"])


def ended(client: Any, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        (found,) = client.describe_jobs(jobs=[job])["jobs"]
        return dict(found) if found["status"] in ("SUCCEEDED", "FAILED") else None

    return eventually(look, f"the end of {job}")


@pytest.mark.parametrize("goes_on", ["while nobody serves", "under the next server"])
def test_a_job_outlives_its_server_and_those_behind_it_follow(
    served: Served, gate: Gate, goes_on: str
) -> None:
    client = served.serve("batch")
    prepare(client, gate)
    jobs = [submit(client, "waits")]
    jobs.append(submit(client, "true", jobs[0]))
    eventually(lambda: gate.knocked, "the job's beginning")
    served.kill()
    if goes_on == "while nobody serves":
        gate.open()
    client = served.serve("batch")
    gate.open()
    for job in jobs:
        found = ended(client, job)
        assert (found["status"], len(found["attempts"])) == ("SUCCEEDED", 1), found
    assert len(gate.knocked) == 1


def test_killed_right_after_the_answer_nothing_is_lost(served: Served, gate: Gate) -> None:
    client = served.serve("batch")
    prepare(client, gate)
    jobs = [submit(client, "waits") for _ in range(4)]
    served.kill()
    client = served.serve("batch")
    eventually(lambda: len(gate.knocked) >= 4, "four beginnings")
    gate.open()
    assert [ended(client, job)["status"] for job in jobs] == ["SUCCEEDED"] * 4
    assert len(gate.knocked) == 4


def test_one_that_was_terminated_is_ended_by_the_next_server(served: Served, gate: Gate) -> None:
    client = served.serve("batch")
    prepare(client, gate)
    job = submit(client, "waits")
    eventually(lambda: gate.knocked, "the job's beginning")
    client.terminate_job(jobId=job, reason="enough")
    served.kill()
    found = ended(served.serve("batch"), job)
    assert (found["status"], found["statusReason"]) == ("FAILED", "enough")
