"""What can go wrong with a path. ``what`` is the text of the library that AWS runs, word for word."""

from __future__ import annotations

from stepmill.core.errors import InvalidInputError, StepmillError


class PathSyntaxError(InvalidInputError):
    """The text is no path."""


class PathError(StepmillError):
    """A path could not be read from a document."""


class PathNotFoundError(PathError):
    """The document has nothing at this path."""


class PathEvaluationError(PathError):
    """What stands at the path cannot be used as the path uses it: an unknown function, a sum of nothing."""
