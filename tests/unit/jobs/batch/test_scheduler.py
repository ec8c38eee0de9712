"""Whose turn it is, what follows from an end, and what a new process makes of what it finds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.compute.spec import Ending, JobSpec
from stepmill.core.errors import NotFoundError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.core.settings import Isolation
from stepmill.jobs.batch.attempts import ATTEMPT_KIND
from stepmill.jobs.batch.job import BatchStatus, Job
from stepmill.jobs.batch.queues import ENVIRONMENT, QUEUE
from stepmill.jobs.batch.services import Batch
from stepmill.jobs.batch.waiting import Needs, Turns
from stepmill.jobs.services import JobServices
from support.cli import eventually
from support.fake_compute import FakeCompute, FakeImages
from support.keeping import ARNS, Keeping, keeping

NEEDS: list[JsonObject] = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]


class Site:
    """Batch over a compute whose jobs end when the test lets them."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.compute = FakeCompute()
        self.compute.held = True
        self.images = FakeImages()
        self.batch = self.new()
        self.batch.queues.create(ENVIRONMENT, "machine", {"state": "ENABLED"})
        self.queue("low", 1)
        self.queue("high", 10)
        self.define()

    def new(self) -> Batch:
        kept = self.kept
        services = JobServices(
            objects=kept.objects, records=kept.records, compute=self.compute, images=self.images,
            clock=kept.clock, arns=ARNS, folder=kept.folder / "jobs", project=kept.folder,
            isolation=Isolation.NONE,
        )  # fmt: skip
        records = kept.records
        return Batch(lambda: services, records, records, clock=kept.clock, arns=ARNS, most_at_once=1)

    def queue(self, name: str, priority: int) -> None:
        order: list[JsonObject] = [{"order": 1, "computeEnvironment": "machine"}]
        document: JsonObject = {"priority": priority, "computeEnvironmentOrder": order}
        self.batch.queues.create(QUEUE, name, document)

    def define(self, **more: Any) -> None:
        container = {"image": "image", "command": ["run"], "resourceRequirements": NEEDS}
        self.batch.definitions.register(
            {"jobDefinitionName": "d", "type": "container", "containerProperties": container, **more}
        )

    def submit(self, queue: str = "low", **more: Any) -> Job:
        self.kept.clock.advance(timedelta(seconds=1))
        return self.batch.submit({"jobName": "j", "jobQueue": queue, "jobDefinition": "d", **more})

    def begun(self) -> list[str]:
        return [spec.environment["AWS_BATCH_JOB_ID"] for spec in self.compute.specs]

    def until_begun(self, *jobs: Job) -> None:
        eventually(lambda: len(self.compute.specs) >= len(jobs), f"{len(jobs)} attempts")
        assert self.begun() == [job.id for job in jobs]

    def until(self, job: Job, status: BatchStatus) -> Job:
        eventually(lambda: self.stands(job) is status, f"{job.id} {status}")
        return self.batch.jobs.get(job.id)

    def stands(self, job: Job) -> BatchStatus:
        return self.batch.jobs.get(job.id).state.status


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def site(kept: Keeping) -> Iterator[Site]:
    made = Site(kept)
    yield made
    made.batch.close()


def test_the_queue_of_the_highest_priority_goes_first_and_in_it_the_oldest(site: Site) -> None:
    first = site.submit()
    site.until_begun(first)
    low, high, higher = site.submit(), site.submit("high"), site.submit("high")
    for job in (low, high, higher):
        assert site.stands(job) is BatchStatus.RUNNABLE
    order = [first]
    for job in (high, higher, low):
        site.compute.release()
        order.append(job)
        site.until_begun(*order)
    site.compute.release()
    site.until(low, BatchStatus.SUCCEEDED)


def test_a_priority_that_changes_counts_for_those_that_wait(site: Site) -> None:
    first = site.submit()
    site.until_begun(first)
    low, high = site.submit(), site.submit("high")
    site.batch.queues.update(QUEUE, "low", {"priority": 100})
    site.compute.release()
    site.until_begun(first, low)
    site.compute.release()
    site.until_begun(first, low, high)
    site.compute.release()
    site.until(high, BatchStatus.SUCCEEDED)


