"""State machines, their versions and aliases as values, and as the records that keep them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.core.states_arns import StatesArns
from stepmill.language.states.checking import MachineType as MachineType
from stepmill.storage.records import Record

MACHINE_KIND = "state-machine"
VERSION_KIND = "state-machine-version"
ALIAS_KIND = "state-machine-alias"

# Revision of a machine that was never updated, as PublishStateMachineVersion takes it.
FIRST_REVISION = "INITIAL"
# Source: API reference, CreateStateMachine, "name".
LONGEST_NAME = 80
_FORBIDDEN = frozenset('<>{}[]?*"#%\\^|~`$&,;:/')
# Source: API reference, RoutingConfigurationListItem: the weights of an alias add up to 100.
WHOLE_WEIGHT = 100


class InvalidNameError(InvalidInputError):
    """What cannot be the name of a machine, an alias or an execution."""


@dataclass(frozen=True, slots=True)
class MachineContent:
    """What a machine is made of, and each of its versions.

    Args:
        definition: Text of the document.
        role: ARN of the role that its executions run under.
        type: How they are kept.
        logging: ``LoggingConfiguration`` as it was given.
        tracing: ``TracingConfiguration`` as it was given.
        encryption: ``EncryptionConfiguration`` as it was given.
    """

    definition: str
    role: str
    type: MachineType = MachineType.STANDARD
    logging: JsonObject | None = None
    tracing: JsonObject | None = None
    encryption: JsonObject | None = None

    def body(self) -> dict[str, Json]:
        """Return the body of a record that keeps it."""
        return {
            "definition": self.definition,
            "role": self.role,
            "type": self.type.value,
            "logging": self.logging,
            "tracing": self.tracing,
            "encryption": self.encryption,
        }


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A state machine as it is now, or one of its versions.

    Args:
        name: Of the machine.
        arn: Of the machine, or of the version.
        content: What it is made of.
        revision: Of the machine's content: ``INITIAL``, or a UUID since its first update.
        version: Number of the version; 0: the machine as it is now.
        description: Of the version.
        created_at: Aware, UTC.
        modified_at: The same.
    """

    name: str
    arn: str
    content: MachineContent
    revision: str
    version: int
    description: str
    created_at: datetime
    modified_at: datetime

    @property
    def is_express(self) -> bool:
        """Whether its executions are kept only while they run."""
        return self.content.type is MachineType.EXPRESS


@dataclass(frozen=True, slots=True)
class Route:
    """Share of an alias's executions that run a version.

    Args:
        version: Its number.
        weight: In percent.
    """

    version: int
    weight: int


@dataclass(frozen=True, slots=True)
class MachineAlias:
    """A name for one version of a machine, or for two with a share each.

    Args:
        machine: Name of the machine.
        name: Of the alias.
        arn: Its ARN.
        description: For humans.
        routes: One or two; their weights add up to 100.
        created_at: Aware, UTC.
        modified_at: The same.
    """

    machine: str
    name: str
    arn: str
    description: str
    routes: tuple[Route, ...]
    created_at: datetime
    modified_at: datetime

    def version_for(self, draw: float) -> int:
        """Return the version that an execution runs.

        Args:
            draw: By chance, at least 0 and less than 1.

        Example:
            >>> moment = datetime(2026, 1, 1)
            >>> alias = MachineAlias("m", "live", "", "", (Route(1, 90), Route(2, 10)), moment, moment)
            >>> alias.version_for(0.5), alias.version_for(0.95)
            (1, 2)
        """
        first = self.routes[0]
        return first.version if draw * WHOLE_WEIGHT < first.weight else self.routes[-1].version


def check_name(name: str) -> None:
    """Check the name of a machine or an execution.

    Raises:
        InvalidNameError: If Step Functions would refuse it.

    Source: API reference, CreateStateMachine, "name".
    """
    if not 1 <= len(name) <= LONGEST_NAME or any(_is_forbidden(character) for character in name):
        raise InvalidNameError(
            f"Invalid Name: '{name[:300]}'",
            mend=f"Use 1 to {LONGEST_NAME} characters without white space, brackets, wildcards, control "
            'characters and any of "#%\\^|~`$&,;:/.',
        )


def _is_forbidden(character: str) -> bool:
    return (
        character in _FORBIDDEN
        or character.isspace()
        or unicodedata.category(character) in ("Cc", "Cs")
        or character in "\ufffe\uffff"
    )


def check_routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Check how the executions of an alias are shared out.

    Raises:
        InvalidInputError: If there are none or more than two, two of one version, or if the weights do not
            add up to 100.
    """
    checked = tuple(routes)
    where = "routingConfiguration"
    if not 1 <= len(checked) <= 2:
        raise InvalidInputError("An alias leads to one or two versions.", where=where)
    if len({route.version for route in checked}) < len(checked):
        raise InvalidInputError("Routing configuration must not contain duplicate versions.", where=where)
    weights = [route.weight for route in checked]
    if sum(weights) != WHOLE_WEIGHT:
        raise InvalidInputError(
            f"Sum of routing configuration weights must equal {WHOLE_WEIGHT}. Received: {weights}",
            where=where,
        )
    return checked


def version_name(machine: str, number: int) -> str:
    """Return the name of the record of a version."""
    return f"{machine}:{number}"


def alias_name(machine: str, alias: str) -> str:
    """Return the name of the record of an alias."""
    return f"{machine}:{alias}"


def read_machine(record: Record, arns: StatesArns) -> StateMachine:
    """Return the machine of a record."""
    return StateMachine(
        name=record.name,
        arn=arns.machine(record.name),
        content=_content_of(record.body),
        revision=str(record.body["revision"]),
        version=0,
        description="",
        created_at=record.created_at,
        modified_at=record.modified_at,
    )


def read_version(record: Record, arns: StatesArns) -> StateMachine:
    """Return the version of a record."""
    return StateMachine(
        name=record.parent,
        arn=arns.machine(record.parent, str(record.number)),
        content=_content_of(record.body),
        revision=str(record.body["revision"]),
        version=record.number,
        description=str(record.body.get("description") or ""),
        created_at=record.created_at,
        modified_at=record.created_at,
    )


def read_alias(record: Record, arns: StatesArns) -> MachineAlias:
    """Return the alias of a record."""
    routes = record.body["routes"]
    pairs = routes.items() if isinstance(routes, Mapping) else ()
    name = record.name.removeprefix(f"{record.parent}:")
    return MachineAlias(
        machine=record.parent,
        name=name,
        arn=arns.machine(record.parent, name),
        description=str(record.body.get("description") or ""),
        routes=tuple(Route(int(version), int(str(weight))) for version, weight in pairs),
        created_at=record.created_at,
        modified_at=record.modified_at,
    )


def _content_of(body: JsonObject) -> MachineContent:
    return MachineContent(
        definition=str(body["definition"]),
        role=str(body["role"]),
        type=MachineType(str(body["type"])),
        logging=_object(body.get("logging")),
        tracing=_object(body.get("tracing")),
        encryption=_object(body.get("encryption")),
    )


def _object(value: Json) -> JsonObject | None:
    return value if isinstance(value, Mapping) else None
