"""The tree of errors. Each says what happened, where, and how to mend it.

::

    StepmillError
    ├── InvalidInputError       a value that the caller gave cannot be taken
    │   └── InvalidRowsError    rows of data are refused; carries every finding
    ├── DefinitionError         a definition is refused; carries every finding
    ├── NotFoundError           nothing of that name is here
    ├── ConflictError           the name is taken, or someone else changed it first
    ├── WrongStateError         that cannot be asked for while things are as they are
    ├── UnsupportedError        known, but not offered (yet) or not possible on this machine
    ├── StorageError            the store failed
    │   └── StorageFullError    no room left on the device
    ├── ComputeError            a job could not be started or followed
    │   └── ComputeClosedError  it was not tried to the end: whoever comes next is to try again
    └── IllegalTransitionError  an event that cannot happen in this state: a bug in Stepmill
"""

from __future__ import annotations

from collections.abc import Sequence

from stepmill.core.findings import Finding, Severity


class StepmillError(Exception):
    """Root of all errors that Stepmill raises on purpose.

    Args:
        what: One sentence: what is wrong.
        where: The place: a path in a document (``Steps[1].Arguments``), a file, a name. May be empty.
        mend: One sentence: what to do about it. May be empty.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(what, where, mend)

    def __str__(self) -> str:
        place = f" (at {self.where})" if self.where else ""
        mend = f" {self.mend}" if self.mend else ""
        return f"{self.what}{place}{mend}"


class InvalidInputError(StepmillError):
    """A value that the caller gave cannot be taken."""


class InvalidRowsError(InvalidInputError):
    """Rows of data are refused. ``findings`` holds all that is wrong with them; nothing was written."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first, more = self.findings[0], len(self.findings) - 1
        text = f" {more} more of the kind: see the findings." if more else ""
        super().__init__(first.message + text, where=first.path, mend=first.mend)


class DefinitionError(StepmillError):
    """A definition is refused. ``findings`` holds all that is wrong with it, warnings too."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [f for f in self.findings if f.severity is Severity.ERROR]
        first = errors[0] if errors else self.findings[0]
        more = f" ({len(errors) - 1} more errors)" if len(errors) > 1 else ""
        super().__init__(first.message + more, where=first.path, mend=first.mend)


class NotFoundError(StepmillError):
    """Nothing of that name is here."""


class ConflictError(StepmillError):
    """The name is taken, or someone else changed the thing first."""


class WrongStateError(StepmillError):
    """What was asked for cannot be done while things are as they are."""


class UnsupportedError(StepmillError):
    """Known, but not offered, or not possible on this machine."""


class StorageError(StepmillError):
    """The store failed."""


class StorageFullError(StorageError):
    """No room is left on the device."""


class ComputeError(StepmillError):
    """A job could not be started or followed."""


class ComputeClosedError(ComputeError):
    """This process is ending, and starts no more jobs. That says nothing of the job."""


class IllegalTransitionError(StepmillError):
    """An event that cannot happen in this state: a bug in Stepmill."""
