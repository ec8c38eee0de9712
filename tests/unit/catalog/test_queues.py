"""Queues, and who has a message when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepmill.catalog.queue_records import (
    Counts,
    Letter,
    queue_of_url,
    read_receipt,
    second_after,
    second_of,
    write_receipt,
)
from stepmill.catalog.queues import Queues
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.storage.database import Database
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing.clock import FakeClock

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queues(tmp_path: Path, clock: FakeClock) -> Iterator[Queues]:
    database = Database.open_sqlite(tmp_path / "stepmill.db")
    yield Queues(SqlRecordStore(database, clock), clock)
    database.close()


def bodies(
    queues: Queues, name: str = "q", *, most: int = 10, visibility: timedelta | None = None
) -> list[str]:
    return [message.body for message in queues.receive(name, most=most, visibility=visibility)]


class TestQueues:
    def test_a_queue_is_made_once(self, queues: Queues, clock: FakeClock) -> None:
        made = queues.create("q", {"DelaySeconds": "5"}, {"team": "a"})
        assert (made.name, made.attributes, made.tags) == ("q", {"DelaySeconds": "5"}, {"team": "a"})
        assert made.created_at == clock.now()
        assert queues.get("q") == made
        assert queues.create("q", {"DelaySeconds": "5"}, {}) == queues.create("q", {}, {}) == made
        with pytest.raises(ConflictError, match="different value for DelaySeconds"):
            queues.create("q", {"DelaySeconds": "6"}, {})
        assert queues.exists("q")
        assert not queues.exists("Q")
        assert not queues.exists("")

    def test_what_sqs_refuses_is_refused(self, queues: Queues) -> None:
        with pytest.raises(InvalidInputError):
            queues.create("a b", {}, {})
        with pytest.raises(UnsupportedError):
            queues.create("a.fifo", {}, {})
        with pytest.raises(InvalidInputError):
            queues.create("q", {"DelaySeconds": "-1"}, {})
        assert queues.page().queues == ()

    def test_attributes_and_tags_change(self, queues: Queues) -> None:
        queues.create("q", {"DelaySeconds": "5", "Policy": "{}"}, {"a": "1", "b": "2"})
        queues.set_attributes("q", {"DelaySeconds": "6", "Policy": ""})
        queues.tag("q", {"b": "3", "c": "4"})
        queues.untag("q", ["a", "z"])
        found = queues.get("q")
        assert found.attributes == {"DelaySeconds": "6", "Policy": ""}
        assert found.tags == {"b": "3", "c": "4"}
        with pytest.raises(InvalidInputError):
            queues.set_attributes("q", {"DelaySeconds": "no"})

    def test_they_are_listed_by_name(self, queues: Queues) -> None:
        for name in ("b-1", "a-1", "b-2"):
            queues.create(name, {}, {})
        first = queues.page("b", limit=1)
        rest = queues.page("b", limit=1, after=first.next_token)
        assert [queue.name for queue in (*first.queues, *rest.queues)] == ["b-1", "b-2"]
        assert rest.next_token is None
        assert [queue.name for queue in queues.page().queues] == ["a-1", "b-1", "b-2"]

    def test_what_is_not_there(self, queues: Queues) -> None:
        for ask in (
            lambda: queues.get("q"),
            lambda: queues.delete("q"),
            lambda: queues.purge("q"),
            lambda: queues.set_attributes("q", {}),
            lambda: queues.tag("q", {}),
            lambda: queues.receive("q"),
            lambda: queues.delete_message("q", "x"),
            lambda: queues.change_visibility("q", "x", SECOND),
            lambda: queues.get(""),
        ):
            with pytest.raises(NotFoundError, match="does not exist"):
                ask()

    def test_its_messages_go_with_it(self, queues: Queues) -> None:
        for name in ("q", "r"):
            queues.create(name, {}, {})
            queues.send(name, Letter(name))
        queues.delete("q")
        assert queues.peek("q") == []
        assert bodies(queues, "r") == ["r"]

    def test_purging_leaves_the_queue(self, queues: Queues) -> None:
        queues.create("q", {}, {})
        for number in range(3):
            queues.send("q", Letter(str(number)))
        queues.receive("q")
        queues.purge("q")
        assert queues.counts("q") == Counts()
        assert queues.exists("q")


class TestMessages:
    def test_it_is_received_as_it_was_sent(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {}, {})
        sent = queues.send("q", Letter("hello", {"said": {"a": 1}}, "ada"))
        assert (sent.receives, sent.first_received_at, sent.receipt) == (0, None, "")
        clock.advance(SECOND)
        (got,) = queues.receive("q", most=10)
        assert (got.id, got.body, got.attributes, got.sender) == (sent.id, "hello", {"said": {"a": 1}}, "ada")
        assert (got.sent_at, got.first_received_at, got.receives) == (sent.sent_at, clock.now(), 1)

    def test_whoever_has_it_has_it_alone_for_a_while(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {"VisibilityTimeout": "5"}, {})
        queues.send("q", Letter("a"))
        first = queues.receive("q")[0]
        assert queues.receive("q") == []
        clock.advance(5 * SECOND)
        second = queues.receive("q", visibility=10 * SECOND)[0]
        assert (second.id, second.receives, second.first_received_at) == (
            first.id,
            2,
            first.first_received_at,
        )
        assert second.receipt != first.receipt
        clock.advance(9 * SECOND)
        assert queues.receive("q") == []
        clock.advance(SECOND)
        assert len(queues.receive("q")) == 1

    def test_deleted_it_does_not_come_again(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {}, {})
        queues.send("q", Letter("a"))
        message = queues.receive("q")[0]
        for _ in range(2):
            queues.delete_message("q", message.receipt)
        clock.advance(timedelta(hours=1))
        assert queues.receive("q") == []

    def test_an_old_receipt_deletes_nothing(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {"VisibilityTimeout": "1"}, {})
        queues.create("other", {}, {})
        queues.send("q", Letter("a"))
        old = queues.receive("q")[0]
        clock.advance(2 * SECOND)
        new = queues.receive("q")[0]
        queues.delete_message("q", old.receipt)
        queues.delete_message("other", new.receipt)
        assert queues.counts("q").in_flight == 1
        queues.delete_message("q", new.receipt)
        assert queues.counts("q") == Counts()

    def test_visibility_changes_for_whoever_has_it(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {}, {})
        queues.send("q", Letter("a"))
        message = queues.receive("q")[0]
        queues.change_visibility("q", message.receipt, 100 * SECOND)
        clock.advance(99 * SECOND)
        assert queues.receive("q") == []
        queues.change_visibility("q", message.receipt, timedelta(0))
        with pytest.raises(WrongStateError, match="not in flight"):
            queues.change_visibility("q", message.receipt, SECOND)
        again = queues.receive("q")[0]
        with pytest.raises(WrongStateError):
            queues.change_visibility("q", message.receipt, SECOND)
        queues.delete_message("q", again.receipt)
        with pytest.raises(WrongStateError):
            queues.change_visibility("q", again.receipt, SECOND)

    def test_delays_are_the_messages_or_the_queues(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {"DelaySeconds": "5"}, {})
        queues.send("q", Letter("queue"))
        queues.send("q", Letter("own", delay=2 * SECOND))
        queues.send("q", Letter("none", delay=timedelta(0)))
        assert queues.counts("q") == Counts(visible=1, delayed=2)
        assert bodies(queues) == ["none"]
        assert queues.counts("q") == Counts(in_flight=1, delayed=2)
        clock.advance(2 * SECOND)
        assert bodies(queues) == ["own"]
        clock.advance(3 * SECOND)
        assert bodies(queues) == ["queue"]

    def test_the_oldest_come_first_and_no_more_than_asked(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {}, {})
        for number in range(25):
            queues.send("q", Letter(str(number)))
            clock.advance(timedelta(milliseconds=130))
        assert bodies(queues, most=10) == [str(number) for number in range(10)]
        assert bodies(queues, most=10) == [str(number) for number in range(10, 20)]
        assert bodies(queues, most=10) == [str(number) for number in range(20, 25)]
        assert bodies(queues, most=10) == []

    def test_taken_for_no_time_each_comes_once_a_call(self, queues: Queues) -> None:
        queues.create("q", {"MessageRetentionPeriod": "60"}, {})
        for number in range(3):
            queues.send("q", Letter(str(number)))
        for _ in range(2):
            assert sorted(bodies(queues, most=2, visibility=timedelta(0))) == ["0", "1"]
            assert sorted(bodies(queues, most=3, visibility=timedelta(0))) == ["0", "1", "2"]

    def test_what_is_older_than_the_queue_keeps_goes(self, queues: Queues, clock: FakeClock) -> None:
        queues.create("q", {"MessageRetentionPeriod": "60"}, {})
        for number in range(12):
            queues.send("q", Letter(str(number)))
        clock.advance(60 * SECOND)
        queues.send("q", Letter("new"))
        assert bodies(queues, most=5) == ["new"]
        assert len(queues.peek("q")) == 1

    def test_what_nobody_deletes_is_moved_aside(self, queues: Queues, clock: FakeClock) -> None:
        arn = "arn:aws:sqs:us-west-2:123456789012:dead"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        queues.create("dead", {}, {})
        queues.create("q", {"RedrivePolicy": policy, "VisibilityTimeout": "1"}, {})
        sent = queues.send("q", Letter("bad"))
        for _ in range(2):
            assert bodies(queues) == ["bad"]
            clock.advance(2 * SECOND)
        assert bodies(queues) == []
        (moved,) = queues.receive("dead")
        assert (moved.id, moved.moved_from, moved.receives) == (sent.id, "q", 1)

    def test_an_id_is_sent_once(self, queues: Queues) -> None:
        queues.send("later", Letter("a", id="one"))
        with pytest.raises(ConflictError):
            queues.send("later", Letter("b", id="one"))
        queues.create("later", {}, {})
        assert bodies(queues, "later") == ["a"]

    def test_many_receivers_share_what_is_there(self, queues: Queues) -> None:
        queues.create("q", {}, {})
        for number in range(60):
            queues.send("q", Letter(str(number)))
        with ThreadPoolExecutor(6) as threads:
            taken = list(threads.map(lambda _: bodies(queues, most=7), range(12)))
        assert sorted(int(body) for part in taken for body in part) == list(range(60))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://sqs.us-west-2.amazonaws.com/123456789012/approvals", "approvals"),
        ("http://127.0.0.1:7070/123456789012/a-b_c", "a-b_c"),
        ("http://localhost:1/000000000000/q/", "q"),
        ("https://queue.amazonaws.com/999999999999/orders.fifo", "orders.fifo"),
        ("approvals", ""),
        ("https://example.com/approvals", ""),
        ("https://sqs/123456789012/a/b", ""),
        ("https://sqs/123456789012/a b", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_a_url_names_a_queue_of_any_account(url: str, name: str) -> None:
    assert queue_of_url(url) == name


@given(st.text(min_size=1).filter(lambda text: " " not in text), st.integers(0, 10**9 - 1))
def test_a_receipt_says_which_and_when(identifier: str, receives: int) -> None:
    try:
        receipt = write_receipt(identifier, receives)
    except UnicodeEncodeError:
        return
    assert read_receipt(receipt) == (identifier, receives)


@pytest.mark.parametrize("receipt", ["", "x", "YQ==", "YSA=", "YSBi", "é", "YSAtMQ==", "/w=="])
def test_what_is_no_receipt_is_refused(receipt: str) -> None:
    with pytest.raises(InvalidInputError, match="receipt handle is invalid"):
        read_receipt(receipt)


@given(st.integers(0, 43_200), st.integers(0, 999_999))
def test_nobody_gets_a_message_before_its_time(wait_s: int, micros: int) -> None:
    now = FakeClock().now().replace(microsecond=micros)
    number = second_after(now, timedelta(seconds=wait_s))
    assert number >= (now + timedelta(seconds=wait_s)).timestamp() - (0 if wait_s else 1)
    assert number - second_of(now) <= wait_s + 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 2_000_000), min_size=2, max_size=20))
def test_ids_sort_by_time(queues: Queues, micros: list[int]) -> None:
    moments = [FakeClock().now() + timedelta(microseconds=each) for each in sorted(micros)]
    ids = [queues._new_id(moment) for moment in moments]
    assert len(set(ids)) == len(ids)
    for (one, first), (two, second) in pairwise(zip(moments, ids, strict=True)):
        assert first < second or one == two