def test_what_a_new_process_finds_goes_on(site: Site) -> None:
    running = site.submit()
    site.until_begun(running)
    eventually(lambda: site.stands(running) is BatchStatus.RUNNING, "it runs")
    waiting = site.submit()
    dependent = site.submit(dependsOn=[{"jobId": waiting.id}])
    site.batch.close()
    site.compute = FakeCompute()
    site.batch = site.new()
    assert site.batch.scheduler.resume() == 3
    for job in (running, waiting, dependent):
        assert len(site.until(job, BatchStatus.SUCCEEDED).state.attempts) == 1
    assert site.begun() == [running.id, waiting.id, dependent.id]
    # It is the same attempt: compute would pick up what runs in its folder.
    names = [record.name for record in site.kept.records.list(ATTEMPT_KIND).records]
    assert sorted(names) == sorted(spec.job_id for spec in site.compute.specs)
    assert site.batch.scheduler.resume() == 0


def test_what_ended_while_nobody_looked_is_seen_to(site: Site) -> None:
    first = site.submit()
    site.until_begun(first)
    second = site.submit(dependsOn=[{"jobId": first.id}])
    array = site.submit(arrayProperties={"size": 2}, dependsOn=[{"jobId": second.id}])
    site.batch.close()
    # As if the process had been killed right after that end was written.
    site.batch.jobs.change(first.id, lambda state: msgspec.structs.replace(state, status=BatchStatus.FAILED))
    site.batch = site.new()
    site.batch.scheduler.resume()
    assert site.until(second, BatchStatus.FAILED).state.reason == "Dependent Job failed"
    assert site.until(array, BatchStatus.FAILED).state.reason == "Array Child Job failed"


@pytest.mark.parametrize(
    ("ending", "reason", "code"),
    [
        (Ending.TIMED_OUT, "Job attempt duration exceeded timeout", 137),
        (Ending.OUT_OF_MEMORY, "Essential container in task exited", 137),
        (Ending.LOST, "Host EC2 (this machine) terminated.", None),
        (Ending.NOT_STARTED, "Task failed to start", None),
    ],
)
def test_ends_are_told_in_batchs_words(site: Site, ending: Ending, reason: str, code: int | None) -> None:
    site.compute.held, site.compute.ending = False, ending
    site.compute.program = lambda _spec: -1
    state = site.until(site.submit(), BatchStatus.FAILED).state
    (attempt,) = state.attempts
    assert (state.reason, attempt.status_reason, attempt.exit_code) == (reason, reason, code)


def test_an_attempt_that_is_tried_again_waits_behind_the_others(site: Site) -> None:
    site.compute.held = False
    codes = iter([1, 0, 0])
    site.compute.program = lambda _spec: next(codes)
    site.define(retryStrategy={"attempts": 2})
    job = site.submit()
    done = site.until(job, BatchStatus.SUCCEEDED)
    assert [attempt.exit_code for attempt in done.state.attempts] == [1, 0]
    assert len({spec.job_id for spec in site.compute.specs}) == 2


def test_what_cannot_be_begun_fails_and_is_tried_again(site: Site) -> None:
    site.compute.error = UnsupportedError("There is no such isolation.")
    job = site.submit(retryStrategy={"attempts": 2})
    done = site.until(job, BatchStatus.FAILED)
    assert [attempt.exit_code for attempt in done.state.attempts] == [None, None]
    assert "There is no such isolation." in done.state.attempts[0].reason


def test_a_job_that_waits_is_cancelled_and_one_that_runs_is_not(site: Site) -> None:
    running = site.submit()
    site.until_begun(running)
    waiting = site.submit()
    dependent = site.submit(dependsOn=[{"jobId": waiting.id}])
    site.batch.scheduler.stop(running.id, "late", terminates=False)
    site.batch.scheduler.stop(waiting.id, "not wanted", terminates=False)
    state = site.batch.jobs.get(waiting.id).state
    assert (state.status, state.reason, state.is_cancelled) == (BatchStatus.FAILED, "not wanted", True)
    assert site.batch.jobs.get(dependent.id).state.reason == "Dependent Job failed"
    assert site.compute.stopped == []
    site.compute.release()
    site.until(running, BatchStatus.SUCCEEDED)


