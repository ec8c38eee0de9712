"""Which function a call is about: a name, an ARN, or part of one, with a qualifier in it or beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.core.errors import NotFoundError
from stepmill.jobs.functions.function import Function, parse_reference
from stepmill.platform import Platform


def reference_of(given: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and qualifier (may be empty) from ``FunctionName`` and ``Qualifier``.

    Raises:
        InvalidInputError: If it names no function.
        ApiError: If the two say different things.
    """
    name, inside = parse_reference(given["FunctionName"])
    beside = given.get("Qualifier") or ""
    if inside and beside and inside != beside:
        raise ApiError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return name, beside or inside


def function_of(platform: Platform, given: Mapping[str, Any]) -> Function:
    """Return the function, version, or version of an alias that a call is about.

    Raises:
        ApiError: If there is none.
    """
    name, qualifier = reference_of(given)
    arn = platform.settings.arns.function(name)
    try:
        return platform.function_services.versions.get(name, qualifier)
    except NotFoundError as error:
        where = f"{arn}:{qualifier}" if qualifier else arn
        raise ApiError(
            "ResourceNotFoundException",
            f"Function not found: {where}",
            status=404,
            members={"Type": "User"},
        ) from error
