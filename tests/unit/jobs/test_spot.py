"""Training jobs on spot capacity: interrupted, waiting, going on, and killed at any of these moments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Ending, JobSpec
from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.errors import NotFoundError, WrongStateError
from stepmill.core.settings import SpotSetting
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.jobs import training
from stepmill.jobs.describing import describe
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.interruptions import Interruptions
from stepmill.jobs.records import TRAINING_JOB, JobState, state_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.storage.objects.uri import S3Uri
from support.fake_compute import FakeCompute, FakeImages, Reports, task_for
from support.job_data import open_store, put, training_document

LIMIT_S = 60.0
AT_ONCE = SpotSetting(capacity_wait=timedelta(0))
LATER = SpotSetting(capacity_wait=timedelta(hours=1))
NAME = "job-1"
SCRIPT = {"HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "source"}}
CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://data/ck"}}


def spot_task(run: int = 600, wait: int = 1200, **changes: Any) -> Task:
    condition = {"MaxRuntimeInSeconds": run, "MaxWaitTimeInSeconds": wait}
    document = training_document(
        EnableManagedSpotTraining=True, StoppingCondition=condition, **{**SCRIPT, **CHECKPOINTS, **changes}
    )
    return task_for(document, training.RESOURCE, NAME)


class Market:
    """A handler of training jobs whose compute is held until the test lets go of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home" / "jobs"
        self.store, self.records = open_store(folder / "home", "data")
        (folder / "source").mkdir()
        (folder / "source" / "train.py").touch()
        self.project = folder
        self.compute = FakeCompute()
        self.compute.held = True
        self.reports = Reports()
        self.changed = threading.Condition()
        self.handlers: list[JobHandler[Any]] = []

    def report(self, report: TaskReport) -> None:
        with self.changed:
            self.reports(report)
            self.changed.notify_all()

    def handler(self, setting: SpotSetting = AT_ONCE) -> JobHandler[Any]:
        services = JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=FakeImages(),
            clock=SystemClock(),
            arns=Arns("us-west-2", "123456789012"),
            folder=self.folder,
            project=self.project,
            spot=setting,
        )
        self.handlers.append(training_handler(services))
        return self.handlers[-1]

    def begin(self, task: Task, setting: SpotSetting = AT_ONCE) -> JobHandler[Any]:
        handler = self.handler(setting)
        handler.start(task, self.report)
        return handler

    def kill(self) -> None:
        """Let go of all that is only in memory."""
        self.handlers[-1].close()

    def interrupt(self, program: Callable[[JobSpec], int] = lambda _spec: 143) -> None:
        """Take the capacity away, and let the program end of that."""
        Interruptions(self.records, self.compute, self.folder / TRAINING_JOB).interrupt(NAME)
        self.end(program, Ending.STOPPED)

    def end(self, program: Callable[[JobSpec], int] = lambda _spec: 0, how: Ending | None = None) -> None:
        self.compute.program = program
        self.compute.ending = how
        self.compute.release()

    @property
    def state(self) -> JobState:
        return state_of(self.records.get(TRAINING_JOB, NAME))

    def until(self, is_so: Callable[[], object]) -> None:
        waited = threading.Event()
        for _ in range(int(LIMIT_S * 100)):
            if is_so():
                return
            waited.wait(0.01)
        raise AssertionError(f"It never came to that: {self.state}")

    def until_begun(self, times: int) -> None:
        self.until(lambda: len(self.compute.specs) == times)

    def until_ended(self) -> TaskReport:
        with self.changed:
            assert self.changed.wait_for(lambda: self.reports.ended, LIMIT_S)
        return self.reports.last


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    market = Market(tmp_path)
    yield market
    for handler in market.handlers:
        handler.close()


def checkpoint(spec: JobSpec) -> Path:
    return spec.mounts[0].source / "checkpoints" / "state"


def saves(text: str, code: int = 143) -> Callable[[JobSpec], int]:
    def program(spec: JobSpec) -> int:
        checkpoint(spec).write_text(text)
        (spec.mounts[0].source / "model" / "half").write_text("half")
        return code

    return program


