"""Who has booked the machine, for all processes of one home: a file that is locked.

It says nothing that jobs themselves do not: a ticket holds as long as the process that drives its job lives,
or the job runs. What a killed process leaves is cleared away by whoever finds no room; who picks its job up
books again, at the place that the job had in the row.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec

from stepmill.compute.supervision.files import lock_holder
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.machine.booking import Amount, Capacity, Ticket, settle

_FILE = "bookings.json"
# So many are let be before anybody looks whether they still hold.
_MANY = 200
_PROC = Path("/proc")


class Entry(msgspec.Struct, frozen=True):
    """A ticket, and by what one sees whether it still holds.

    Args:
        key: Whose.
        asked_at: When the job was asked for, in seconds since 1970.
        cpus: That it needs.
        memory_bytes: That it needs.
        gpus: That it needs.
        folder: Of the job.
        pid: The process that drives it.
        pid_started: When that process was started, in ticks of the kernel: numbers of processes come again.
        has_begun: Whether its turn has come.
        given: Names of the GPUs that it was given.
        matches: What is the same of jobs that may reuse this one's machine; empty: none may.
        keeps: Whether the machine is to be kept when the job has ended.
        pool: Name of the folder that goes with the machine from job to job; empty: there is none.
        since: When the first of these jobs began, in seconds since 1970.
        took_over: Key of the job whose machine it took over; empty: of none.
        until: Until when the machine is kept, the job having ended, in seconds since 1970; 0: it has not.
    """

    key: str
    asked_at: float
    cpus: float
    memory_bytes: int
    gpus: int
    folder: str
    pid: int
    pid_started: int
    has_begun: bool = False
    given: tuple[str, ...] = ()
    matches: str = ""
    keeps: bool = False
    pool: str = ""
    since: float = 0.0
    took_over: str = ""
    until: float = 0.0

    @property
    def ticket(self) -> Ticket:
        """The ticket."""
        amount = Amount(self.cpus, self.memory_bytes, self.gpus)
        return Ticket(self.key, self.asked_at, amount, self.has_begun, self.given)

    def now(self, ticket: Ticket) -> Entry:
        """Return the entry with the ticket as it has become."""
        return msgspec.structs.replace(
            self,
            cpus=ticket.amount.cpus,
            memory_bytes=ticket.amount.memory_bytes,
            gpus=ticket.amount.gpus,
            has_begun=ticket.has_begun,
            given=ticket.gpus,
        )


_ENTRIES = msgspec.json.Decoder(list[Entry])


class Ledger:
    """The bookings of a machine. Safe to share between threads and processes.

    Args:
        folder: Where they are kept.
        capacity: What can be booked.
        holds: Whether an entry still holds.
        now: Tells the time, in seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        capacity: Capacity,
        holds: Callable[[Entry], bool] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._now = now
        self._path = folder / _FILE
        self._capacity = capacity
        self._holds = holds or still_holds
        # Threads that would wait for the file's lock wait for this one: that is much cheaper.
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def ask(
        self, ticket: Ticket, folder: Path, matches: str = "", *, keeps: bool = False
    ) -> tuple[Entry, ...]:
        """Book, or wait in the row; one that has asked before keeps its place.

        Whoever matches what is kept for such as him takes that over, before everybody else.

        Args:
            ticket: What is asked for. One that says it has begun is taken down as it is: its job runs.
            folder: Of the job.
            matches: What is the same of jobs whose machine it may reuse; empty: of none.
            keeps: Whether the machine is to be kept when the job has ended.

        Returns:
            All entries, as they are then.
        """
        with self._open() as entries:
            new = msgspec.structs.replace(_entry_of(ticket, folder), matches=matches, keeps=keeps)
            own = entries.setdefault(ticket.key, new)
            if own.pid != os.getpid():
                # The process that drove it is gone, and this one does now.
                own = msgspec.structs.replace(own, pid=new.pid, pid_started=new.pid_started)
            if ticket.has_begun and not own.has_begun:
                own = own.now(ticket)
            entries[ticket.key] = msgspec.structs.replace(own, until=0.0)
            self._settle(entries, ticket.key)
            entries[ticket.key] = _with_pool(entries[ticket.key], self._now())
            return tuple(entries.values())

    def leave(self, key: str) -> None:
        """Give back what was booked, or wait no more."""
        with self._open() as entries:
            entries.pop(key, None)

    def look(self, keys: set[str]) -> set[str]:
        """Return which of the named have begun by now, or stand in the row no more and have to ask again."""
        with self._open() as entries:
            for key in keys:
                if key in entries and not entries[key].has_begun:
                    self._settle(entries, key)
            return {key for key in keys if key not in entries or entries[key].has_begun}

    def keep(self, key: str, until: float) -> bool:
        """Keep what a job has booked, that has ended, for one that matches; say whether it had its turn.

        Args:
            key: Of the job.
            until: When it is given back, in seconds since 1970.
        """
        with self._open() as entries:
            own = entries.get(key)
            if own is None or not own.has_begun or not own.pool:
                return False
            entries[key] = msgspec.structs.replace(own, until=until)
            return True

    def keep_on(self, key: str, until: float) -> bool:
        """Have what is kept given back at another moment, be it at once; say whether it is still kept."""
        with self._open() as entries:
            own = entries.get(key)
            if own is None or own.until <= self._now():
                return False
            entries[key] = msgspec.structs.replace(own, until=until)
            return True

    def sweep(self) -> set[str]:
        """Give back what has been kept long enough; return the folders of machines in use or kept."""
        with self._open() as entries:
            for key in [each for each, entry in entries.items() if 0 < entry.until <= self._now()]:
                del entries[key]
            return {entry.pool for entry in entries.values() if entry.pool}

    def _settle(self, entries: dict[str, Entry], key: str) -> None:
        """Let those begin whose turn it is; if he is not among them, look who does not hold any more."""
        if entries[key].has_begun:
            return
        _take_over(entries, self._now())
        if entries[key].has_begun:
            return
        _settle_all(entries, self._capacity)
        if not entries[key].has_begun or len(entries) > _MANY:
            gone = [each for each, entry in entries.items() if each != key and not self._holds(entry)]
            for each in gone:
                del entries[each]
            if gone:
                _settle_all(entries, self._capacity)

    @contextmanager
    def _open(self) -> Iterator[dict[str, Entry]]:
        """Give the entries to be changed, while nobody else does."""
        with self._lock:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                before = _read(file)
                entries = dict(before)
                yield entries
                if entries != before:
                    _write(file, entries.values())
            finally:
                # Said, for a process that was forked meanwhile has the file open as well.
                fcntl.flock(file, fcntl.LOCK_UN)
                os.close(file)


