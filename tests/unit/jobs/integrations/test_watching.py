"""Looking at many things on one thread."""

from __future__ import annotations

import threading

import pytest

from stepmill.jobs.integrations.watching import Watching

LONGEST_WAIT_S = 30.0


class Looks:
    """Is over at the n-th look."""

    def __init__(self, until: int, fails_at: int = 0) -> None:
        self.until = until
        self.fails_at = fails_at
        self.count = 0
        self.threads: set[int] = set()
        self.is_over = threading.Event()

    def __call__(self) -> bool:
        self.count += 1
        self.threads.add(threading.get_ident())
        if self.count == self.fails_at:
            raise RuntimeError("The disk is full.")
        if self.count >= self.until:
            self.is_over.set()
            return True
        return False


def test_each_is_looked_at_until_it_is_over_on_one_thread() -> None:
    watching = Watching(shortest_pause_s=0.001)
    looks = [Looks(until) for until in (1, 3, 7)]
    for look in looks:
        watching.watch(look)
    assert all(look.is_over.wait(LONGEST_WAIT_S) for look in looks)
    watching.close()
    assert [look.count for look in looks] == [1, 3, 7]
    assert len(set.union(*(look.threads for look in looks))) == 1


def test_a_look_that_raises_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    watching = Watching(shortest_pause_s=0.001)
    look = Looks(until=4, fails_at=2)
    watching.watch(look)
    assert look.is_over.wait(LONGEST_WAIT_S)
    watching.close()
    assert look.count == 4
    assert "The disk is full." in caplog.text


def test_nothing_is_looked_at_after_the_close() -> None:
    watching = Watching(shortest_pause_s=0.001)
    first = Looks(until=1)
    watching.watch(first)
    assert first.is_over.wait(LONGEST_WAIT_S)
    watching.close()
    later = Looks(until=1)
    watching.watch(later)
    assert later.count == 0


def test_one_may_close_from_within_a_look() -> None:
    watching = Watching(shortest_pause_s=0.001)
    closed = threading.Event()

    def look() -> bool:
        watching.close()
        closed.set()
        return False

    watching.watch(look)
    assert closed.wait(LONGEST_WAIT_S)


def test_what_began_early_and_is_new_is_not_kept_waiting_by_what_lasts() -> None:
    watching = Watching(shortest_pause_s=0.001)
    lasting = [Looks(until=10**9) for _ in range(50)]
    for look in lasting:
        watching.watch(look)
    quick = Looks(until=1)
    watching.watch(quick)
    assert quick.is_over.wait(LONGEST_WAIT_S)
    watching.close()
