"""Looking at executions of state machines. Needs no engine, and disturbs none."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from stepmill.core.errors import NotFoundError
from stepmill.core.statuses import StateMachineExecutionStatus
from stepmill.engine.machines.kept import INPUT_TEXT, OUTPUT_TEXT, execution_id
from stepmill.engine.machines.summaries import MachineExecution, MachineExecutionPage, summarize_machine
from stepmill.engine.ownership import is_alive
from stepmill.storage.executions import STATES, ExecutionStore, HistoryRecord, StoredExecution

_HISTORY_PAGE = 1000


class MachineExecutionReader:
    """Reads what is committed.

    Each method that is given an execution takes its id or its ARN, and raises ``NotFoundError`` if there is
    none.

    Args:
        store: Where executions are kept.
        locks: Folder of the engines' lock files.
    """

    def __init__(self, store: ExecutionStore, locks: Path) -> None:
        self._store = store
        self._locks = locks

    def describe(self, execution: str) -> MachineExecution:
        """Return how an execution stands as a whole."""
        return self._summary(self.stored(execution))

    def find(
        self,
        *,
        machine: str | None = None,
        map_run: str | None = None,
        statuses: Collection[StateMachineExecutionStatus] | None = None,
        is_redriven: bool | None = None,
        version_arn: str | None = None,
        alias_arn: str | None = None,
        ascending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> MachineExecutionPage:
        """List executions, the newest first unless ``ascending``.

        Args:
            machine: Name of a machine; ``None``: all. The children of its Map Runs are not among them.
            map_run: ARN of a Map Run: its children are listed.
            statuses: Those wanted; ``None``: all.
            is_redriven: Only those that were, or were not, redriven.
            version_arn: Only those of this version.
            alias_arn: Only those that this alias led to.
            ascending: Whether the oldest come first.
            limit: Most on a page.
            after: ``next_token`` of the page before.

        Raises:
            InvalidInputError: If the token is none of ours, or the limit not within 1 to 1000.
        """
        page = self._store.find(
            language=STATES,
            pipeline=machine,
            parent=map_run,
            statuses=statuses,
            is_redriven=is_redriven,
            version_arn=version_arn,
            alias_arn=alias_arn,
            ascending=ascending,
            limit=limit,
            after=after,
        )
        return MachineExecutionPage(tuple(self._summary(row) for row in page.executions), page.next_token)

    def input(self, execution: str) -> str:
        """Return the JSON text that an execution was given, as it was written."""
        return self._store.frame(self.stored(execution).id, INPUT_TEXT) or ""

    def inputs(self, executions: Iterable[MachineExecution]) -> dict[str, str]:
        """Return the JSON texts that executions were given, a thousand at most: id -> text."""
        return self._store.frame_of_each([execution.id for execution in executions], INPUT_TEXT)

    def output(self, execution: str) -> str | None:
        """Return the JSON text that an execution gave; ``None`` if it has not succeeded."""
        return self._store.frame(self.stored(execution).id, OUTPUT_TEXT)

    def definition(self, execution: str) -> str:
        """Return the text of the document that an execution runs."""
        return self._store.definition(self.stored(execution).details.definition)

    def history(
        self, execution: str, *, after_position: int = 0, limit: int = _HISTORY_PAGE
    ) -> list[HistoryRecord]:
        """Return the next events of the history after a position, in order."""
        return self._store.history(self.stored(execution).id, after_position=after_position, limit=limit)

    def history_backwards(
        self, execution: str, *, before_position: int | None = None, limit: int = _HISTORY_PAGE
    ) -> list[HistoryRecord]:
        """Return the events before a position, the last first; ``None``: from the end."""
        stored = self.stored(execution)
        before = stored.position + 1 if before_position is None else before_position
        first = max(0, before - 1 - limit)
        records = self._store.history(stored.id, after_position=first, limit=before - 1 - first)
        return records[::-1]

    def stored(self, execution: str) -> StoredExecution:
        """Return the row of an execution, by its id or its ARN."""
        known = execution_id(execution) if execution.startswith("arn:") else execution
        try:
            stored = self._store.get(known)
        except NotFoundError:
            raise missing(execution) from None
        if stored.language != STATES:
            raise missing(execution)
        return stored

    def _summary(self, stored: StoredExecution) -> MachineExecution:
        while True:
            is_owner_alive = is_alive(self._locks, stored.owner)
            if is_owner_alive or not stored.owner:
                return summarize_machine(stored, is_owner_alive=is_owner_alive)
            # Its owner may have written the end just before it went.
            again = self._store.get(stored.id)
            if again.owner == stored.owner:
                return summarize_machine(again, is_owner_alive=False)
            stored = again


def missing(execution: str) -> NotFoundError:
    """Return the error that says that there is no such execution, as AWS words it."""
    return NotFoundError(f"Execution Does Not Exist: '{execution}'", where=execution)
