"""Collects the findings of one check of a state machine, so that all come at once."""

from __future__ import annotations

from stepmill.core.findings import Finding, Severity
from stepmill.language.states.codes import CODES, Code
from stepmill.language.states.places import Place

# A document with more errors than this is no state machine; its check ends here, to cost no more.
MOST_ERRORS = 1_000
MOST_WARNINGS = 1_000


class TooManyFindingsError(Exception):
    """Ends a check whose list of errors is full. Never leaves the check."""


class Collector:
    """Findings in the order in which they were found."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._errors = 0
        self._warnings = 0

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return self._errors

    def add(self, code: Code, place: Place | str | None, message: str, mend: str = "") -> None:
        """Note a finding; without ``mend``, the code's own advice is given. No place: of the whole.

        Raises:
            TooManyFindingsError: If the list of errors is full.
        """
        info = CODES[code]
        if info.severity is Severity.WARNING:
            self._warnings += 1
            if self._warnings > MOST_WARNINGS:
                return
        elif self._errors >= MOST_ERRORS:
            raise TooManyFindingsError
        else:
            self._errors += 1
        where = "" if place is None else str(place)
        self._findings.append(Finding(code, info.severity, where, message, mend or info.mend))

    def schema(self, place: Place, message: str, mend: str = "") -> None:
        """Note what AWS's schema refuses."""
        self.add(Code.SCHEMA_VALIDATION_FAILED, place, message, mend)

    def findings(self, *, ended_early: bool = False) -> tuple[Finding, ...]:
        """Return all findings, errors first, each in the order in which they were found."""
        found = sorted(self._findings, key=lambda each: each.severity is not Severity.ERROR)
        if ended_early:
            found.append(_too_many(Severity.ERROR, f"There are more than {MOST_ERRORS} errors."))
        if self._warnings > MOST_WARNINGS:
            left_out = self._warnings - MOST_WARNINGS
            found.append(_too_many(Severity.WARNING, f"{left_out} more warnings are not listed."))
        return tuple(found)


def _too_many(severity: Severity, message: str) -> Finding:
    code = Code.TOO_MANY_FINDINGS
    return Finding(code, severity, "", message, CODES[code].mend)
