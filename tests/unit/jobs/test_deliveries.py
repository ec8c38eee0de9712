"""Deliveries: made for certain, tried again when it is time, put aside when it is of no use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stepmill.catalog.queues import Queues
from stepmill.core.errors import StorageError
from stepmill.core.json import JsonObject
from stepmill.jobs.deliveries import DELIVERY_KIND, Deliveries, DeliveryError, Parcel
from stepmill.storage.sql_records import SqlRecordStore
from support.cli import eventually
from support.keeping import Keeping, keeping


class Post:
    """Delivers as it is told: each failure in turn, then well."""

    def __init__(self, keeping_: Keeping) -> None:
        self.clock = keeping_.clock
        self.records: SqlRecordStore = keeping_.records
        self.queues = Queues(self.records, self.clock)
        self.failures: list[Exception] = []
        self.tried: list[JsonObject] = []
        self.lock = threading.Lock()
        self.deliveries = self.new()

    def new(self) -> Deliveries:
        return Deliveries({"post": self.send}, self.records, self.queues, self.clock, most_at_once=2)

    def send(self, document: JsonObject) -> None:
        with self.lock:
            self.tried.append(document)
            if self.failures:
                raise self.failures.pop(0)

    def left(self) -> int:
        return len(self.records.list(DELIVERY_KIND).records)

    def until(self, tried: int, left: int) -> None:
        eventually(lambda: (len(self.tried), self.left()) == (tried, left), f"{tried} attempts, {left} left")

    def until_put_off(self, attempt: int) -> None:
        def is_put_off() -> bool:
            return [record.body["attempt"] for record in self.records.list(DELIVERY_KIND).records] == [
                attempt
            ]

        eventually(is_put_off, f"attempt {attempt} waits")

    def advance(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))
        self.deliveries._agenda.look()


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with keeping(tmp_path) as kept:
        made = Post(kept)
        yield made
        made.deliveries.close()


def parcel(*delays_s: int, dead: str = "", route: str = "post") -> Parcel:
    return Parcel(route, {"text": "hello"}, delays_s, dead, "dead hello", {"said": {}})


def test_what_is_submitted_is_delivered_once(post: Post) -> None:
    post.deliveries.submit(parcel())
    post.until(1, left=0)
    assert post.tried == [{"text": "hello"}]


def test_what_is_kept_is_delivered_when_it_is_begun(post: Post) -> None:
    with post.records.transaction():
        record = post.deliveries.keep(parcel())
    assert post.tried == []
    post.deliveries.begin(record)
    post.deliveries.begin(record)
    post.until(1, left=0)


def test_a_failure_is_tried_again_after_its_delay_and_over_a_restart(post: Post) -> None:
    post.failures += [DeliveryError("busy"), RuntimeError("a bug"), DeliveryError("busy")]
    post.deliveries.submit(parcel(20, 60, 5))
    post.until_put_off(1)
    post.advance(20)
    post.until_put_off(2)
    post.deliveries.close()
    post.deliveries = post.new()
    assert post.deliveries.resume() == 1
    assert len(post.tried) == 2
    post.advance(60)
    post.until_put_off(3)
    post.advance(5)
    post.until(4, left=0)


def test_what_fails_too_often_or_for_good_is_put_aside(post: Post) -> None:
    post.queues.create("dead", {}, {})
    post.failures += [DeliveryError("no")]
    post.deliveries.submit(parcel(dead="dead"))
    post.until(1, left=0)
    post.failures += [DeliveryError("never", is_final=True)]
    post.deliveries.submit(parcel(20, dead="dead"))
    post.until(2, left=0)
    assert [(m.body, m.attributes) for m in post.queues.peek("dead")] == [("dead hello", {"said": {}})] * 2


def test_without_a_queue_for_dead_letters_it_is_dropped(post: Post) -> None:
    post.failures += [DeliveryError("no")] * 2
    post.deliveries.submit(parcel())
    post.deliveries.submit(parcel(dead="there-is-none"))
    post.until(2, left=0)
    assert post.queues.peek("there-is-none") == []


def test_a_route_that_nobody_knows_any_more_is_dropped(post: Post) -> None:
    post.deliveries.submit(parcel(route="pigeon"))
    post.until(0, left=0)


def test_a_store_that_fails_loses_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def broken(*_: object) -> None:
        failed.set()
        raise StorageError("The disk is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(post.records, "delete", broken)
        post.deliveries.submit(parcel())
        assert failed.wait(60)
    post.deliveries.close()
    post.deliveries = post.new()
    assert post.deliveries.resume() == 1
    post.until(2, left=0)
