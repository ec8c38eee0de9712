"""What every store of records must do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.records import (
    LARGEST_PAGE,
    LONGEST_NAME,
    GroupName,
    Record,
    RecordStore,
    Selection,
    SortBy,
)
from stepmill.testing.clock import FakeClock

_SECOND = timedelta(seconds=1)


def _names(records: Sequence[Record]) -> list[str]:
    return [record.name for record in records]


class RecordStoreContract:
    """Inherit it, and give a fixture ``store``: an empty ``RecordStore`` that reads the fixture ``clock``."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Return the clock that the store reads."""
        return FakeClock()

    @pytest.fixture
    def store(self) -> RecordStore:
        """Return the empty store to test."""
        pytest.fail("The test class has no fixture `store`.")

    def test_a_record_comes_back_as_it_was_created(self, store: RecordStore, clock: FakeClock) -> None:
        body: JsonObject = {
            "request": {"Name": "ä\x00\U0010ffff", "n": [1, 2.5, None, True, {}]},
            "state": {},
        }
        made = store.create("model", "one", body, parent="group", number=3, status="Pending")
        now = clock.now()
        assert made == Record("model", "one", "group", 3, "Pending", now, now, 1, body)
        assert store.get("model", "one") == made
        assert store.find("model", "one") == made

    def test_what_is_not_there_is_not_found(self, store: RecordStore) -> None:
        store.create("model", "one", {})
        assert store.find("model", "One") is None
        assert store.find("endpoint", "one") is None
        with pytest.raises(NotFoundError, match="model 'two'"):
            store.get("model", "two")

    def test_a_name_is_taken_once_per_kind(self, store: RecordStore) -> None:
        store.create("model", "one", {"n": 1})
        with pytest.raises(ConflictError, match="model 'one'"):
            store.create("model", "one", {"n": 2})
        assert store.get("model", "one").body == {"n": 1}
        assert store.create("endpoint", "one", {}).kind == "endpoint"

    @pytest.mark.parametrize("name", ["", "n" * (LONGEST_NAME + 1), "half \ud800 pair"])
    def test_a_name_that_no_database_takes_is_refused(self, store: RecordStore, name: str) -> None:
        with pytest.raises(InvalidInputError):
            store.create("model", name, {})

    def test_a_transaction_keeps_all_or_nothing(self, store: RecordStore) -> None:
        store.create("pipeline", "one", {})
        with store.transaction():
            with store.transaction():
                store.create("version", "one/1", {})
            store.update("pipeline", "one", lambda old: replace(old, number=1))
            assert store.get("version", "one/1").body == {}
        assert store.get("pipeline", "one").number == 1

        def fail_at_the_end() -> None:
            with store.transaction():
                with store.transaction():
                    store.update("pipeline", "one", lambda old: replace(old, number=2))
                store.delete("version", "one/1")
                store.create_numbered("version", "one", lambda n: f"one/{n}", lambda _: {})
                store.create("pipeline", "one", {})

        with pytest.raises(ConflictError):
            fail_at_the_end()
        assert store.get("pipeline", "one").number == 1
        assert store.find("version", "one/1") is not None
        assert store.list("version").records == (store.get("version", "one/1"),)

    def test_a_transaction_shuts_others_out(self, store: RecordStore) -> None:
        store.create("counter", "one", {})

        def add_one(_: int) -> None:
            with store.transaction():
                before = store.get("counter", "one").number
                store.update("counter", "one", lambda old: replace(old, number=before + 1))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(add_one, range(40)))
        assert store.get("counter", "one").number == 40

    def test_half_a_surrogate_pair_is_refused_in_questions_too(self, store: RecordStore) -> None:
        with pytest.raises(InvalidInputError):
            store.find("model", "\udcff")
        with pytest.raises(InvalidInputError):
            store.list("model", name_contains="\udcff")

    def test_an_update_changes_what_may_change(self, store: RecordStore, clock: FakeClock) -> None:
        made = store.create("job", "one", {"n": 1}, status="InProgress")
        clock.advance(_SECOND)
        changed = store.update("job", "one", lambda old: replace(old, status="Completed", body={"n": 2}))
        expected = replace(
            made, status="Completed", body={"n": 2}, modified_at=made.created_at + _SECOND, revision=2
        )
        assert changed == expected
        assert store.get("job", "one") == expected

    def test_an_update_cannot_change_identity_or_birth(self, store: RecordStore) -> None:
        made = store.create("job", "one", {})
        other = replace(
            made, kind="x", name="y", created_at=made.created_at - _SECOND, revision=77, parent="p"
        )
        changed = store.update("job", "one", lambda _: other)
        assert (changed.kind, changed.name, changed.created_at) == ("job", "one", made.created_at)
        assert (changed.revision, changed.parent) == (2, "p")
        assert store.find("x", "y") is None

    def test_an_update_that_changes_nothing_writes_nothing(
        self, store: RecordStore, clock: FakeClock
    ) -> None:
        made = store.create("job", "one", {})
        clock.advance(_SECOND)
        assert store.update("job", "one", lambda old: old) == made
        assert store.get("job", "one") == made

    def test_an_update_of_nothing_is_an_error(self, store: RecordStore) -> None:
        with pytest.raises(NotFoundError):
            store.update("job", "one", lambda old: old)

    def test_an_update_that_raises_changes_nothing(self, store: RecordStore) -> None:
        made = store.create("job", "one", {})

        def change(_: Record) -> Record:
            raise KeyError("changed my mind")

        with pytest.raises(KeyError):
            store.update("job", "one", change)
        assert store.get("job", "one") == made

    def test_no_update_is_lost_among_threads(self, store: RecordStore) -> None:
        store.create("job", "one", {"n": 0})

        def add(_: int) -> None:
            store.update("job", "one", lambda old: replace(old, body={"n": int(str(old.body["n"])) + 1}))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(64)))
        found = store.get("job", "one")
        assert (found.body, found.revision) == ({"n": 64}, 65)

    def test_a_deleted_record_is_gone(self, store: RecordStore) -> None:
        store.create("model", "one", {})
        store.delete("model", "one")
        assert store.find("model", "one") is None
        with pytest.raises(NotFoundError):
            store.delete("model", "one")
        assert store.create("model", "one", {}).revision == 1

    def test_numbers_begin_at_one_for_each_parent(self, store: RecordStore) -> None:
        def create(parent: str) -> Record:
            return store.create_numbered(
                "package", parent, lambda n: f"{parent}/{n}", lambda n: {"v": n}, "Ready"
            )

        made = [create("a"), create("a"), create("b")]
        assert [(r.name, r.parent, r.number, r.status, r.body) for r in made] == [
            ("a/1", "a", 1, "Ready", {"v": 1}),
            ("a/2", "a", 2, "Ready", {"v": 2}),
            ("b/1", "b", 1, "Ready", {"v": 1}),
        ]

    def test_a_number_is_never_given_twice(self, store: RecordStore) -> None:
        numbers = []
        for _ in range(3):
            made = store.create_numbered("package", "a", lambda n: f"a/{n}", lambda _: {})
            numbers.append(made.number)
            store.delete("package", made.name)
        assert numbers == [1, 2, 3]

    def test_numbers_go_on_behind_one_that_was_chosen(self, store: RecordStore) -> None:
        store.create("package", "a/7", {}, parent="a", number=7)
        assert store.create_numbered("package", "a", lambda n: f"a/{n}", lambda _: {}).number == 8

    def test_a_number_whose_name_is_taken_is_a_conflict(self, store: RecordStore) -> None:
        store.create("package", "a/1", {})
        with pytest.raises(ConflictError):
            store.create_numbered("package", "a", lambda n: f"a/{n}", lambda _: {})

    def test_threads_get_different_numbers(self, store: RecordStore) -> None:
        start = threading.Barrier(8)

        def create(_: int) -> int:
            start.wait()
            return store.create_numbered("package", "a", lambda n: f"a/{n}", lambda _: {}).number

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(create, range(8))) == list(range(1, 9))

    def test_numbering_leaves_nothing_in_a_listing(self, store: RecordStore) -> None:
        store.create_numbered("package", "a", lambda n: f"a/{n}", lambda _: {})
        assert _names(store.list("package").records) == ["a/1"]

    def test_an_empty_listing_has_no_further_page(self, store: RecordStore) -> None:
        page = store.list("model")
        assert (page.records, page.next_token) == ((), None)

    def _fill(self, store: RecordStore, clock: FakeClock) -> None:
        """Create c, a, b, d, e in this order, then change a; d and e at the same moment."""
        for number, name in enumerate(["c", "a", "b", "d"], start=1):
            clock.advance(_SECOND)
            store.create(
                "model", name, {}, number=number, parent="xy"[number % 2], status="odd" if number % 2 else ""
            )
        store.create("model", "e", {}, number=4)
        clock.advance(_SECOND)
        store.update("model", "a", lambda old: replace(old, body={"changed": True}))
        store.create("other", "z", {})

    @pytest.mark.parametrize(
        ("sort_by", "expected"),
        [
            ("created", "cabde"),
            ("modified", "cbdea"),
            ("name", "abcde"),
            ("number", "cabde"),
            ("status", "adebc"),
        ],
    )
    def test_each_order_in_both_directions(
        self, store: RecordStore, clock: FakeClock, sort_by: str, expected: str
    ) -> None:
        self._fill(store, clock)
        assert _names(store.list("model", sort_by=sort_by).records) == list(expected)
        assert _names(store.list("model", sort_by=sort_by, descending=True).records) == list(
            reversed(expected)
        )

    @pytest.mark.parametrize("sort_by", ["created", "modified", "name", "number", "status"])
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("limit", [1, 2, 5, 6])
    def test_pages_put_together_are_the_listing(
        self, store: RecordStore, clock: FakeClock, sort_by: str, descending: bool, limit: int
    ) -> None:
        self._fill(store, clock)
        whole = store.list("model", sort_by=sort_by, descending=descending)
        assert whole.next_token is None
        gathered: list[Record] = []
        after = None
        while True:
            page = store.list("model", sort_by=sort_by, descending=descending, limit=limit, after=after)
            gathered += page.records
            after = page.next_token
            if after is None:
                break
            assert len(page.records) == limit
        assert tuple(gathered) == whole.records

    def test_a_page_begins_where_the_last_one_ended_whatever_happened_since(
        self, store: RecordStore, clock: FakeClock
    ) -> None:
        self._fill(store, clock)
        page = store.list("model", sort_by="name", limit=2)
        store.delete("model", "a")
        store.delete("model", "b")
        store.create("model", "aa", {})
        assert _names(store.list("model", sort_by="name", limit=2, after=page.next_token).records) == [
            "c",
            "d",
        ]

    def test_filters(self, store: RecordStore, clock: FakeClock) -> None:
        self._fill(store, clock)
        assert _names(store.list("model", parent="y").records) == ["c", "b"]
        assert _names(store.list("model", parent="").records) == ["e"]
        assert _names(store.list("model", has_parent=True).records) == ["c", "a", "b", "d"]
        assert _names(store.list("model", has_parent=True, parent="").records) == []
        assert _names(store.list("model", status="odd").records) == ["c", "b"]
        assert _names(store.list("model", status="odd", parent="x").records) == []
        born = store.get("model", "b").created_at
        assert _names(store.list("model", created_after=born).records) == ["d", "e"]
        assert _names(store.list("model", created_before=born).records) == ["c", "a"]
        # The one that was changed since counts by its change.
        assert _names(store.list("model", modified_after=born).records) == ["a", "d", "e"]
        assert _names(store.list("model", modified_before=born).records) == ["c"]
        both = store.list("model", modified_after=born, created_before=born)
        assert _names(both.records) == ["a"]

    def test_a_selection_asks_for_the_same_as_its_members(self, store: RecordStore, clock: FakeClock) -> None:
        self._fill(store, clock)
        born = store.get("model", "b").created_at
        chosen = Selection(
            status="", name_contains="A", modified_after=born, sort_by=SortBy.NAME, descending=True
        )
        assert _names(chosen.page(store, "model").records) == ["a"]
        first = Selection(limit=2).page(store, "model")
        rest = Selection(limit=3, after=first.next_token).page(store, "model")
        assert _names([*first.records, *rest.records]) == list("cabde")
        assert _names(list(Selection(limit=2).all(store, "model"))) == list("cabde")
        assert _names(list(Selection(limit=5, parent="y").all(store, "model"))) == list("cb")
        early = Selection(parent="x", status="", created_before=born, modified_before=born)
        assert _names(early.page(store, "model").records) == []
        assert _names(Selection(has_parent=True, created_after=born).page(store, "model").records) == ["d"]
        assert _names(Selection(created_after=born).page(store, "model").records) == ["d", "e"]

    def test_names_are_searched_without_case_and_without_wildcards(self, store: RecordStore) -> None:
        for name in ("Train-1", "retrain", "100%", "a_b", "a\\b", "axb"):
            store.create("job", name, {})
        assert _names(store.list("job", name_contains="TRAIN", sort_by="name").records) == [
            "Train-1",
            "retrain",
        ]
        assert _names(store.list("job", name_contains="%").records) == ["100%"]
        assert _names(store.list("job", name_contains="a_b").records) == ["a_b"]
        assert _names(store.list("job", name_prefix="A_", sort_by="name").records) == ["a_b"]
        assert _names(store.list("job", name_prefix="_").records) == []
        assert _names(store.list("job", name_contains="\\").records) == ["a\\b"]

    @pytest.mark.parametrize("limit", [0, -1, LARGEST_PAGE + 1])
    def test_an_impossible_page_is_refused(self, store: RecordStore, limit: int) -> None:
        with pytest.raises(InvalidInputError):
            store.list("model", limit=limit)

    def test_an_unknown_order_is_refused(self, store: RecordStore) -> None:
        with pytest.raises(InvalidInputError, match="size"):
            store.list("model", sort_by="size")

    @pytest.mark.parametrize("token", ["", "x", "ä", "bm90IGpzb24=", "W10=", "\ud800", "A" * 10_000])
    def test_what_is_no_token_is_refused(self, store: RecordStore, token: str) -> None:
        with pytest.raises(InvalidInputError):
            store.list("model", after=token)

    def test_a_token_of_another_order_is_refused(self, store: RecordStore, clock: FakeClock) -> None:
        self._fill(store, clock)
        token = store.list("model", sort_by="created", limit=1).next_token
        with pytest.raises(InvalidInputError):
            store.list("model", sort_by="name", after=token)
        with pytest.raises(InvalidInputError):
            store.list("model", sort_by="created", descending=True, after=token)

    def test_a_record_is_in_any_number_of_groups(self, store: RecordStore) -> None:
        for group, parent in (("g1", "above"), ("g2", "above"), ("g3", "other")):
            store.create("group", group, {}, parent=parent)
        for name in ("a", "b", "c"):
            store.create("model", name, {})
        assert store.join("model", "a", GroupName("group", "g1"))
        assert not store.join("model", "a", GroupName("group", "g1"))
        assert store.join("model", "a", GroupName("group", "g2"))
        assert store.join("model", "b", GroupName("group", "g3"))
        assert store.join("model", "c", GroupName("cluster", "g1"))
        first = Selection(group=GroupName("group", "g1"))
        assert _names(list(first.all(store, "model"))) == ["a"]
        above = Selection(group_parent=GroupName("group", "above"), limit=1)
        assert _names(list(above.all(store, "model"))) == ["a"]
        assert list(replace(above, group_parent=GroupName("cluster", "above")).all(store, "model")) == []
        assert list(store.groups("model", ["a", "c", "none"])) == [
            ("a", GroupName("group", "g1")),
            ("a", GroupName("group", "g2")),
            ("c", GroupName("cluster", "g1")),
        ]
        assert store.leave("model", "a", GroupName("group", "g1"))
        assert not store.leave("model", "a", GroupName("group", "g1"))
        assert list(first.all(store, "model")) == []
        with pytest.raises(InvalidInputError):
            store.join("model", "\ud800", GroupName("group", "g1"))

    def test_records_are_found_many_at_once(self, store: RecordStore) -> None:
        for name in ("a", "b", "c"):
            store.create("model", name, {"n": name})
        store.create("job", "b", {})
        assert list(store.find_all("model", ["c", "none", "a", "a"])) == [
            store.get("model", "a"), store.get("model", "c"),
        ]  # fmt: skip
        assert list(store.find_all("model", [])) == []
        many = [f"n{number}" for number in range(40_000)]
        assert _names(store.find_all("model", [*many, "b"])) == ["b"]
