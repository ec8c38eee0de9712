"""Computes the digests of artifacts where nobody waits for them: what is small soon, what is large in time.

To read gigabytes must take nothing away from jobs. So of the processes of a home one at a time reads what
is large, no faster than ``LARGE_BYTES_S``, and it stops between two pieces when it is to end. Whoever is
next goes on: which objects of a folder were read is remembered, of one object or file it begins anew.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from stepmill.catalog.lineage.versions import Versions
from stepmill.jobs.lineage.sheet import LARGEST_PENDING, PENDING, pending, same_as
from stepmill.storage.lineage import Entity, LineageStore

# What is larger is read at a bounded rate, behind all that is smaller.
SMALL_BYTES = 64 * 1024 * 1024
# A quarter of what a laptop's disk gives, and of what one of its cores digests.
LARGE_BYTES_S = 128 * 1024 * 1024
# Whoever closes reads what is small for so long: what is overwritten later can never be read again.
_LONGEST_CLOSE_S = 0.25
# A piece is read in a millisecond, but a hundred thousand objects are not listed in one.
_LONGEST_STOP_S = 0.5
# So many are written down together.
_AT_ONCE = 100
# Shorter pauses are not worth a change of threads.
_SHORTEST_PAUSE_S = 0.01

_log = logging.getLogger(__name__)

Passed = Callable[[int], None]


class _StoppedError(Exception):
    """Ends reading in the middle of a file; it is no failure."""


class Digesting:
    """Computes digests. Safe to share between threads and processes.

    Args:
        store: Where artifacts are kept.
        versions: Reads what lies at an address.
        turn: A file that whoever reads what is large has locked.
        largest_small_bytes: What is larger is large.
        bytes_s: Of what is large no more is read in a second.
    """

    def __init__(
        self,
        store: LineageStore,
        versions: Versions,
        turn: Path,
        *,
        largest_small_bytes: int = SMALL_BYTES,
        bytes_s: int = LARGE_BYTES_S,
    ) -> None:
        self._store = store
        self._versions = versions
        self._turn = turn
        self._small = largest_small_bytes
        self._bytes_s = bytes_s
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_wanted = self._is_closed = False

    def wake(self) -> None:
        """Have digested what is not digested yet, on a thread of its own; return at once."""
        with self._changed:
            self._is_wanted = True
            if self._is_closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="digests", daemon=True)
                self._thread.start()
            else:
                self._changed.notify_all()

    def close(self) -> None:
        """End at the next piece; then read for a moment what is small. Safe to call twice."""
        with self._changed:
            is_first, self._is_closed = not self._is_closed, True
            self._changed.notify_all()
        if self._thread is None or not is_first:
            return
        self._thread.join(_LONGEST_STOP_S)
        if not self._thread.is_alive():
            deadline = time.monotonic() + _LONGEST_CLOSE_S
            with suppress(_StoppedError):
                self.complete(passed=lambda _: _stop_if(time.monotonic() > deadline))

    def complete(
        self, *, largest_bytes: int | None = None, most: int = 1000, passed: Passed | None = None
    ) -> int:
        """Read what is not digested yet, the smallest first; return how many are left, up to ``most``.

        Args:
            largest_bytes: What is larger is left; ``None``: what is large.
            most: So many at once.
            passed: Is told of each piece how many bytes it had; what it raises ends the reading.
        """
        largest = self._small if largest_bytes is None else largest_bytes
        found = self._store.pending(PENDING, pending(largest), limit=most)
        for start in range(0, len(found), _AT_ONCE):
            self._digest(found[start : start + _AT_ONCE], passed)
        return len(self._store.pending(PENDING, LARGEST_PENDING, limit=most))

    def everything(self, passed: Passed | None = None) -> tuple[int, int]:
        """Read all that is not digested yet, now and as fast as it can be; return how many, and their bytes.

        Args:
            passed: Is told of each piece how many bytes it had; what it raises ends the reading.
        """
        count = total = 0
        while found := self._store.pending(PENDING, LARGEST_PENDING, limit=1):
            self._digest(found, passed)
            size = found[0].digest.removeprefix(PENDING)
            count, total = count + 1, total + (int(size) if size.isdigit() else 0)
        return count, total

    def _digest(self, entities: Sequence[Entity], passed: Passed | None) -> None:
        done: list[Entity] = []
        try:
            for entity in entities:
                stamp = str(entity.body.get("stamp"))
                digest = self._versions.digest(entity.source_uri, stamp, passed)
                done.append(replace(entity, digest=digest))
                if passed is not None:
                    passed(0)
        finally:
            if done:
                self._store.digested({one.arn: one.digest for one in done}, same_as(self._store, done))

    # ---- behind everybody's back -----------------------------------------------------------------

    def _work(self) -> None:
        while self._wait():
            try:
                self.complete(passed=self._go_on)
                self._complete_large()
            except _StoppedError:
                return
            except Exception:  # noqa: BLE001  (what is missing is read by whoever is next)
                _log.debug("Digests could not be computed.", exc_info=True)

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_wanted or self._is_closed)
            self._is_wanted = False
            return not self._is_closed

    def _complete_large(self) -> None:
        if not self._next_large():
            return
        with self._my_turn() as is_mine:
            while is_mine and (found := self._next_large()):
                self._digest(found, self._slowly())

    def _next_large(self) -> list[Entity]:
        return self._store.pending(pending(self._small + 1), LARGEST_PENDING, limit=1)

    def _slowly(self) -> Passed:
        begin, total = time.monotonic(), 0

        def passed(size_bytes: int) -> None:
            nonlocal total
            total += size_bytes
            self._go_on(size_bytes)
            ahead = total / self._bytes_s - (time.monotonic() - begin)
            if ahead < _SHORTEST_PAUSE_S:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or self._is_closed, ahead)
                is_wanted, self._is_wanted = self._is_wanted, False
            self._go_on(0)
            if is_wanted:  # what is small does not wait for what is large
                self.complete(passed=self._go_on)

        return passed

    def _go_on(self, _: int) -> None:
        _stop_if(self._is_closed)

    @contextmanager
    def _my_turn(self) -> Iterator[bool]:
        with self._turn.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                # Closing the file lets go of it; so does the end of the process, however it ends.
                yield True


def _stop_if(is_over: bool) -> None:
    if is_over:
        raise _StoppedError
