"""Writes of items: after any of them, each index has exactly the items that have its attributes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.catalog.dynamodb.conditions import Comparison, Function, Literal
from stepmill.catalog.dynamodb.dynamodb import DynamoDb
from stepmill.catalog.dynamodb.paths import Path as Place
from stepmill.catalog.dynamodb.reading import Wanted
from stepmill.catalog.dynamodb.records import Kept, Table
from stepmill.catalog.dynamodb.schema import IndexSchema, KeySchema, TableSchema
from stepmill.catalog.dynamodb.tokens import KEPT_FOR, OtherRequestError
from stepmill.catalog.dynamodb.updates import Given, Update
from stepmill.catalog.dynamodb.writing import (
    Change,
    Check,
    ConditionFailedError,
    Put,
    Remove,
    TransactionFailedError,
    Written,
)
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.database import Database
from stepmill.storage.items import SqlItemStore
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing.clock import FakeClock

GLOBAL = IndexSchema("by-color", KeySchema("color", "n"), False, "ALL")
LOCAL = IndexSchema("by-n", KeySchema("p", "n"), True, "ALL")
SCHEMA = TableSchema(
    {"p": "S", "s": "N", "color": "S", "n": "N"}, KeySchema("p", "s"), {"by-color": GLOBAL, "by-n": LOCAL}
)
ABSENT = Function("attribute_not_exists", (Place(("p",)),))


def item(p: str, s: int, **attributes: dict[str, Any]) -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"N": str(s)}, **attributes}


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def dynamodb(clock: FakeClock) -> Iterator[DynamoDb]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open_sqlite(Path(folder) / "stepmill.db")
        yield DynamoDb(SqlRecordStore(database, clock), SqlItemStore(database), clock)
        database.close()


@pytest.fixture
def table(dynamodb: DynamoDb) -> Iterator[Table]:
    yield dynamodb.tables.create("table", Kept("", SCHEMA, "PAY_PER_REQUEST"))
    if dynamodb.tables.find("table"):
        dynamodb.tables.delete("table")


def all_items(dynamodb: DynamoDb, table: Table, index: IndexSchema | None = None) -> list[dict[str, Any]]:
    return [dict(each) for each in dynamodb.reading.page(Wanted(table, index)).items]


_colors = st.none() | st.sampled_from(["red", "blue"])
_numbers = st.none() | st.integers(-3, 3)
_steps = st.lists(
    st.tuples(st.sampled_from(["put", "change", "remove"]), st.sampled_from("ab"), st.integers(0, 1),
              _colors, _numbers),
    max_size=15,
)  # fmt: skip


@settings(max_examples=40)
@given(_steps)
def test_indexes_follow_every_write(dynamodb: DynamoDb, steps: list[tuple[Any, ...]]) -> None:
    table = dynamodb.tables.create("followed", Kept("", SCHEMA, "PAY_PER_REQUEST"))
    model: dict[tuple[str, int], dict[str, Any]] = {}
    for kind, p, s, color, number in steps:
        more = {"color": {"S": color}} if color else {}
        more |= {"n": {"N": str(number)}} if number is not None else {}
        whole = item(p, s, **more)
        if kind == "put":
            dynamodb.writing.write(Put(table, whole))
            model[p, s] = whole
        elif kind == "change":
            update = Update(sets=tuple((Place((name,)), Given(value)) for name, value in more.items()))
            dynamodb.writing.write(Change(table, item(p, s), update))
            model[p, s] = {**model.get((p, s), item(p, s)), **more}
        else:
            dynamodb.writing.write(Remove(table, item(p, s)))
            model.pop((p, s), None)
    try:
        assert all_items(dynamodb, table) == [model[place] for place in sorted(model)]

        def by_place(each: dict[str, Any]) -> tuple[Any, ...]:
            return int(each["n"]["N"]), each["p"]["S"], int(each["s"]["N"])

        colored = [each for each in model.values() if "color" in each and "n" in each]
        found = all_items(dynamodb, table, GLOBAL)
        assert found == sorted(colored, key=lambda each: (each["color"]["S"], *by_place(each)))
        numbered = [each for each in model.values() if "n" in each]
        found = all_items(dynamodb, table, LOCAL)
        assert found == sorted(numbered, key=lambda each: (each["p"]["S"], *by_place(each)))
    finally:
        dynamodb.tables.delete("followed")


def test_a_condition_sees_what_is_there(dynamodb: DynamoDb, table: Table) -> None:
    write = Put(table, item("a", 1), ABSENT)
    assert dynamodb.writing.write(write) == Written(None, item("a", 1))
    with pytest.raises(ConditionFailedError) as caught:
        dynamodb.writing.write(write)
    assert caught.value.item == item("a", 1)
    has_n = Comparison("=", Place(("n",)), Literal({"N": "1"}))
    with pytest.raises(ConditionFailedError) as caught:
        dynamodb.writing.write(Remove(table, item("b", 1), has_n))
    assert caught.value.item is None


def test_writes_that_belong_together(dynamodb: DynamoDb, table: Table) -> None:
    dynamodb.writing.write(Put(table, item("a", 1)))
    with pytest.raises(TransactionFailedError) as caught:
        dynamodb.writing.write_all(
            [
                Put(table, item("a", 2)),
                Check(table, item("a", 1), ABSENT),
                Change(table, item("a", 3), Update(sets=((Place(("n",)), Given({"S": "x"})),))),
            ]
        )
    first, second, third = caught.value.reasons
    assert first is None
    assert isinstance(second, ConditionFailedError)
    assert third is not None
    assert "unsupported type" in third.what
    assert all_items(dynamodb, table) == [item("a", 1)]


def test_an_item_has_four_hundred_kilobytes(dynamodb: DynamoDb, table: Table) -> None:
    # Names and keys count: p, a, s, and two bytes of the number 1; v.
    fits = 409_600 - len("pa") - len("s") - 2 - len("v")
    dynamodb.writing.write(Put(table, item("a", 1, v={"S": "x" * fits})))
    larger = Put(table, item("a", 1, v={"S": "x" * (fits + 1)}))
    with pytest.raises(InvalidInputError, match="Item size has exceeded the maximum allowed size"):
        dynamodb.writing.write(larger)
    update = Change(table, item("a", 1), Update(sets=((Place(("w",)), Given({"S": ""})),)))
    with pytest.raises(InvalidInputError, match="Item size to update has exceeded"):
        dynamodb.writing.write(update)


def test_an_update_does_not_nest_deeper(dynamodb: DynamoDb, table: Table) -> None:
    deep: dict[str, Any] = {"L": []}
    for _ in range(31):
        deep = {"L": [deep]}
    dynamodb.writing.write(Put(table, item("a", 1, v={"M": {}}, deep=deep)))
    update = Change(table, item("a", 1), Update(sets=((Place(("v", "w")), Given(deep)),)))
    with pytest.raises(InvalidInputError, match="Nesting Levels have exceeded supported limits"):
        dynamodb.writing.write(update)


def test_a_table_that_went_meanwhile(dynamodb: DynamoDb, table: Table) -> None:
    dynamodb.tables.delete("table")
    with pytest.raises(NotFoundError, match="Requested resource not found"):
        dynamodb.writing.write(Put(table, item("a", 1)))
    dynamodb.tables.create("table", Kept("", SCHEMA, "PAY_PER_REQUEST"))
    with pytest.raises(NotFoundError, match="Requested resource not found"):
        dynamodb.writing.write(Put(table, item("a", 1)))


def test_an_index_that_came_meanwhile_is_written(dynamodb: DynamoDb, table: Table) -> None:
    late = IndexSchema("late", KeySchema("more"), False, "ALL")
    changed = dynamodb.tables.add_index("table", late, {"more": "S"})
    dynamodb.writing.write(Put(table, item("a", 1, more={"S": "x"})))
    assert len(all_items(dynamodb, changed, late)) == 1


def test_a_name_is_taken_once(dynamodb: DynamoDb, table: Table) -> None:
    with pytest.raises(ConflictError, match="Table already exists: table"):
        dynamodb.tables.create(table.name, table.kept)


def test_whose_time_is_over_is_as_good_as_gone(dynamodb: DynamoDb, table: Table, clock: FakeClock) -> None:
    table = dynamodb.tables.set_ttl("table", "ends", enabled=True)
    soon = int((clock.now() + timedelta(minutes=1)).timestamp())
    dynamodb.writing.write(Put(table, item("a", 1, ends={"N": str(soon)}, color={"S": "red"}, n={"N": "1"})))
    assert dynamodb.writing.find(table, item("a", 1)) is not None
    clock.advance(timedelta(minutes=2))
    assert dynamodb.writing.find(table, item("a", 1)) is None
    assert dynamodb.writing.write(Put(table, item("a", 1), ABSENT)).old is None
    assert dynamodb.tables.size(table).entries == {"by-color": 0, "by-n": 0}


def test_a_token_is_forgotten_after_ten_minutes(dynamodb: DynamoDb, clock: FakeClock) -> None:
    done: list[int] = []

    def act() -> None:
        done.append(1)

    dynamodb.tokens.once("token", "one", act)
    dynamodb.tokens.once("token", "one", act)
    assert len(done) == 1
    with pytest.raises(OtherRequestError):
        dynamodb.tokens.once("token", "other", act)
    clock.advance(KEPT_FOR + timedelta(seconds=1))
    dynamodb.tokens.once("token", "other", act)
    assert len(done) == 2


def test_a_token_of_what_failed_is_free(dynamodb: DynamoDb) -> None:
    def fail() -> None:
        raise InvalidInputError("no")

    with pytest.raises(InvalidInputError):
        dynamodb.tokens.once("failed", "one", fail)
    done: list[int] = []
    dynamodb.tokens.once("failed", "other", lambda: done.append(1))
    assert done
