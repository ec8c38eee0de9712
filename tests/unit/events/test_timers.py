"""Schedules are done when it is time: once, over restarts, whoever looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepmill.core.errors import StorageError
from stepmill.events.rules import Rule
from stepmill.events.timers import TIMER_KIND, Timers
from support.cli import eventually
from support.keeping import Keeping, keeping

MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


class House:
    """Timers over a clock that is set by hand; what they do is noted."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.clock = kept.clock
        self.clock.set(START)
        self.done: list[tuple[str, datetime]] = []
        self.begun: list[str] = []
        self.error: StorageError | None = None
        self.tried = 0
        self.timers = self.new()

    def new(self) -> Timers:
        return Timers(self.kept.records, self.clock, self.fire)

    def fire(self, key: str, due: datetime) -> list[Callable[[], None]]:
        if self.error is not None:
            self.tried += 1
            raise self.error
        self.done.append((key, due))
        return [lambda: self.begun.append(key)]

    def rule(self, schedule: str = "rate(1 minute)", name: str = "r", state: str = "ENABLED") -> Rule:
        rule = Rule(name, "default", {"ScheduleExpression": schedule, "State": state}, {})
        self.timers.set(rule)
        return rule

    def at(self, minutes: int) -> None:
        self.clock.set(START + minutes * MINUTE)
        self.timers._agenda.look()

    def until(self, *minutes: int) -> None:
        expected = [START + minute * MINUTE for minute in minutes]
        eventually(lambda: len(self.begun) >= len(expected), f"{len(expected)} times")
        assert [due for _, due in self.done] == expected

    def next(self, name: str = "r") -> datetime | None:
        record = self.kept.records.find(TIMER_KIND, name)
        return datetime.fromisoformat(str(record.body["next"])) if record else None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with keeping(tmp_path) as kept:
        made = House(kept)
        yield made
        made.timers.close()


def test_a_rate_is_done_again_and_again(house: House) -> None:
    house.rule()
    for minutes in ([1], [1, 2], [1, 2, 3]):
        house.at(minutes[-1])
        house.until(*minutes)
    eventually(lambda: house.next() == START + 4 * MINUTE, "the next time")


def test_a_schedule_that_stays_keeps_its_time_and_another_one_does_not(house: House) -> None:
    house.rule("rate(10 minutes)")
    house.at(5)
    house.rule("rate(10 minutes)")
    assert house.next() == START + 10 * MINUTE
    house.rule("rate(20 minutes)")
    assert house.next() == START + 25 * MINUTE


def test_what_is_disabled_or_removed_is_not_done(house: House) -> None:
    house.rule(name="disabled")
    house.rule(name="removed")
    house.rule(name="stays")
    house.rule(name="disabled", state="DISABLED")
    house.timers.clear("removed")
    house.at(1)
    house.until(1)
    assert house.begun == ["stays"]
    assert house.next("disabled") is house.next("removed") is None


def test_what_was_due_while_nobody_looked_is_done_once(house: House) -> None:
    house.rule()
    house.timers.close()
    house.clock.set(START + 7 * MINUTE)
    house.timers = house.new()
    assert house.timers.resume() == 1
    house.until(1)
    eventually(lambda: house.next() == START + 8 * MINUTE, "the next time")
    house.at(8)
    house.until(1, 8)


def test_of_two_processes_one_does_it(house: House) -> None:
    other = house.new()
    house.rule()
    other.resume()
    house.clock.set(START + MINUTE)
    for timers in (house.timers, other):
        timers._agenda.look()
    house.until(1)
    eventually(lambda: house.next() == START + 2 * MINUTE, "the next time")
    house.clock.set(START + 2 * MINUTE)
    for timers in (other, house.timers):
        timers._agenda.look()
    house.until(1, 2)
    other.close()


def test_what_cannot_be_kept_is_tried_again(house: House) -> None:
    house.error = StorageError("The disk is full.")
    house.rule()
    house.at(1)
    eventually(lambda: house.tried == 1, "it was tried")
    assert (house.done, house.next()) == ([], START + MINUTE)
    house.error = None
    # It is put off by a minute when it has failed, however long that took to be noticed.
    eventually(lambda: house.timers._agenda._due, "it waits")
    house.at(2)
    house.until(1)
    eventually(lambda: house.next() == START + 3 * MINUTE, "the next time")


def test_a_schedule_that_is_over_is_forgotten(house: House) -> None:
    house.rule("cron(5 0 1 1 ? 2026)")
    house.at(5)
    house.until(5)
    eventually(lambda: house.next() is None, "it is forgotten")
    house.rule("cron(5 0 1 1 ? 2025)")
    assert house.next() is None
