from __future__ import annotations

import logging
import threading

import pytest

from stepmill.core.workers import WorkerPool

LIMIT_S = 60


def test_a_call_runs_on_a_named_thread() -> None:
    pool, names, done = WorkerPool("worker", 2), [], threading.Event()

    def call() -> None:
        names.append(threading.current_thread().name)
        done.set()

    pool.submit(call)
    assert done.wait(LIMIT_S)
    assert names == ["worker-1"]
    pool.close()


def test_no_more_calls_run_at_once_than_the_limit() -> None:
    pool, go, all_done = WorkerPool("worker", 3), threading.Event(), threading.Event()
    lock, running, most, done = threading.Lock(), 0, 0, 0

    def call() -> None:
        nonlocal running, most, done
        with lock:
            running += 1
            most = max(most, running)
        go.wait(LIMIT_S)
        with lock:
            running -= 1
            done += 1
            if done == 10:
                all_done.set()

    for _ in range(10):
        pool.submit(call)
    go.set()
    assert all_done.wait(LIMIT_S)
    assert 1 <= most <= 3
    pool.close()


def test_a_blocked_thread_does_not_hold_up_the_next_call() -> None:
    pool, release, second = WorkerPool("worker", 2), threading.Event(), threading.Event()
    pool.submit(lambda: release.wait(LIMIT_S) and None)
    pool.submit(second.set)
    assert second.wait(LIMIT_S)
    release.set()
    pool.close()


def test_a_thread_is_used_again() -> None:
    pool, names = WorkerPool("worker", 8), set()
    for _ in range(20):
        done = threading.Event()

        def call(done: threading.Event = done) -> None:
            names.add(threading.current_thread().name)
            done.set()

        pool.submit(call)
        assert done.wait(LIMIT_S)
    assert len(names) < 8
    pool.close()


def test_a_call_that_raises_is_logged_and_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    pool, done = WorkerPool("worker", 1), threading.Event()

    def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        pool.submit(fail)
        pool.submit(done.set)
        assert done.wait(LIMIT_S)
    assert "broken" in caplog.text
    pool.close()


def test_after_close_nothing_is_called() -> None:
    pool, release, called = WorkerPool("worker", 1), threading.Event(), threading.Event()
    pool.submit(lambda: release.wait(LIMIT_S) and None)
    pool.submit(called.set)
    pool.close()
    pool.submit(called.set)
    release.set()
    assert not called.wait(0.05)
