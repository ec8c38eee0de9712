"""The row in which jobs wait, with two queues in the place of two processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepmill.compute.spec import Resources
from stepmill.core.settings import MachineSetting
from stepmill.jobs.machine.booking import Capacity
from stepmill.jobs.machine.queue import MachineQueue, Turn
from stepmill.jobs.requests.hosts import Host

LIMIT_S = 60.0
GIB = 1 << 30
LAPTOP = Capacity(2.0, 16 * GIB)
T0 = datetime(2026, 1, 1, tzinfo=UTC)
EXACT = MachineSetting(overcommit=1.0)
M5 = (Host("algo-1", "ml.m5.large"),)


class Row:
    """Queues over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.queues: list[MachineQueue] = []

    def open(self, setting: MachineSetting = EXACT, machine: Capacity = LAPTOP) -> MachineQueue:
        self.queues.append(MachineQueue(self.folder, machine, setting, look_every_s=0.02))
        return self.queues[-1]


@pytest.fixture
def row(tmp_path: Path) -> Iterator[Row]:
    row = Row(tmp_path)
    yield row
    for queue in row.queues:
        queue.close()


def enter(queue: MachineQueue, key: str, hosts: tuple[Host, ...] = M5, second: int = 0) -> Turn:
    return queue.enter(key, hosts, T0 + timedelta(seconds=second), Path("/none"), runs=False)


def test_who_waits_is_called_when_another_leaves(row: Row) -> None:
    queue, called = row.open(), threading.Event()
    assert enter(queue, "a").has_come
    assert not enter(queue, "b").has_come
    queue.wait("b", called.set)
    queue.leave("a")
    assert called.wait(LIMIT_S)
    assert enter(queue, "b").has_come


def test_who_waits_is_called_when_one_of_another_process_leaves(row: Row) -> None:
    here, there, called = row.open(), row.open(), threading.Event()
    assert enter(here, "a").has_come
    assert not enter(there, "b").has_come
    there.wait("b", called.set)
    here.leave("a")
    assert called.wait(LIMIT_S)


def test_one_whose_turn_came_before_he_waited_is_called(row: Row) -> None:
    queue, called = row.open(), threading.Event()
    enter(queue, "a")
    enter(queue, "b")
    queue.leave("a")
    queue.wait("b", called.set)
    assert called.wait(LIMIT_S)


def test_one_in_a_hurry_is_called_and_others_are_not(row: Row) -> None:
    queue, called, other = row.open(), threading.Event(), threading.Event()
    enter(queue, "a")
    enter(queue, "b")
    enter(queue, "c")
    queue.wait("b", called.set)
    queue.wait("c", other.set)
    queue.hurry("b")
    queue.hurry("nobody")
    assert called.wait(LIMIT_S)
    assert not other.is_set()


def test_each_is_called_once(row: Row) -> None:
    queue, calls, called = row.open(), [], threading.Event()
    enter(queue, "a")
    enter(queue, "b")

    def go() -> None:
        calls.append("b")
        called.set()

    queue.wait("b", go)
    queue.leave("a")
    assert called.wait(LIMIT_S)
    queue.hurry("b")
    queue.close()
    assert calls == ["b"]


def test_after_closing_nobody_is_called(row: Row) -> None:
    queue, called = row.open(), threading.Event()
    enter(queue, "a")
    enter(queue, "b")
    queue.close()
    queue.wait("b", called.set)
    queue.leave("a")
    assert not called.wait(0.1)


def test_what_one_waits_for_is_told(row: Row) -> None:
    queue = row.open()
    enter(queue, "a")
    assert (
        enter(queue, "b", second=1).waits_for
        == "it needs 2 CPUs and 8 GiB, and 0 CPUs and 8 GiB can be booked"
    )
    assert enter(queue, "c", second=2).waits_for.endswith("; 1 job waits before it")
    assert enter(queue, "d", second=3).waits_for.endswith("; 2 jobs wait before it")


def test_limits_are_never_above_those_for_all_jobs(row: Row) -> None:
    queue = row.open(MachineSetting(limits=True), Capacity(64.0, 256 * GIB))
    all_jobs = Resources(cpus=1.5, memory_bytes=4 * GIB)
    assert queue.resources(M5[0], all_jobs) == all_jobs
    assert queue.resources(M5[0], Resources(cpus=4.0)) == Resources(2.0, 8 * GIB, is_said=True)
    assert queue.resources(Host("algo-1", "ml.m5.24xlarge"), all_jobs) == all_jobs
    assert queue.resources(Host(), Resources()) == Resources()


def test_without_limits_all_jobs_have_the_same(row: Row) -> None:
    queue = row.open(MachineSetting(limits=False))
    assert queue.resources(M5[0], Resources(cpus=7.0)) == Resources(cpus=7.0)
