"""Publishes messages: what each subscription is told is on the disk before the publisher hears of it.

Queues have their message in the same transaction; functions and all others are told soon, for certain.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from stepmill.catalog.queue_records import Letter
from stepmill.catalog.queues import Queues
from stepmill.catalog.topic_attributes import dead_letters_of, retries_of
from stepmill.catalog.topic_records import Subscription, Topic
from stepmill.catalog.topics import Topics
from stepmill.core.clock import Clock
from stepmill.core.endpoint import Endpoint
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, write_json
from stepmill.jobs.deliveries import Deliveries, Parcel
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.functions.services import FunctionServices
from stepmill.jobs.publishing.chat import mail_url
from stepmill.jobs.publishing.documents import (
    CONFIRMATION,
    NOTIFICATION,
    confirmation,
    envelope,
    function_event,
    headers,
)
from stepmill.jobs.publishing.links import confirm_url, unsubscribe_url
from stepmill.jobs.publishing.message import Message, is_wanted
from stepmill.storage.records import RecordStore

HTTP, CHAT = "http", "chat"
# Of people, and of confirmations: three times, as by default over HTTP.
_RETRY_DELAYS_S = (20, 20, 20)
_NO_SUBJECT = "AWS Notification Message"
# Begins what was kept, after the transaction that kept it.
Begin: TypeAlias = Callable[[], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """What is to be published. ``Message`` tells of the members."""

    texts: Mapping[str, str]
    subject: str = ""
    attributes: JsonObject = field(default_factory=dict)
    group: str = ""


class Publisher:
    """Publishes messages. Safe to share between threads.

    Args:
        topics: Who has subscribed.
        queues: Take messages.
        functions: Takes events, and tells which functions there are.
        deliveries: Tell all others.
        records: All of that is kept there, in one transaction.
        clock: Tells the time.
        endpoint: Where links lead; ``None``: nowhere now.
        mail: The address by which apprise sends e-mail; empty: none is sent.
    """

    def __init__(
        self,
        topics: Topics,
        queues: Queues,
        functions: Callable[[], FunctionServices],
        deliveries: Deliveries,
        records: RecordStore,
        *,
        clock: Clock,
        endpoint: Callable[[], Endpoint | None],
        mail: str = "",
    ) -> None:
        self._topics = topics
        self._queues = queues
        self._functions = functions
        self._deliveries = deliveries
        self._records = records
        self._clock = clock
        self._endpoint = endpoint
        self._mail = mail

    def publish(self, name: str, *drafts: Draft) -> list[str]:
        """Publish messages on a topic, all of them or none; return their ids.

        Raises:
            NotFoundError: If there is no such topic.
        """
        messages, wanted = self._wanted(name, drafts)
        begin: list[Begin] = []
        if wanted:
            with self._records.transaction():
                begin = self._tell_all(name, wanted)
        for one in begin:
            one()
        return [message.id for message in messages]

    def keep(self, name: str, draft: Draft) -> list[Begin]:
        """Put on the disk what a message is to be told, and no more: within somebody else's transaction.

        Returns:
            What is to be called after that, so that it is delivered.

        Raises:
            NotFoundError: If there is no such topic.
        """
        return self._tell_all(name, self._wanted(name, (draft,))[1])

    def _wanted(
        self, name: str, drafts: Sequence[Draft]
    ) -> tuple[list[Message], list[tuple[Subscription, Message]]]:
        arn, now = self._topics.arn(self._topics.get(name).name), self._clock.now()
        messages = [
            Message(str(uuid.uuid4()), arn, one.texts, now, one.subject, one.attributes, one.group)
            for one in drafts
        ]
        told = [one for one in self._topics.subscriptions(name) if one.is_confirmed]
        return messages, [(one, message) for message in messages for one in told if is_wanted(one, message)]

    def _tell_all(self, name: str, wanted: Sequence[tuple[Subscription, Message]]) -> list[Begin]:
        topic = self._topics.get(name)
        return [begin for one, message in wanted for begin in self._tell(topic, one, message)]

    def ask(self, subscription: Subscription) -> None:
        """Ask an endpoint whether it wants to be told; it says so with the token that it gets."""
        arn, identifier = self._topics.arn(subscription.topic), str(uuid.uuid4())
        url = confirm_url(self._endpoint(), arn, subscription.token)
        document = confirmation(identifier, arn, subscription.token, url, self._clock.now())
        if subscription.protocol in ("http", "https"):
            post: JsonObject = {
                "url": subscription.endpoint,
                "headers": headers(CONFIRMATION, identifier, arn),
                "text": write_json(document),
            }
            self._deliveries.submit(Parcel(HTTP, post, _RETRY_DELAYS_S))
            return
        text = (
            f"You have chosen to subscribe to the topic {arn}.\n\n"
            f"To confirm it, open this link on the machine where Stepmill runs:\n{url}\n\n"
            f"or confirm it with this token:\n{subscription.token}\n\n"
            "If you do not want it, nothing needs to be done."
        )
        body = write_json(document) if subscription.protocol == "email-json" else text
        mail = self._chat(subscription, "AWS Notification - Subscription Confirmation", body)
        self._deliveries.submit(Parcel(CHAT, mail, _RETRY_DELAYS_S))

    # ---- one subscription, one message; within the transaction ---------------------------------

    def _tell(self, topic: Topic, subscription: Subscription, message: Message) -> list[Begin]:
        unsubscribe = unsubscribe_url(self._endpoint(), self._topics.subscription_arn(subscription))
        document = envelope(message, subscription.protocol, unsubscribe)
        if subscription.protocol == "sqs":
            return self._tell_queue(subscription, message, document)
        if subscription.protocol == "lambda":
            return self._tell_function(subscription, message, unsubscribe)
        parcel = (
            self._post(topic, subscription, message, document)
            if subscription.protocol in ("http", "https")
            else self._note(subscription, message, document)
        )
        return [partial(self._deliveries.begin, self._deliveries.keep(parcel))]

    def _tell_queue(self, subscription: Subscription, message: Message, document: JsonObject) -> list[Begin]:
        queue = subscription.endpoint.rpartition(":")[2]
        said = message.attributes if subscription.is_raw else {}
        text = message.text_for("sqs") if subscription.is_raw else write_json(document)
        if self._queues.exists(queue):
            attributes: JsonObject = {"said": said, "system": {}, "group": message.group}
            self._queues.send(queue, Letter(text, attributes))
        else:
            self._bury(subscription, message, f"there is no queue {queue!r}")
        return []

    def _tell_function(self, subscription: Subscription, message: Message, unsubscribe: str) -> list[Begin]:
        functions = self._functions()
        name, qualifier = parse_reference(subscription.endpoint)
        if not (functions.registry.has(name) and functions.versions.has(name, qualifier)):
            self._bury(subscription, message, f"there is no function {subscription.endpoint}")
            return []
        event = function_event(message, self._topics.subscription_arn(subscription), unsubscribe)
        return [partial(functions.events.begin, functions.events.keep(name, qualifier, event))]

    def _post(
        self, topic: Topic, subscription: Subscription, message: Message, document: JsonObject
    ) -> Parcel:
        arn = self._topics.subscription_arn(subscription)
        told = headers(NOTIFICATION, message.id, message.topic_arn, arn)
        text = write_json(document)
        if subscription.is_raw:
            told["x-amz-sns-rawdelivery"] = "true"
            text = message.text_for(subscription.protocol)
        delays_s = retries_of(subscription.attributes, topic.attributes).delays_s()
        post: JsonObject = {"url": subscription.endpoint, "headers": told, "text": text}
        return self._parcel(HTTP, post, delays_s, subscription, message)

    def _note(self, subscription: Subscription, message: Message, document: JsonObject) -> Parcel:
        text = message.text_for(subscription.protocol)
        if subscription.protocol == "email-json":
            text = write_json(document)
        note = self._chat(subscription, message.subject or _NO_SUBJECT, text)
        return self._parcel(CHAT, note, _RETRY_DELAYS_S, subscription, message)

    def _chat(self, subscription: Subscription, title: str, text: str) -> JsonObject:
        is_mail = subscription.protocol.startswith("email")
        url = mail_url(self._mail, subscription.endpoint) if is_mail else subscription.endpoint
        return {"url": url, "title": title, "text": text}

    def _parcel(
        self,
        route: str,
        document: JsonObject,
        delays_s: tuple[int, ...],
        subscription: Subscription,
        message: Message,
    ) -> Parcel:
        text, attributes = self._dead(subscription, message)
        return Parcel(route, document, delays_s, _queue_of_dead(subscription), text, attributes)

    def _bury(self, subscription: Subscription, message: Message, reason: str) -> None:
        queue = _queue_of_dead(subscription)
        if queue and self._queues.exists(queue):
            self._queues.send(queue, Letter(*self._dead(subscription, message)))
            return
        _log.warning("A message of %s is dropped: %s", message.topic_arn, reason)

    def _dead(self, subscription: Subscription, message: Message) -> tuple[str, JsonObject]:
        """Return what is put into the queue for dead letters."""
        if subscription.is_raw:
            text = message.text_for(subscription.protocol)
            return text, {"said": message.attributes, "system": {}, "group": ""}
        return write_json(envelope(message, subscription.protocol, "")), {}


def _queue_of_dead(subscription: Subscription) -> str:
    try:
        return dead_letters_of(subscription.attributes)
    except InvalidInputError:
        return ""
