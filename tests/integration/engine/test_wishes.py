"""Wishes in the inbox of an execution, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stepmill.core.errors import InvalidInputError, NotFoundError, WrongStateError
from stepmill.engine.interpreters.pipelines.events import (
    RetryRequested,
    StopRequested,
    UpdateRequested,
    decode_event,
)
from stepmill.engine.wishes import is_answered, is_updated, post_retry, post_stop, post_update
from stepmill.storage.database import Database
from stepmill.storage.executions import ExecutionChange, HistoryRecord
from stepmill.storage.sql_executions import SqlExecutionStore
from support.executions import NOON, new_execution

END = ExecutionChange("abc", "me", 0, 1, "Failed", NOON, release=True, ends=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlExecutionStore]:
    database = Database.open_sqlite(tmp_path / "db.sqlite")
    store = SqlExecutionStore(database)
    store.create(new_execution())
    yield store
    database.close()


def end(store: SqlExecutionStore, **details: str) -> None:
    kept = store.get("abc").details
    changed = type(kept)(arn=kept.arn, definition=kept.definition, **details)  # type: ignore[arg-type]
    history = [HistoryRecord(1, NOON, "ExecutionFailed", "", {})]
    assert store.commit([replace(END, history=history, details=changed)]) == frozenset()


def test_an_update_that_the_end_dropped_is_to_be_made_again(store: SqlExecutionStore) -> None:
    posted = post_update(store, "abc", UpdateRequested("New"))
    assert not is_answered(store, posted)
    end(store)
    assert is_answered(store, posted)
    assert not is_updated(store, posted)
    again = post_update(store, "abc", UpdateRequested("New"))
    assert (again.was_final, again.position) == (True, 1)
    assert not is_answered(store, again)
    store.adopt("abc", "me", instead_of="")
    history = [HistoryRecord(2, NOON, "ExecutionUpdated", "", {})]
    store.commit([replace(END, position_before=1, position=2, ends=False, history=history)])
    assert is_answered(store, again)
    assert is_updated(store, again)


def test_a_token_asks_once(store: SqlExecutionStore) -> None:
    assert post_stop(store, "abc", StopRequested("s"))
    end(store, stop_token="s", retry_token="r")
    assert not post_stop(store, "abc", StopRequested("s"))
    assert post_retry(store, "abc", RetryRequested(None, "r")) is None
    for token in ("t", ""):
        with pytest.raises(WrongStateError, match="Failed"):
            post_stop(store, "abc", StopRequested(token))
        assert post_retry(store, "abc", RetryRequested(2, token)) == 1
    store.adopt("abc", "me", instead_of="")
    assert [decode_event(event.body) for event in store.inbox("me")] == [
        RetryRequested(2, "t"),
        RetryRequested(2),
    ]


def test_what_cannot_be_wished_is_not_written(store: SqlExecutionStore) -> None:
    before = len(store.inbox("me"))
    with pytest.raises(WrongStateError, match="cannot be retried"):
        post_retry(store, "abc", RetryRequested())
    with pytest.raises(InvalidInputError):
        post_retry(store, "abc", RetryRequested(0))
    with pytest.raises(InvalidInputError):
        post_update(store, "abc", UpdateRequested(description="half \ud800 pair"))
    for wish in (
        lambda: post_stop(store, "no", StopRequested()),
        lambda: post_retry(store, "no", RetryRequested()),
        lambda: post_update(store, "no", UpdateRequested()),
    ):
        with pytest.raises(NotFoundError):
            wish()
    assert len(store.inbox("me")) == before
