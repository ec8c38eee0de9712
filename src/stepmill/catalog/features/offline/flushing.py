"""Moves acknowledged records from the journal into files, exactly once.

A part of the journal is claimed before it is written. The names of its files follow from the claim, so that
whoever finds the claim after a crash writes the same files again; then the part is removed with the claim.
The lock of the group keeps a slow writer from putting back what has been compacted since.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.files import OfflineFiles
from stepmill.catalog.features.offline.layout import arrow_schema
from stepmill.catalog.features.online import decode_values
from stepmill.catalog.features.schema import (
    API_INVOCATION_TIME,
    IS_DELETED,
    WRITE_TIME,
    FeatureDefinition,
)
from stepmill.catalog.features.values import Text, typed
from stepmill.core.clock import Clock
from stepmill.core.errors import StepmillError
from stepmill.storage.database import to_micros
from stepmill.storage.features import FeatureRows, JournalRow

if TYPE_CHECKING:
    import pyarrow as pa

# In memory at a time; one file per hour of event times at least.
MOST_AT_ONCE = 50_000
# Within so long records are in files, unless so many come that it is done earlier. SageMaker says 15 minutes.
PAUSE = timedelta(seconds=10)
MANY = 20_000

_log = logging.getLogger(__name__)


class Flushing:
    """Writes what is in the journal to files. Safe to share between threads and processes.

    Args:
        rows: Has the journal.
        files: Writes files.
        clock: Tells when they are written.
        groups: Gives the groups that have files, by their ids, those of deleted ones too.
        expire: Removes records whose time is over, and returns how many these were.
        tidy: Called in the background for each group that files were added to: joins them with others.
    """

    def __init__(
        self,
        rows: FeatureRows,
        files: OfflineFiles,
        clock: Clock,
        groups: Callable[[], Mapping[str, FeatureGroup]],
        expire: Callable[[Mapping[str, FeatureGroup]], int],
        *,
        tidy: Callable[[FeatureGroup], object] = lambda _group: None,
    ) -> None:
        self._rows = rows
        self._files = files
        self._clock = clock
        self._groups = groups
        self._expire = expire
        self._tidy = tidy
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waiting = 0
        self._is_closed = False
        # Whether an earlier process may have left something in any group.
        self._has_begun = False

    def settle(self, group: FeatureGroup) -> None:
        """Have all records of a group in files that were acknowledged before this call.

        Raises:
            NotFoundError: If its bucket is gone. The records wait for it.
            StorageError: If the disk fails. The records wait.
        """
        if not self._rows.waiting(group.id):
            return
        with self._files.exclusive(group):
            # What comes while this goes on is not waited for.
            for _ in range(self._rows.waiting(group.id) // MOST_AT_ONCE + 2):
                last = self._rows.claim(group.id, MOST_AT_ONCE)
                if not last:
                    return
                self._write(group, self._rows.journal(group.id, last), str(last))
                self._rows.settle(group.id, last)

    def flush(self) -> int:
        """Remove records whose time is over, and write all of the journal; what fails is told in the log.

        Returns:
            Of how many groups records were written.
        """
        return len(self._flush())

    def _flush(self) -> list[FeatureGroup]:
        is_over = self._rows.expired(to_micros(self._clock.now()), limit=1)
        if not is_over and not self._rows.groups_waiting():
            return []  # as nearly always: nothing is read, locked or written for it
        groups = self._groups()
        while is_over and self._expire(groups):
            pass
        written: list[FeatureGroup] = []
        for identity in self._rows.groups_waiting():
            group = groups.get(identity)
            if group is None:
                _log.warning("Records of a feature group %s wait, and it is not known.", identity)
                continue
            try:
                self.settle(group)
                written.append(group)
            except StepmillError as error:
                _log.warning("Records of the feature group %r wait for files: %s", group.name, error)
        return written

    def on_journal(self, count: int) -> None:
        """Hear that so many records have gone to the journal: they are flushed before long."""
        with self._changed:
            self._waiting += count
            if self._thread is None and not self._is_closed:
                self._start()
            elif self._waiting >= MANY:
                self._changed.notify()

    def resume(self) -> None:
        """Go on with what an earlier process left, and from then on see whose time is over."""
        if self._groups():
            with self._changed:
                self._waiting += MANY
                self._has_begun = True
                if self._thread is None and not self._is_closed:
                    self._start()

    def close(self) -> None:
        """Flush no more; what is in the journal stays there."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="stepmill-features", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_closed or self._waiting >= MANY, PAUSE.total_seconds()
                )
                if self._is_closed:
                    return
                self._waiting = 0
            try:
                written = self._flush()
                for group in self._groups().values() if self._has_begun else written:
                    self._tidy(group)
                self._has_begun = False
            except StepmillError as error:
                _log.warning("The feature store cannot be flushed: %s", error)
            except Exception:  # noqa: BLE001  (the thread has to go on)
                _log.exception("Flushing the feature store failed: a bug in Stepmill.")

    def _write(self, group: FeatureGroup, rows: Sequence[JournalRow], seed: str) -> None:
        import pyarrow as pa

        table = table_of(group, rows, to_micros(self._clock.now()))
        times = pa.array([row.event_time for row in rows], pa.int64())
        self._files.write(group, table, times, seed=seed)


def table_of(group: FeatureGroup, rows: Sequence[JournalRow], written_at: int) -> pa.Table:
    """Return records of the journal as they stand in files.

    Args:
        group: Whose.
        rows: The records.
        written_at: When they are written, in microseconds since 1970-01-01T00:00Z.
    """
    import pyarrow as pa

    schema = arrow_schema(group.schema)
    records = [decode_values(row.body) for row in rows]
    columns: dict[str, Any] = {
        feature.name: _column(feature, [record.get(feature.name) for record in records], schema)
        for feature in group.schema.features
    }
    columns[WRITE_TIME] = [written_at] * len(rows)
    columns[API_INVOCATION_TIME] = [row.invoked_at for row in rows]
    columns[IS_DELETED] = [row.is_deleted for row in rows]
    return pa.Table.from_pydict(columns, schema=schema)


def _column(feature: FeatureDefinition, values: list[Text | None], schema: pa.Schema) -> pa.Array:
    """Return values that have been checked as a column."""
    import pyarrow as pa

    kind = schema.field(feature.name).type
    if feature.collection is None:
        try:
            # Off Python's lock, so that requests are answered meanwhile.
            return pa.array(values, pa.string()).cast(kind)
        except pa.ArrowInvalid:
            pass  # Arrow reads no "+5" and no "1e999", which are numbers, too
    return pa.array([typed(feature, value) for value in values], kind)
