"""Rules and their targets as values, and as the records that keep them. Pure.

Source: EventBridge API reference, PutRule and PutTargets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject
from stepmill.events.inputs import read_input
from stepmill.events.schedules import read_schedule
from stepmill.language.event_patterns.pattern import Pattern
from stepmill.language.event_patterns.reading import read_pattern
from stepmill.storage.records import Record

DEFAULT_BUS = "default"
MOST_TARGETS = 5
_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")
_BUS = re.compile(r"(?!default$)(?!aws\.)[/.\-_A-Za-z0-9]{1,256}")
_BUS_ARN = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]*:\d{12}:event-bus/(?P<name>.{1,256})")
_STATES = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
# Who can be told, by the service and the beginning of the rest of the ARN.
_KINDS = {
    ("sqs", ""): "sqs",
    ("lambda", "function:"): "lambda",
    ("sns", ""): "sns",
    ("states", "stateMachine:"): "states",
    ("sagemaker", "pipeline/"): "pipeline",
    ("batch", "job-queue/"): "batch",
}
# What a target is told beside its input, by kind.
PARAMETERS = {"sqs": "SqsParameters", "pipeline": "SageMakerPipelineParameters", "batch": "BatchParameters"}


@dataclass(frozen=True)
class Rule:
    """A rule.

    Args:
        name: Unique on its bus.
        bus: Name of that.
        document: What PutRule got.
        targets: What PutTargets got, by id.
    """

    name: str
    bus: str
    document: JsonObject
    targets: Mapping[str, JsonObject]

    @property
    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self.document.get("State", "ENABLED") != "DISABLED"

    @property
    def schedule(self) -> str:
        """Its ``ScheduleExpression``; may be empty."""
        return str(self.document.get("ScheduleExpression") or "")

    @property
    def key(self) -> str:
        """The name of its record, and in its ARN."""
        return rule_key(self.bus, self.name)

    def fits(self, event: JsonObject) -> bool:
        """Return whether an event fits its pattern."""
        text = str(self.document.get("EventPattern") or "")
        return bool(text) and _pattern(text).matches(event)


def rule_key(bus: str, name: str) -> str:
    """Return the name of a rule's record, and of it in its ARN."""
    return name if bus == DEFAULT_BUS else f"{bus}/{name}"


def bus_of(reference: Json) -> str:
    """Return the name of a bus from a name or an ARN; nothing stands for ``default``.

    Whose account and which region does not matter.

    Example:
        >>> bus_of("arn:aws:events:us-west-2:123456789012:event-bus/models"), bus_of(None)
        ('models', 'default')
    """
    text = str(reference or DEFAULT_BUS)
    match = _BUS_ARN.fullmatch(text)
    return match["name"] if match else text


def check_bus_name(name: str) -> None:
    """Check the name of a bus that is to be made.

    Raises:
        InvalidInputError: If EventBridge would refuse it.
    """
    if not _BUS.fullmatch(name) or "/" in name:
        raise InvalidInputError(f"{name[:100]!r} cannot be the name of an event bus.", where="Name")


def check_rule(document: JsonObject, bus: str) -> None:
    """Check what PutRule got.

    Raises:
        InvalidInputError: If EventBridge would refuse it.
    """
    name = str(document.get("Name") or "")
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name[:100]!r} cannot be the name of a rule.", where="Name")
    pattern, schedule = document.get("EventPattern"), document.get("ScheduleExpression")
    if not pattern and not schedule:
        raise InvalidInputError("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if schedule:
        if bus != DEFAULT_BUS:
            raise InvalidInputError("ScheduleExpression is supported only on the default event bus.")
        read_schedule(str(schedule))
    if pattern:
        read_event_pattern(str(pattern))
    if document.get("State", "ENABLED") not in _STATES:
        raise InvalidInputError(f"State must be one of {', '.join(_STATES)}.", where="State")


class EventPatternError(InvalidInputError):
    """A text is no event pattern."""


def read_event_pattern(text: str) -> Pattern:
    """Return the pattern of a text.

    Raises:
        EventPatternError: If it is none.
    """
    try:
        return _pattern(text)
    except InvalidInputError as error:
        place = f" at {error.where}" if error.where else ""
        raise EventPatternError(f"Event pattern is not valid. Reason: {error.what}{place}") from error


def kind_of(arn: str) -> str:
    """Return what a target's ARN is of: ``sqs``, ``states``; empty if nobody can be told there.

    Example:
        >>> kind_of("arn:aws:states:us-west-2:123456789012:stateMachine:train")
        'states'
    """
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not parts[5]:
        return ""
    found = (
        kind for (service, rest), kind in _KINDS.items() if parts[2] == service and parts[5].startswith(rest)
    )
    return next(found, "")


def check_target(target: JsonObject) -> None:
    """Check one of what PutTargets got.

    Raises:
        InvalidInputError: If EventBridge would refuse it.
        UnsupportedError: If nobody can be told there.
    """
    identifier, arn = str(target.get("Id") or ""), str(target.get("Arn") or "")
    if not _NAME.fullmatch(identifier):
        raise InvalidInputError(f"{identifier[:100]!r} cannot be the id of a target.", where="Targets.Id")
    kind = kind_of(arn)
    if not kind:
        raise UnsupportedError(
            f"Parameter {arn[:200]} is not valid. Reason: nobody can be told there.",
            where="Targets.Arn",
            mend="Targets are functions, queues, topics, state machines, pipelines and Batch's job queues.",
        )
    offered = {"Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer", "DeadLetterConfig"}
    more = {"RetryPolicy", PARAMETERS.get(kind, "")}
    if others := sorted(name for name in target.keys() - offered - more if target[name]):
        raise UnsupportedError(f"{others[0]} is not offered for targets of that kind.", where="Targets")
    if kind == "batch" and not isinstance(target.get("BatchParameters"), Mapping):
        raise InvalidInputError(f"BatchParameters are missing for target {identifier}.", where="Targets")
    dead = target.get("DeadLetterConfig")
    if isinstance(dead, Mapping) and dead.get("Arn") and kind_of(str(dead["Arn"])) != "sqs":
        raise InvalidInputError(
            "The dead-letter queue must be a queue.", where="Targets.DeadLetterConfig.Arn"
        )
    read_input(target)


def read_rule(record: Record) -> Rule:
    """Return the rule of a record."""
    body = record.body
    document, kept = body.get("rule"), body.get("targets")
    targets = kept if isinstance(kept, Sequence) and not isinstance(kept, str) else []
    return Rule(
        record.name.rpartition("/")[2],
        record.parent,
        document if isinstance(document, Mapping) else {},
        {str(one["Id"]): one for one in targets if isinstance(one, Mapping)},
    )


def rule_body(document: JsonObject, targets: Mapping[str, JsonObject]) -> JsonObject:
    """Return what the record of a rule says."""
    return {"rule": document, "targets": list(targets.values())}


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Pattern:
    return read_pattern(text)