def test_a_job_that_runs_is_terminated(site: Site) -> None:
    running = site.submit(retryStrategy={"attempts": 5})
    site.until_begun(running)
    eventually(lambda: site.stands(running).has_begun, "it runs")
    site.batch.scheduler.stop(running.id, "enough", terminates=True)
    assert len(site.compute.stopped) == 1
    site.compute.program = lambda _spec: 143
    site.compute.release()
    done = site.until(running, BatchStatus.FAILED)
    assert (done.state.reason, done.state.is_terminated) == ("enough", True)
    assert [attempt.exit_code for attempt in done.state.attempts] == [143]


def test_whoever_follows_hears_of_the_end_once(site: Site) -> None:
    job = site.submit()
    heard: list[BatchStatus] = []
    is_heard = threading.Event()

    def hear(ended: Job) -> None:
        heard.append(ended.state.status)
        is_heard.set()

    site.batch.scheduler.follow(job.id, hear)
    site.until_begun(job)
    site.compute.release()
    assert is_heard.wait(60)
    site.batch.scheduler.follow(job.id, hear)
    assert heard == [BatchStatus.SUCCEEDED] * 2
    with pytest.raises(NotFoundError, match="does not exist"):
        site.batch.scheduler.follow("unknown", hear)


def test_what_is_known_is_not_taken_twice(site: Site) -> None:
    first = site.submit()
    site.until_begun(first)
    waiting = site.submit()
    dependent = site.submit(dependsOn=[{"jobId": first.id}])
    site.batch.scheduler.take(first, waiting, dependent, waiting)
    order = [first]
    for job in (waiting, dependent):
        site.compute.release()
        order.append(job)
        site.until_begun(*order)
    site.compute.release()
    site.until(dependent, BatchStatus.SUCCEEDED)
    site.batch.scheduler.take(first, waiting)
    assert len(site.compute.specs) == 3


def test_a_long_chain_fails_as_a_whole(site: Site) -> None:
    site.compute.program = lambda _spec: 1
    length = 2 * sys.getrecursionlimit()
    array = site.submit(arrayProperties={"size": length}, dependsOn=[{"type": "SEQUENTIAL"}])
    eventually(lambda: len(site.compute.specs) == 1, "the first child")
    site.compute.release()
    site.until(array, BatchStatus.FAILED)
    assert site.batch.jobs.get(f"{array.id}:{length - 1}").state.reason == "Dependent Job failed"
    assert len(site.compute.specs) == 1


def test_memory_is_a_limit_and_the_settings_limit_more(site: Site) -> None:
    site.compute.held = False
    site.until(site.submit(), BatchStatus.SUCCEEDED)
    spec: JobSpec = site.compute.specs[0]
    assert spec.resources.memory_bytes == 64 * 1024 * 1024
    assert spec.command == ("run",)


# ---- who waits for whom --------------------------------------------------------------------------


def test_turns_are_taken_by_priority_then_by_order() -> None:
    turns = Turns()
    for queue, job in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
        turns.put(queue, job)
    turns.put("a", "1")
    assert turns.remove("c", "4")
    assert not turns.remove("c", "4")
    priorities = {"a": 1, "b": 1, "c": 9}
    assert [turns.next(priorities.__getitem__) for _ in range(4)] == ["1", "3", "2", None]


def test_needs_are_met_one_by_one() -> None:
    needs = Needs()
    needs.add("c", ["a", "b"])
    needs.add("d", ["a"])
    needs.add("e", ["a"])
    assert needs.remove("e")
    assert not needs.remove("e")
    assert needs.ended("a") == (["d"], ["c"])
    assert needs.ended("b") == (["c"], [])
    assert needs.ended("b") == ([], [])
