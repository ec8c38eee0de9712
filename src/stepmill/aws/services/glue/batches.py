"""Calls about many things, each of which may fail alone.

Source: Glue API reference, ErrorDetail, TableError, PartitionError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from stepmill.core.errors import ConflictError, NotFoundError

_T = TypeVar("_T")


def done_each(
    things: Iterable[_T], do: Callable[[_T], object], name: Callable[[_T], dict[str, Any]]
) -> dict[str, Any]:
    """Do something to each of several things, and return the answer: with which ones that failed, and why.

    Args:
        things: The things.
        do: What is done; what it raises because a thing is there or is not is told.
        name: Says which one it was, as the service does.
    """
    errors = []
    for thing in things:
        try:
            do(thing)
        except (NotFoundError, ConflictError) as error:
            is_missing = isinstance(error, NotFoundError)
            code = "EntityNotFoundException" if is_missing else "AlreadyExistsException"
            detail = {"ErrorCode": code, "ErrorMessage": error.what}
            errors.append({**name(thing), "ErrorDetail": detail})
    return {"Errors": errors}
