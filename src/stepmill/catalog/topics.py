"""Topics, and who has subscribed to what is published on them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stepmill.catalog.tags import Tags
from stepmill.catalog.topic_attributes import (
    check_subscription_attributes,
    check_topic_attributes,
    check_topic_name,
)
from stepmill.catalog.topic_records import (
    CONFIRMED,
    PENDING,
    SUBSCRIPTION_KIND,
    TOPIC_KIND,
    Subscription,
    Topic,
    read_subscription,
    read_topic,
    subscription_body,
)
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import JsonObject
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

_PAGE = 1000
_TOKEN_BYTES = 64
_NO_TOPIC = "Topic does not exist"


@dataclass(frozen=True, slots=True)
class Wish:
    """That somebody be told.

    Args:
        protocol: ``sqs``.
        endpoint: Whom.
        attributes: Of the subscription.
        owner: Name of the key of whoever subscribes.
        is_confirmed: Whether that is as good as the endpoint's own word.
    """

    protocol: str
    endpoint: str
    attributes: Mapping[str, str]
    owner: str
    is_confirmed: bool


class Topics:
    """Keeps topics and subscriptions. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
        tags: Keeps the tags of topics.
    """

    def __init__(self, records: RecordStore, arns: Arns, tags: Tags) -> None:
        self._records = records
        self._arns = arns
        self._tags = tags

    # ---- topics --------------------------------------------------------------------------------

    def create(self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]) -> Topic:
        """Make a topic; one that is there already with these attributes and tags is as good.

        Raises:
            InvalidInputError: If SNS would refuse the name or an attribute, or if there is one with others.
            UnsupportedError: If it is to be a FIFO topic.
        """
        check_topic_name(name)
        checked = check_topic_attributes(attributes)
        with self._records.transaction():
            record = self._records.find(TOPIC_KIND, name)
            if record is None:
                made = self._records.create(TOPIC_KIND, name, {"attributes": checked, "deleted": 0})
                self._tags.set(self.arn(name), tags)
                return read_topic(made)
        found = read_topic(record)
        if any(found.attributes.get(each, "") != text for each, text in checked.items()):
            raise InvalidInputError(
                "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
            )
        if tags and self._tags.of(self.arn(name)) != dict(tags):
            raise InvalidInputError(
                "Invalid parameter: Tags Reason: Topic already exists with different tags"
            )
        return found

    def arn(self, name: str) -> str:
        """Return the ARN of a topic."""
        return self._arns.topic(name)

    def get(self, name: str) -> Topic:
        """Return a topic.

        Raises:
            NotFoundError: If there is none of that name.
        """
        record = self._records.find(TOPIC_KIND, name) if name else None
        if record is None:
            raise NotFoundError(_NO_TOPIC)
        return read_topic(record)

    def has(self, name: str) -> bool:
        """Return whether there is a topic of that name."""
        return bool(name) and self._records.find(TOPIC_KIND, name) is not None

    def page(self, limit: int, after: str | None = None) -> tuple[list[Topic], str | None]:
        """Return a part of the list of topics by name, and the token of the next.

        Raises:
            InvalidInputError: If the token is none.
        """
        found = self._records.list(TOPIC_KIND, sort_by=SortBy.NAME, limit=limit, after=after)
        return [read_topic(record) for record in found.records], found.next_token

    def set_attribute(self, name: str, attribute: str, text: str) -> None:
        """Say something else of a topic.

        Raises:
            NotFoundError: If there is none of that name.
            InvalidInputError: If SNS would refuse it.
        """
        checked = check_topic_attributes({attribute: text})
        self.get(name)

        def changed(record: Record) -> Record:
            attributes = {**read_topic(record).attributes, **checked}
            return replace(record, body={**record.body, "attributes": attributes})

        self._records.update(TOPIC_KIND, name, changed)

    def delete(self, name: str) -> None:
        """Remove a topic and its subscriptions; one that is not there is gone already."""
        with self._records.transaction():
            if self._records.find(TOPIC_KIND, name) is None:
                return
            for subscription in list(self.subscriptions(name)):
                self._records.delete(SUBSCRIPTION_KIND, subscription.id)
            self._records.delete(TOPIC_KIND, name)
            self._tags.clear(self.arn(name))

    # ---- subscriptions -------------------------------------------------------------------------

    def subscribe(self, topic: str, wish: Wish) -> Subscription:
        """Have somebody told; who is told already is told once.

        Raises:
            NotFoundError: If there is no such topic.
            InvalidInputError: If SNS would refuse an attribute, or if they are told with other attributes.
        """
        checked = check_subscription_attributes(wish.attributes)
        with self._records.transaction():
            self.get(topic)
            for found in self.subscriptions(topic):
                if (found.protocol, found.endpoint) == (wish.protocol, wish.endpoint):
                    return self._same(found, checked)
            made = Subscription(
                id=str(uuid.uuid4()),
                topic=topic,
                protocol=wish.protocol,
                endpoint=wish.endpoint,
                attributes=checked,
                is_confirmed=wish.is_confirmed,
                token="" if wish.is_confirmed else secrets.token_hex(_TOKEN_BYTES),
                owner=wish.owner,
            )
            body = subscription_body(made)
            status = CONFIRMED if made.is_confirmed else PENDING
            self._records.create(SUBSCRIPTION_KIND, made.id, body, parent=topic, status=status)
        return made

    def _same(self, found: Subscription, checked: Mapping[str, str]) -> Subscription:
        if found.is_confirmed and any(found.attributes.get(n, "") != text for n, text in checked.items()):
            raise InvalidInputError(
                "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
            )
        return found

    def confirm(self, topic: str, token: str) -> Subscription:
        """Take the word of the endpoint that has the token.

        Raises:
            NotFoundError: If there is no such topic.
            InvalidInputError: If the token is none of it.
        """
        self.get(topic)
        for found in self.subscriptions(topic):
            if found.token and secrets.compare_digest(found.token.encode(), token.encode()):
                self._records.update(
                    SUBSCRIPTION_KIND, found.id, lambda record: replace(record, status=CONFIRMED)
                )
                return replace(found, is_confirmed=True)
        raise InvalidInputError("Invalid parameter: Token")

    def subscription(self, identifier: str) -> Subscription:
        """Return a subscription.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._records.find(SUBSCRIPTION_KIND, identifier) if identifier else None
        if record is None:
            raise NotFoundError("Subscription does not exist")
        return read_subscription(record)

    def subscriptions(self, topic: str) -> Iterator[Subscription]:
        """Yield the subscriptions of a topic, the oldest first."""
        for record in Selection(parent=topic, limit=_PAGE).all(self._records, SUBSCRIPTION_KIND):
            yield read_subscription(record)

    def subscription_page(
        self, limit: int, after: str | None = None, topic: str | None = None
    ) -> tuple[list[Subscription], str | None]:
        """Return a part of the list of subscriptions, of a topic or of all, and the token of the next.

        Raises:
            InvalidInputError: If the token is none.
        """
        found = self._records.list(SUBSCRIPTION_KIND, parent=topic, limit=limit, after=after)
        return [read_subscription(record) for record in found.records], found.next_token

    def subscription_arn(self, subscription: Subscription) -> str:
        """Return the ARN of a subscription."""
        return f"{self.arn(subscription.topic)}:{subscription.id}"

    def set_subscription_attribute(self, identifier: str, attribute: str, text: str) -> None:
        """Say something else of a subscription.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If SNS would refuse it.
        """
        self.subscription(identifier)
        checked = check_subscription_attributes({attribute: text})

        def changed(record: Record) -> Record:
            attributes = {**read_subscription(record).attributes, **checked}
            return replace(record, body={**record.body, "attributes": attributes})

        self._records.update(SUBSCRIPTION_KIND, identifier, changed)

    def unsubscribe(self, identifier: str) -> None:
        """Tell somebody no more; who is not told is let be."""
        with self._records.transaction():
            record = self._records.find(SUBSCRIPTION_KIND, identifier)
            if record is None:
                return
            self._records.delete(SUBSCRIPTION_KIND, identifier)
            if self._records.find(TOPIC_KIND, record.parent) is not None:
                self._records.update(TOPIC_KIND, record.parent, _with_one_deleted)


def _with_one_deleted(record: Record) -> Record:
    body: JsonObject = {**record.body, "deleted": read_topic(record).deleted + 1}
    return replace(record, body=body)
