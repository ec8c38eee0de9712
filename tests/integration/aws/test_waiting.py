"""Clients that wait, with their own loops, against jobs that a test ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from stepmill.aws import holding
from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Service
from support.cli import eventually
from support.raw_http import RawConnection
from support.wire import AnybodyAdmission, Wire, running_server
from support.wire_process import job

LIMIT_S = 60.0
WAITER = "training_job_completed_or_stopped"
NO_PAUSE = {"Delay": 3600, "MaxAttempts": 2}


class Jobs:
    """Jobs by name; how often each was looked at."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.looks: dict[str, int] = {}

    def describe(self, call: Call) -> dict[str, Any]:
        name = call.parameters["TrainingJobName"]
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.statuses[name] == "gone":
            raise ApiError("ValidationException", f"There is no job {name}.")
        return job(name, self.statuses[name])

    def until_looked_at(self, name: str, times: int = 3) -> None:
        eventually(lambda: self.looks.get(name, 0) >= times, "a look")


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


def services(jobs: Jobs) -> tuple[Service, ...]:
    def is_settled(_call: Call, answer: Any) -> bool:
        return answer["TrainingJobStatus"] != "InProgress"

    return (
        Service(
            "sagemaker",
            {
                "DescribeTrainingJob": jobs.describe,
                "CreateTrainingJob": lambda call: {
                    "TrainingJobArn": f"arn:{call.parameters['TrainingJobName']}"
                },
            },
            {"DescribeTrainingJob": is_settled},
        ),
    )


@pytest.fixture
def served(jobs: Jobs, tmp_path: Path) -> Iterator[Wire]:
    with running_server(tmp_path, services=services(jobs), admission=AnybodyAdmission()) as wire:
        yield wire


class Waiter(threading.Thread):
    """Waits for a job with botocore's waiter, which would sleep for an hour between two looks."""

    def __init__(self, client: Any, name: str) -> None:
        super().__init__(daemon=True)
        self.requests = 0
        self.error: Exception | None = None
        self._client, self._name = client, name
        client.meta.events.register("before-send.sagemaker.DescribeTrainingJob", self._count)

    def _count(self, **_given: object) -> None:
        self.requests += 1

    def run(self) -> None:
        try:
            self._client.get_waiter(WAITER).wait(TrainingJobName=self._name, WaiterConfig=NO_PAUSE)
        except (WaiterError, ClientError) as error:
            self.error = error


def test_a_waiter_is_answered_when_the_job_ends_and_asks_once(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    waiter = Waiter(served.client("sagemaker"), "j")
    waiter.start()
    jobs.until_looked_at("j")
    assert waiter.is_alive()
    jobs.statuses["j"] = "Completed"
    waiter.join(LIMIT_S)
    assert (waiter.is_alive(), waiter.error, waiter.requests) == (False, None, 1)


def test_a_job_that_is_removed_ends_the_waiting_with_its_error(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    waiter = Waiter(served.client("sagemaker"), "j")
    waiter.start()
    jobs.until_looked_at("j")
    jobs.statuses["j"] = "gone"
    waiter.join(LIMIT_S)
    assert isinstance(waiter.error, WaiterError)
    assert "ValidationException" in str(waiter.error)


def test_whoever_looks_once_is_told_how_things_stand(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    answer = served.client("sagemaker").describe_training_job(TrainingJobName="j")
    assert answer["TrainingJobStatus"] == "InProgress"
    assert jobs.looks["j"] == 1


def test_in_parity_nobody_is_held(jobs: Jobs, tmp_path: Path) -> None:
    jobs.statuses["j"] = "InProgress"
    with running_server(tmp_path, services=services(jobs), admission=AnybodyAdmission(), holds=False) as wire:
        config = {"Delay": 1, "MaxAttempts": 2}
        with pytest.raises(WaiterError, match="Max attempts"):
            wire.client("sagemaker").get_waiter(WAITER).wait(TrainingJobName="j", WaiterConfig=config)
    assert jobs.looks["j"] == 2


def ask_as_waiter(raw: RawConnection, name: str) -> None:
    body = b'{"TrainingJobName":"%s"}' % name.encode()
    raw.send_head(
        "POST",
        "/",
        x_amz_target="SageMaker.DescribeTrainingJob",
        content_type="application/x-amz-json-1.1",
        content_length=str(len(body)),
        user_agent="Boto3/1 m/B",
    )
    raw.send(body)


def test_a_client_that_goes_away_is_forgotten(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    with RawConnection(served.url) as raw:
        ask_as_waiter(raw, "j")
        jobs.until_looked_at("j")

    def is_quiet() -> bool:
        before = jobs.looks["j"]
        threading.Event().wait(1)
        return jobs.looks["j"] == before

    eventually(is_quiet, "silence")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_SILENCE", timedelta(milliseconds=200))
    monkeypatch.setattr(holding, "_BETWEEN_SPACES_S", 0.1)


@pytest.mark.usefixtures("hasty")
def test_spaces_keep_a_long_wait_alive(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    with RawConnection(served.url) as raw:
        ask_as_waiter(raw, "j")
        status, headers = raw.head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert headers["content-type"] == "application/x-amz-json-1.1"
        jobs.until_looked_at("j", jobs.looks["j"] + 10)
        jobs.statuses["j"] = "Completed"
        *spaces, last = raw.chunks()
        assert set(spaces) == {b" "}
        assert b'"Completed"' in last
        ask_as_waiter(raw, "j")
        assert raw.reply().document["TrainingJobStatus"] == "Completed", "the connection is as good as before"


@pytest.mark.usefixtures("hasty")
def test_a_waiter_reads_an_answer_that_begins_with_spaces(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    waiter = Waiter(served.client("sagemaker", read_timeout=2), "j")
    waiter.start()
    jobs.until_looked_at("j", 30)
    jobs.statuses["j"] = "Stopped"
    waiter.join(LIMIT_S)
    assert (waiter.is_alive(), waiter.error, waiter.requests) == (False, None, 1)


@pytest.mark.usefixtures("hasty")
def test_a_long_wait_that_fails_is_asked_again_and_told(served: Wire, jobs: Jobs) -> None:
    jobs.statuses["j"] = "InProgress"
    waiter = Waiter(served.client("sagemaker", retries={"total_max_attempts": 3}), "j")
    waiter.start()
    jobs.until_looked_at("j", 20)
    jobs.statuses["j"] = "gone"
    waiter.join(LIMIT_S)
    assert "ValidationException" in str(waiter.error)
    assert waiter.requests == 2