def test_it_goes_on_from_its_checkpoint(market: Market) -> None:
    market.begin(spot_task())
    market.interrupt(saves("1"))
    market.until_begun(2)
    assert market.store.read_bytes(S3Uri("data", "ck/state")) == b"1"
    assert checkpoint(market.compute.specs[1]).read_text() == "1"
    # All else that the first attempt left was on the instance that is gone.
    assert not (market.compute.specs[1].mounts[0].source / "model" / "half").exists()
    market.end()
    assert isinstance(market.until_ended(), TaskSucceeded)
    phases = [transition.status for transition in market.state.transitions]
    assert phases == [
        "Starting", "Downloading", "Training", "Interrupted",
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip


def test_the_step_hears_of_it(market: Market) -> None:
    market.begin(spot_task())
    market.interrupt()
    market.until_begun(2)
    reports = [report for report in market.reports.all if isinstance(report, TaskStarted)]
    told = [note for report in reports for note in report.notes if note.startswith("attempt")]
    assert told[0].endswith("its spot capacity taken away: it goes on from its last checkpoint")


def test_without_checkpoints_it_starts_from_nothing_and_says_so(market: Market) -> None:
    market.begin(spot_task(CheckpointConfig=None))
    market.interrupt(lambda spec: (spec.mounts[0].source / "checkpoints").mkdir(exist_ok=True) or 143)
    market.until_begun(2)
    assert "starts from nothing" in " ".join(market.state.notes)


def test_it_can_be_interrupted_again_and_again(market: Market) -> None:
    market.begin(spot_task())
    for number in range(1, 6):
        market.interrupt(saves(str(number)))
        market.until_begun(number + 1)
    market.end()
    market.until_ended()
    assert len(market.state.attempts) == 6
    assert [attempt.then for attempt in market.state.attempts] == ["Interrupted"] * 5 + [""]


def test_one_that_had_ended_before_it_could_be_interrupted_is_done(market: Market) -> None:
    market.begin(spot_task())
    Interruptions(market.records, market.compute, market.folder / TRAINING_JOB).interrupt(NAME)
    market.end()
    assert isinstance(market.until_ended(), TaskSucceeded)
    assert market.state.attempts == ()


def test_grace_time_is_a_setting_for_spot_capacity_alone(market: Market) -> None:
    market.begin(spot_task(), SpotSetting(grace=timedelta(seconds=3)))
    assert market.compute.specs[0].grace == timedelta(seconds=3)


def test_interruptions_come_at_a_rate(market: Market) -> None:
    market.begin(spot_task(), SpotSetting(interruptions_per_hour=3600 * 1000, capacity_wait=timedelta(0)))
    market.until(lambda: market.compute.stopped)
    assert market.state.interrupting
    market.end(how=Ending.STOPPED)
    market.until_begun(2)


class TestTimes:
    def test_what_is_left_is_what_the_next_attempt_gets(self, market: Market) -> None:
        market.begin(spot_task(run=600, wait=600))
        assert market.compute.specs[0].timeout is not None
        market.interrupt()
        market.until_begun(2)
        first, second = (spec.timeout for spec in market.compute.specs)
        assert first is not None
        assert second is not None
        assert second < first <= timedelta(seconds=600)

    def test_one_that_waits_too_long_is_stopped(self, market: Market) -> None:
        market.begin(spot_task(run=1, wait=1), LATER)
        market.interrupt()
        report = market.until_ended()
        assert isinstance(report, TaskFailed)
        state = market.state
        assert (state.status, state.secondary) == ("Stopped", "MaxWaitTimeExceeded")
        assert "MaxWaitTimeInSeconds (1)" in state.reason
        assert len(market.compute.specs) == 1

    def test_one_that_runs_into_the_end_of_the_wait(self, market: Market) -> None:
        market.begin(spot_task(run=600, wait=600))
        market.end(lambda _spec: 143, Ending.TIMED_OUT)
        market.until_ended()
        assert market.state.secondary in ("MaxWaitTimeExceeded", "MaxRuntimeExceeded")

    def test_waiting_is_no_training(self, market: Market) -> None:
        market.begin(spot_task())
        market.interrupt()
        market.until_begun(2)
        market.end()
        market.until_ended()
        found = describe(market.records.get(TRAINING_JOB, NAME))
        # The attempts of this compute take no time, and at least one second is billed.
        assert found["TrainingTimeInSeconds"] >= found["BillableTimeInSeconds"] >= 1


class TestStopping:
    def test_one_that_waits(self, market: Market) -> None:
        task = spot_task()
        handler = market.begin(task, LATER)
        market.interrupt()
        market.until(lambda: market.state.resumes_at)
        handler.stop(task)
        assert isinstance(market.until_ended(), TaskStopped)
        assert market.state.secondary == "Stopped"
        assert len(market.compute.specs) == 1

    def test_one_that_is_being_interrupted(self, market: Market) -> None:
        task = spot_task()
        handler = market.begin(task)
        Interruptions(market.records, market.compute, market.folder / TRAINING_JOB).interrupt(NAME)
        handler.stop(task)
        market.end(how=Ending.STOPPED)
        assert isinstance(market.until_ended(), TaskStopped)


class TestKills:
    def test_while_it_waits(self, market: Market) -> None:
        market.begin(spot_task(), LATER)
        market.interrupt(saves("1"))
        market.until(lambda: market.state.resumes_at)
        market.kill()
        # Who comes next waits as long as is left; here nothing is, for the record says when.
        market.records.update(TRAINING_JOB, NAME, _due)
        market.begin(spot_task())
        market.until_begun(2)
        assert checkpoint(market.compute.specs[1]).read_text() == "1"
        market.end()
        assert isinstance(market.until_ended(), TaskSucceeded)

    def test_between_the_wish_and_the_signal(self, market: Market) -> None:
        market.begin(spot_task())
        compute = FakeCompute()
        Interruptions(market.records, compute, market.folder / TRAINING_JOB).interrupt(NAME)
        market.kill()
        market.begin(spot_task())
        # It is asked to end by whoever picks it up.
        assert market.compute.stopped == [market.folder / TRAINING_JOB / NAME]

    def test_stopped_while_nobody_was_there(self, market: Market) -> None:
        task = spot_task()
        market.begin(task, LATER)
        market.interrupt()
        market.until(lambda: market.state.resumes_at)
        market.kill()
        market.handler(LATER).stop(task)
        market.begin(task, LATER)
        assert isinstance(market.until_ended(), TaskStopped)


class TestRetries:
    def test_one_that_was_lost_is_begun_again(self, market: Market) -> None:
        strategy = {"RetryStrategy": {"MaximumRetryAttempts": 1}}
        document = training_document(**SCRIPT, **strategy)
        market.begin(task_for(document, training.RESOURCE, NAME))
        market.end(how=Ending.LOST)
        market.until_begun(2)
        assert market.state.secondary in ("Restarting", "Starting", "Downloading", "Training")
        market.end(how=Ending.LOST)
        report = market.until_ended()
        assert isinstance(report, TaskFailed)
        assert market.state.reason.startswith("InternalServerError")
        assert len(market.compute.specs) == 2


class TestRefusals:
    def interrupt(self, market: Market) -> None:
        Interruptions(market.records, market.compute, market.folder / TRAINING_JOB).interrupt(NAME)

    def test_none_of_that_name(self, market: Market) -> None:
        with pytest.raises(NotFoundError):
            self.interrupt(market)

    def test_not_on_spot_capacity(self, market: Market) -> None:
        market.begin(task_for(training_document(**SCRIPT), training.RESOURCE, NAME))
        with pytest.raises(WrongStateError, match="does not run on spot capacity"):
            self.interrupt(market)

    def test_one_that_waits_is_interrupted_already(self, market: Market) -> None:
        market.begin(spot_task(), LATER)
        market.interrupt()
        market.until(lambda: market.state.resumes_at)
        market.until(lambda: not (market.folder / TRAINING_JOB / NAME / "spec.json").exists())
        with pytest.raises(WrongStateError, match="it is Interrupted"):
            self.interrupt(market)

    def test_one_that_has_ended(self, market: Market) -> None:
        market.begin(spot_task())
        market.end()
        market.until_ended()
        with pytest.raises(WrongStateError, match="it is Completed"):
            self.interrupt(market)


def test_checkpoints_that_are_there_already_are_found(market: Market) -> None:
    put(market.store, **{"ck/state": "0"})
    market.begin(spot_task())
    assert checkpoint(market.compute.specs[0]).read_text() == "0"


def _due(record: Any) -> Any:
    body = {**record.body, "state": {**record.body["state"], "resumes_at": "2020-01-01T00:00:00Z"}}
    return replace(record, body=body)
