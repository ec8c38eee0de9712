"""Jobs outside executions: taken durably, begun in turn, picked up by whoever comes next."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import JobSpec
from stepmill.core.arns import Arns
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.tasks import Task
from stepmill.images.needs import Needs
from stepmill.jobs.describing import describe
from stepmill.jobs.direct import DirectJobs
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.processing import processing_handler
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, JobRecords
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.storage.records import Record
from support.cli import eventually
from support.doors import FakeDoor
from support.fake_compute import FakeCompute, FakeImages, Reports, task_for
from support.job_data import SteppingClock, channel, open_store, processing_document, put, training_document

LIMIT_S = 60.0


class Home:
    """What outlives a process: the stores, and what runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store, self.records = open_store(folder / "home", "data")
        self.compute = FakeCompute()
        self.images = FakeImages(unknown=("unknown:1",))
        self.door = FakeDoor(is_there=False)
        self.handlers: dict[str, JobHandler[Any]] = {}
        self._opened: list[DirectJobs] = []

    def open(self, most_at_once: int = 10) -> DirectJobs:
        """Open it, as a process that starts does."""
        self.close()
        services = JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=self.images,
            clock=SteppingClock(),
            arns=Arns("us-west-2", "123456789012"),
            folder=self.folder / "home" / "jobs",
            project=self.folder,
            door=self.door,
            private=self.folder / "home",
        )
        self.handlers = {
            PROCESSING_JOB: processing_handler(services),
            TRAINING_JOB: training_handler(services),
        }
        jobs = DirectJobs(self.handlers, self.records, SteppingClock(), most_at_once=most_at_once)
        self._opened.append(jobs)
        return jobs

    def close(self) -> None:
        for jobs in self._opened:
            jobs.close()
        for handler in self.handlers.values():
            handler.close()

    def described(self, name: str, kind: str = PROCESSING_JOB) -> dict[str, Any]:
        return describe(self.records.get(kind, name))

    def status(self, name: str) -> str:
        return str(self.described(name)["ProcessingJobStatus"])

    def until(self, name: str, status: str) -> None:
        eventually(lambda: self.status(name) == status, f"{name} is {status}", LIMIT_S)

    def until_running(self, *names: str) -> None:
        eventually(lambda: {spec.job_id for spec in self.compute.specs} >= set(names), f"{names} run")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.compute.release()
    home.close()


def job(name: str, **changes: Any) -> dict[str, Any]:
    return processing_document(ProcessingJobName=name, **changes)


def training(name: str, **changes: Any) -> dict[str, Any]:
    algorithm = {**training_document()["AlgorithmSpecification"], "ContainerEntrypoint": ["true"]}
    return training_document(TrainingJobName=name, **{"AlgorithmSpecification": algorithm, **changes})


