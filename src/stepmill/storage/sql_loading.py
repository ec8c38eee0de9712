"""Reads executions with all their parts, many at once: an engine that starts finds a thousand of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from stepmill.storage import tables
from stepmill.storage.database import from_micros
from stepmill.storage.execution_rows import read_task, stored
from stepmill.storage.executions import LoadedExecution, StoredTask

# SQLite takes some 32,000 values in one statement.
_AT_ONCE = 500
# What is read at once of an execution is some ten kilobytes at most.
_FEW_FRAMES = 8
_SMALL_FRAME = 2048  # characters

_executions, _frames = tables.executions, tables.frames
_tasks, _timers = tables.tasks, tables.timers


def load_executions(connection: Connection, executions: Sequence[str]) -> list[LoadedExecution]:
    """Return executions with their parts, in the order of the ids; those that are not there are left out."""
    loaded: list[LoadedExecution] = []
    for first in range(0, len(executions), _AT_ONCE):
        loaded += _load(connection, executions[first : first + _AT_ONCE])
    return loaded


def _load(connection: Connection, ids: Sequence[str]) -> list[LoadedExecution]:
    rows = {row.id: row for row in connection.execute(select(_executions).where(_executions.c.id.in_(ids)))}
    frames: defaultdict[str, set[str]] = defaultdict(set)
    for row in _rows(connection, _frames, ids, _frames.c.frame):
        frames[row.execution].add(row.frame)
    texts = _texts(connection, [each for each, names in frames.items() if len(names) <= _FEW_FRAMES])
    tasks: defaultdict[str, list[StoredTask]] = defaultdict(list)
    for row in _rows(connection, _tasks, ids, _tasks.c.body, _tasks.c.stopping, order=_tasks.c.id):
        tasks[row.execution].append(read_task(row))
    timers: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for row in _rows(connection, _timers, ids, _timers.c.timer, _timers.c.due_at):
        timers[row.execution][row.timer] = from_micros(row.due_at)
    return [
        LoadedExecution(stored(rows[each]), frozenset(frames[each]), texts[each], tasks[each], timers[each])
        for each in ids
        if each in rows
    ]


def _texts(connection: Connection, ids: Sequence[str]) -> defaultdict[str, dict[str, str]]:
    """Return the texts of frames: execution -> name -> text."""
    texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
    statement = select(_frames.c.execution, _frames.c.frame, _frames.c.body).where(
        _frames.c.execution.in_(ids), func.length(_frames.c.body) <= _SMALL_FRAME
    )
    for row in connection.execute(statement):
        texts[row.execution][row.frame] = row.body
    return texts


def _rows(
    connection: Connection,
    table: sqlalchemy.Table,
    ids: Sequence[str],
    *columns: sqlalchemy.Column[Any],
    order: sqlalchemy.Column[Any] | None = None,
) -> sqlalchemy.CursorResult[Any]:
    statement = select(table.c.execution, *columns).where(table.c.execution.in_(ids))
    return connection.execute(statement if order is None else statement.order_by(order))
