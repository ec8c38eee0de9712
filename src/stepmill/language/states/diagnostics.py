"""Findings as AWS tells them: diagnostics of ValidateStateMachineDefinition, the text of InvalidDefinition.

Source: API reference, ValidateStateMachineDefinitionDiagnostic; refusals as users of the service report them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stepmill.core.findings import Finding
from stepmill.language.states.codes import CODES, Code


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What the service says of one finding.

    Args:
        severity: ``ERROR`` or ``WARNING``.
        code: ``SCHEMA_VALIDATION_FAILED``, ``MISSING_TRANSITION_TARGET`` ...
        message: What is wrong.
        location: ``/States/Train/Next``; empty: the service gives none.
    """

    severity: str
    code: str
    message: str
    location: str = ""


def diagnostics(findings: Iterable[Finding]) -> tuple[Diagnostic, ...]:
    """Return what the service says of findings: those that it has codes for, in their order."""
    return tuple(
        Diagnostic(finding.severity.upper(), finding.code, finding.message, finding.path)
        for finding in findings
        if finding.code in Code.__members__ and CODES[Code(finding.code)].is_aws
    )


def refusal(findings: Iterable[Finding]) -> str:
    """Return the message of ``InvalidDefinition`` for the errors among findings.

    Example:
        >>> from stepmill.core.findings import Severity
        >>> refusal([Finding("MISSING_END_STATE", Severity.ERROR, "", "Workflow has no terminal state")])
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    """
    shown = ", ".join(
        f"{each.code}: {each.message} at {each.location or 'null'}"
        for each in diagnostics(findings)
        if each.severity == "ERROR"
    )
    return f"Invalid State Machine Definition: '{shown}'"
