"""The two doors to state machines: ``check`` gives all findings, ``read`` gives the machine or raises."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from stepmill.core.errors import DefinitionError
from stepmill.core.findings import Finding, Severity
from stepmill.language.states.collector import Collector, TooManyFindingsError
from stepmill.language.states.definition import StateMachine
from stepmill.language.states.document import load
from stepmill.language.states.queries import Queries
from stepmill.language.states.reading import MachineReader


class MachineType(StrEnum):
    """How executions of a machine run."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


@dataclass(frozen=True)
class Checked:
    """What a check gives.

    Args:
        machine: ``None`` if there is an error among the findings.
        findings: Errors first, then warnings, each in the order in which they were found.
    """

    machine: StateMachine | None
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the machine."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)


def check(
    text: str | bytes,
    *,
    services: Container[str] | None = None,
    machine_type: MachineType | str = MachineType.STANDARD,
) -> Checked:
    """Check a definition and find all that is wrong with it; never raises.

    Args:
        text: JSON. Any text is taken, hostile ones too.
        services: Names of the integrations that are offered, with their patterns:
            ``sagemaker:createTrainingJob.sync``, ``aws-sdk:s3:getObject``. ``None``: all.
        machine_type: An EXPRESS machine has no ``.sync``, no task tokens and no activities.
    """
    collector = Collector()
    queries = Queries(collector, services=services, is_express=machine_type == MachineType.EXPRESS)
    try:
        document = load(text, collector)
        machine = MachineReader(queries, collector).read(document) if document is not None else None
    except TooManyFindingsError:
        return Checked(None, collector.findings(ended_early=True))
    return Checked(None if collector.errors else machine, collector.findings())


def read(text: str | bytes) -> StateMachine:
    """Return the machine that a definition says, whatever integrations it names.

    Raises:
        DefinitionError: If anything is wrong with it; carries all findings.
    """
    checked = check(text)
    if checked.machine is None:
        raise DefinitionError(checked.findings)
    return checked.machine
