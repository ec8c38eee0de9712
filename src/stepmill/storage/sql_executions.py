"""Executions in the database.

What a commit does is a handful of statements, each run once for all rows of its kind, on rows found
by their primary key: the price of an event depends neither on the size of its execution nor on how
many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from stepmill.core.errors import NotFoundError, WrongStateError
from stepmill.core.json import write_json
from stepmill.storage import tables
from stepmill.storage.database import Database, from_micros, to_micros
from stepmill.storage.execution_rows import (
    Rows,
    frame_rows,
    history_rows,
    new_row,
    read_task,
    records_of,
    stored,
    task_rows,
    timer_rows,
)
from stepmill.storage.executions import (
    PIPELINES,
    ExecutionChange,
    ExecutionOrder,
    ExecutionPage,
    HistoryRecord,
    InboxEvent,
    InboxWatch,
    LoadedExecution,
    NewExecution,
    StoredExecution,
    StoredTask,
    Stray,
    taken,
)
from stepmill.storage.prepared import Prepared
from stepmill.storage.sql_listing import Filters, ended_express, listing, newest_of_versions, token_after
from stepmill.storage.sql_loading import load_executions
from stepmill.storage.sql_watch import open_watch

# So many rows of a history are fetched at once.
_HISTORY_ROWS = 16

_executions, _frames, _history = tables.executions, tables.frames, tables.history
_tasks, _timers, _inbox = tables.tasks, tables.timers, tables.inbox

_ADVANCE = Prepared(
    update(_executions)
    .where(
        _executions.c.id == bindparam("of"),
        _executions.c.owner == bindparam("held_by"),
        _executions.c.position == bindparam("from_position"),
    )
    .values(
        status=bindparam("new_status"),
        owner=bindparam("new_owner"),
        position=bindparam("new_position"),
        modified_at=bindparam("new_modified_at"),
    )
)
_ADOPT = Prepared(
    update(_executions)
    .where(_executions.c.id == bindparam("of"), _executions.c.owner == bindparam("held_by"))
    .values(owner=bindparam("new_owner"))
)
_DESCRIBE = Prepared(
    update(_executions).where(_executions.c.id == bindparam("of")).values(body=bindparam("new_body"))
)
_DROP_FRAME = Prepared(
    delete(_frames).where(_frames.c.execution == bindparam("of"), _frames.c.frame == bindparam("named"))
)
_ADD_EXECUTION = Prepared(insert(_executions))
_ADD_HISTORY = Prepared(insert(_history))
_DROP_TASK = Prepared(delete(_tasks).where(_tasks.c.id == bindparam("named")))
_DROP_TIMER = Prepared(
    delete(_timers).where(_timers.c.execution == bindparam("of"), _timers.c.timer == bindparam("named"))
)
_DROP_EVENT = Prepared(delete(_inbox).where(_inbox.c.id == bindparam("numbered")))
_EMPTY_INBOX = Prepared(delete(_inbox).where(_inbox.c.execution == bindparam("of")))
_INBOX = Prepared(
    select(_inbox.c.id, _inbox.c.execution, _inbox.c.body)
    .join_from(_inbox, _executions, _inbox.c.execution == _executions.c.id)
    .where(_executions.c.owner == bindparam("held_by"))
    .order_by(_inbox.c.id)
)
_LAST_START = Prepared(
    select(func.max(_executions.c.created_at).label("created_at")).where(
        _executions.c.language == PIPELINES, _executions.c.pipeline == bindparam("pipeline_")
    )
)
_FRAME = Prepared(
    select(_frames.c.body).where(
        _frames.c.execution == bindparam("of"), _frames.c.frame == bindparam("named")
    )
)
_TASK = Prepared(select(_tasks.c.body, _tasks.c.stopping).where(_tasks.c.id == bindparam("named")))
_GET = Prepared(select(_executions).where(_executions.c.id == bindparam("of")))


class SqlExecutionStore:
    """Keeps executions in a database, SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect.name
        self._put_frame = Prepared(_upsert(_frames, dialect))
        self._put_task = Prepared(_upsert(_tasks, dialect))
        self._put_timer = Prepared(_upsert(_timers, dialect))
        self._add_definition = Prepared(_insert_for(dialect)(tables.definitions).on_conflict_do_nothing())

    def create(self, execution: NewExecution) -> None:
        """Write a new execution, its definition and its first event."""
        with self._database.write(durable=execution.is_durable) as connection:
            if not self._write_new(connection, execution):
                raise taken(execution.id)
            connection.execute(insert(_inbox), {"execution": execution.id, "body": execution.first_event})

    def commit(
        self, changes: Sequence[ExecutionChange], begun: Sequence[NewExecution] = ()
    ) -> frozenset[str]:
        """Write the changes in one transaction; return the executions that were lost to others."""
        # After a power cut an execution goes on from an earlier moment: its tasks are handed over again,
        # and their handlers find the work done. Only a beginning and an end that somebody saw must stay.
        durable = any(change.release and change.is_durable for change in changes)
        durable = durable or any(new.is_durable for new in begun)
        with self._database.write(durable=durable) as connection:
            lost = {new.id for new in begun if not self._write_new(connection, new)}
            held = [
                change
                for change in changes
                if change.execution not in lost and _advance_row(connection, change)
            ]
            self._write_parts(connection, held)
        return frozenset({change.execution for change in changes} - {change.execution for change in held})

    def _write_new(self, connection: Connection, execution: NewExecution) -> bool:
        """Write what an execution begins with; return whether its id was free."""
        if _row_of(connection, execution.id) is not None:
            return False
        self._add_definition.run(
            connection, {"digest": execution.details.definition, "body": execution.definition}
        )
        _ADD_EXECUTION.run(connection, new_row(execution))
        for name, text in execution.texts.items():
            self._put_frame.run(connection, {"execution": execution.id, "frame": name, "body": text})
        return True

    def _write_parts(self, connection: Connection, changes: Sequence[ExecutionChange]) -> None:
        puts, drops = frame_rows(changes)
        _run(connection, self._put_frame, puts)
        _run(connection, _DROP_FRAME, drops)
        _run(connection, _ADD_HISTORY, [row for change in changes for row in history_rows(change)])
        puts, drops = task_rows(changes)
        _run(connection, self._put_task, puts)
        _run(connection, _DROP_TASK, drops)
        puts, drops = timer_rows(changes)
        _run(connection, self._put_timer, puts)
        _run(connection, _DROP_TIMER, drops)
        _run(connection, _DROP_EVENT, [{"numbered": i} for change in changes for i in change.consumed])
        # Nobody waits for an answer to what reached an execution in the moment of its end.
        _run(connection, _EMPTY_INBOX, [{"of": change.execution} for change in changes if change.ends])

    def adopt(self, execution: str, owner: str, *, instead_of: str) -> bool:
        """Make ``owner`` the owner if ``instead_of`` still is; return whether it was."""
        with self._database.write() as connection:
            return _adopt(connection, Stray(execution, instead_of), owner)

    def adopt_all(self, strays: Sequence[Stray], owner: str) -> list[LoadedExecution]:
        """Make ``owner`` the owner of executions that still have the owners named; return those."""
        if not strays:
            return []
        with self._database.write() as connection:
            adopted = [stray.id for stray in strays if _adopt(connection, stray, owner)]
        with self._database.read() as connection:
            return load_executions(connection, adopted)

    def release(self, owner: str) -> None:
        """Leave all executions of that owner without one."""
        with self._database.write() as connection:
            connection.execute(update(_executions).where(_executions.c.owner == owner).values(owner=""))

    def post(self, execution: str, body: str, *, statuses: Collection[str] | None) -> str:
        """Put an event into the inbox of an execution; return the execution's owner."""
        with self._database.write() as connection:
            row = _row_of(connection, execution)
            if row is None:
                raise _unknown(execution)
            if statuses is not None and row.status not in statuses:
                raise WrongStateError(f"The execution is {row.status}.", where=execution)
            connection.execute(insert(_inbox), {"execution": execution, "body": body})
            return str(row.owner)

    def inbox(self, owner: str) -> list[InboxEvent]:
        """Return what waits for the executions of that owner, oldest first."""
        with self._database.read() as connection:
            rows = _INBOX.all(connection, {"held_by": owner})
        return [InboxEvent(row.id, row.execution, row.body) for row in rows]

    def waiting(self, statuses: Collection[str]) -> list[StoredExecution]:
        """Return the executions that have one of the statuses or events in their inbox, oldest first."""
        statement = (
            select(_executions)
            .where(_has_work(statuses))
            .order_by(_executions.c.created_at, _executions.c.id)
        )
        with self._database.read() as connection:
            return [stored(row) for row in connection.execute(statement)]

    def strays(self, owner: str, statuses: Collection[str]) -> list[Stray]:
        """Return the executions that ``waiting`` returns and others than that owner own, oldest first."""
        statement = (
            select(_executions.c.id, _executions.c.owner)
            .where(_has_work(statuses))
            .where(_executions.c.owner != owner)
            .order_by(_executions.c.created_at, _executions.c.id)
        )
        with self._database.read() as connection:
            return [Stray(row.id, row.owner) for row in connection.execute(statement)]

    def get(self, execution: str) -> StoredExecution:
        """Return an execution."""
        with self._database.read() as connection:
            row = _row_of(connection, execution)
        if row is None:
            raise _unknown(execution)
        return stored(row)

    def find(
        self,
        *,
        language: str | None = None,
        pipeline: str | None = None,
        parent: str | None = None,
        statuses: Collection[str] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        version: int | None = None,
        is_redriven: bool | None = None,
        version_arn: str | None = None,
        alias_arn: str | None = None,
        order: ExecutionOrder = ExecutionOrder.CREATED,
        ascending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> ExecutionPage:
        """List executions, one page at a time."""
        filters = Filters(
            language,
            pipeline,
            parent,
            statuses,
            created_after,
            created_before,
            version,
            is_redriven,
            version_arn,
            alias_arn,
        )
        statement = listing(filters, order, ascending=ascending, limit=limit, after=after)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        shown = tuple(stored(row) for row in rows[:limit])
        token = token_after(order, shown[-1]) if len(rows) > limit else None
        return ExecutionPage(shown, token)

    def newest_of_versions(self, pipeline: str) -> dict[int, str]:
        """Return the id of the newest execution of each version of a pipeline that has been run."""
        with self._database.read() as connection:
            rows = connection.execute(newest_of_versions(pipeline)).all()
        return {row.version: row.id for row in rows}

    def last_starts(self, pipelines: Iterable[str]) -> dict[str, datetime]:
        """Return when each of these pipelines was started last."""
        found: dict[str, datetime] = {}
        with self._database.read() as connection:
            for pipeline in pipelines:
                row = _LAST_START.one(connection, {"pipeline_": pipeline})
                if row.created_at is not None:
                    found[pipeline] = from_micros(row.created_at)
        return found

    def delete(self, pipeline: str, *, statuses: Collection[str], language: str = PIPELINES) -> int:
        """Remove all executions of a pipeline or machine; return how many there were."""
        theirs = (_executions.c.language == language, _executions.c.pipeline == pipeline)
        found = select(_executions.c.id, _executions.c.status).where(*theirs)
        with self._database.write() as connection:
            rows = connection.execute(found.order_by(_executions.c.created_at)).all()
            for row in rows:
                if row.status not in statuses:
                    raise WrongStateError(f"The execution {row.id} is {row.status}.", where=row.id)
            for row in rows:
                _remove_parts(connection, row.id)
            connection.execute(delete(_executions).where(*theirs))
        return len(rows)

    def remove(self, execution: str, *, statuses: Collection[str]) -> None:
        """Remove one execution, if it is there."""
        with self._database.write() as connection:
            row = _row_of(connection, execution)
            if row is None:
                return
            if row.status not in statuses:
                raise WrongStateError(f"The execution {execution} is {row.status}.", where=execution)
            _remove_parts(connection, execution)
            connection.execute(delete(_executions).where(_executions.c.id == execution))

    def remove_express(self, ended_before: datetime, *, statuses: Collection[str]) -> int:
        """Remove the express executions that have one of the statuses since before a moment."""
        with self._database.write() as connection:
            found = connection.execute(ended_express(ended_before, statuses)).scalars().all()
            for execution in found:
                _remove_parts(connection, execution)
                connection.execute(delete(_executions).where(_executions.c.id == execution))
        return len(found)

    def definition(self, digest: str) -> str:
        """Return the document of that digest."""
        statement = select(tables.definitions.c.body).where(tables.definitions.c.digest == digest)
        with self._database.read() as connection:
            text = connection.execute(statement).scalar()
        if text is None:
            raise NotFoundError(f"There is no definition with the digest {digest!r}.", where=digest)
        return str(text)

    def frame(self, execution: str, name: str) -> str | None:
        """Return one frame's text, ``None`` if there is none of that name."""
        with self._database.read() as connection:
            row = _FRAME.one(connection, {"of": execution, "named": name})
        return None if row is None else str(row.body)

    def frames(self, execution: str, *, prefix: str = "") -> dict[str, str]:
        """Return all frames of an execution whose names begin so: name -> text."""
        statement = select(_frames.c.frame, _frames.c.body).where(_frames.c.execution == execution)
        if prefix:
            statement = statement.where(_frames.c.frame.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            return {row.frame: row.body for row in connection.execute(statement)}

    def frame_of_each(self, executions: Collection[str], name: str) -> dict[str, str]:
        """Return the text of one frame of several executions: execution -> text."""
        statement = select(_frames.c.execution, _frames.c.body).where(
            _frames.c.execution.in_(executions), _frames.c.frame == name
        )
        with self._database.read() as connection:
            return {row.execution: row.body for row in connection.execute(statement)}

    def history(self, execution: str, *, after_position: int = 0, limit: int = 1000) -> list[HistoryRecord]:
        """Return the next history records after a position, in order."""
        statement = (
            select(_history)
            .where(_history.c.execution == execution, _history.c.position > after_position)
            .order_by(_history.c.position)
            .limit(limit)
        )
        records: list[HistoryRecord] = []
        with self._database.read() as connection:
            # Few rows may have enough records.
            for row in connection.execution_options(yield_per=_HISTORY_ROWS).execute(statement):
                records += [each for each in records_of(row) if each.position > after_position]
                if len(records) >= limit:
                    break
        return records[:limit]

    def tasks(self, execution: str) -> list[StoredTask]:
        """Return the tasks of an execution that have not ended."""
        statement = select(_tasks.c.body, _tasks.c.stopping).where(_tasks.c.execution == execution)
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(_tasks.c.id)).all()
        return [read_task(row) for row in rows]

    def task(self, task_id: str) -> StoredTask | None:
        """Return a task that has not ended; ``None`` if there is none of that id."""
        with self._database.read() as connection:
            row = _TASK.one(connection, {"named": task_id})
        return None if row is None else read_task(row)

    def timers(self, execution: str) -> dict[str, datetime]:
        """Return the timers of an execution that have not fired: timer -> when it is due."""
        statement = select(_timers.c.timer, _timers.c.due_at).where(_timers.c.execution == execution)
        with self._database.read() as connection:
            return {row.timer: from_micros(row.due_at) for row in connection.execute(statement)}

    def watch(self) -> InboxWatch:
        """Return a new watch over the inbox."""
        return open_watch(self._database)


def _insert_for(dialect: str) -> Any:
    """Return the ``insert`` that knows ON CONFLICT in this dialect; the two have one interface."""
    if dialect == "postgresql":
        # Not needed by those who keep everything in a file, and every command would wait for it.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    return sqlite.insert


def _upsert(table: sqlalchemy.Table, dialect: str) -> Any:
    statement = _insert_for(dialect)(table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def _remove_parts(connection: Connection, execution: str) -> None:
    for table in (_frames, _history, _tasks, _timers, _inbox):
        connection.execute(delete(table).where(table.c.execution == execution))


def _run(connection: Connection, statement: Prepared, rows: Rows) -> None:
    if rows:
        statement.run(connection, *rows)


def _row_of(connection: Connection, execution: str) -> Any:
    return _GET.one(connection, {"of": execution})


def _advance_row(connection: Connection, change: ExecutionChange) -> bool:
    """Write the row if the execution is still where its driver left it; return whether it was."""
    values = {
        "of": change.execution,
        "held_by": change.owner,
        "from_position": change.position_before,
        "new_status": change.status,
        "new_owner": "" if change.release else change.owner,
        "new_position": change.position,
        "new_modified_at": to_micros(change.modified_at),
    }
    if _ADVANCE.run(connection, values) != 1:
        return False
    if change.details is not None:
        _DESCRIBE.run(connection, {"of": change.execution, "new_body": write_json(change.details)})
    return True


def _adopt(connection: Connection, stray: Stray, owner: str) -> bool:
    values = {"of": stray.id, "held_by": stray.owner, "new_owner": owner}
    return _ADOPT.run(connection, values) == 1


def _has_work(statuses: Collection[str]) -> Any:
    """Return the condition that something is to be done for an execution."""
    addressed = select(_inbox.c.execution)
    # Told to stop, and not known to have stopped: their execution may have ended meanwhile.
    stopping = select(_tasks.c.execution).where(_tasks.c.stopping == 1)
    ids = _executions.c.id
    return _executions.c.status.in_(statuses) | ids.in_(addressed) | ids.in_(stopping)


def _unknown(execution: str) -> NotFoundError:
    return NotFoundError(f"There is no execution {execution!r}.", where=execution)
