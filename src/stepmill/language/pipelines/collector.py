"""Collects the findings of one check, so that all come at once."""

from __future__ import annotations

from collections.abc import Collection

from stepmill.core.findings import Finding, Severity
from stepmill.core.spelling import did_you_mean
from stepmill.language.pipelines.codes import CODES, Code
from stepmill.language.pipelines.places import Place

# A document with more errors than this is no pipeline; its check ends here, to cost no more.
MOST_ERRORS = 1_000
MOST_WARNINGS = 1_000
# Looking for the nearest name costs about 10 microseconds per candidate.
MOST_COMPARISONS = 100_000


class TooManyFindingsError(Exception):
    """Ends a check whose list of errors is full. Never leaves the check."""


class Collector:
    """Findings in the order in which they were found."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._errors = 0
        self._warnings = 0
        self._comparisons = 0

    @property
    def errors(self) -> int:
        """How many errors there are so far."""
        return self._errors

    def add(self, code: Code, place: Place | str, message: str, mend: str = "") -> None:
        """Note a finding; without ``mend``, the code's own advice is given.

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
        self._findings.append(Finding(code, info.severity, str(place), message, mend or info.mend))

    def nearest(self, word: object, known: Collection[str]) -> str:
        """Return ``Did you mean 'x'?``; empty if nothing is near, or too much was compared already."""
        self._comparisons += len(known)
        return did_you_mean(word, known) if self._comparisons <= MOST_COMPARISONS else ""

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
