"""Errors under the code that an operation's clients know them by, where the common table says another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stepmill.aws.errors import ApiError
from stepmill.core.errors import StepmillError

VALIDATION = "ValidationException"


@contextmanager
def told_as(code: str, kind: type[StepmillError], text: str = "") -> Iterator[None]:
    """Tell errors of a kind under a code.

    Args:
        code: ``ValidationException``, ``ConflictException``.
        kind: Which errors.
        text: What they say, where SDKs match it; empty: what they say themselves.

    Raises:
        ApiError: In place of an error of that kind.

    Example:
        >>> with told_as(VALIDATION, StepmillError, "ModelPackageGroup churn does not exist."):
        ...     raise StepmillError("There is no such group.")
        Traceback (most recent call last):
        ...
        stepmill.aws.errors.ApiError: ModelPackageGroup churn does not exist.
    """
    try:
        yield
    except kind as error:
        if isinstance(error, ApiError):
            raise
        if text:
            raise ApiError(code, text) from error
        raise ApiError(code, error.what, where=error.where, mend=error.mend) from error
