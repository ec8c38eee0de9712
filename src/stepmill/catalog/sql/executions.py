"""Query executions: durable records of what was asked, how it stands and what came of it.

A query that was running when its process was killed is found by whoever looks next: it is run again if it
only reads, a few times at most, else it has failed and says so.

Source: Athena API reference, StartQueryExecution, QueryExecution, QueryExecutionStatus.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from stepmill.core.clock import Clock, as_text
from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.records import Page, Record, RecordStore, Selection, SortBy

EXECUTION_KIND = "query-execution"
# A query may be what its process was killed for.
MOST_BEGINNINGS = 3
_NAMESPACE = uuid.UUID("6f1c9f0e-6a43-4b7d-9df0-0e5b5b1f0a51")
_RESULT = re.compile(r"^s3://.*/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.csv$")
_NEWEST = Selection(sort_by=SortBy.CREATED, descending=True)


class QueryState(StrEnum):
    """How an execution stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self in (QueryState.SUCCEEDED, QueryState.FAILED, QueryState.CANCELLED)


@dataclass(frozen=True)
class QueryRequest:
    """What is asked for.

    Args:
        query: SQL.
        database: In which tables are looked up; empty: ``default``.
        output: Folder of the results: an address in S3; empty: that of the work group.
        work_group: Its name.
        parameters: For the question marks of the query.
        catalog: Of the database, as it was given.
        configuration: The request's ResultConfiguration, to be told again.
        token: The same one asks for the same execution; empty: for a new one.
        job: The job that asks, if one does.
    """

    query: str
    database: str = ""
    output: str = ""
    work_group: str = "primary"
    parameters: tuple[str, ...] = ()
    catalog: str = ""
    configuration: JsonObject | None = None
    token: str = ""
    job: JobIdentity | None = None

    def document(self) -> JsonObject:
        """Return it as it is kept."""
        return cast(
            JsonObject,
            {
                "query": self.query,
                "database": self.database,
                "output": self.output,
                "workGroup": self.work_group,
                "parameters": list(self.parameters),
                "catalog": self.catalog,
                "configuration": dict(self.configuration or {}),
            },
        )


@dataclass(frozen=True)
class Execution:
    """An execution as it stands.

    Args:
        id: Of it.
        request: What was asked for.
        state: How it stands.
        kinds: Athena's type and subtype of the statement.
        location: Address of its result: of the object, or for a table that was made, of the folder.
        outcome: What it came to: ``reason``, ``category``, ``columns``, ``rows``, ``tables``, ``statistics``.
        submitted: When, ISO 8601.
        ended: The same; empty while it has not.
        owner: Which process runs it.
        beginnings: How many processes have taken it up.
    """

    id: str
    request: QueryRequest
    state: QueryState
    kinds: tuple[str, str]
    location: str
    outcome: Mapping[str, Any]
    submitted: str
    ended: str
    owner: str
    beginnings: int = 1


