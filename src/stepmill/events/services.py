"""EventBridge, put together once: events come in, rules are tried, targets are told."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from stepmill.catalog.queues import Queues
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError, UnsupportedError
from stepmill.core.happenings import Happening
from stepmill.core.json import JsonObject
from stepmill.events.buses import Buses
from stepmill.events.entries import (
    LARGEST_REQUEST_BYTES,
    Refused,
    check_entry,
    event_of,
    new_event,
    size_of,
)
from stepmill.events.rules import DEFAULT_BUS, Rule, bus_of, kind_of
from stepmill.events.targets import Starter, Targets
from stepmill.events.timers import Timers
from stepmill.jobs.deliveries import Deliveries
from stepmill.jobs.functions.services import FunctionServices
from stepmill.jobs.publishing.publisher import Begin, Publisher
from stepmill.storage.records import RecordStore

DELIVERY_KIND = "event-delivery"
_KNOWN_FOR_S = 1.0

_log = logging.getLogger(__name__)


class EventServices:
    """Buses, rules, and whoever tells their targets.

    Args:
        records: Where all is kept, and told, in one transaction. Its changes survive a power cut.
        queues: Take messages, and dead letters.
        functions: Take events.
        publisher: Publishes on topics.
        starters: Kind of target -> who starts it: ``states``, ``pipeline``, ``batch``.
        clock: Tells the time.
        arns: Tells region and account.
    """

    def __init__(
        self,
        records: RecordStore,
        queues: Queues,
        functions: Callable[[], FunctionServices],
        publisher: Callable[[], Publisher],
        starters: Mapping[str, Starter],
        *,
        clock: Clock,
        arns: Arns,
    ) -> None:
        self._records = records
        self._clock = clock
        self._arns = arns
        self.buses = Buses(records, arns)
        self._is_heard, self._known_until_s = False, 0.0
        self._targets = Targets(
            queues,
            functions,
            publisher,
            starters,
            lambda senders: Deliveries(senders, records, queues, clock, kind=DELIVERY_KIND),
        )
        self._timers = Timers(records, clock, self._fire)

    def put(self, entries: Sequence[JsonObject]) -> list[str | Refused]:
        """Take events, each on its own; return of each its id, or why it is not taken.

        Raises:
            InvalidInputError: If they are too large together.
        """
        if sum(size_of(entry) for entry in entries) > LARGEST_REQUEST_BYTES:
            raise InvalidInputError("Total size of the entries in the request is over the limit.")
        answers: list[str | Refused] = []
        wanted: list[tuple[Rule, JsonObject]] = []
        rules: dict[str, list[Rule]] = {}
        for entry in entries:
            bus = bus_of(entry.get("EventBusName"))
            refused = check_entry(entry) or self._refused_bus(bus)
            if refused is not None:
                answers.append(refused)
                continue
            event = event_of(entry, str(uuid.uuid4()), self._clock.now(), self._arns)
            answers.append(str(event["id"]))
            if bus not in rules:
                rules[bus] = [rule for rule in self.buses.rules(bus) if rule.is_enabled and rule.targets]
            wanted += [(rule, event) for rule in rules[bus] if rule.fits(event)]
        self._tell(wanted)
        return answers

    def has_listeners(self) -> bool:
        """Return whether the default bus has any rule that does something.

        What another process has changed is noticed within a second.
        """
        now_s = time.monotonic()
        if now_s >= self._known_until_s:
            rules = self.buses.rules(DEFAULT_BUS)
            self._is_heard = any(rule.is_enabled and rule.targets for rule in rules)
            self._known_until_s = now_s + _KNOWN_FOR_S
        return self._is_heard

    def emit(self, happening: Happening) -> None:
        """Tell on the default bus what one of the services here tells of itself. Raises nothing."""
        event = new_event(
            str(uuid.uuid4()),
            source=happening.source,
            kind=happening.kind,
            at=happening.at,
            resources=happening.resources,
            detail=happening.detail,
            arns=self._arns,
        )
        try:
            rules = [rule for rule in self.buses.rules(DEFAULT_BUS) if rule.is_enabled and rule.targets]
            self._tell([(rule, event) for rule in rules if rule.fits(event)])
        except StepmillError as error:
            _log.error("Nobody hears of %s: %s", happening.kind, error)

    def put_rule(self, bus: str, document: JsonObject) -> Rule:
        """Make a rule, or another one of it. See ``Buses.put_rule``."""
        with self._records.transaction():
            rule = self.buses.put_rule(bus, document)
        self._timers.set(rule)
        return rule

    def put_targets(self, bus: str, name: str, targets: Sequence[JsonObject]) -> None:
        """Tell more targets. See ``Buses.put_targets``."""
        for target in targets:
            kind = kind_of(str(target.get("Arn")))
            if kind and kind not in self._targets.kinds:
                raise UnsupportedError(
                    f"Targets of the kind {kind} are not offered yet.", where="Targets.Arn"
                )
        self.buses.put_targets(bus, name, targets)
        self._known_until_s = 0.0

    def enable(self, bus: str, name: str, *, is_enabled: bool) -> None:
        """Let a rule do something, or nothing. See ``Buses.enable``."""
        self._timers.set(self.buses.enable(bus, name, is_enabled=is_enabled))
        self._known_until_s = 0.0

    def delete_rule(self, bus: str, name: str) -> bool:
        """Remove a rule. See ``Buses.delete_rule``."""
        was_there = self.buses.delete_rule(bus, name)
        if was_there and bus == DEFAULT_BUS:
            self._timers.clear(name)
        return was_there

    def resume(self) -> int:
        """Tell what has not been told, and watch the schedules. To be called once, by whoever drives.

        Returns:
            How many deliveries there are.
        """
        self._timers.resume()
        return self._targets.deliveries.resume()

    def close(self) -> None:
        """Begin nothing more."""
        self._timers.close()
        self._targets.deliveries.close()

    def _refused_bus(self, bus: str) -> Refused | None:
        try:
            self.buses.get(bus)
        except NotFoundError as error:
            return Refused("ResourceNotFoundException", error.what)
        return None

    def _tell(self, wanted: Sequence[tuple[Rule, JsonObject]]) -> None:
        if not wanted:
            return
        begin: list[Begin] = []
        with self._records.transaction():
            for rule, event in wanted:
                begin += self._targets.keep(rule, self.buses.rule_arn(rule), event)
        for one in begin:
            one()

    def _fire(self, key: str, due: datetime) -> list[Begin]:
        try:
            rule = self.buses.rule(DEFAULT_BUS, key)
        except NotFoundError:
            return []
        arn = self.buses.rule_arn(rule)
        event = new_event(
            str(uuid.uuid4()),
            source="aws.events",
            kind="Scheduled Event",
            at=due,
            resources=[arn],
            detail={},
            arns=self._arns,
        )
        return self._targets.keep(rule, arn, event) if rule.is_enabled else []
