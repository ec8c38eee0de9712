"""Buses, and the rules on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.events.rules import (
    DEFAULT_BUS,
    MOST_TARGETS,
    Rule,
    check_bus_name,
    check_rule,
    check_target,
    read_rule,
    rule_body,
    rule_key,
)
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

BUS_KIND = "event-bus"
RULE_KIND = "event-rule"
_PAGE = 1000


@dataclass(frozen=True)
class Bus:
    """A bus.

    Args:
        name: Its name.
        document: What CreateEventBus got; empty for the default one.
        created_at: Aware; ``None`` for the default one, which has always been there.
    """

    name: str
    document: JsonObject
    created_at: datetime | None = None


class Buses:
    """Keeps buses and rules. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: Arns) -> None:
        self._records = records
        self._arns = arns

    # ---- buses ---------------------------------------------------------------------------------

    def create(self, name: str, document: JsonObject) -> Bus:
        """Make a bus.

        Raises:
            InvalidInputError: If EventBridge would refuse the name.
            ConflictError: If there is one of that name.
        """
        if name == DEFAULT_BUS:
            raise ConflictError(f"Event bus {name} already exists.")
        check_bus_name(name)
        try:
            return _bus(self._records.create(BUS_KIND, name, document))
        except ConflictError as error:
            raise ConflictError(f"Event bus {name} already exists.") from error

    def get(self, name: str) -> Bus:
        """Return a bus.

        Raises:
            NotFoundError: If there is none.
        """
        if name == DEFAULT_BUS:
            return Bus(DEFAULT_BUS, {})
        record = self._records.find(BUS_KIND, name)
        if record is None:
            raise NotFoundError(f"Event bus {name[:200]} does not exist.")
        return _bus(record)

    def all(self, prefix: str = "") -> Iterator[Bus]:
        """Yield the buses, by name."""
        found = [Bus(DEFAULT_BUS, {})]
        chosen = Selection(sort_by=SortBy.NAME, limit=_PAGE)
        found += [_bus(record) for record in chosen.all(self._records, BUS_KIND)]
        yield from sorted((bus for bus in found if bus.name.startswith(prefix)), key=lambda bus: bus.name)

    def delete(self, name: str) -> None:
        """Remove a bus; one that is not there is gone already.

        Raises:
            InvalidInputError: If it is the default one.
            WrongStateError: If it has rules.
        """
        if name == DEFAULT_BUS:
            raise InvalidInputError("Cannot delete event bus default.")
        with self._records.transaction():
            if next(self.rules(name), None) is not None:
                raise WrongStateError(f"Event bus {name[:200]} can't be deleted since it has rules.")
            with suppress(NotFoundError):
                self._records.delete(BUS_KIND, name)

    def bus_arn(self, name: str) -> str:
        """Return the ARN of a bus."""
        return self._arns.event("event-bus", name)

    # ---- rules ---------------------------------------------------------------------------------

    def put_rule(self, bus: str, document: JsonObject) -> Rule:
        """Make a rule, or another one of it; its targets stay.

        Raises:
            NotFoundError: If there is no such bus.
            InvalidInputError: If EventBridge would refuse it.
        """
        self.get(bus)
        check_rule(document, bus)
        key = rule_key(bus, str(document["Name"]))
        with self._records.transaction():
            if self._records.find(RULE_KIND, key) is None:
                return read_rule(self._records.create(RULE_KIND, key, rule_body(document, {}), parent=bus))
            return self._change(key, lambda rule: rule_body(document, rule.targets))

    def rule(self, bus: str, name: str) -> Rule:
        """Return a rule.

        Raises:
            NotFoundError: If there is none.
        """
        self.get(bus)
        record = self._records.find(RULE_KIND, rule_key(bus, name))
        if record is None:
            raise NotFoundError(f"Rule {name[:100]} does not exist on EventBus {bus}.")
        return read_rule(record)

    def rules(self, bus: str | None = None, prefix: str = "") -> Iterator[Rule]:
        """Yield the rules of a bus, or all, by name."""
        chosen = Selection(parent=bus, sort_by=SortBy.NAME, limit=_PAGE)
        for record in chosen.all(self._records, RULE_KIND):
            rule = read_rule(record)
            if rule.name.startswith(prefix):
                yield rule

    def enable(self, bus: str, name: str, *, is_enabled: bool) -> Rule:
        """Let a rule do something, or nothing.

        Raises:
            NotFoundError: If there is none.
        """
        state = "ENABLED" if is_enabled else "DISABLED"
        rule = self.rule(bus, name)
        return self._change(rule.key, lambda old: rule_body({**old.document, "State": state}, old.targets))

    def delete_rule(self, bus: str, name: str) -> bool:
        """Remove a rule; return whether it was there.

        Raises:
            WrongStateError: If it has targets.
        """
        with self._records.transaction():
            record = self._records.find(RULE_KIND, rule_key(bus, name))
            if record is None:
                return False
            if read_rule(record).targets:
                raise WrongStateError("Rule can't be deleted since it has targets.")
            self._records.delete(RULE_KIND, record.name)
        return True

    def put_targets(self, bus: str, name: str, targets: Sequence[JsonObject]) -> Rule:
        """Tell more targets, or others under ids that there are.

        Raises:
            NotFoundError: If there is no such rule.
            InvalidInputError: If EventBridge would refuse one, or they would become too many.
            UnsupportedError: If nobody can be told there.
        """
        for target in targets:
            check_target(target)
        rule = self.rule(bus, name)

        def changed(old: Rule) -> JsonObject:
            kept = {**old.targets, **{str(target["Id"]): target for target in targets}}
            if len(kept) > MOST_TARGETS:
                raise TooManyTargetsError("The requested resource exceeds the maximum number allowed.")
            return rule_body(old.document, kept)

        return self._change(rule.key, changed)

    def remove_targets(self, bus: str, name: str, ids: Sequence[str]) -> list[str]:
        """Tell targets no more; return the ids that there were not.

        Raises:
            NotFoundError: If there is no such rule.
        """
        rule = self.rule(bus, name)

        def changed(old: Rule) -> JsonObject:
            left = {key: target for key, target in old.targets.items() if key not in ids}
            return rule_body(old.document, left)

        self._change(rule.key, changed)
        return [one for one in ids if one not in rule.targets]

    def rule_arn(self, rule: Rule) -> str:
        """Return the ARN of a rule."""
        return self._arns.event("rule", rule.key)

    def _change(self, key: str, change: Callable[[Rule], JsonObject]) -> Rule:
        def changed(record: Record) -> Record:
            return replace(record, body=change(read_rule(record)))

        return read_rule(self._records.update(RULE_KIND, key, changed))


class TooManyTargetsError(InvalidInputError):
    """A rule would have more targets than it may."""


def _bus(record: Record) -> Bus:
    return Bus(record.name, record.body, record.created_at)
