"""Runs queries in the background, and tells how they stand.

Source: Athena API reference, StartQueryExecution, StopQueryExecution, GetQueryResults.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stepmill.catalog.sql.answering import Answered, Answering
from stepmill.catalog.sql.dialect.compiling import check_query
from stepmill.catalog.sql.dialect.parsing import read_statement
from stepmill.catalog.sql.dialect.statements import (
    CreateTableAs,
    InsertInto,
    Query,
    Show,
    Statement,
    kinds_of,
)
from stepmill.catalog.sql.executions import (
    MOST_BEGINNINGS,
    Execution,
    Executions,
    QueryRequest,
    QueryState,
)
from stepmill.catalog.sql.external import folder_of
from stepmill.catalog.sql.faults import MalformedQueryError, QueryError
from stepmill.catalog.sql.limits import Limits
from stepmill.catalog.sql.owners import Owner
from stepmill.catalog.sql.processes import QueryStoppedError, ResultColumn, Stop
from stepmill.catalog.sql.results import ResultPage, read_page
from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import InvalidInputError, StepmillError, WrongStateError
from stepmill.core.workers import WorkerPool
from stepmill.storage.objects.attributes import Attributes
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

_log = logging.getLogger(__name__)
Read = Callable[[JobIdentity, Sequence[tuple[str, str]]], None]

_QUICK_AT_ONCE = 2
_STOPPED = "Query cancelled by user"
_GIVEN_UP = f"The process that ran this query ended before it, {MOST_BEGINNINGS} times: each time."
_CUT_OFF = "The process that ran this statement ended before it. Look at what it has done, and run it again."


class Queries:
    """Starts, follows and stops executions of queries. Safe to share between threads.

    Args:
        answering: Carries out statements.
        executions: Their records.
        objects: Where results are kept.
        folder: Where the owners of queries are known.
        limits: Of each query.
        read: Told of a job and the tables that its query has read, (database, name), before the query counts
            as ended.
    """

    def __init__(
        self,
        answering: Answering,
        executions: Executions,
        objects: ObjectStore,
        folder: Path,
        limits: Limits,
        read: Read = lambda _job, _tables: None,
    ) -> None:
        self._read = read
        self._answering = answering
        self.executions = executions
        self._objects = objects
        self._limits = limits
        self._owner = Owner(folder)
        self._lock = threading.Lock()
        self._stops: dict[str, Stop] = {}
        self._is_closed = False
        # What only asks the catalog need not wait for those that ask files.
        self._slow = WorkerPool("query", limits.at_once)
        self._quick = WorkerPool("statement", _QUICK_AT_ONCE)

    def start(self, request: QueryRequest) -> Execution:
        """Begin an execution; with a token that was given before, return the one that it began.

        Raises:
            MalformedQueryError: If the text is no statement.
            QueryError: If it is one that is not offered.
            InvalidInputError: If there is nowhere to put the result.
        """
        statement = read_statement(request.query)
        if isinstance(statement, Query | CreateTableAs | InsertInto):
            try:
                check_query(statement.text, request.parameters)
            except MalformedQueryError:
                raise
            except QueryError:
                # As on AWS: an execution that fails.
                pass
        location = self._location(request, statement)
        execution, is_new = self.executions.create(
            request, kinds=kinds_of(statement), location=location, owner=self._owner.name
        )
        if is_new:
            self._submit(execution, statement)
        return execution

    def get(self, id_: str) -> Execution:
        """Return an execution as it stands.

        Raises:
            NotFoundError: If there is none.
        """
        execution = self.executions.get(id_)
        if execution.state.is_final or self._owner.is_alive(execution.owner):
            return execution
        self._adopt(execution)
        return self.executions.get(id_)

    def stop(self, id_: str) -> Execution:
        """End an execution, unless it has ended.

        Raises:
            NotFoundError: If there is none.
        """
        execution = self.get(id_)
        if execution.state.is_final:
            return execution
        ended = self.executions.end(id_, QueryState.CANCELLED, {"reason": _STOPPED})
        with self._lock:
            stop = self._stops.get(id_)
        if stop is not None:
            stop.tell()
        return ended

    def results(self, id_: str, token: str, limit: int) -> tuple[Execution, ResultPage]:
        """Return an execution that has succeeded and a page of its result: of a query, names come first.

        Raises:
            NotFoundError: If there is none, or its result is gone.
            WrongStateError: If it has not succeeded.
            InvalidInputError: If the token is none.
        """
        execution = self.get(id_)
        if execution.state in (QueryState.FAILED, QueryState.CANCELLED):
            raise WrongStateError(f"Query did not finish successfully. Final query state: {execution.state}")
        if execution.state is not QueryState.SUCCEEDED:
            raise WrongStateError(f"Query has not yet finished. Current state: {execution.state}")
        if execution.kinds[1] in ("CREATE_TABLE_AS_SELECT", "INSERT"):
            return execution, ResultPage(())
        uri = S3Uri.parse(execution.location)
        return execution, read_page(self._objects, uri, token, limit, is_lines=execution.kinds[1] != "SELECT")

    def resume(self) -> None:
        """Take up what processes left behind that were killed."""
        for execution in self.executions.unfinished():
            if not self._owner.is_alive(execution.owner):
                self._adopt(execution)

    def close(self) -> None:
        """Begin no more, and leave what runs to whoever comes next."""
        self._is_closed = True
        self._slow.close()
        self._quick.close()
        self._owner.close()

    def _adopt(self, execution: Execution) -> None:
        if not self.executions.adopt(execution, self._owner.name):
            return
        try:
            statement = read_statement(execution.request.query)
        except QueryError as error:
            self._fail(execution.id, error, {})
            return
        if not isinstance(statement, Query | Show):
            self._fail(execution.id, QueryError("", _CUT_OFF, is_ours=True), {})
        elif execution.state is QueryState.RUNNING and execution.beginnings >= MOST_BEGINNINGS:
            self._fail(execution.id, QueryError("", _GIVEN_UP, is_ours=True), {})
        else:
            self._submit(execution, statement)

    def _submit(self, execution: Execution, statement: Statement) -> None:
        stop = Stop(self._limits.time)
        with self._lock:
            self._stops[execution.id] = stop
        pool = self._quick if isinstance(statement, Show) else self._slow
        submitted_s = time.monotonic()
        pool.submit(lambda: self._run(execution, statement, stop, submitted_s))

    def _run(self, execution: Execution, statement: Statement, stop: Stop, submitted_s: float) -> None:
        statistics: dict[str, int] = {}
        began_s = time.monotonic()
        try:
            if not self.executions.begin(execution.id):
                return
            answered = self._answer(execution, statement, stop)
            statistics = _statistics(submitted_s, began_s, answered.scanned_bytes)
            if execution.request.job is not None and answered.tables:
                self._read(execution.request.job, answered.tables)
            self.executions.end(execution.id, QueryState.SUCCEEDED, _outcome(answered, statement, statistics))
        except QueryStoppedError:
            if not self._is_closed:
                self.executions.end(execution.id, QueryState.CANCELLED, {"reason": _STOPPED})
        except StepmillError as error:
            self._fail(execution.id, error, _statistics(submitted_s, began_s, 0))
        except Exception as error:  # noqa: BLE001 - an execution that never ends would be worse
            if not self._is_closed:
                _log.exception("Query %s failed inside.", execution.id)
                inner = QueryError("GENERIC_INTERNAL_ERROR", type(error).__name__, is_ours=True)
                self._fail(execution.id, inner, _statistics(submitted_s, began_s, 0))
        finally:
            with self._lock:
                self._stops.pop(execution.id, None)

    def _answer(self, execution: Execution, statement: Statement, stop: Stop) -> Answered:
        request = execution.request
        uri = S3Uri.parse(execution.location)

        def keep(_: Sequence[ResultColumn], pieces: Iterator[bytes]) -> None:
            kind = "text/csv" if isinstance(statement, Query) else "text/plain"
            self._objects.put_stream(uri, pieces, attributes=Attributes(content_type=kind))

        return self._answering.answer(
            statement,
            keep,
            database=request.database,
            parameters=request.parameters,
            output=execution.location,
            stop=stop,
        )

    def _fail(self, id_: str, error: StepmillError, statistics: dict[str, int]) -> None:
        is_query_error = isinstance(error, QueryError)
        outcome: dict[str, Any] = {
            "reason": error.what,
            "category": error.category if isinstance(error, QueryError) else 1,
            "isRetryable": not is_query_error,
            "statistics": statistics,
        }
        self.executions.end(id_, QueryState.FAILED, outcome)

    def _location(self, request: QueryRequest, statement: Statement) -> str:
        if not request.output:
            raise InvalidInputError(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        try:
            folder = folder_of(request.output)
        except QueryError as error:
            raise InvalidInputError("outputLocation is not a valid S3 path.") from error
        if not self._objects.bucket_exists(folder.bucket):
            raise InvalidInputError(f"Unable to verify/create output bucket {folder.bucket}")
        match statement:
            case Query():
                return f"{folder}{{id}}.csv"
            case CreateTableAs():
                return f"{folder}tables/{{id}}"
            case InsertInto():
                return f"{folder}{{id}}"
            case _:
                return f"{folder}{{id}}.txt"


def _outcome(answered: Answered, statement: Statement, statistics: dict[str, int]) -> dict[str, Any]:
    return {
        "columns": [[column.name, column.type] for column in answered.columns],
        "rows": answered.rows,
        "tables": [list(table) for table in answered.tables],
        "written": answered.rows if isinstance(statement, CreateTableAs | InsertInto) else 0,
        "statistics": statistics,
    }


def _statistics(submitted_s: float, began_s: float, scanned_bytes: int) -> dict[str, int]:
    now_s = time.monotonic()
    return {
        "EngineExecutionTimeInMillis": int((now_s - began_s) * 1000),
        "DataScannedInBytes": scanned_bytes,
        "TotalExecutionTimeInMillis": int((now_s - submitted_s) * 1000),
        "QueryQueueTimeInMillis": int((began_s - submitted_s) * 1000),
        "ServiceProcessingTimeInMillis": 0,
    }
