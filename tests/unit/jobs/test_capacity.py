"""When spot capacity is taken away, and when there is some again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from stepmill.core.clock import SystemClock
from stepmill.core.settings import SpotSetting
from stepmill.jobs.capacity import Capacity, time_to_interruption

LIMIT_S = 60.0
SIX = SpotSetting(interruptions_per_hour=6)


def test_nothing_is_interrupted_unless_it_is_set() -> None:
    assert time_to_interruption(SpotSetting(), "job", 0) is None


def test_the_same_seed_gives_the_same_moments() -> None:
    first = time_to_interruption(SIX, "job", 0)
    assert first == time_to_interruption(SIX, "job", 0)
    others = [
        time_to_interruption(SIX, "job", 1),
        time_to_interruption(SIX, "job-2", 0),
        time_to_interruption(SpotSetting(interruptions_per_hour=6, seed=1), "job", 0),
    ]
    assert len({first, *others}) == 4


def test_on_average_it_is_as_often_as_it_is_set() -> None:
    drawn = [time_to_interruption(SIX, "job", n) for n in range(4000)]
    mean = sum((one for one in drawn if one), timedelta()) / len(drawn)
    assert timedelta(minutes=9.5) < mean < timedelta(minutes=10.5)


@pytest.fixture
def capacity() -> Iterator[Capacity]:
    capacity = Capacity(SystemClock())
    yield capacity
    capacity.close()


def test_a_call_at_its_moment(capacity: Capacity) -> None:
    called = threading.Event()
    capacity.at("a", SystemClock().now(), called.set)
    assert called.wait(LIMIT_S)


def test_a_call_that_is_hurried(capacity: Capacity) -> None:
    called = threading.Event()
    capacity.at("a", SystemClock().now() + timedelta(days=1), called.set)
    capacity.now("b")
    assert not called.is_set()
    capacity.now("a")
    assert called.wait(LIMIT_S)


def test_a_call_that_is_forgotten(capacity: Capacity) -> None:
    called: list[str] = []
    done = threading.Event()
    moment = SystemClock().now() + timedelta(days=1)
    capacity.at("a", moment, lambda: called.append("a"))
    capacity.at("b", moment, done.set)
    capacity.forget("a")
    capacity.now("a")
    capacity.now("b")
    assert done.wait(LIMIT_S)
    assert called == []
