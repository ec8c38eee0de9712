"""One thread that waits for many things at once: bells of supervisors, and ends of processes."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import threading
from collections.abc import Callable
from typing import TypeAlias

# Called when the descriptor can be read; says whether to go on watching it.
OnReady: TypeAlias = Callable[[int], bool]
# Called again and again; says whether to go on.
Check: TypeAlias = Callable[[], bool]

_POLL_SECONDS = 0.1

_log = logging.getLogger(__name__)


class Watcher:
    """Calls back when a descriptor can be read, or, for what has none, ten times a second.

    Callbacks run on the watching thread and must not block. The thread starts with the first thing
    to watch.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._new: list[tuple[int, OnReady]] = []
        self._checks: list[Check] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, fd: int, on_ready: OnReady) -> None:
        """Watch a descriptor, which from now on belongs to the watcher: it closes it in the end."""
        with self._lock:
            if self._closed:
                os.close(fd)
                return
            self._new.append((fd, on_ready))
            self._start()
        self._wake()

    def check(self, check: Check) -> None:
        """Call something again and again until it says False."""
        with self._lock:
            if self._closed:
                return
            self._checks.append(check)
            self._start()
        self._wake()

    def close(self) -> None:
        """End the thread; nothing is called back afterwards."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        self._wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        else:
            self._release()
        os.close(self._wake_write)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="stepmill-watcher", daemon=True)
            self._thread.start()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"w")

    def _run(self) -> None:
        while True:
            self._take_new()
            if self._closed:
                break
            for key, _ in self._selector.select(_POLL_SECONDS if self._checks else None):
                if key.fd == self._wake_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake_read, 4096)
                elif not self._closed:
                    self._serve(key.fd, key.data)
            self._run_checks()
        self._release()

    def _take_new(self) -> None:
        with self._lock:
            new, self._new = self._new, []
        for fd, on_ready in new:
            self._selector.register(fd, selectors.EVENT_READ, on_ready)

    def _serve(self, fd: int, on_ready: OnReady) -> None:
        try:
            goes_on = on_ready(fd)
        except Exception:  # noqa: BLE001
            _log.exception("A job could not be followed.")
            goes_on = False
        if not goes_on:
            self._selector.unregister(fd)
            os.close(fd)

    def _run_checks(self) -> None:
        with self._lock:
            checks = list(self._checks)
        for check in checks:
            if not check():
                with self._lock:
                    self._checks.remove(check)

    def _release(self) -> None:
        for key in list(self._selector.get_map().values()):
            self._selector.unregister(key.fd)
            os.close(key.fd)
        for fd, _ in self._new:
            os.close(fd)
        self._selector.close()
