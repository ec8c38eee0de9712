"""Wishes for an execution: what is checked, and whether they were made before. They reach it by its inbox."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.interpreters.pipelines.events import (
    RetryRequested,
    StopRequested,
    UpdateRequested,
    encode_event,
)
from stepmill.engine.interpreters.pipelines.lifecycle import check_stop
from stepmill.engine.interpreters.pipelines.outcome import HistoryType
from stepmill.engine.interpreters.pipelines.restarting import check_retry
from stepmill.engine.reading import stored_pipeline
from stepmill.engine.starting import check_parallelism
from stepmill.storage.executions import ExecutionStore, StoredExecution
from stepmill.storage.texts import check_text

OPEN = frozenset(status for status in PipelineExecutionStatus if not status.is_final)
FINAL = frozenset(status for status in PipelineExecutionStatus if status.is_final)


def post_stop(store: ExecutionStore, execution: str, wish: StopRequested) -> bool:
    """Put the wish to stop into the inbox; return whether it is one that was not made before.

    Raises:
        NotFoundError: If there is no such execution.
        WrongStateError: If it is at its end.
    """
    stored = stored_pipeline(store, execution)
    if wish.token and stored.details.stop_token == wish.token:
        return False
    check_stop(PipelineExecutionStatus(stored.status))
    store.post(execution, encode_event(wish), statuses=OPEN)
    return True


def post_retry(store: ExecutionStore, execution: str, wish: RetryRequested) -> int | None:
    """Put the wish to retry into the inbox.

    Returns:
        Where the history ended; ``None`` if the wish was made before.

    Raises:
        InvalidInputError: If the parallelism is below 1.
        NotFoundError: If there is no such execution.
        WrongStateError: If it runs, or has succeeded.
    """
    check_parallelism(wish.parallelism)
    stored = stored_pipeline(store, execution)
    if wish.token and stored.details.retry_token == wish.token:
        return None
    check_retry(PipelineExecutionStatus(stored.status))
    store.post(execution, encode_event(wish), statuses=FINAL)
    return stored.position


@dataclass(frozen=True, slots=True)
class PostedUpdate:
    """A wish to change what is said of an execution, in its inbox.

    Args:
        execution: Its id.
        position: Where its history ended.
        was_final: Whether it was at its end.
    """

    execution: str
    position: int
    was_final: bool


def post_update(store: ExecutionStore, execution: str, wish: UpdateRequested) -> PostedUpdate:
    """Put the wish to change what is said into the inbox.

    Raises:
        InvalidInputError: If the parallelism is below 1, or a text is none.
        NotFoundError: If there is no such execution.
    """
    check_parallelism(wish.parallelism)
    check_text(wish.display_name or "", wish.description or "")
    stored = stored_pipeline(store, execution)
    store.post(execution, encode_event(wish), statuses=OPEN | FINAL)
    return PostedUpdate(execution, stored.position, _is_final(stored))


def is_updated(store: ExecutionStore, posted: PostedUpdate) -> bool:
    """Return whether the wish was taken in."""
    records = store.history(posted.execution, after_position=posted.position)
    return any(record.type == HistoryType.EXECUTION_UPDATED for record in records)


def is_answered(store: ExecutionStore, posted: PostedUpdate) -> bool:
    """Return whether the wish was taken in, or dropped at the end of the execution: then it is made again."""
    return is_updated(store, posted) or (not posted.was_final and _is_final(store.get(posted.execution)))


def _is_final(stored: StoredExecution) -> bool:
    return PipelineExecutionStatus(stored.status).is_final