class Executions:
    """The records of executions.

    Args:
        records: Where they are kept.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def create(
        self, request: QueryRequest, *, kinds: tuple[str, str], location: str, owner: str
    ) -> tuple[Execution, bool]:
        """Make an execution that waits for its turn.

        Args:
            request: What is asked for.
            kinds: Of its statement.
            location: Where its result will be, ``{id}`` where its id stands.
            owner: Who runs it.

        Returns:
            It, and whether it is new.

        Raises:
            InvalidInputError: If its token was given with another request.
        """
        id_ = str(uuid.uuid5(_NAMESPACE, request.token) if request.token else uuid.uuid4())
        body: JsonObject = {
            "request": request.document(),
            "kinds": list(kinds),
            "location": location.replace("{id}", id_),
            "outcome": {},
            "owner": owner,
            # Not in the request: who asks with the same token need not be the same job.
            "job": [job.kind, job.name, job.task] if (job := request.job) else None,
        }
        try:
            record = self._records.create(
                EXECUTION_KIND, id_, body, parent=request.work_group, status=QueryState.QUEUED
            )
        except ConflictError:
            kept = self._records.get(EXECUTION_KIND, id_)
            if kept.body["request"] != request.document():
                raise InvalidInputError("Idempotent parameters do not match") from None
            return read_execution(kept), False
        return read_execution(record), True

    def get(self, id_: str) -> Execution:
        """Return an execution.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._records.find(EXECUTION_KIND, id_)
        if record is None:
            raise NotFoundError(f"QueryExecution {id_} was not found")
        return read_execution(record)

    def tables_of(self, address: str) -> list[tuple[str, str]]:
        """Return the tables, (database, name), that a result was made of.

        Args:
            address: Of the result. At another one there is none, and it was made of nothing.
        """
        record = self._records.find(EXECUTION_KIND, id_of_result(address))
        execution = read_execution(record) if record else None
        if execution is None or execution.location != address:
            return []
        return [(str(database), str(name)) for database, name in execution.outcome.get("tables") or ()]

    def begin(self, id_: str) -> bool:
        """Have an execution run; return whether it was still waiting."""

        def changed(record: Record) -> Record:
            if record.status != QueryState.QUEUED:
                return record
            return replace(record, status=QueryState.RUNNING)

        return self._records.update(EXECUTION_KIND, id_, changed).status == QueryState.RUNNING

    def end(self, id_: str, state: QueryState, outcome: Mapping[str, Any]) -> Execution:
        """Have an execution end, unless it has; return how it has ended."""
        now = as_text(self._clock.now())

        def changed(record: Record) -> Record:
            if QueryState(record.status).is_final:
                return record
            body = {**record.body, "outcome": cast(JsonObject, dict(outcome)), "ended": now}
            return replace(record, status=state, body=body)

        return read_execution(self._records.update(EXECUTION_KIND, id_, changed))

    def adopt(self, execution: Execution, owner: str) -> bool:
        """Have an execution whose owner is gone wait for another one; return whether it is theirs now."""

        def changed(record: Record) -> Record:
            if QueryState(record.status).is_final or record.body["owner"] != execution.owner:
                return record
            body: JsonObject = {**record.body, "owner": owner, "beginnings": execution.beginnings + 1}
            return replace(record, status=QueryState.QUEUED, body=body)

        kept = self._records.update(EXECUTION_KIND, execution.id, changed)
        return kept.status == QueryState.QUEUED and kept.body["owner"] == owner

    def page(self, work_group: str, *, limit: int, after: str | None) -> Page:
        """Return a page of the executions of a work group, the newest first."""
        return replace(_NEWEST, parent=work_group, limit=limit, after=after).page(
            self._records, EXECUTION_KIND
        )

    def unfinished(self) -> list[Execution]:
        """Return all executions that have not ended."""
        return [
            read_execution(record)
            for state in (QueryState.QUEUED, QueryState.RUNNING)
            for record in replace(_NEWEST, status=state, limit=1000).all(self._records, EXECUTION_KIND)
        ]


def id_of_result(address: str) -> str:
    """Return the id of the execution whose result lies at an address, by its name; empty if it has another.

    Example:
        >>> id_of_result("s3://results/a/6f1c9f0e-6a43-4b7d-9df0-0e5b5b1f0a51.csv")
        '6f1c9f0e-6a43-4b7d-9df0-0e5b5b1f0a51'
    """
    match = _RESULT.search(address)
    return match[1] if match else ""


def read_execution(record: Record) -> Execution:
    """Return the execution that a record holds."""
    body = cast(Mapping[str, Any], record.body)
    given = body["request"]
    return Execution(
        id=record.name,
        request=QueryRequest(
            query=given["query"],
            database=given["database"],
            output=given["output"],
            work_group=given["workGroup"],
            parameters=tuple(given["parameters"]),
            catalog=given["catalog"],
            configuration=given["configuration"],
            job=JobIdentity(*map(str, job)) if (job := body.get("job")) else None,
        ),
        state=QueryState(record.status),
        kinds=(str(body["kinds"][0]), str(body["kinds"][1])),
        location=str(body["location"]),
        outcome=body["outcome"],
        submitted=as_text(record.created_at),
        ended=str(body.get("ended") or ""),
        owner=str(body["owner"]),
        beginnings=int(body.get("beginnings", 1)),
    )
