"""Rules are kept with their bucket, and whoever is to hear of a change does, before the change is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.queues import Queues
from stepmill.core.errors import InvalidInputError, NotFoundError, StorageFullError
from stepmill.core.happenings import Happening
from stepmill.core.json import Json, read_json
from stepmill.jobs.notifications.notifications import Notifications
from stepmill.jobs.notifications.rules import NotificationRule
from stepmill.jobs.publishing.publisher import Draft
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, BUCKET, Keeping, keeping

CREATED, REMOVED = "s3:ObjectCreated:*", "s3:ObjectRemoved:*"


class Events:
    """In place of the functions' events: keeps what is left there."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Any]] = []
        self.error: Exception | None = None

    def submit(self, name: str, qualifier: str, event: Json) -> str:
        if self.error is not None:
            raise self.error
        self.taken.append((name, qualifier, event))
        return ""


class Case:
    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.events = Events()
        self.queues = Queues(kept.records, kept.clock)
        events: Any = self.events
        self.happenings: list[Happening] = []
        self.published: list[tuple[str, Draft]] = []
        self.notifications = Notifications(
            kept.objects,
            lambda: events,
            self.queues,
            lambda: self,  # type: ignore[arg-type, return-value]
            clock=kept.clock,
            arns=ARNS,
            emit=self.happenings.append,
        )

    def publish(self, name: str, draft: Draft) -> list[str]:
        """In place of the publisher: keep what is published."""
        self.published.append((name, draft))
        return [""]

    def told(self) -> list[tuple[str, str, str]]:
        """Function, event and key of all that functions were told."""
        records = [(name, event["Records"][0]) for name, _, event in self.events.taken]
        return [(name, record["eventName"], record["s3"]["object"]["key"]) for name, record in records]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        case = Case(kept)
        case.notifications.listen()
        yield case


def rule(name: str = "f", *events: str, **more: Any) -> NotificationRule:
    return NotificationRule(more.pop("id", name), ARNS.function(name), events or (CREATED,), **more)


def test_rules_are_kept_in_order_and_replaced(case: Case) -> None:
    assert case.notifications.rules(BUCKET) == ()
    rules = (rule("one", REMOVED), rule("two", prefix="a/", suffix=".csv"))
    case.notifications.set(BUCKET, rules)
    assert Case(case.kept).notifications.rules(BUCKET) == rules
    case.notifications.set(BUCKET, rules[1:])
    assert case.notifications.rules(BUCKET) == rules[1:]
    case.notifications.set(BUCKET, ())
    assert case.notifications.rules(BUCKET) == ()


def test_a_bucket_that_is_not_there(case: Case) -> None:
    for do in (lambda: case.notifications.rules("none"), lambda: case.notifications.set("none", [rule()])):
        with pytest.raises(NotFoundError):
            do()


def test_rules_that_overlap_leave_the_earlier_ones_in_place(case: Case) -> None:
    case.notifications.set(BUCKET, [rule("one")])
    with pytest.raises(InvalidInputError):
        case.notifications.set(BUCKET, [rule("two"), rule("three")])
    assert case.notifications.rules(BUCKET) == (rule("one"),)


def test_each_change_is_told_to_whom_it_concerns(case: Case) -> None:
    case.notifications.set(BUCKET, [rule("made", suffix=".csv"), rule("gone", REMOVED)])
    case.kept.put(f"s3://{BUCKET}/a.csv")
    case.kept.put(f"s3://{BUCKET}/a.txt")
    case.kept.objects.copy(S3Uri(BUCKET, "a.txt"), S3Uri(BUCKET, "b.csv"))
    case.kept.objects.delete([S3Uri(BUCKET, "a.txt"), S3Uri(BUCKET, "never.txt")])
    assert case.told() == [
        ("made", "ObjectCreated:Put", "a.csv"),
        ("made", "ObjectCreated:Copy", "b.csv"),
        ("gone", "ObjectRemoved:Delete", "a.txt"),
    ]


def test_the_same_content_again_is_told_again(case: Case) -> None:
    case.notifications.set(BUCKET, [rule()])
    case.kept.put(f"s3://{BUCKET}/a", "same")
    case.kept.put(f"s3://{BUCKET}/a", "same")
    assert len(case.told()) == 2


def test_an_alias_is_told_as_such(case: Case) -> None:
    case.notifications.set(BUCKET, [NotificationRule("r", f"{ARNS.function('f')}:prod", (CREATED,))])
    case.kept.put(f"s3://{BUCKET}/a")
    assert [taken[:2] for taken in case.events.taken] == [("f", "prod")]


def test_a_queue_is_told_and_first_of_all_that_it_will_be(case: Case) -> None:
    case.queues.create("q", {}, {})
    case.notifications.set(BUCKET, [NotificationRule("r", ARNS.queue("q"), (CREATED,))])
    case.kept.put(f"s3://{BUCKET}/a")
    trial, event = (read_json(message.body) for message in case.queues.receive("q", most=10))
    assert isinstance(trial, dict)
    assert isinstance(event, dict)
    assert trial["Event"] == "s3:TestEvent"
    assert event["Records"][0]["s3"]["object"]["key"] == "a"


def test_a_change_is_done_even_if_nobody_can_be_told(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    case.notifications.set(BUCKET, [rule()])
    case.events.error = StorageFullError("No room.")
    case.kept.put(f"s3://{BUCKET}/a", "data")
    assert case.kept.objects.read_bytes(S3Uri(BUCKET, "a")) == b"data"
    assert f"Nobody hears of the change of s3://{BUCKET}/a: No room." in caplog.text


def test_the_rules_of_a_bucket_go_with_it(case: Case) -> None:
    case.kept.objects.create_bucket("short-lived")
    case.notifications.set("short-lived", [rule()])
    case.kept.objects.delete_bucket("short-lived")
    case.kept.objects.create_bucket("short-lived")
    assert case.notifications.rules("short-lived") == ()
    case.kept.put("s3://short-lived/a")
    assert case.told() == []


def test_topics_and_the_bus_are_told(case: Case) -> None:
    topic = NotificationRule("t", ARNS.topic("alerts"), (CREATED,), suffix=".csv")
    case.notifications.set(BUCKET, [topic], bus=True)
    assert case.notifications.has_bus(BUCKET)
    case.kept.put(f"s3://{BUCKET}/a b.csv")
    case.kept.objects.delete([S3Uri(BUCKET, "a b.csv")])
    (trial, told) = [read_json(draft.texts["default"]) for name, draft in case.published if name == "alerts"]
    assert trial["Event"] == "s3:TestEvent"  # type: ignore[index, call-overload]
    assert told["Records"][0]["s3"]["object"]["key"] == "a+b.csv"  # type: ignore[index, call-overload]
    created, deleted = case.happenings
    assert (created.source, created.kind) == ("aws.s3", "Object Created")
    assert created.resources == (f"arn:aws:s3:::{BUCKET}",)
    assert created.detail["reason"] == "PutObject"
    assert created.detail["object"]["key"] == "a b.csv"  # type: ignore[index, call-overload]
    assert (deleted.kind, deleted.detail["deletion-type"]) == ("Object Deleted", "Permanently Deleted")
    case.notifications.set(BUCKET, [])
    case.kept.put(f"s3://{BUCKET}/b.csv")
    assert len(case.happenings) == 2
