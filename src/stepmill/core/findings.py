"""What a check finds in a definition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error refuses the definition, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or will be elsewhere, with the way to mend it.

    Args:
        code: Stable, upper snake case (``UNKNOWN_STEP``); ``docs/reference/findings.md`` lists all.
        severity: Whether it refuses the definition.
        path: Place in the document: ``Steps[1].Arguments.HyperParameters``; empty for the whole.
        message: One sentence: what is wrong.
        mend: One sentence: what to do.
    """

    code: str
    severity: Severity
    path: str
    message: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f" {self.mend}" if self.mend else ""
        return f"{self.severity} {self.code} at {self.path or 'the document'}: {self.message}{mend}"
