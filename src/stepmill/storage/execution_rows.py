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
    HistoryRecord,
    NewExecution,
    StoredExecution,
    StoredTask,
)

Rows: TypeAlias = list[dict[str, object]]

# A burst of states writes hundreds of records at once. A page of a history reads whole rows.
RECORDS_PER_ROW = 128
_LARGEST_ROW = 256 * 1024  # characters; a greater record has a row of its own

_TASK = msgspec.json.Decoder(Task)
_DETAILS = msgspec.json.Decoder(ExecutionDetails)


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
    """Yield the rows of records to add: one for several small ones that are written together.

    A row has the position of its last record; one of several has no type, and all of them in its body.
    """
    texts: list[str] = []
    size = 0
    for record in change.history:
        text = write_json((to_micros(record.at), record.type, record.step, record.body))
        if texts and (len(texts) == RECORDS_PER_ROW or size + len(text) > _LARGEST_ROW):
            yield _history_row(change.execution, record.position - 1, texts)
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    if texts:
        yield _history_row(change.execution, change.history[-1].position, texts)


def _history_row(execution: str, position: int, texts: Sequence[str]) -> dict[str, object]:
    return {
        "execution": execution,
        "position": position,
        "at": 0,
        "type": "",
        "step": "",
        "body": f"[{','.join(texts)}]",
    }


def records_of(row: Any) -> list[HistoryRecord]:
    """Return the records of a row that ``history_rows`` gave."""
    if row.type:  # as earlier versions wrote each
        at = from_micros(row.at)
        return [HistoryRecord(row.position, at, row.type, row.step, read_object(row.body))]
    together = msgspec.json.decode(row.body)
    first = row.position - len(together) + 1
    return [
        HistoryRecord(first + offset, from_micros(at), kind, step, body)
        for offset, (at, kind, step, body) in enumerate(together)
    ]


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
        details=_DETAILS.decode(row.body),
    )


def read_task(row: Any) -> StoredTask:
    """Return the task of a row with its body and whether it was told to stop."""
    return StoredTask(_TASK.decode(row.body), bool(row.stopping))


def read_object(text: str) -> dict[str, Any]:
    """Return the document of a column that was written from one."""
    value = read_json(text)
    assert isinstance(value, dict)
    return value
