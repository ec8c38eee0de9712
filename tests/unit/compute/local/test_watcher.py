from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

import pytest

from stepmill.compute.local.watcher import Watcher
from stepmill.testing.contracts.compute import wait_until


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    watcher.close()


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_it_calls_back_for_what_can_be_read_until_it_is_told_not_to(watcher: Watcher) -> None:
    read, write = os.pipe()
    seen: list[bytes] = []

    def on_ready(fd: int) -> bool:
        seen.append(os.read(fd, 1))
        return seen[-1] != b"c"

    watcher.watch(read, on_ready)
    for letter in b"abc":
        os.write(write, bytes([letter]))
    wait_until(lambda: not _is_open(read))
    assert seen == [b"a", b"b", b"c"]
    os.close(write)


def test_it_watches_many_things_on_one_thread(watcher: Watcher) -> None:
    pipes = [os.pipe() for _ in range(50)]
    threads: set[int] = set()
    ended: list[int] = []

    def on_ready(fd: int) -> bool:
        threads.add(threading.get_ident())
        ended.append(fd)
        return False

    for read, _ in pipes:
        watcher.watch(read, on_ready)
    for _, write in pipes:
        os.close(write)
    wait_until(lambda: len(ended) == 50)
    assert len(threads) == 1


def test_a_callback_that_fails_ends_only_itself(watcher: Watcher, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = os.pipe(), os.pipe()
    done = threading.Event()

    def fail(_: int) -> bool:
        raise ValueError("a bug")

    def succeed(_: int) -> bool:
        done.set()
        return False

    with caplog.at_level(logging.ERROR):
        watcher.watch(bad[0], fail)
        os.close(bad[1])
        watcher.watch(good[0], succeed)
        os.close(good[1])
        assert done.wait(60)
        wait_until(lambda: not _is_open(bad[0]))
    assert "could not be followed" in caplog.text


def test_it_checks_again_and_again(watcher: Watcher) -> None:
    calls: list[int] = []

    def check() -> bool:
        calls.append(1)
        return len(calls) < 3

    watcher.check(check)
    wait_until(lambda: len(calls) == 3)


def test_what_it_still_watches_is_closed_with_it() -> None:
    watcher = Watcher()
    read, write = os.pipe()
    watcher.watch(read, lambda _: True)
    watcher.close()
    watcher.close()
    assert not _is_open(read)
    late, other = os.pipe()
    watcher.watch(late, lambda _: True)
    watcher.check(lambda: True)
    assert not _is_open(late)
    os.close(write)
    os.close(other)


def test_one_that_never_watched_can_be_closed() -> None:
    Watcher().close()
