"""Tells targets: what each is to be told is kept in the transaction of the event, and begun after it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from stepmill.catalog.queue_records import Letter
from stepmill.catalog.queues import Queues
from stepmill.catalog.topic_records import topic_of_arn
from stepmill.core.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.events.inputs import read_input, text_for
from stepmill.events.rules import PARAMETERS, Rule, kind_of
from stepmill.jobs.deliveries import Deliveries, DeliveryError, Parcel, Sender
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.functions.services import FunctionServices
from stepmill.jobs.publishing.message import DEFAULT
from stepmill.jobs.publishing.publisher import Begin, Draft, Publisher

# What EventBridge does where a target says nothing: 185 attempts within a day.
_MOST_RETRIES, _LONGEST_AGE_S = 185, 86_400
_LONGEST_DELAY_S = 600

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """That something be started.

    Args:
        arn: What: a state machine, a pipeline, a queue of Batch's.
        text: Its input, JSON.
        name: Of the execution; the same for the same event and target.
        parameters: What the target says beside: ``BatchParameters``, ``SageMakerPipelineParameters``.
    """

    arn: str
    text: str
    name: str
    parameters: JsonObject = field(default_factory=dict)


# Starts something. Asked twice with one name it starts it once, or raises ConflictError.
Starter: TypeAlias = Callable[[Wish], None]


class Targets:
    """Tells targets. Safe to share between threads.

    Args:
        queues: Take messages.
        functions: Take events.
        publisher: Publishes on topics.
        starters: Kind of target -> who starts it. Others are not told.
        make_deliveries: Returns deliveries by these senders.
    """

    def __init__(
        self,
        queues: Queues,
        functions: Callable[[], FunctionServices],
        publisher: Callable[[], Publisher],
        starters: Mapping[str, Starter],
        make_deliveries: Callable[[Mapping[str, Sender]], Deliveries],
    ) -> None:
        self._queues = queues
        self._functions = functions
        self._publisher = publisher
        self._starters = frozenset(starters)
        self.deliveries = make_deliveries({kind: _sender(start) for kind, start in starters.items()})
        self._tellers: Mapping[str, Callable[[JsonObject, str, str], list[Begin]]] = {
            "sqs": self._tell_queue,
            "lambda": self._tell_function,
            "sns": self._tell_topic,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of targets that are told."""
        return frozenset({*self._tellers, *self._starters})

    def keep(self, rule: Rule, rule_arn: str, event: JsonObject) -> list[Begin]:
        """Keep what the targets of a rule are to be told of an event; return what begins it afterwards."""
        begin: list[Begin] = []
        for target in rule.targets.values():
            text = text_for(read_input(target), event, rule_arn, rule.name)
            tell = self._tellers.get(kind_of(str(target["Arn"])), self._start)
            begin += tell(target, text, str(event["id"]))
        return begin

    def _tell_queue(self, target: JsonObject, text: str, event_id: str) -> list[Begin]:
        name = str(target["Arn"]).rpartition(":")[2]
        if not self._queues.exists(name):
            return self._bury(target, text, event_id)
        group = _object(target, "SqsParameters").get("MessageGroupId") or ""
        self._queues.send(name, Letter(text, {"said": {}, "system": {}, "group": group}))
        return []

    def _tell_function(self, target: JsonObject, text: str, event_id: str) -> list[Begin]:
        functions = self._functions()
        name, qualifier = parse_reference(target["Arn"])
        if not (functions.registry.has(name) and functions.versions.has(name, qualifier)):
            return self._bury(target, text, event_id)
        kept = functions.events.keep(name, qualifier, _json(text))
        return [partial(functions.events.begin, kept)]

    def _tell_topic(self, target: JsonObject, text: str, event_id: str) -> list[Begin]:
        try:
            return self._publisher().keep(topic_of_arn(str(target["Arn"])), Draft({DEFAULT: text}))
        except NotFoundError:
            return self._bury(target, text, event_id)

    def _start(self, target: JsonObject, text: str, event_id: str) -> list[Begin]:
        kind = kind_of(str(target["Arn"]))
        document: JsonObject = {
            "arn": target["Arn"],
            "text": text,
            "name": f"{event_id}-{target['Id']}"[:80],
            "parameters": _object(target, PARAMETERS.get(kind, "")),
        }
        parcel = Parcel(kind, document, _delays(target), _dead_letters(target), text)
        return [partial(self.deliveries.begin, self.deliveries.keep(parcel))]

    def _bury(self, target: JsonObject, text: str, event_id: str) -> list[Begin]:
        queue = _dead_letters(target)
        if queue and self._queues.exists(queue):
            self._queues.send(queue, Letter(text))
        else:
            _log.warning("Event %s is dropped: there is no %s", event_id, target["Arn"])
        return []


def _sender(start: Starter) -> Sender:
    """Return what starts something for a delivery: once, and not again where that is of no use."""

    def send(document: JsonObject) -> None:
        wish = Wish(
            str(document["arn"]),
            str(document["text"]),
            str(document["name"]),
            _object(document, "parameters"),
        )
        try:
            start(wish)
        except ConflictError:
            _log.info("%s was started before as %s.", wish.arn, wish.name)
        except (
            NotFoundError, InvalidInputError, DefinitionError, UnsupportedError, WrongStateError,
        ) as error:  # fmt: skip
            raise DeliveryError(f"{wish.arn} cannot be started: {error}", is_final=True) from error
        except StepmillError as error:
            raise DeliveryError(f"{wish.arn} cannot be started: {error}") from error

    return send


def _delays(target: JsonObject) -> list[int]:
    """Return the wait before each further attempt: twice as long each time, up to ten minutes."""
    policy = _object(target, "RetryPolicy")
    attempts, age_s = policy.get("MaximumRetryAttempts"), policy.get("MaximumEventAgeInSeconds")
    most = attempts if isinstance(attempts, int) else _MOST_RETRIES
    left_s = age_s if isinstance(age_s, int) else _LONGEST_AGE_S
    delays: list[int] = []
    while len(delays) < min(most, _MOST_RETRIES):
        delay = min(2 ** len(delays), _LONGEST_DELAY_S)
        left_s -= delay
        if left_s < 0:
            break
        delays.append(delay)
    return delays


def _dead_letters(target: JsonObject) -> str:
    return str(_object(target, "DeadLetterConfig").get("Arn") or "").rpartition(":")[2]


def _json(text: str) -> Json:
    try:
        return read_json(text)
    except InvalidInputError:
        return text


def _object(document: JsonObject, member: str) -> JsonObject:
    value = document.get(member)
    return value if isinstance(value, Mapping) else {}
