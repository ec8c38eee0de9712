"""Jobs that wait for the machine: one after the other, stopped while they wait, and after a kill."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Ending, JobSpec, Resources
from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.errors import WrongStateError
from stepmill.core.settings import MachineSetting
from stepmill.core.tasks import Task, TaskFailed, TaskReport, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.jobs import training
from stepmill.jobs.describing import describe
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.machine.booking import Capacity
from stepmill.jobs.machine.queue import MachineQueue
from stepmill.jobs.records import TRAINING_JOB, JobState, state_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.jobs.training_updates import TrainingUpdates
from stepmill.jobs.warm_pools import CACHE_FOLDER, CACHE_VARIABLE
from support.cli import eventually
from support.fake_compute import FakeCompute, FakeImages, Reports, task_for
from support.job_data import open_store, training_document

LIMIT_S = 60.0
GIB = 1 << 30
SCRIPT = {"HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "source"}}
EXACT = MachineSetting(overcommit=1.0)
LAPTOP = Capacity(2.0, 64 * GIB)


def job(name: str, kind: str = "ml.m5.large", count: int = 1) -> Task:
    resources = {"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 1}
    document = training_document(**SCRIPT, ResourceConfig=resources)
    return task_for(document, training.RESOURCE, name)


class Shop:
    """A machine, and jobs that run on it until the test ends them."""

    def __init__(self, folder: Path, machine: Capacity, setting: MachineSetting) -> None:
        self.folder = folder
        self.machine = machine
        self.setting = setting
        self.store, self.records = open_store(folder / "home", "data")
        (folder / "source").mkdir()
        (folder / "source" / "train.py").touch()
        self.compute = FakeCompute()
        self.compute.held = True
        self.reports: dict[str, Reports] = {}
        self.changed = threading.Condition()
        self.handlers: list[tuple[JobHandler[Any], MachineQueue]] = []
        self.open()

    def open(self) -> None:
        """Come back as another process would."""
        queue = MachineQueue(self.folder / "machine", self.machine, self.setting, look_every_s=0.02)
        services = JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=FakeImages(),
            clock=SystemClock(),
            arns=Arns("us-west-2", "123456789012"),
            folder=self.folder / "home" / "jobs",
            project=self.folder,
            machine=queue,
        )
        self.handlers.append((training_handler(services), queue))

    def begin(self, *tasks: Task) -> None:
        for task in tasks:
            reports = self.reports.setdefault(task.name, Reports())

            def report(each: TaskReport, reports: Reports = reports) -> None:
                with self.changed:
                    reports(each)
                    self.changed.notify_all()

            self.handlers[-1][0].start(task, report)

    def stop(self, task: Task) -> None:
        self.handlers[-1][0].stop(task)

    def kill(self) -> None:
        handler, queue = self.handlers[-1]
        queue.close()
        handler.close()

    def end(self, program: Callable[[JobSpec], int] = lambda _spec: 0, how: Ending | None = None) -> None:
        """End all that run."""
        self.compute.program, self.compute.ending = program, how
        self.compute.release()

    def state(self, name: str) -> JobState:
        return state_of(self.records.get(TRAINING_JOB, name))

    @property
    def run(self) -> list[str]:
        """Jobs that were run so far."""
        return [spec.job_id for spec in self.compute.specs]

    def until_run(self, *names: str) -> None:
        waited = threading.Event()
        for _ in range(int(LIMIT_S * 100)):
            if sorted(self.run) == sorted(names):
                return
            waited.wait(0.01)
        raise AssertionError(f"They never ran: {self.run}")

    def until_ended(self, name: str) -> TaskReport:
        with self.changed:
            assert self.changed.wait_for(lambda: self.reports[name].ended, LIMIT_S)
        return self.reports[name].last

    def close(self) -> None:
        for handler, queue in self.handlers:
            queue.close()
            handler.close()


Open = Callable[..., Shop]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    shops: list[Shop] = []

    def open_shop(machine: Capacity = LAPTOP, setting: MachineSetting = EXACT) -> Shop:
        shops.append(Shop(tmp_path, machine, setting))
        return shops[-1]

    yield open_shop
    for shop in shops:
        shop.close()


def test_jobs_that_fit_run_at_once(opened: Open) -> None:
    shop = opened(Capacity(4.0, 64 * GIB))
    shop.begin(job("a"), job("b"))
    assert shop.run == ["a", "b"]
    phases = [transition.status for transition in shop.state("b").transitions]
    assert "Pending" not in phases


def test_one_that_does_not_fit_waits_and_says_what_for(opened: Open) -> None:
    shop = opened()
    shop.begin(job("a"), job("b"))
    assert shop.run == ["a"]
    state = shop.state("b")
    assert state.secondary == "Pending"
    assert [transition.status for transition in state.transitions] == ["Starting", "Pending"]
    line = "waits until other jobs have ended: it needs 2 CPUs and 8 GiB, and 0 CPUs and 56 GiB can be booked"
    assert line in state.notes
    told = [note for each in shop.reports["b"].all if isinstance(each, TaskStarted) for note in each.notes]
    assert told == [line]


def test_it_begins_when_there_is_room(opened: Open) -> None:
    shop = opened()
    shop.begin(job("a"), job("b"))
    shop.end()
    shop.until_run("a", "b")
    shop.end()
    assert isinstance(shop.until_ended("b"), TaskSucceeded)
    assert [transition.status for transition in shop.state("b").transitions] == [
        "Starting", "Pending", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip


def test_who_comes_first_is_served_first(opened: Open) -> None:
    shop = opened()
    names = [f"job-{index}" for index in range(5)]
    shop.begin(*(job(name) for name in names))
    for count in range(1, 6):
        shop.until_run(*names[:count])
        shop.end()
    assert shop.run == names


def test_one_larger_than_the_machine_runs_alone(opened: Open) -> None:
    shop = opened()
    shop.begin(job("large", "ml.m5.24xlarge"), job("small"))
    assert shop.run == ["large"]
    shop.end()
    shop.until_run("large", "small")


def test_a_failed_one_gives_back_what_it_had(opened: Open) -> None:
    shop = opened()
    shop.begin(job("a"), job("b"))
    shop.end(lambda _spec: 3)
    assert isinstance(shop.until_ended("a"), TaskFailed)
    shop.until_run("a", "b")


def test_one_that_cannot_start_gives_back_what_it_had(opened: Open) -> None:
    shop = opened()
    shop.compute.error = OSError("no room for a process")
    shop.begin(job("a"))
    assert isinstance(shop.until_ended("a"), TaskFailed)
    shop.compute.error = None
    shop.begin(job("b"))
    assert shop.run == ["b"]


def test_one_that_waits_can_be_stopped(opened: Open) -> None:
    shop = opened()
    waiting = job("b")
    shop.begin(job("a"), waiting)
    shop.stop(waiting)
    assert isinstance(shop.until_ended("b"), TaskStopped)
    assert shop.state("b").secondary == "Stopped"
    assert shop.run == ["a"]
    # Its place is another's.
    shop.begin(job("c"))
    shop.end()
    shop.until_run("a", "c")


def test_after_a_kill_running_ones_are_booked_and_waiting_ones_wait(opened: Open) -> None:
    shop = opened()
    first, second = job("a"), job("b")
    shop.begin(first, second)
    shop.kill()
    (shop.folder / "machine" / "bookings.json").unlink()
    shop.open()
    shop.begin(first)
    shop.begin(second)
    assert shop.state("b").secondary == "Pending"
    assert shop.run == ["a", "a"]
    shop.end()
    shop.until_run("a", "a", "b")


def test_the_machine_is_booked_several_times_by_default(opened: Open) -> None:
    shop = opened(Capacity(2.0, 64 * GIB), MachineSetting())
    names = [f"job-{index}" for index in range(9)]
    shop.begin(*(job(name) for name in names))
    assert shop.run == names[:8]


def test_without_a_queue_nobody_waits(opened: Open) -> None:
    shop = opened(setting=MachineSetting(queue=False, overcommit=1.0))
    shop.begin(job("a"), job("b", "ml.m5.24xlarge"), job("c"))
    assert shop.run == ["a", "b", "c"]


def test_all_hosts_are_booked(opened: Open) -> None:
    shop = opened(Capacity(4.0, 64 * GIB))
    shop.begin(job("a", count=2), job("b"))
    assert shop.run == ["a", "a-algo-2"]
    assert shop.state("b").secondary == "Pending"


class TestGpus:
    def test_each_host_gets_its_own(self, opened: Open) -> None:
        shop = opened(Capacity(64.0, 512 * GIB, ("0", "1", "2")))
        shop.begin(job("a", "ml.g5.xlarge", 2), job("b", "ml.g5.xlarge"), job("c", "ml.g5.xlarge"))
        visible = [spec.environment["CUDA_VISIBLE_DEVICES"] for spec in shop.compute.specs]
        assert visible == ["0", "1", "2"]
        assert shop.state("c").secondary == "Pending"
        assert "1 GPU" in " ".join(shop.state("c").notes)

    def test_they_are_exclusive_without_a_queue_too(self, opened: Open) -> None:
        shop = opened(Capacity(2.0, GIB, ("0",)), MachineSetting(queue=False))
        shop.begin(job("a", "ml.g5.xlarge"), job("b", "ml.g5.xlarge"), job("c"))
        assert shop.run == ["a", "c"]

    def test_where_there_is_none_the_job_runs_and_it_is_said(self, opened: Open) -> None:
        shop = opened()
        shop.begin(job("a", "ml.g5.xlarge"))
        (spec,) = shop.compute.specs
        assert "CUDA_VISIBLE_DEVICES" not in spec.environment
        shop.end()
        shop.until_ended("a")
        assert "ml.g5.xlarge has 1 GPU, and this machine has none" in shop.state("a").notes


class TestLimits:
    def test_there_are_none_where_it_is_so_set(self, opened: Open) -> None:
        shop = opened(Capacity(16.0, 64 * GIB), MachineSetting(limits=False))
        shop.begin(job("a"))
        assert shop.compute.specs[0].resources == Resources()
        shop.end(lambda _spec: 137, Ending.OUT_OF_MEMORY)
        shop.until_ended("a")
        assert "ml.m5" not in shop.state("a").reason

    @pytest.mark.parametrize(
        ("kind", "limits"),
        [
            ("ml.m5.large", Resources(2.0, 8 * GIB, is_said=False)),
            ("ml.r5.4xlarge", Resources(None, None, is_said=False)),
            ("ml.c5.4xlarge", Resources(None, 32 * GIB, is_said=False)),
            ("ml.what.ever", Resources(None, None)),
        ],
    )
    def test_a_job_has_what_its_type_has(self, opened: Open, kind: str, limits: Resources) -> None:
        shop = opened(Capacity(16.0, 64 * GIB), MachineSetting())
        shop.begin(job("a", kind))
        assert shop.compute.specs[0].resources == limits

    def test_who_needs_more_memory_is_told_of_the_type(self, opened: Open) -> None:
        shop = opened(Capacity(16.0, 64 * GIB), MachineSetting())
        shop.begin(job("a", "ml.t3.medium"))
        shop.end(lambda _spec: 137, Ending.OUT_OF_MEMORY)
        shop.until_ended("a")
        assert "OutOfMemoryError" in shop.state("a").reason
        assert "(ml.t3.medium has no more: take a larger one" in shop.state("a").reason

    def test_one_that_has_all_the_machine_has_is_told_of_none(self, opened: Open) -> None:
        shop = opened(Capacity(16.0, 4 * GIB), MachineSetting())
        shop.begin(job("a", "ml.t3.medium"))
        shop.end(lambda _spec: 137, Ending.OUT_OF_MEMORY)
        shop.until_ended("a")
        assert "ml.t3" not in shop.state("a").reason


def kept(name: str, kind: str = "ml.m5.large", seconds: int = 600, count: int = 1) -> Task:
    resources = {
        "InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 1,
        "KeepAlivePeriodInSeconds": seconds,
    }  # fmt: skip
    return task_for(training_document(**SCRIPT, ResourceConfig=resources), training.RESOURCE, name)


class TestWarmPools:
    """Of jobs as large as the machine, unless it is said otherwise."""

    def told(self, shop: Shop, name: str) -> Any:
        record = shop.records.get(TRAINING_JOB, name)
        return describe(record, datetime.now(UTC)).get("WarmPoolStatus")

    def caches(self, shop: Shop, index: int) -> list[Path]:
        mounts = shop.compute.specs[index].mounts
        return [mount.source for mount in mounts if mount.target == CACHE_FOLDER and not mount.read_only]

    def test_the_next_one_goes_on_with_what_the_first_has_left(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"))
        (cache,) = self.caches(shop, 0)
        assert shop.compute.specs[0].environment[CACHE_VARIABLE] == CACHE_FOLDER
        (cache / "wheel").write_text("built")
        assert self.told(shop, "a") == {"Status": "InUse"}
        shop.end()
        shop.until_ended("a")
        assert self.told(shop, "a")["Status"] == "Available"
        assert any("a warm pool" in note for note in shop.state("a").notes)
        shop.begin(kept("b"))
        assert self.caches(shop, 1) == [cache]
        assert (cache / "wheel").read_text() == "built"
        first = self.told(shop, "a")
        assert (first["Status"], first["ReusedByJob"]) == ("Reused", "b")
        assert self.told(shop, "b") == {"Status": "InUse"}
        assert "goes on with the warm pool that a has left" in shop.state("b").notes

    def test_another_one_waits_and_is_told_for_what(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"))
        shop.end()
        shop.until_ended("a")
        shop.begin(job("b", "ml.c5.large"))
        assert shop.run == ["a"]
        assert any("kept warm after a" in note for note in shop.state("b").notes)
        updates = TrainingUpdates(shop.records, shop.handlers[-1][1], SystemClock())
        updates.keep_alive("a", 0)
        shop.until_run("a", "b")
        assert self.told(shop, "a")["Status"] == "Terminated"

    def test_one_that_waits_already_gets_it(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"), job("other", "ml.c5.large"), kept("b"))
        shop.end()
        shop.until_run("a", "b")
        shop.until_ended("a")
        assert self.told(shop, "a")["ReusedByJob"] == "b"

    def test_one_without_keeps_nothing_and_its_cache_goes(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"))
        shop.end()
        shop.until_ended("a")
        shop.begin(job("b"))
        (cache,) = self.caches(shop, 1)
        shop.end()
        shop.until_ended("b")
        assert self.told(shop, "b") == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
        assert not cache.exists()

    def test_jobs_that_ask_for_none_have_none(self, opened: Open) -> None:
        shop = opened()
        shop.begin(job("a"))
        assert self.caches(shop, 0) == []
        assert CACHE_VARIABLE not in shop.compute.specs[0].environment
        assert self.told(shop, "a") is None
        assert not (shop.folder / "machine" / "pools").exists()

    @pytest.mark.parametrize(
        ("code", "how", "status"),
        [(1, Ending.EXITED, "Available"), (137, Ending.OUT_OF_MEMORY, "Available"),
         (143, Ending.STOPPED, "Available"), (-1, Ending.LOST, "Terminated")],
    )  # fmt: skip
    def test_after_failures(self, opened: Open, code: int, how: Ending, status: str) -> None:
        shop = opened()
        shop.begin(kept("a"))
        shop.end(lambda _spec: code, how)
        shop.until_ended("a")
        assert self.told(shop, "a")["Status"] == status

    def test_one_that_never_ran_leaves_none(self, opened: Open) -> None:
        shop = opened()
        shop.compute.error = OSError("no room")
        shop.begin(kept("a"))
        shop.until_ended("a")
        assert self.told(shop, "a")["Status"] == "Terminated"

    def test_each_host_has_a_cache_of_its_own(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a", count=2))
        assert [cache.name for cache in (*self.caches(shop, 0), *self.caches(shop, 1))] == [
            "algo-1",
            "algo-2",
        ]

    def test_it_survives_the_process(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"))
        shop.end()
        shop.until_ended("a")
        shop.kill()
        shop.open()
        shop.begin(kept("b"))
        assert self.told(shop, "a")["ReusedByJob"] == "b"

    def test_its_folder_goes_when_its_time_is_over(self, opened: Open) -> None:
        shop = opened()
        shop.begin(kept("a"))
        (cache,) = self.caches(shop, 0)
        shop.end()
        shop.until_ended("a")
        assert cache.is_dir()
        TrainingUpdates(shop.records, shop.handlers[-1][1], SystemClock()).keep_alive("a", 0)
        eventually(lambda: not cache.exists(), "the end of the cache")

    def test_updates(self, opened: Open) -> None:
        shop = opened()
        updates = TrainingUpdates(shop.records, shop.handlers[-1][1], SystemClock())
        shop.begin(kept("a"))
        with pytest.raises(WrongStateError, match="its status is InUse"):
            updates.keep_alive("a", 60)
        updates.profiler("a", {"DisableProfiler": True}, [])
        described = describe(shop.records.get(TRAINING_JOB, "a"))
        assert described["ProfilerConfig"] == {"DisableProfiler": True}
        assert described["ProfilerRuleConfigurations"] == []
        shop.end()
        shop.until_ended("a")
        with pytest.raises(WrongStateError, match="is in status Completed"):
            updates.profiler("a", {"DisableProfiler": False})
        updates.keep_alive("a", 3600)
        pool = shop.state("a").pool
        assert pool is not None
        assert pool.kept_from is not None
        assert pool.kept_until == pool.kept_from + timedelta(seconds=3600)
        described = describe(shop.records.get(TRAINING_JOB, "a"))
        assert described["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 3600
        updates.keep_alive("a", 0)
        with pytest.raises(WrongStateError, match="its status is Terminated"):
            updates.keep_alive("a", 60)