def still_holds(entry: Entry) -> bool:
    """Say whether a job is driven or runs, or its machine is kept."""
    if entry.until:
        return entry.until > time.time()
    if entry.pid_started and _started(entry.pid) == entry.pid_started:
        return True
    return entry.has_begun and any(lock_holder(each) for _, each in host_folders(Path(entry.folder)))


def _take_over(entries: dict[str, Entry], now: float) -> None:
    """Let those begin for whom a machine is kept, in the order in which they have asked."""
    kept = [entry for entry in entries.values() if entry.until > now]
    if not kept:
        return
    waiting = [entry for entry in entries.values() if not entry.has_begun and entry.matches]
    for entry in sorted(waiting, key=lambda each: (each.asked_at, each.key)):
        found = next((each for each in kept if each.matches == entry.matches), None)
        if found is not None:
            kept.remove(found)
            del entries[found.key]
            taken = replace(found.ticket, key=entry.key, asked_at=entry.asked_at)
            entries[entry.key] = msgspec.structs.replace(
                entry.now(taken), pool=found.pool, since=found.since, took_over=found.key
            )


def _with_pool(entry: Entry, now: float) -> Entry:
    """Return the entry of a job that has begun with a folder for its machine, if that is to be kept."""
    if not entry.keeps or entry.pool or not entry.has_begun:
        return entry
    return msgspec.structs.replace(entry, pool=uuid.uuid4().hex, since=now)


def _settle_all(entries: dict[str, Entry], capacity: Capacity) -> None:
    for ticket in settle(capacity, [entry.ticket for entry in entries.values()]):
        entries[ticket.key] = entries[ticket.key].now(ticket)


def _entry_of(ticket: Ticket, folder: Path) -> Entry:
    pid = os.getpid()
    amount = ticket.amount
    return Entry(
        ticket.key,
        ticket.asked_at,
        amount.cpus,
        amount.memory_bytes,
        amount.gpus,
        str(folder),
        pid,
        _own_start(pid),
        ticket.has_begun,
        ticket.gpus,
    )


def _read(file: int) -> dict[str, Entry]:
    # What comes after the first line is left of a longer one.
    line = os.pread(file, os.fstat(file).st_size, 0).partition(b"\n")[0]
    try:
        found = _ENTRIES.decode(line)
    except msgspec.DecodeError:
        # New, or cut by a loss of power; then no job runs, and none is booked.
        return {}
    return {entry.key: entry for entry in found}


def _write(file: int, entries: Iterable[Entry]) -> None:
    # In place, by one call that a kill does not cut: another file to be renamed takes milliseconds more, and
    # room on the disk, which there may not be when a job ends.
    os.pwrite(file, msgspec.json.encode(list(entries)) + b"\n", 0)


@cache
def _own_start(pid: int) -> int:
    return _started(pid)


def _started(pid: int) -> int:
    """Return when a process was started, in ticks of the kernel; 0 if there is none."""
    try:
        # The name of the program, in brackets, may hold anything.
        return int((_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[19])
    except FileNotFoundError:
        return _started_elsewhere(pid)
    except (OSError, ValueError, IndexError):
        return 0


def _started_elsewhere(pid: int) -> int:
    """Return 1 for a process that is there where the kernel tells no more of it."""
    if (_PROC / "self").is_dir():
        return 0
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 0
    except PermissionError:
        pass
    return 1
