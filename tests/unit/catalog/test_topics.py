"""Topics and subscriptions, as they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from stepmill.catalog.topics import Topics, Wish
from stepmill.core.errors import InvalidInputError, NotFoundError
from support.keeping import ARNS, Keeping, keeping

WISH = Wish("http", "http://h/", {}, "me", is_confirmed=False)
QUEUE = Wish("sqs", ARNS.queue("q"), {}, "me", is_confirmed=True)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def topics(kept: Keeping) -> Topics:
    made = Topics(kept.records, ARNS, kept.tags)
    made.create("t", {}, {})
    return made


def test_a_topic_is_as_good_as_new_if_nothing_contradicts(topics: Topics) -> None:
    topics.create("named", {"DisplayName": "n"}, {"team": "a"})
    assert topics.create("named", {}, {}).attributes == {"DisplayName": "n"}
    assert topics.create("named", {"DisplayName": "n"}, {"team": "a"}).name == "named"
    for attributes, tags in (({"DisplayName": "x"}, {}), ({}, {"team": "b"}), ({}, {"team": "a", "x": "y"})):
        with pytest.raises(InvalidInputError, match="already exists with different"):
            topics.create("named", attributes, tags)


def test_topics_come_page_by_page(topics: Topics) -> None:
    for number in range(4):
        topics.create(f"t{number}", {}, {})
    names: list[str] = []
    after: str | None = None
    while True:
        page, after = topics.page(2, after)
        names += [topic.name for topic in page]
        if after is None:
            break
    assert names == ["t", "t0", "t1", "t2", "t3"]
    assert topics.has("t3")
    assert not topics.has("")
    with pytest.raises(InvalidInputError):
        topics.page(2, "no token")


def test_whoever_has_the_token_confirms_and_nobody_else(topics: Topics) -> None:
    asked = topics.subscribe("t", WISH)
    assert (asked.is_confirmed, len(asked.token)) == (False, 128)
    topics.create("other", {}, {})
    for topic, token in (("t", ""), ("t", "x"), ("t", "ä"), ("other", asked.token)):
        with pytest.raises(InvalidInputError, match="Token"):
            topics.confirm(topic, token)
    with pytest.raises(NotFoundError):
        topics.confirm("none", asked.token)
    assert topics.confirm("t", asked.token).id == asked.id
    assert topics.subscription(asked.id).is_confirmed
    assert topics.confirm("t", asked.token).is_confirmed
    with pytest.raises(InvalidInputError, match="Token"):
        topics.confirm("t", topics.subscribe("t", QUEUE).token)


def test_one_endpoint_is_told_once(topics: Topics) -> None:
    made = topics.subscribe("t", QUEUE)
    assert topics.subscribe("t", QUEUE).id == made.id
    raw = replace(QUEUE, attributes={"RawMessageDelivery": "true"})
    with pytest.raises(InvalidInputError, match="different attributes"):
        topics.subscribe("t", raw)
    # One that has not been confirmed may be asked for otherwise: nothing is told yet.
    asked = topics.subscribe("t", WISH)
    assert topics.subscribe("t", replace(WISH, attributes={"RawMessageDelivery": "true"})).id == asked.id
    assert len(list(topics.subscriptions("t"))) == 2


def test_many_that_subscribe_at_once_are_one(topics: Topics) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: topics.subscribe("t", QUEUE).id, range(32)))
    assert len(set(made)) == 1
    assert len(list(topics.subscriptions("t"))) == 1


def test_subscriptions_go_one_by_one_or_with_their_topic(topics: Topics, kept: Keeping) -> None:
    first, second = topics.subscribe("t", QUEUE), topics.subscribe("t", WISH)
    for _ in range(2):
        topics.unsubscribe(first.id)
    assert topics.get("t").deleted == 1
    assert [one.id for one in topics.subscriptions("t")] == [second.id]
    kept.tags.set(topics.arn("t"), {"a": "b"})
    for _ in range(2):
        topics.delete("t")
    assert kept.tags.of(topics.arn("t")) == {}
    with pytest.raises(NotFoundError, match="Subscription does not exist"):
        topics.subscription(second.id)
    with pytest.raises(NotFoundError, match="Topic does not exist"):
        topics.subscribe("t", QUEUE)


def test_attributes_of_subscriptions_change(topics: Topics) -> None:
    made = topics.subscribe("t", QUEUE)
    topics.set_subscription_attribute(made.id, "RawMessageDelivery", "True")
    assert topics.subscription(made.id).is_raw
    for name, text in (("Owner", "me"), ("FilterPolicy", "[]"), ("RawMessageDelivery", "maybe")):
        with pytest.raises(InvalidInputError):
            topics.set_subscription_attribute(made.id, name, text)
    topics.set_attribute("t", "DisplayName", "n")
    assert topics.get("t").attributes == {"DisplayName": "n"}


def test_listings_of_subscriptions_are_of_a_topic_or_of_all(topics: Topics) -> None:
    topics.create("other", {}, {})
    mine, others = topics.subscribe("t", QUEUE), topics.subscribe("other", QUEUE)
    assert [one.id for one in topics.subscription_page(10, topic="t")[0]] == [mine.id]
    first, token = topics.subscription_page(1)
    rest, end = topics.subscription_page(1, token)
    assert ({one.id for one in (*first, *rest)}, end) == ({mine.id, others.id}, None)
    assert topics.subscription_arn(mine) == f"{ARNS.topic('t')}:{mine.id}"
