"""What is to be done at which moment, so many at once."""

from __future__ import annotations

import threading
from datetime import timedelta

from stepmill.core.agenda import Agenda
from stepmill.testing.clock import FakeClock
from support.cli import eventually

MINUTE = timedelta(minutes=1)


class Doing:
    """Notes what was begun; an end is told by hand."""

    def __init__(self, most_at_once: int = 3) -> None:
        self.clock = FakeClock()
        self.begun: list[str] = []
        self.lock = threading.Lock()
        self.agenda = Agenda("test", self.clock, self.do, most_at_once=most_at_once, most_threads=2)

    def do(self, name: str) -> None:
        with self.lock:
            self.begun.append(name)

    def until(self, *names: str) -> None:
        eventually(lambda: sorted(self.begun) == sorted(names), f"{names}")

    def advance(self, by: timedelta) -> None:
        self.clock.advance(by)
        self.agenda.look()


def test_each_is_done_when_its_time_has_come() -> None:
    doing = Doing()
    now = doing.clock.now()
    doing.agenda.put("later", now + 2 * MINUTE)
    doing.agenda.put("past", now - MINUTE)
    doing.agenda.put("soon", now + MINUTE)
    doing.until("past")
    doing.advance(MINUTE)
    doing.until("past", "soon")
    doing.advance(MINUTE)
    doing.until("past", "soon", "later")
    doing.agenda.close()


def test_what_waits_or_is_under_way_is_not_put_twice() -> None:
    doing = Doing()
    now = doing.clock.now()
    doing.agenda.put("a", now)
    doing.until("a")
    doing.agenda.put("a", now)
    doing.agenda.put("b", now + MINUTE)
    doing.agenda.put("b", now)
    doing.agenda.put("c", now)
    doing.until("a", "c")
    doing.agenda.done("a")
    doing.agenda.put("a", now)
    doing.until("a", "a", "c")
    doing.agenda.close()


def test_so_many_are_under_way_at_once_and_some_are_done_again() -> None:
    doing = Doing(most_at_once=1)
    now = doing.clock.now()
    for name in ("a", "b"):
        doing.agenda.put(name, now)
    doing.until("a")
    doing.agenda.again("a", now + MINUTE)
    doing.until("a", "b")
    doing.advance(MINUTE)
    doing.agenda.done("b")
    doing.until("a", "b", "a")
    doing.agenda.close()


def test_what_is_withdrawn_or_comes_after_the_end_is_not_done() -> None:
    doing = Doing()
    now = doing.clock.now()
    doing.agenda.put("never", now + MINUTE)
    doing.agenda.put("last", now + MINUTE)
    doing.agenda.withdraw("never")
    doing.agenda.withdraw("unknown")
    doing.advance(MINUTE)
    doing.until("last")
    doing.agenda.close()
    doing.agenda.put("too late", now)
    doing.agenda.again("last", now)
    assert doing.begun == ["last"]
