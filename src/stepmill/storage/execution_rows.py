"""Between what is kept of executions and the rows of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from stepmill.core.json import read_json, write_json
from stepmill.core.tasks import Task
from stepmill.storage.database import from_micros, to_micros
from stepmill.storage.executions import (
    ExecutionChange,
    ExecutionDetails,
    NewExecution,
    StoredExecution,
    StoredTask,
)

Rows: TypeAlias = list[dict[str, object]]


def frame_rows(changes: Sequence[ExecutionChange]) -> tuple[Rows, Rows]:
    """Return the frames to write, and the names of those to remove."""
    puts: Rows = []
    drops: Rows = []
    for change in changes:
        for name, text in change.frames.items():
            if text is None:
                drops.append({"of": change.execution, "named": name})
            else:
                puts.append({"execution": change.execution, "frame": name, "body": text})
    return puts, drops


def history_rows(change: ExecutionChange) -> Iterator[dict[str, object]]:
    """Yield the records to add."""
    for record in change.history:
        yield {
            "execution": change.execution,
            "position": record.position,
            "at": to_micros(record.at),
            "type": record.type,
            "step": record.step,
            "body": write_json(record.body),
        }


def task_rows(changes: Sequence[ExecutionChange]) -> tuple[Rows, Rows]:
    """Return the tasks to write, and the names of those to remove."""
    puts: Rows = []
    drops: Rows = []
    for change in changes:
        for task_id, kept in change.tasks.items():
            if kept is None:
                drops.append({"named": task_id})
            else:
                body = write_json(kept.task)
                row = {"id": task_id, "execution": change.execution, "stopping": int(kept.stopping)}
                puts.append({**row, "body": body})
    return puts, drops


def timer_rows(changes: Sequence[ExecutionChange]) -> tuple[Rows, Rows]:
    """Return the timers to write, and the names of those to remove."""
    puts: Rows = []
    drops: Rows = []
    for change in changes:
        for timer, due_at in change.timers.items():
            if due_at is None:
                drops.append({"of": change.execution, "named": timer})
            else:
                puts.append({"execution": change.execution, "timer": timer, "due_at": to_micros(due_at)})
    return puts, drops


def new_row(execution: NewExecution) -> dict[str, object]:
    """Return the row of a new execution."""
    created = to_micros(execution.created_at)
    return {
        "id": execution.id,
        "language": execution.language,
        "pipeline": execution.pipeline,
        "parent": execution.parent,
        "status": execution.status,
        "owner": execution.owner,
        "created_at": created,
        "modified_at": created,
        "position": 0,
        "body": write_json(execution.details),
    }


def stored(row: Any) -> StoredExecution:
    """Return the execution of a row."""
    return StoredExecution(
        id=row.id,
        language=row.language,
        pipeline=row.pipeline,
        status=row.status,
        owner=row.owner,
        created_at=from_micros(row.created_at),
        modified_at=from_micros(row.modified_at),
        position=row.position,
        details=msgspec.json.decode(row.body, type=ExecutionDetails),
    )


def read_task(row: Any) -> StoredTask:
    """Return the task of a row with its body and whether it was told to stop."""
    return StoredTask(msgspec.json.decode(row.body, type=Task), bool(row.stopping))


def read_object(text: str) -> dict[str, Any]:
    """Return the document of a column that was written from one."""
    value = read_json(text)
    assert isinstance(value, dict)
    return value
