"""What is done a moment later."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from stepmill.jobs.later import Later

LIMIT_S = 60.0


def test_it_is_done_by_itself_after_the_delay() -> None:
    later, done = Later("later", delay_s=0.01), threading.Event()
    before = time.monotonic()
    later.put(done.set)
    assert done.wait(LIMIT_S)
    assert time.monotonic() - before >= 0.01
    later.close()


def test_calls_keep_their_order() -> None:
    later, done = Later("later", delay_s=0.0), list[int]()
    for number in range(100):
        later.put(lambda number=number: done.append(number))  # type: ignore[misc]
    later.close()
    assert done == list(range(100))


def test_closing_does_at_once_what_is_left() -> None:
    later, done = Later("later", delay_s=2 * LIMIT_S), list[int]()
    later.put(lambda: done.append(1))
    later.close()
    later.close()
    assert done == [1]


def test_what_comes_after_closing_is_done_at_once() -> None:
    later, done = Later("later"), list[int]()
    later.close()
    later.put(lambda: done.append(1))
    assert done == [1]


def test_hurrying_does_what_waits_and_not_what_comes_after() -> None:
    later, done, last = Later("later", delay_s=2 * LIMIT_S), list[int](), threading.Event()
    later.put(lambda: done.append(1))
    later.put(last.set)
    later.hurry()
    assert last.wait(LIMIT_S)
    later.put(lambda: done.append(2))
    assert done == [1]
    later.close()
    assert done == [1, 2]


def test_hurrying_with_nothing_to_do_hurries_nothing() -> None:
    later, done = Later("later", delay_s=2 * LIMIT_S), list[int]()
    later.hurry()
    later.put(lambda: done.append(1))
    assert done == []
    later.close()
    assert done == [1]


def test_a_call_that_fails_is_logged_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("no way")

    later, done = Later("later", delay_s=0.0), list[int]()
    with caplog.at_level(logging.ERROR):
        later.put(fail)
        later.put(lambda: done.append(1))
        later.close()
    assert done == [1]
    assert "no way" in caplog.text


def test_only_a_thread_that_is_needed_is_started() -> None:
    before = threading.active_count()
    later = Later("later")
    later.hurry()
    later.close()
    assert threading.active_count() == before
