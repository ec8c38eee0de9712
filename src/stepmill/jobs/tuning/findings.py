"""Gathers everything that is wrong with a request, so that it is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stepmill.core.errors import InvalidInputError, UnsupportedError

# An error's text has an end; whoever makes more mistakes mends these first.
_MOST_TOLD = 20


class Findings:
    """Errors of a request, in the order in which they were found."""

    def __init__(self) -> None:
        self._errors: list[InvalidInputError] = []

    def add(self, what: str, where: str, mend: str = "") -> None:
        """Note an error."""
        self._errors.append(InvalidInputError(what, where=where, mend=mend))

    @contextmanager
    def noted(self, below: str = "") -> Iterator[None]:
        """Note an error that is raised inside, and go on behind it.

        Args:
            below: The place that paths inside start from.

        Raises:
            UnsupportedError: What is not offered is no mistake of a request, and is told by itself.
        """
        try:
            yield
        except InvalidInputError as error:
            self.add(error.what, _joined(below, error.where), error.mend)
        except UnsupportedError as error:
            raise UnsupportedError(error.what, where=_joined(below, error.where), mend=error.mend) from error

    def tell(self) -> None:
        """Raise what was noted, if anything was.

        Raises:
            InvalidInputError: With all that is wrong: a single error as it is, several in one text.
        """
        if not self._errors:
            return
        first, *more = self._errors
        if not more:
            raise first
        told = "; ".join(
            f"{error.what.rstrip('.')} (at {error.where})" for error in self._errors[:_MOST_TOLD]
        )
        raise InvalidInputError(f"{len(self._errors)} errors detected: {told}.", mend=first.mend)


def _joined(below: str, where: str) -> str:
    return ".".join(filter(None, (below, where)))
