from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct
from sqlalchemy import select

from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StorageFullError,
    WrongStateError,
)
from stepmill.core.tasks import CachePolicy, Task
from stepmill.storage import tables
from stepmill.storage.database import Database
from stepmill.storage.executions import (
    ExecutionChange,
    ExecutionDetails,
    ExecutionOrder,
    HistoryRecord,
    StoredTask,
    Stray,
)
from stepmill.storage.sql_executions import SqlExecutionStore
from support.executions import NOON, new_execution

LATER = NOON + timedelta(seconds=5, microseconds=1)
TASK = Task("abc/A/1", "r", {"Key": [1, None, "ü"]}, "arn", "P", "A", cache=CachePolicy(timedelta(days=30)))


@pytest.fixture
def store(database: Database) -> SqlExecutionStore:
    return SqlExecutionStore(database)


def _change(execution: str = "abc", before: int = 0, records: int = 1, owner: str = "me") -> ExecutionChange:
    history = [
        HistoryRecord(before + offset, LATER, "StepStarted", "A", {"n": offset})
        for offset in range(1, records + 1)
    ]
    return ExecutionChange(execution, owner, before, before + records, "Executing", LATER, history=history)


class TestCreate:
    def test_it_can_be_read_back(self, store: SqlExecutionStore) -> None:
        new = new_execution(definition='{"Version": "2020-12-01"}')
        store.create(new)
        stored = store.get("abc")
        assert (stored.id, stored.pipeline, stored.status, stored.owner) == ("abc", "P", "Executing", "me")
        assert stored.created_at == stored.modified_at == NOON
        assert stored.position == 0
        assert stored.details == new.details
        assert store.definition(new.details.definition) == '{"Version": "2020-12-01"}'
        assert [event.body for event in store.inbox("me")] == [new.first_event]

    def test_the_same_definition_is_kept_once(self, store: SqlExecutionStore, database: Database) -> None:
        store.create(new_execution("abc"))
        store.create(new_execution("def"))
        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM definitions").scalar() == 1

    def test_a_taken_id_is_refused_and_nothing_written(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        with pytest.raises(ConflictError):
            store.create(new_execution(pipeline="Other", definition="other"))
        assert store.get("abc").pipeline == "P"
        assert len(store.inbox("me")) == 1
        with pytest.raises(NotFoundError):
            store.definition("digest of other")


class TestCommit:
    def test_everything_of_a_change_is_written(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        change = replace(
            _change(records=2),
            status="Stopping",
            details=ExecutionDetails(arn="arn", definition="d", failure_reason="Because."),
            frames={"execution": "1", "step/A": "2"},
            tasks={TASK.id: StoredTask(TASK, stopping=True)},
            timers={"t": LATER},
            consumed=[event.id for event in store.inbox("me")],
        )
        assert store.commit([change]) == frozenset()
        stored = store.get("abc")
        assert (stored.status, stored.position, stored.modified_at) == ("Stopping", 2, LATER)
        assert stored.details.failure_reason == "Because."
        assert stored.owner == "me"
        assert store.frames("abc") == {"execution": "1", "step/A": "2"}
        assert store.frame("abc", "step/A") == "2"
        assert store.history("abc") == change.history
        assert store.tasks("abc") == [StoredTask(TASK, stopping=True)]
        assert store.timers("abc") == {"t": LATER}
        assert store.inbox("me") == []

    def test_later_changes_replace_and_remove(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        first = replace(
            _change(),
            frames={"a": "1", "b": "1"},
            tasks={TASK.id: StoredTask(TASK)},
            timers={"t": NOON, "u": NOON},
        )
        second = replace(
            _change(before=1),
            frames={"a": "2", "b": None, "never": None},
            tasks={TASK.id: None},
            timers={"t": LATER, "u": None},
        )
        store.commit([first])
        store.commit([second])
        assert store.frames("abc") == {"a": "2"}
        assert store.frame("abc", "b") is None
        assert store.tasks("abc") == []
        assert store.timers("abc") == {"t": LATER}
        assert [record.position for record in store.history("abc")] == [1, 2]

    def test_a_change_without_details_keeps_them(self, store: SqlExecutionStore) -> None:
        new = new_execution()
        store.create(new)
        store.commit([_change()])
        assert store.get("abc").details == new.details

    def test_many_executions_are_written_together(self, store: SqlExecutionStore) -> None:
        for name in ("abc", "def"):
            store.create(new_execution(name))
        changes = [replace(_change(name), frames={"execution": name}) for name in ("abc", "def")]
        assert store.commit(changes) == frozenset()
        assert [store.frame(name, "execution") for name in ("abc", "def")] == ["abc", "def"]
        assert store.frame_of_each(["abc", "def", "none"], "execution") == {"abc": "abc", "def": "def"}
        assert store.frame_of_each(["def"], "execution") == {"def": "def"}
        assert store.frame_of_each(["abc"], "other") == {}

    def test_who_lost_an_execution_writes_nothing_of_it_and_all_of_the_others(
        self, store: SqlExecutionStore
    ) -> None:
        for name in ("abc", "def"):
            store.create(new_execution(name))
        assert store.adopt("abc", "other", instead_of="me")
        changes = [replace(_change(name), frames={"execution": "1"}) for name in ("abc", "def")]
        assert store.commit(changes) == {"abc"}
        assert store.get("abc").position == 0
        assert store.history("abc") == []
        assert store.frames("abc") == {}
        assert store.frames("def") == {"execution": "1"}

    def test_an_advance_from_an_old_position_is_refused(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        store.commit([_change()])
        assert store.commit([_change()]) == {"abc"}
        assert [record.position for record in store.history("abc")] == [1]

    def test_at_the_end_nobody_owns_it_and_nothing_waits(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        store.commit([replace(_change(), status="Succeeded", release=True, ends=True)])
        assert store.get("abc").owner == ""
        assert store.adopt("abc", "me", instead_of="")
        assert store.inbox("me") == []

    def test_what_was_wished_of_an_ended_one_stays_until_it_is_taken_in(
        self, store: SqlExecutionStore
    ) -> None:
        store.create(new_execution())
        store.commit([replace(_change(), status="Failed", release=True, ends=True)])
        for wish in ("update", "retry"):
            store.post("abc", wish, statuses=["Failed"])
        store.adopt("abc", "me", instead_of="")
        taken = store.inbox("me")[0]
        store.commit([replace(_change(before=1), status="Failed", release=True, consumed=[taken.id])])
        store.adopt("abc", "me", instead_of="")
        assert [event.body for event in store.inbox("me")] == ["retry"]

    def test_a_full_disk_is_told_and_leaves_nothing(
        self, store: SqlExecutionStore, database: Database
    ) -> None:
        store.create(new_execution())
        _limit_pages(database, growth=4)
        with pytest.raises(StorageFullError):
            store.commit([replace(_change(), frames={"big": "x" * 1_000_000})])
        assert store.get("abc").position == 0
        assert store.frames("abc") == {}
        _limit_pages(database, growth=100_000)
        assert store.commit([replace(_change(), frames={"big": "x" * 1_000_000})]) == frozenset()


def _limit_pages(database: Database, growth: int) -> None:
    """Let every connection of the pool grow the file by so many pages and no more."""
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + growth}")


class TestOwnership:
    def test_only_one_of_two_adopts(self, store: SqlExecutionStore) -> None:
        store.create(new_execution(owner="dead"))
        assert store.adopt("abc", "first", instead_of="dead")
        assert not store.adopt("abc", "second", instead_of="dead")
        assert store.get("abc").owner == "first"

    def test_only_one_of_many_threads_adopts(self, store: SqlExecutionStore) -> None:
        store.create(new_execution(owner="dead"))
        won: list[str] = []

        def adopt(owner: str) -> None:
            if store.adopt("abc", owner, instead_of="dead"):
                won.append(owner)

        threads = [threading.Thread(target=adopt, args=(f"engine {n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [store.get("abc").owner]

    def test_nobody_adopts_what_is_not_there(self, store: SqlExecutionStore) -> None:
        assert not store.adopt("none", "me", instead_of="")

    def test_release_leaves_others_alone(self, store: SqlExecutionStore) -> None:
        store.create(new_execution("abc", owner="me"))
        store.create(new_execution("def", owner="you"))
        store.release("me")
        assert store.get("abc").owner == ""
        assert store.get("def").owner == "you"


class TestInbox:
    def test_events_come_in_order_and_only_for_the_owner(self, store: SqlExecutionStore) -> None:
        store.create(new_execution("abc", owner="me"))
        store.create(new_execution("def", owner="you"))
        assert store.post("def", "d1", statuses=["Executing"]) == "you"
        assert store.post("abc", "a1", statuses=["Executing"]) == "me"
        assert store.post("abc", "a2", statuses=["Executing"]) == "me"
        mine = store.inbox("me")
        assert [event.body for event in mine][1:] == ["a1", "a2"]
        assert {event.execution for event in mine} == {"abc"}

    def test_a_wrong_status_is_refused(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        with pytest.raises(WrongStateError, match="Executing"):
            store.post("abc", "x", statuses=["Failed", "Stopped"])
        assert len(store.inbox("me")) == 1

    def test_an_unknown_execution_is_refused(self, store: SqlExecutionStore) -> None:
        with pytest.raises(NotFoundError):
            store.post("none", "x", statuses=["Executing"])

    def test_waiting_are_those_with_a_status_or_an_event(self, store: SqlExecutionStore) -> None:
        for number, name in enumerate(["c", "b", "a"]):
            store.create(new_execution(name, after_s=number))
        consumed = {event.execution: [event.id] for event in store.inbox("me")}
        store.commit([replace(_change("c"), consumed=consumed["c"])])
        done = {"status": "Failed", "release": True, "ends": True}
        store.commit([replace(_change("b"), **done), replace(_change("a"), **done)])
        assert [row.id for row in store.waiting(["Executing"])] == ["c"]
        store.post("a", "retry", statuses=["Failed"])
        assert [row.id for row in store.waiting(["Executing"])] == ["c", "a"]
        assert [row.id for row in store.waiting([])] == ["a"]

    def test_the_watch_notices_what_another_process_writes(self, tmp_path: Path) -> None:
        mine, others = (Database.open_sqlite(tmp_path / "db.sqlite") for _ in range(2))
        watch = SqlExecutionStore(mine).watch()
        assert watch.has_changed(), "the first look is always worth it"
        assert not watch.has_changed()
        SqlExecutionStore(others).create(new_execution())
        assert watch.has_changed()
        assert not watch.has_changed()
        watch.close()
        mine.close()
        others.close()


class TestFind:
    @pytest.fixture(autouse=True)
    def _executions(self, store: SqlExecutionStore) -> None:
        for number in range(5):
            pipeline = "Odd" if number % 2 else "Even"
            store.create(new_execution(f"e{number}", pipeline=pipeline, after_s=number))
        store.create(new_execution("twin", pipeline="Even", after_s=4))

    def _ids(self, store: SqlExecutionStore, **options: object) -> list[str]:
        return [row.id for row in store.find(**options).executions]  # type: ignore[arg-type]

    def test_the_newest_come_first(self, store: SqlExecutionStore) -> None:
        assert self._ids(store) == ["twin", "e4", "e3", "e2", "e1", "e0"]
        assert self._ids(store, ascending=True) == ["e0", "e1", "e2", "e3", "e4", "twin"]

    def test_filters(self, store: SqlExecutionStore) -> None:
        assert self._ids(store, pipeline="Odd") == ["e3", "e1"]
        assert self._ids(store, pipeline="odd") == []
        assert self._ids(store, statuses=["Failed"]) == []
        assert self._ids(store, created_after=NOON + timedelta(seconds=3)) == ["twin", "e4"]
        assert self._ids(store, created_before=NOON + timedelta(seconds=1)) == ["e0"]

    def test_they_can_be_sorted_by_id(self, store: SqlExecutionStore) -> None:
        store.create(new_execution("a", after_s=9))
        by_id = ["a", "e0", "e1", "e2", "e3", "e4", "twin"]
        assert self._ids(store, order=ExecutionOrder.ID, ascending=True) == by_id
        assert self._ids(store, order=ExecutionOrder.ID) == by_id[::-1]

    def test_versions(self, store: SqlExecutionStore) -> None:
        for number, version in enumerate((7, 8, 7, 0)):
            store.create(new_execution(f"v{number}", pipeline="V", version=version, after_s=number))
        assert self._ids(store, pipeline="V", version=7) == ["v2", "v0"]
        assert self._ids(store, pipeline="V", version=0) == ["v3"]
        assert self._ids(store, pipeline="V", version=9) == []
        assert store.newest_of_versions("V") == {7: "v2", 8: "v1", 0: "v3"}
        assert store.newest_of_versions("Even") == {3: "twin"}
        assert store.newest_of_versions("None") == {}

    def test_last_starts(self, store: SqlExecutionStore) -> None:
        found = store.last_starts(["Odd", "None", "Even"])
        newest = {name: store.find(pipeline=name, limit=1).executions[0] for name in ("Odd", "Even")}
        assert found == {name: execution.created_at for name, execution in newest.items()}
        assert store.last_starts([]) == {}

    @pytest.mark.parametrize("order", list(ExecutionOrder))
    @pytest.mark.parametrize("ascending", [True, False])
    @pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
    def test_pages_join_without_gap_or_overlap(
        self, store: SqlExecutionStore, ascending: bool, limit: int, order: ExecutionOrder
    ) -> None:
        seen: list[str] = []
        token = None
        while True:
            page = store.find(order=order, ascending=ascending, limit=limit, after=token)
            seen += [row.id for row in page.executions]
            token = page.next_token
            if token is None:
                break
        assert seen == self._ids(store, order=order, ascending=ascending)

    @pytest.mark.parametrize("token", ["", "x", "12", "-e1", "١٢-e1", "9" * 30 + "-e1", "1;DROP-"])
    def test_a_foreign_token_is_refused(self, store: SqlExecutionStore, token: str) -> None:
        with pytest.raises(InvalidInputError):
            store.find(after=token)

    @pytest.mark.parametrize("token", ["", "-", "12-e1", "a b"])
    def test_a_token_of_another_order_is_refused(self, store: SqlExecutionStore, token: str) -> None:
        with pytest.raises(InvalidInputError):
            store.find(order=ExecutionOrder.ID, after=token)

    @pytest.mark.parametrize("limit", [0, -1, 1001])
    def test_a_wrong_limit_is_refused(self, store: SqlExecutionStore, limit: int) -> None:
        with pytest.raises(InvalidInputError):
            store.find(limit=limit)


class TestReading:
    def test_an_unknown_execution_is_told(self, store: SqlExecutionStore) -> None:
        with pytest.raises(NotFoundError, match="'none'"):
            store.get("none")

    def test_an_unknown_execution_has_nothing(self, store: SqlExecutionStore) -> None:
        assert store.frames("none") == {}
        assert store.history("none") == []
        assert store.tasks("none") == []
        assert store.timers("none") == {}

    def test_history_comes_in_pages(self, store: SqlExecutionStore) -> None:
        store.create(new_execution())
        store.commit([_change(records=5)])
        assert [record.position for record in store.history("abc", limit=2)] == [1, 2]
        assert [record.position for record in store.history("abc", after_position=2, limit=2)] == [3, 4]
        assert [record.position for record in store.history("abc", after_position=4)] == [5]
        assert store.history("abc", after_position=5) == []


class TestDelete:
    def _fill(self, store: SqlExecutionStore) -> None:
        for name in ("a", "b"):
            store.create(new_execution(name, pipeline="Gone"))
        store.create(new_execution("c", pipeline="Kept"))

    def test_what_runs_keeps_all(self, store: SqlExecutionStore) -> None:
        self._fill(store)
        with pytest.raises(WrongStateError, match="a is Executing"):
            store.delete("Gone", statuses=["Failed"])
        assert len(store.find(pipeline="Gone").executions) == 2

    def test_all_parts_go_and_those_of_others_stay(
        self, store: SqlExecutionStore, database: Database
    ) -> None:
        self._fill(store)
        for name in ("a", "c"):
            change = replace(
                _change(name),
                frames={"execution": "{}"},
                tasks={f"{name}/A/1": StoredTask(replace_struct(TASK, id=f"{name}/A/1"))},
                timers={"t": NOON},
            )
            assert store.commit([change]) == frozenset()
        assert store.delete("Gone", statuses=["Executing"]) == 2
        assert store.delete("Gone", statuses=[]) == 0
        assert [row.id for row in store.find().executions] == ["c"]
        assert [event.execution for event in store.inbox("me")] == ["c"]
        for table in (tables.frames, tables.history, tables.tasks, tables.timers, tables.inbox):
            with database.read() as connection:
                assert set(connection.execute(select(table.c.execution)).scalars()) == {"c"}, table.name


def test_strays_are_those_that_another_should_drive(store: SqlExecutionStore) -> None:
    for second, (name, owner) in enumerate({"a": "me", "b": "you", "c": "", "d": "you"}.items()):
        store.create(new_execution(name, owner=owner, after_s=second))
    assert store.strays("me", ["Executing"]) == [Stray("b", "you"), Stray("c", ""), Stray("d", "you")]
    assert store.strays("you", ["Executing"]) == [Stray("a", "me"), Stray("c", "")]
    # All have their first event in the inbox.
    assert store.strays("you", []) == [Stray("a", "me"), Stray("c", "")]
