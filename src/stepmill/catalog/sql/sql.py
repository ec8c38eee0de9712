"""All of SQL over one home: the catalog of data, work groups, and whoever runs queries.

What runs queries is loaded at the first one: the parser and the processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepmill.catalog.sql.executions import Executions
from stepmill.catalog.sql.limits import Limits
from stepmill.catalog.sql.metastore import Metastore
from stepmill.catalog.sql.tables import TableSource
from stepmill.catalog.sql.work_groups import WorkGroups
from stepmill.core.clock import Clock
from stepmill.core.endpoint import JobIdentity
from stepmill.core.made_once import made_once
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

if TYPE_CHECKING:
    from stepmill.catalog.sql.answering import Answering
    from stepmill.catalog.sql.processes import Processes
    from stepmill.catalog.sql.queries import Queries


@dataclass(frozen=True)
class SqlPlaces:
    """Where things are.

    Args:
        folder: For what queries put on the disk while they run.
        files: The folder of the objects: no other file of this machine is read.
        results: Address in S3 for results of queries that name none.
    """

    folder: Path
    files: Path
    results: str


class Sql:
    """SQL over one home. Safe to share between threads.

    Args:
        records: Where documents and executions are kept.
        objects: Where files and results are kept.
        source: The tables of feature groups; made when somebody asks.
        places: Where things are.
        limits: Of each query.
        clock: Tells the time.
        read: Told of a job and the tables that its query has read; see ``Queries``.
    """

    def __init__(
        self,
        records: RecordStore,
        objects: ObjectStore,
        source: Callable[[], TableSource],
        places: SqlPlaces,
        *,
        limits: Limits,
        clock: Clock,
        read: Callable[[JobIdentity, Sequence[tuple[str, str]]], None] = lambda _job, _tables: None,
    ) -> None:
        self._read = read
        self.executions = Executions(records, clock)
        self.work_groups = WorkGroups(records, places.results)
        self.limits = limits
        self._records = records
        self._objects = objects
        self._make_source = source
        self._places = places

    @made_once
    def metastore(self) -> Metastore:
        """The catalog of data."""
        return Metastore(self._records, self._source)

    @made_once
    def answering(self) -> Answering:
        """Carries out statements, without a record."""
        from stepmill.catalog.sql.answering import Answering

        return Answering(self.metastore, self._source, self._objects, self._processes)

    @made_once
    def queries(self) -> Queries:
        """Runs queries in the background, with records of them."""
        from stepmill.catalog.sql.queries import Queries

        folder = self._places.folder / "owners"
        return Queries(self.answering, self.executions, self._objects, folder, self.limits, self._read)

    def resume(self) -> int:
        """Take up what processes left behind that were killed; return how many executions there were."""
        left = len(self.executions.unfinished())
        if left:
            self.queries.resume()
        return left

    def close(self) -> None:
        """End what runs; whoever opens this home next takes it up."""
        for name in ("queries", "_processes"):
            part = vars(self).get(name)
            if part is not None:
                part.close()

    @made_once
    def _source(self) -> TableSource:
        return self._make_source()

    @made_once
    def _processes(self) -> Processes:
        from stepmill.catalog.sql.processes import Processes

        return Processes(self._places.folder / "work", self._places.files, self.limits)
