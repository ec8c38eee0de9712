"""Which tasks have begun something that must not be begun twice, and what they were answered.

Written before the call and after it. A task that is handed over again after a crash finds its answer, or that
it had begun: then what exists by that name, and was made since, is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.records import LONGEST_NAME, Record, RecordStore

STATE_TASK = "state-task"
_BEGUN, _ANSWERED = "begun", "answered"


@dataclass(frozen=True)
class Entry:
    """How far a task has come.

    Args:
        begun_at: When it first was about to call.
        is_new: Whether that is now.
        answer: What it was answered, if it knows.
    """

    begun_at: datetime
    is_new: bool
    answer: JsonObject | None


class Journal:
    """Keeps entries. Safe to share between threads.

    Args:
        records: Where to. Its changes survive a power cut.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def begin(self, task_id: str, execution_arn: str) -> Entry:
        """Note that a task is about to call, or return how far it came before."""
        try:
            record = self._records.create(STATE_TASK, _name(task_id), {}, parent=execution_arn, status=_BEGUN)
        except ConflictError:
            return _entry(self._records.get(STATE_TASK, _name(task_id)), is_new=False)
        return _entry(record, is_new=True)

    def answer(self, task_id: str, answer: JsonObject) -> None:
        """Note what a task was answered."""
        self._records.update(
            STATE_TASK, _name(task_id), lambda old: replace(old, status=_ANSWERED, body={"answer": answer})
        )

    def answer_of(self, task_id: str) -> JsonObject | None:
        """Return what a task was answered; ``None`` if it was not."""
        record = self._records.find(STATE_TASK, _name(task_id))
        return _entry(record, is_new=False).answer if record else None

    def forget(self, task_id: str) -> None:
        """Drop the entry of a task that has begun nothing after all."""
        try:
            self._records.delete(STATE_TASK, _name(task_id))
        except NotFoundError:
            return


def _name(task_id: str) -> str:
    return task_id if len(task_id) <= LONGEST_NAME else sha256(task_id.encode()).hexdigest()


def _entry(record: Record, *, is_new: bool) -> Entry:
    answer = record.body.get("answer")
    return Entry(record.created_at, is_new, answer if isinstance(answer, Mapping) else None)
