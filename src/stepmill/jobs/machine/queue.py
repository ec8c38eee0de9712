"""The row in which jobs wait for the machine, those of other processes of the same home among them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from stepmill.compute.spec import Resources
from stepmill.core.settings import MachineSetting
from stepmill.core.workers import WorkerPool
from stepmill.jobs.machine.booking import Amount, Capacity, Ticket, ahead, booked, name_in
from stepmill.jobs.machine.instance_types import instance_type
from stepmill.jobs.machine.ledger import Entry, Ledger
from stepmill.jobs.machine.needs import in_words, need_of, notes_of
from stepmill.jobs.requests.hosts import Host

# Other processes ring no bell when they give something back.
_LOOK_EVERY_S = 0.5
# Staging and starting is what is under way.
_MOST_AT_ONCE = 4
# What it does at the end is to look into a file, or to delete folders.
_LONGEST_END_S = 5.0
# Of jobs whose machines are kept so many are named.
_MOST_NAMED = 3

_N = TypeVar("_N", int, float)


@dataclass(frozen=True)
class PoolTurn:
    """A warm pool that a job has.

    Args:
        folder: What goes with the machine from job to job.
        since: When the first of them began.
        took_over: Key of the job that had it before; empty if this one is the first.
    """

    folder: Path
    since: datetime
    took_over: str = ""


@dataclass(frozen=True)
class Turn:
    """What came of asking for the machine.

    Args:
        has_come: Whether the job may begin.
        gpus: Names of the GPUs that it was given.
        waits_for: If it may not, what for, in words.
        notes: Remarks on its instance types.
        pool: What goes with its machine to the next job that matches; ``None``: nothing does.
    """

    has_come: bool
    gpus: tuple[str, ...] = ()
    waits_for: str = ""
    notes: tuple[str, ...] = ()
    pool: PoolTurn | None = None


class MachineQueue:
    """Lets jobs begin when the machine has room for them. Safe to share between threads.

    Args:
        folder: Where bookings are kept.
        machine: What there is.
        setting: How it is shared.
        look_every_s: Seconds after which those who wait look again.
    """

    def __init__(
        self,
        folder: Path,
        machine: Capacity,
        setting: MachineSetting,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._machine = machine
        self._setting = setting
        self._look_every_s = look_every_s
        self._capacity = Capacity(
            machine.cpus * setting.overcommit, int(machine.memory_bytes * setting.overcommit), machine.gpus
        )
        self._ledger = Ledger(folder, self._capacity)
        self._pools = folder / "pools"
        # Moments when something has been kept long enough, in seconds since 1970.
        self._expiries: set[float] = set()
        self._changed = threading.Condition()
        self._waiting: dict[str, Callable[[], None]] = {}
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._workers = WorkerPool("turns", _MOST_AT_ONCE)
        if self._pools.is_dir():
            self._workers.submit(self.sweep)

    def enter(
        self,
        key: str,
        hosts: Sequence[Host],
        asked_at: datetime,
        folder: Path,
        *,
        runs: bool,
        matches: str = "",
        keeps: bool = False,
    ) -> Turn:
        """Ask for the machine; one that has asked before keeps its place and what it was given.

        Whoever may not begin calls ``wait`` then.

        Args:
            key: Of the job.
            hosts: Of the job.
            asked_at: When the job was asked for: the first comes first.
            folder: Of the job.
            runs: Whether it runs already, and only is to be booked.
            matches: What is the same of jobs whose machine it may reuse; empty: of none.
            keeps: Whether the machine is to be kept when the job has ended.
        """
        notes = notes_of(hosts, self._machine)
        need = need_of(hosts, self._machine)
        if not self._setting.queue:
            need = Amount(gpus=need.gpus)
        ticket = Ticket(key, asked_at.timestamp(), need, has_begun=runs)
        entries = self._ledger.ask(ticket, folder, matches, keeps=keeps)
        own = next(entry for entry in entries if entry.key == key)
        if own.has_begun:
            return Turn(has_come=True, gpus=own.given, notes=notes, pool=self._pool_of(own))
        return Turn(has_come=False, waits_for=self._words(own.ticket, entries), notes=notes)

    def wait(self, key: str, go: Callable[[], None]) -> None:
        """Have a function called, on another thread, when the turn of one that has asked has come."""
        with self._changed:
            if self._is_closed:
                return
            self._waiting[key] = go
            self._look_out()

    def leave(self, key: str) -> None:
        """Give back what was booked, or wait no more."""
        self._ledger.leave(key)
        with self._changed:
            self._waiting.pop(key, None)
            if self._waiting:
                self._changed.notify()

    def keep(self, key: str, until: datetime) -> bool:
        """Keep what a job has booked, that has ended, for one that matches; say whether it had its turn."""
        is_kept = self._ledger.keep(key, until.timestamp())
        self._look_at(until)
        return is_kept

    def keep_on(self, key: str, until: datetime) -> bool:
        """Have what is kept given back at another moment, be it at once; say whether it was still kept."""
        is_kept = self._ledger.keep_on(key, until.timestamp())
        self._look_at(until)
        return is_kept

    def sweep(self) -> None:
        """Give back what has been kept long enough, with the folders that went with it."""
        folders = {each.name for each in self._pools.iterdir()} if self._pools.is_dir() else set()
        # Looked for first: a folder is made only after the entry that names it.
        for name in folders - self._ledger.sweep():
            shutil.rmtree(self._pools / name, ignore_errors=True)

    def hurry(self, key: str) -> None:
        """Have one that waits called now, though its turn has not come: it is to end."""
        self._call(key)

    def resources(self, host: Host, most: Resources) -> Resources:
        """Return the most that a host of a job may use.

        Args:
            host: Which.
            most: What no job may use more of.
        """
        found = instance_type(host.instance_type) if self._setting.limits else None
        if found is None:
            return most
        # A limit that is no less than the machine is none, and costs nothing.
        cpus = float(found.vcpus) if found.vcpus < self._machine.cpus else None
        memory = found.memory_bytes if found.memory_bytes < self._machine.memory_bytes else None
        # Whoever set a limit is told if it cannot be had; of types the documentation tells it.
        is_said = most.cpus is not None or most.memory_bytes is not None
        return Resources(_least(cpus, most.cpus), _least(memory, most.memory_bytes), is_said)

    def close(self) -> None:
        """Call nobody any more; those who wait are picked up by the next process."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_LONGEST_END_S)
        self._workers.close()

    @property
    def machine(self) -> Capacity:
        """What there is."""
        return self._machine

    def _pool_of(self, own: Entry) -> PoolTurn | None:
        if not own.pool:
            return None
        since = datetime.fromtimestamp(own.since, UTC)
        return PoolTurn(self._pools / own.pool, since, own.took_over)

    def _words(self, own: Ticket, entries: Sequence[Entry]) -> str:
        tickets = [entry.ticket for entry in entries]
        needed = in_words(own.amount.at_most(self._capacity.amount))
        free = in_words(self._capacity.amount - booked(tickets))
        before = ahead(tickets, own.key)
        others = f"; {before} {'job waits' if before == 1 else 'jobs wait'} before it" if before else ""
        kept = [name_in(entry.key) for entry in entries if entry.until]
        pools = f"; kept warm after {', '.join(kept[:_MOST_NAMED])}" if kept else ""
        return f"it needs {needed}, and {free} can be booked{pools}{others}"

    def _look_at(self, moment: datetime) -> None:
        """Have somebody look when something has been kept long enough."""
        with self._changed:
            self._expiries.add(moment.timestamp())
            self._look_out()

    def _look_out(self) -> None:
        """Have somebody look who waits and what has been kept long enough. To be called under the lock."""
        if self._is_closed:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="machine-queue", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _until_next_look(self) -> float | None:
        """Return for how many seconds there is nothing to look at; ``None``: until somebody calls."""
        if self._waiting:
            return self._look_every_s
        return max(0.0, min(self._expiries) - time.time()) if self._expiries else None

    def _has_expired(self) -> bool:
        due = {each for each in self._expiries if each <= time.time()}
        self._expiries -= due
        return bool(due)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._is_closed:
                    return
                keys, has_expired = set(self._waiting), self._has_expired()
            # The next process does it otherwise.
            with suppress(OSError):
                if has_expired:
                    self.sweep()
                for key in self._ledger.look(keys) if keys else ():
                    self._call(key)
            with self._changed:
                # Whoever has come meanwhile has rung before anybody listened.
                if not self._is_closed and set(self._waiting) <= keys:
                    self._changed.wait(self._until_next_look())

    def _call(self, key: str) -> None:
        with self._changed:
            go = self._waiting.pop(key, None)
        if go is not None:
            self._workers.submit(go)


def _least(one: _N | None, other: _N | None) -> _N | None:
    given = [each for each in (one, other) if each is not None]
    return min(given) if given else None
