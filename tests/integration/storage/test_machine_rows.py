"""What the store of executions keeps for state machines: beginnings in bulk, parents, long histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct
from sqlalchemy import insert, select

from stepmill.core.errors import WrongStateError
from stepmill.core.tasks import Task
from stepmill.storage import tables
from stepmill.storage.database import Database, to_micros
from stepmill.storage.executions import (
    STATES,
    ExecutionChange,
    HistoryRecord,
    MachineDetails,
    NewExecution,
    StoredTask,
    Stray,
)
from stepmill.storage.sql_executions import SqlExecutionStore
from support.executions import NOON, new_execution

TASK = Task("a/0/5", "r", {}, "arn", "M", "S", extra={"token": "t"})


@pytest.fixture
def store(database: Database) -> SqlExecutionStore:
    return SqlExecutionStore(database)


def _new(
    name: str, *, machine: str = "M", parent: str = "", redrives: int = 0, version: str = ""
) -> NewExecution:
    plain = new_execution(name, pipeline=machine)
    details = MachineDetails(name, "arn of M", redrive_count=redrives, version_arn=version)
    kept = replace(plain, language=STATES, status="RUNNING", parent=parent, texts={"text/input": "[1]"})
    return replace(kept, details=type(plain.details)(arn=name, definition="d", machine=details))


def _record(position: int, body: object = None, after_s: int = 0) -> HistoryRecord:
    return HistoryRecord(position, NOON + timedelta(seconds=after_s), "Entered", "S", {"n": body or position})


def _change(name: str, before: int = 0, records: int = 1, status: str = "RUNNING") -> ExecutionChange:
    history = [_record(before + offset) for offset in range(1, records + 1)]
    return ExecutionChange(name, "me", before, before + records, status, NOON, history=history)


class TestBeginning:
    def test_a_new_execution_and_its_first_change_are_one(self, store: SqlExecutionStore) -> None:
        assert store.commit([_change("a", records=3)], [_new("a")]) == frozenset()
        stored = store.get("a")
        assert (stored.language, stored.position, stored.owner) == (STATES, 3, "me")
        assert stored.details.machine == MachineDetails("a", "arn of M")
        assert store.frames("a") == {"text/input": "[1]"}
        assert store.definition("d") == "{}"
        assert store.inbox("me") == []

    def test_a_taken_id_loses_alone(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        changes = [replace(_change("a"), frames={"x": "y"}), _change("b")]
        assert store.commit(changes, [_new("a"), _new("b")]) == {"a"}
        assert (store.get("a").position, store.history("a")) == (0, [])
        assert "x" not in store.frames("a")
        assert store.get("b").position == 1


class TestHistory:
    @given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.data())
    @settings(max_examples=25, deadline=None)
    def test_it_reads_alike_however_it_was_written(
        self, tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
    ) -> None:
        database = Database.open_sqlite(tmp_path_factory.mktemp("history") / "db.sqlite")
        try:
            store = SqlExecutionStore(database)
            store.create(_new("a"))
            total = 0
            for size in sizes:
                assert store.commit([_change("a", total, size)]) == frozenset()
                total += size
            whole = [_record(position) for position in range(1, total + 1)]
            assert store.history("a", limit=total) == whole
            after = data.draw(st.integers(0, total))
            limit = data.draw(st.integers(1, 400))
            assert store.history("a", after_position=after, limit=limit) == whole[after : after + limit]
        finally:
            database.close()

    def test_a_burst_of_states_is_few_rows(self, store: SqlExecutionStore, database: Database) -> None:
        store.create(_new("a"))
        store.commit([_change("a", records=1000)])
        with database.read() as connection:
            rows = connection.execute(select(tables.history.c.position)).scalars().all()
        assert len(rows) < 10
        assert rows[-1] == 1000

    def test_large_records_have_rows_of_their_own(self, store: SqlExecutionStore, database: Database) -> None:
        store.create(_new("a"))
        records = [_record(n, "x" * 300_000) for n in (1, 2)] + [_record(3), _record(4, after_s=7)]
        change = replace(_change("a", records=4), history=records)
        store.commit([change])
        assert store.history("a") == records
        with database.read() as connection:
            assert connection.execute(select(tables.history.c.position)).scalars().all() == [1, 2, 4]

    def test_what_earlier_versions_wrote_is_read(self, store: SqlExecutionStore, database: Database) -> None:
        store.create(_new("a"))
        row = {"execution": "a", "at": to_micros(NOON), "type": "Entered", "step": "S"}
        with database.write() as connection:
            for position in (1, 2):
                connection.execute(
                    insert(tables.history), {**row, "position": position, "body": f'{{"n":{position}}}'}
                )
            connection.execute(tables.executions.update().values(position=2))
        store.commit([_change("a", before=2, records=2)])
        assert store.history("a") == [_record(position) for position in (1, 2, 3, 4)]


class TestAdoption:
    def test_many_are_taken_over_with_all_their_parts(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        store.create(_new("b"))
        parts = {"frames": {"x": "1"}, "tasks": {TASK.id: StoredTask(TASK)}, "timers": {"t": NOON}}
        store.commit([replace(_change("a"), **parts)])  # type: ignore[arg-type]
        loaded = store.adopt_all([Stray("b", "me"), Stray("a", "me"), Stray("none", "me")], "you")
        assert [each.stored.id for each in loaded] == ["b", "a"]
        assert {each.stored.owner for each in loaded} == {"you"}
        a = loaded[1]
        assert (a.frames, a.texts) == ({"text/input", "x"}, {"text/input": "[1]", "x": "1"})
        assert (list(a.tasks), a.timers) == ([StoredTask(TASK)], {"t": NOON})

    def test_what_another_has_taken_is_left_alone(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        assert store.adopt_all([Stray("a", "dead")], "you") == []
        assert store.get("a").owner == "me"

    def test_for_nobody_nothing_is_written(self, store: SqlExecutionStore, tmp_path: Path) -> None:
        other = Database.open_sqlite(tmp_path / "stepmill.db")
        watch = SqlExecutionStore(other).watch()
        watch.has_changed()
        assert store.adopt_all([], "you") == []
        assert not watch.has_changed()
        watch.close()
        other.close()

    def test_frames_are_read_at_once_only_where_they_are_few_and_small(
        self, store: SqlExecutionStore
    ) -> None:
        for name, frames in {"many": {f"f{n}": "1" for n in range(50)}, "large": {"f": "x" * 5000}}.items():
            store.create(_new(name))
            store.commit([replace(_change(name), frames=frames)])
        many, large = store.adopt_all([Stray("many", "me"), Stray("large", "me")], "you")
        assert (len(many.frames), many.texts) == (51, {})
        assert (large.frames, set(large.texts)) == ({"f", "text/input"}, {"text/input"})

    def test_tasks_that_were_told_to_stop_keep_an_ended_execution_in_sight(
        self, store: SqlExecutionStore
    ) -> None:
        store.create(_new("a"))
        told = {TASK.id: StoredTask(TASK, stopping=True)}
        store.commit([replace(_change("a", status="ABORTED"), tasks=told, ends=True)])
        assert [each.id for each in store.waiting(["RUNNING"])] == ["a"]
        assert store.strays("you", ["RUNNING"]) == [Stray("a", "me")]
        store.commit([replace(_change("a", before=1, status="ABORTED"), tasks={TASK.id: None})])
        assert store.waiting(["RUNNING"]) == []


class TestListing:
    def test_languages_parents_redrives_and_versions_are_told_apart(self, store: SqlExecutionStore) -> None:
        store.create(new_execution("pipeline", pipeline="M"))
        store.create(_new("plain"))
        store.create(_new("child", machine="M/Each", parent="run"))
        store.create(_new("redriven", redrives=2, version="v"))

        def ids(**filters: object) -> set[str]:
            return {row.id for row in store.find(**filters).executions}  # type: ignore[arg-type]

        assert ids(language=STATES) == {"plain", "child", "redriven"}
        assert ids(language=STATES, pipeline="M") == {"plain", "redriven"}
        assert ids(parent="run") == {"child"}
        assert ids(language=STATES, is_redriven=True) == {"redriven"}
        assert ids(language=STATES, is_redriven=False) == {"plain", "child"}
        assert ids(language=STATES, version_arn="v") == {"redriven"}
        assert ids(language=STATES, alias_arn="v") == set()
        assert store.last_starts(["M/Each"]) == {}

    def test_frames_by_the_beginning_of_their_names(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        store.commit([replace(_change("a"), frames={"run/1": "1", "runs": "2", "run_2": "3"})])
        assert store.frames("a", prefix="run/") == {"run/1": "1"}
        assert store.frames("a", prefix="run_") == {"run_2": "3"}


class TestOne:
    def test_a_task_is_found_by_its_id_until_it_has_ended(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        assert store.task(TASK.id) is None
        store.commit([replace(_change("a"), tasks={TASK.id: StoredTask(TASK)})])
        assert store.task(TASK.id) == StoredTask(TASK)
        store.commit([replace(_change("a", before=1), tasks={TASK.id: None})])
        assert store.task(TASK.id) is None

    def test_one_execution_is_removed_with_its_parts(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        store.create(_new("b"))
        store.commit([_change("a"), _change("b")])
        with pytest.raises(WrongStateError):
            store.remove("a", statuses=["FAILED"])
        store.remove("a", statuses=["RUNNING"])
        store.remove("a", statuses=["RUNNING"])
        assert [row.id for row in store.find().executions] == ["b"]
        assert (store.history("a"), store.frames("a")) == ([], {})
        assert len(store.history("b")) == 1

    def test_ended_express_executions_are_removed_and_no_others(self, store: SqlExecutionStore) -> None:
        for name, is_express, status, parent in (
            ("gone", True, "SUCCEEDED", ""),
            ("runs", True, "RUNNING", ""),
            ("iterates", True, "SUCCEEDED", "run"),
            ("standard", False, "SUCCEEDED", ""),
        ):
            new = _new(name, parent=parent)
            machine = MachineDetails(name, "arn", is_express=is_express)
            store.create(replace(new, details=replace_struct(new.details, machine=machine)))
            store.commit([_change(name, status=status)])
        final = ["SUCCEEDED"]
        assert store.remove_express(NOON, statuses=final) == 0
        assert store.remove_express(NOON + timedelta(seconds=1), statuses=final) == 1
        assert {row.id for row in store.find().executions} == {"runs", "iterates", "standard"}
        assert (store.history("gone"), len(store.history("standard"))) == ([], 1)

    def test_an_event_for_any_status_is_taken(self, store: SqlExecutionStore) -> None:
        store.create(_new("a"))
        assert store.post("a", "", statuses=None) == "me"