class TestCreating:
    def test_a_job_is_taken_and_done(self, home: Home) -> None:
        jobs = home.open()
        record = jobs.create(PROCESSING_JOB, job("a"))
        assert record.name == "a"
        assert describe(record)["ProcessingJobStatus"] == "InProgress"
        home.until("a", "Completed")
        described = home.described("a")
        assert described["ProcessingJobArn"] == "arn:aws:sagemaker:us-west-2:123456789012:processing-job/a"
        assert described["AppSpecification"] == job("a")["AppSpecification"]

    def test_its_record_is_there_before_the_answer(self, home: Home) -> None:
        go = threading.Event()
        home.compute.program = lambda _spec: 0 if go.wait(LIMIT_S) else 1
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        assert home.status("a") == "InProgress"
        go.set()
        home.until("a", "Completed")

    def test_the_phases_of_a_training_job(self, home: Home) -> None:
        home.open().create(TRAINING_JOB, training("a"))
        eventually(lambda: home.described("a", TRAINING_JOB)["TrainingJobStatus"] == "Completed", "the end")
        transitions = home.described("a", TRAINING_JOB)["SecondaryStatusTransitions"]
        statuses = [transition["Status"] for transition in transitions]
        assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]

    def test_a_name_is_used_once(self, home: Home) -> None:
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        for request in (job("a"), job("a", Environment={"A": "1"})):
            with pytest.raises(
                ConflictError, match=r"already exists \(arn:aws:sagemaker:.*processing-job/a\)"
            ):
                jobs.create(PROCESSING_JOB, request)
        home.until("a", "Completed")
        with pytest.raises(ConflictError):
            jobs.create(PROCESSING_JOB, job("a"))
        assert len(home.compute.specs) == 1

    def test_the_same_name_for_the_other_kind_is_no_conflict(self, home: Home) -> None:
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        jobs.create(TRAINING_JOB, training("a"))
        home.until("a", "Completed")
        eventually(lambda: home.described("a", TRAINING_JOB)["TrainingJobStatus"] == "Completed", "the end")
        assert [spec.job_id for spec in home.compute.specs] == ["a", "a"]
        assert home.described("a")["ProcessingJobArn"].endswith(":processing-job/a")
        assert home.described("a", TRAINING_JOB)["TrainingJobArn"].endswith(":training-job/a")

    def test_a_name_that_an_execution_took_is_taken(self, home: Home) -> None:
        jobs = home.open()
        home.handlers[PROCESSING_JOB].start(task_for(job("ignored"), PROCESSING_JOB, "a"), Reports())
        with pytest.raises(ConflictError):
            jobs.create(PROCESSING_JOB, job("a"))

    @pytest.mark.parametrize(
        ("kind", "request_", "error", "text"),
        [
            (PROCESSING_JOB, job("-a"), InvalidInputError, "ProcessingJobName"),
            (PROCESSING_JOB, processing_document(), InvalidInputError, "ProcessingJobName"),
            (PROCESSING_JOB, job("a", AppSpecification={"ImageUri": "unknown:1"}), UnsupportedError, "known"),
            (
                PROCESSING_JOB,
                job("a", ProcessingResources={"ClusterConfig": {"InstanceCount": 1000}}),
                UnsupportedError,
                "1000 hosts",
            ),
            (
                PROCESSING_JOB,
                job("a", AppSpecification={"ImageUri": "x:1"}),
                InvalidInputError,
                "no entry point",
            ),
            (TRAINING_JOB, training_document(TrainingJobName="a"), InvalidInputError, "sagemaker_program"),
            (
                TRAINING_JOB,
                training("a", ResourceConfig={"InstanceCount": 300, "InstanceType": "ml.m5.large"}),
                UnsupportedError,
                "300 hosts",
            ),
        ],
    )
    def test_what_cannot_be_done_is_refused_at_the_door(
        self, home: Home, kind: str, request_: dict[str, Any], error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error, match=text):
            home.open().create(kind, request_)
        assert home.records.list(kind).records == ()

    def test_no_output_goes_into_the_own_folder(self, home: Home) -> None:
        output = {"S3OutputPath": str(home.folder / "home" / "objects")}
        with pytest.raises(InvalidInputError, match="own folder"):
            home.open().create(TRAINING_JOB, training("a", OutputDataConfig=output))

    def test_the_inputs_of_a_training_job_must_be_there(self, home: Home) -> None:
        request = training("a", InputDataConfig=[channel("train", "s3://data/train")])
        jobs = home.open()
        with pytest.raises(InvalidInputError, match='No S3 objects found under S3 URL "s3://data/train"'):
            jobs.create(TRAINING_JOB, request)
        put(home.store, **{"train/a.csv": "1"})
        jobs.create(TRAINING_JOB, request)
        other = training("b", InputDataConfig=[channel("train", "s3://no-such-bucket/train")])
        with pytest.raises(InvalidInputError, match="no-such-bucket"):
            jobs.create(TRAINING_JOB, other)

    def test_what_fails_later_is_told_by_the_record(self, home: Home) -> None:
        source = {"S3Uri": "s3://data/none", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix"}
        home.open().create(PROCESSING_JOB, job("a", ProcessingInputs=[{"InputName": "a", "S3Input": source}]))
        home.until("a", "Failed")
        assert "Nothing is at s3://data/none" in home.described("a")["FailureReason"]

    def test_a_bug_in_a_handler_fails_the_job(self, home: Home, caplog: pytest.LogCaptureFixture) -> None:
        class Broken:
            def resolve(self, *_: object) -> Any:
                raise RuntimeError("a bug")

            offer = home.images.offer

        home.images = Broken()  # type: ignore[assignment]
        home.open(most_at_once=1).create(PROCESSING_JOB, job("a"))
        home.until("a", "Failed")
        assert home.described("a")["FailureReason"] == "InternalServerError: a bug"
        assert "a bug" in caplog.text

    def test_a_function_of_the_sdk_gets_the_environment_that_it_needs(self, home: Home) -> None:
        home.door.is_there = True
        driver = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"
        algorithm = {
            **training("a")["AlgorithmSpecification"],
            "ContainerEntrypoint": ["/bin/bash", driver],
            "ContainerArguments": ["--client_python_version", "3.10"],
        }
        jobs = home.open()
        jobs.create(TRAINING_JOB, training("a", AlgorithmSpecification=algorithm))
        home.until_running("a")
        assert home.images.needs == [Needs("3.10", ("sagemaker",))]
        home.door.is_there = False
        with pytest.raises(UnsupportedError, match="stepmill serve"):
            jobs.create(TRAINING_JOB, training("b", AlgorithmSpecification=algorithm))


class TestTurns:
    def test_no_more_run_at_once_than_the_limit_and_the_oldest_comes_first(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open(most_at_once=2)
        for name in ("a", "b", "c", "d"):
            jobs.create(TRAINING_JOB, training(name))
        home.until_running("a", "b")
        assert len(home.compute.specs) == 2
        assert home.described("c", TRAINING_JOB)["SecondaryStatus"] == "Pending"
        home.compute.release()
        home.until_running("c", "d")
        phases = [each["Status"] for each in home.described("d", TRAINING_JOB)["SecondaryStatusTransitions"]]
        assert phases[:3] == ["Starting", "Pending", "Downloading"]

    def test_one_that_waits_and_is_stopped_ends_at_once(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open(most_at_once=1)
        jobs.create(PROCESSING_JOB, job("a"))
        jobs.create(PROCESSING_JOB, job("b"))
        jobs.stop(PROCESSING_JOB, "b")
        home.until("b", "Stopped")
        home.until_running("a")
        assert [spec.job_id for spec in home.compute.specs] == ["a"]

    def test_a_failure_gives_the_turn_on(self, home: Home) -> None:
        jobs = home.open(most_at_once=1)
        home.compute.program = lambda spec: 1 if spec.job_id == "a" else 0
        jobs.create(PROCESSING_JOB, job("a"))
        jobs.create(PROCESSING_JOB, job("b"))
        home.until("b", "Completed")
        assert home.status("a") == "Failed"


class TestStopping:
    def test_one_that_runs_is_asked_to_end(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        home.until_running("a")
        jobs.stop(PROCESSING_JOB, "a")
        jobs.stop(PROCESSING_JOB, "a")
        assert home.status("a") == "Stopping"
        assert home.compute.stopped == [home.handlers[PROCESSING_JOB].folder("a")] * 2

    def test_one_that_has_ended_or_never_was_is_refused(self, home: Home) -> None:
        jobs = home.open()
        with pytest.raises(NotFoundError):
            jobs.stop(PROCESSING_JOB, "a")
        jobs.create(PROCESSING_JOB, job("a"))
        home.until("a", "Completed")
        with pytest.raises(WrongStateError, match="is in status Completed"):
            jobs.stop(PROCESSING_JOB, "a")


class TestResuming:
    def test_jobs_that_had_not_begun_are_begun(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open(most_at_once=1)
        for name in ("a", "b", "c"):
            jobs.create(PROCESSING_JOB, job(name))
        home.until_running("a")
        home.close()
        home.compute.held = False
        assert home.open().resume() == 3
        home.until("b", "Completed")
        home.until("c", "Completed")

    def test_one_that_runs_is_picked_up_under_its_own_id(self, home: Home) -> None:
        home.compute.held = True
        home.open().create(PROCESSING_JOB, job("a"))
        home.until_running("a")
        task_id = _task_id(home.records.get(PROCESSING_JOB, "a"))
        home.compute.held = False
        home.open().resume()
        home.until("a", "Completed")
        # LocalCompute follows what runs; the same name, folder and id are what it goes by.
        assert len({spec.folder for spec in home.compute.specs}) == 1
        assert _task_id(home.records.get(PROCESSING_JOB, "a")) == task_id

    def test_one_that_was_asked_to_stop_before_it_began_never_begins(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open(most_at_once=1)
        jobs.create(PROCESSING_JOB, job("a"))
        jobs.create(PROCESSING_JOB, job("b"))
        home.until_running("a")
        home.handlers[PROCESSING_JOB].stop(Task("", PROCESSING_JOB, {}, "", "", "", "b"))
        home.compute.held = False
        home.open().resume()
        home.until("b", "Stopped")
        assert "b" not in {spec.job_id for spec in home.compute.specs}

    def test_jobs_of_executions_are_left_to_the_engine(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open()
        home.handlers[PROCESSING_JOB].start(task_for(job("a"), PROCESSING_JOB, "a"), Reports())
        assert jobs.resume() == 0

    def test_twice_begins_nothing_twice(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        home.until_running("a")
        jobs.resume()
        home.compute.release()
        home.until("a", "Completed")
        assert len(home.compute.specs) == 1

    def test_a_request_that_is_refused_by_now_fails(self, home: Home) -> None:
        home.compute.held = True
        home.open(most_at_once=1).create(PROCESSING_JOB, job("a"))
        home.until_running("a")
        records = JobRecords(home.records, PROCESSING_JOB)
        old = records.get("a")
        home.records.delete(PROCESSING_JOB, "a")
        body = {**old.body, "request": {**job("a"), "AppSpecification": {}}}
        home.records.create(PROCESSING_JOB, "a", body, status="InProgress")
        home.open().resume()
        home.until("a", "Failed")
        assert "AppSpecification.ImageUri" in home.described("a")["FailureReason"]


class TestDeleting:
    def test_the_record_and_the_log_go_and_the_name_is_free_again(self, home: Home) -> None:
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        home.until("a", "Completed")
        jobs.delete(PROCESSING_JOB, "a")
        assert home.records.find(PROCESSING_JOB, "a") is None
        assert not home.handlers[PROCESSING_JOB].folder("a").exists()
        jobs.create(PROCESSING_JOB, job("a"))
        home.until("a", "Completed")
        assert len(home.compute.specs) == 2

    def test_one_that_runs_or_belongs_to_an_execution_stays(self, home: Home) -> None:
        home.compute.held = True
        jobs = home.open()
        jobs.create(PROCESSING_JOB, job("a"))
        home.until_running("a")
        with pytest.raises(WrongStateError, match="InProgress"):
            jobs.delete(PROCESSING_JOB, "a")
        home.compute.held = False
        home.handlers[PROCESSING_JOB].start(task_for(job("b"), PROCESSING_JOB, "b"), Reports())
        home.until("b", "Completed")
        with pytest.raises(WrongStateError, match="arn:execution"):
            jobs.delete(PROCESSING_JOB, "b")


def test_after_closing_nothing_begins(home: Home) -> None:
    jobs = home.open()
    jobs.close()
    jobs.create(PROCESSING_JOB, job("a"))
    assert home.status("a") == "InProgress"
    assert home.compute.specs == []


def _task_id(record: Record) -> str:
    state: Any = record.body["state"]
    return str(state["task_id"])


def test_the_spec_of_a_job_is_that_of_a_step(home: Home) -> None:
    home.open().create(PROCESSING_JOB, job("a", Environment={"A": "1"}))
    home.until("a", "Completed")
    (spec,) = home.compute.specs
    assert isinstance(spec, JobSpec)
    assert spec.environment["PROCESSING_JOB_NAME"] == "a"
    assert spec.environment["A"] == "1"
