"""The row in which jobs wait for the machine, those of other processes of the same home among them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from stepmill.compute.spec import Resources
from stepmill.core.settings import MachineSetting
from stepmill.core.workers import WorkerPool
from stepmill.jobs.machine.booking import Amount, Capacity, Ticket, ahead, booked
from stepmill.jobs.machine.instance_types import instance_type
from stepmill.jobs.machine.ledger import Ledger
from stepmill.jobs.machine.needs import in_words, need_of, notes_of
from stepmill.jobs.requests.hosts import Host

# Other processes ring no bell when they give something back.
_LOOK_EVERY_S = 0.5
# Staging and starting is what is under way.
_MOST_AT_ONCE = 4

_N = TypeVar("_N", int, float)


@dataclass(frozen=True)
class Turn:
    """What came of asking for the machine.

    Args:
        has_come: Whether the job may begin.
        gpus: Names of the GPUs that it was given.
        waits_for: If it may not, what for, in words.
        notes: Remarks on its instance types.
    """

    has_come: bool
    gpus: tuple[str, ...] = ()
    waits_for: str = ""
    notes: tuple[str, ...] = ()


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
        self._changed = threading.Condition()
        self._waiting: dict[str, Callable[[], None]] = {}
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._workers = WorkerPool("turns", _MOST_AT_ONCE)

    def enter(
        self,
        key: str,
        hosts: Sequence[Host],
        asked_at: datetime,
        folder: Path,
        *,
        runs: bool,
    ) -> Turn:
        """Ask for the machine; one that has asked before keeps its place and what it was given.

        Whoever may not begin calls ``wait`` then.

        Args:
            key: Of the job.
            hosts: Of the job.
            asked_at: When the job was asked for: the first comes first.
            folder: Of the job.
            runs: Whether it runs already, and only is to be booked.
        """
        notes = notes_of(hosts, self._machine)
        need = need_of(hosts, self._machine)
        if not self._setting.queue:
            need = Amount(gpus=need.gpus)
        tickets = self._ledger.ask(Ticket(key, asked_at.timestamp(), need, has_begun=runs), folder)
        own = next(ticket for ticket in tickets if ticket.key == key)
        if own.has_begun:
            return Turn(has_come=True, gpus=own.gpus, notes=notes)
        return Turn(has_come=False, waits_for=self._words(own, tickets), notes=notes)

    def wait(self, key: str, go: Callable[[], None]) -> None:
        """Have a function called, on another thread, when the turn of one that has asked has come."""
        with self._changed:
            if self._is_closed:
                return
            self._waiting[key] = go
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="machine-queue", daemon=True)
                self._thread.start()
            self._changed.notify()

    def leave(self, key: str) -> None:
        """Give back what was booked, or wait no more."""
        self._ledger.leave(key)
        with self._changed:
            self._waiting.pop(key, None)
            if self._waiting:
                self._changed.notify()

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
        self._workers.close()

    @property
    def machine(self) -> Capacity:
        """What there is."""
        return self._machine

    def _words(self, own: Ticket, tickets: Sequence[Ticket]) -> str:
        needed = in_words(own.amount.at_most(self._capacity.amount))
        free = in_words(self._capacity.amount - booked(tickets))
        before = ahead(tickets, own.key)
        others = f"; {before} {'job waits' if before == 1 else 'jobs wait'} before it" if before else ""
        return f"it needs {needed}, and {free} can be booked{others}"

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return
                keys = set(self._waiting)
            for key in self._ledger.look(keys):
                self._call(key)
            with self._changed:
                if self._waiting and not self._is_closed:
                    self._changed.wait(self._look_every_s)

    def _call(self, key: str) -> None:
        with self._changed:
            go = self._waiting.pop(key, None)
        if go is not None:
            self._workers.submit(go)


def _least(one: _N | None, other: _N | None) -> _N | None:
    given = [each for each in (one, other) if each is not None]
    return min(given) if given else None
