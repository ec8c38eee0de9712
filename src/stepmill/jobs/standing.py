"""Writes down how jobs stand while they are done: what can wait a moment is written with what cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias

from stepmill.core.errors import StorageFullError
from stepmill.jobs.later import Later
from stepmill.jobs.records import JobRecords, JobState
from stepmill.jobs.services import Tracker
from stepmill.storage.records import Record, RecordStore

Change: TypeAlias = Callable[[JobState], JobState]


class Standing:
    """Changes the records of jobs of one kind. Safe to share between threads.

    Args:
        records: Where they are kept.
        kind: Of the records.
        later: Does what nobody waits for.
        tracker: Records jobs that have ended in experiments; ``None``: nobody does.
    """

    def __init__(self, records: RecordStore, kind: str, later: Later, tracker: Tracker | None) -> None:
        self._store = records
        self._records = JobRecords(records, kind)
        self._later = later
        self._tracker = tracker
        # What running jobs have entered, but their records do not tell yet.
        self._begun: dict[str, Change] = {}
        self._changing = threading.Lock()

    def begun(self, name: str, change: Change) -> None:
        """Have it written a moment later that a job runs: a short one has ended before, and that does."""
        self._begun[name] = change
        self._later.put(partial(self._note_begun, name))

    def change(self, name: str, change: Change) -> Record:
        """Change how a job stands, after what was not written yet."""
        with self._changing:
            return self._changed(name, change)

    def end(self, name: str, final: Change) -> Record:
        """Write the end of a job, and in the same transaction what experiments keep of it."""
        with self._changing:
            if self._tracker is None:
                return self._changed(name, final)
            with self._store.transaction():
                record = self._changed(name, final)
                self._tracker.track(record)
        return record

    def _note_begun(self, name: str) -> None:
        if name in self._begun:
            # It is written with the end then, or not at all: the disk may have become full since.
            with suppress(StorageFullError):
                self.change(name, lambda state: state)

    def _changed(self, name: str, change: Change) -> Record:
        begun = self._begun.get(name)
        record = self._records.change(name, lambda state: change(begun(state) if begun else state))
        self._begun.pop(name, None)
        return record
