"""Notifications: a bucket's objects change, and functions, queues, topics and buses are told what happened.

What is told is on the disk before whoever changed the object hears that it is done: a killed server loses
nothing of it. It may come twice, as on S3.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

from stepmill.catalog.queue_records import Letter
from stepmill.catalog.queues import Queues
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.happenings import Emit, tell_nobody
from stepmill.core.json import JsonObject, write_json
from stepmill.jobs.functions.events import FunctionEvents
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.notifications.documents import EVENT_NAMES, happening, object_event, trial_event
from stepmill.jobs.notifications.rules import NotificationRule, check_apart
from stepmill.jobs.publishing.message import DEFAULT
from stepmill.jobs.publishing.publisher import Draft, Publisher
from stepmill.storage.objects.changes import ObjectChange
from stepmill.storage.objects.store import ObjectStore

SETTING = "notifications"
_SUBJECT = "Amazon S3 Notification"

_log = logging.getLogger(__name__)


class Notifications:
    """Keeps the rules of buckets, and tells functions and queues by them.

    Args:
        objects: Keeps rules with the buckets, and tells of changes.
        events: Takes events for functions.
        queues: Take messages.
        publisher: Publishes on topics.
        clock: Tells the time.
        arns: Tells region and account.
        emit: Tells the bus of events.
    """

    def __init__(
        self,
        objects: ObjectStore,
        events: Callable[[], FunctionEvents],
        queues: Queues,
        publisher: Callable[[], Publisher],
        *,
        clock: Clock,
        arns: Arns,
        emit: Emit = tell_nobody,
    ) -> None:
        self._objects = objects
        self._events = events
        self._queues = queues
        self._publisher = publisher
        self._emit = emit
        self._clock = clock
        self._arns = arns
        self._order = itertools.count()

    def listen(self) -> None:
        """Hear of all changes from now on. To be called once, by the process that drives this home."""
        self._objects.listeners.add(self._hear)

    def rules(self, bucket: str) -> tuple[NotificationRule, ...]:
        """Return the rules of a bucket.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        setting = self._objects.bucket_setting(bucket, SETTING)
        kept = setting.get("rules") if setting else ()
        if not isinstance(kept, Sequence) or isinstance(kept, str):
            return ()
        return tuple(_rule(one) for one in kept if isinstance(one, dict))

    def has_bus(self, bucket: str) -> bool:
        """Return whether all changes of a bucket are told on the bus of events.

        Raises:
            NotFoundError: If there is no such bucket.
        """
        setting = self._objects.bucket_setting(bucket, SETTING)
        return bool(setting and setting.get("bus"))

    def set(self, bucket: str, rules: Sequence[NotificationRule], *, bus: bool = False) -> None:
        """Let a bucket have these rules and no others.

        Args:
            bucket: Its name.
            rules: Which changes are told to whom.
            bus: Whether all are told on the bus of events, too.

        Raises:
            NotFoundError: If there is no such bucket.
            InvalidInputError: If one event would be told twice, or two rules are called the same.
        """
        check_apart(rules)
        kept: list[JsonObject] = [_written(rule) for rule in rules]
        self._objects.change_bucket_setting(
            bucket, SETTING, {"rules": kept, "bus": bus} if kept or bus else None
        )
        for queue in dict.fromkeys(rule.queue for rule in rules if rule.queue):
            # As S3 does: whoever made the rule sees by it that the queue is reached.
            self._send(queue, trial_event(bucket, self._clock.now()))
        for topic in dict.fromkeys(rule.topic for rule in rules if rule.topic):
            self._publish(topic, trial_event(bucket, self._clock.now()))

    def _hear(self, change: ObjectChange) -> None:
        """Tell of a change whoever is to hear of it. Raises nothing: it has happened."""
        bucket = change.uri.bucket
        try:
            if self.has_bus(bucket):
                self._emit(happening(change, next(self._order)))
            for rule in self.rules(bucket):
                if rule.fits(EVENT_NAMES[change.kind], change.uri.key):
                    self._tell(rule, object_event(change, rule.id, next(self._order), self._arns))
        except NotFoundError:
            return  # the bucket has gone in between, and its rules with it
        except StepmillError as error:
            _log.error("Nobody hears of the change of %s: %s", change.uri, error)

    def _tell(self, rule: NotificationRule, event: JsonObject) -> None:
        if rule.queue:
            self._send(rule.queue, event)
        elif rule.topic:
            self._publish(rule.topic, event)
        else:
            self._events().submit(*parse_reference(rule.target), event)

    def _publish(self, topic: str, event: JsonObject) -> None:
        self._publisher().publish(topic, Draft({DEFAULT: write_json(event)}, _SUBJECT))

    def _send(self, queue: str, event: JsonObject) -> None:
        self._queues.send(queue, Letter(write_json(event)))


def _written(rule: NotificationRule) -> JsonObject:
    return {
        "id": rule.id,
        "target": rule.target,
        "events": list(rule.events),
        "prefix": rule.prefix,
        "suffix": rule.suffix,
    }


def _rule(kept: JsonObject) -> NotificationRule:
    events = kept["events"]
    return NotificationRule(
        str(kept["id"]),
        str(kept["target"]),
        tuple(map(str, events)) if isinstance(events, list) else (),
        str(kept["prefix"]),
        str(kept["suffix"]),
    )
