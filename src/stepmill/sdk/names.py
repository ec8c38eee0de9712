"""The names that definitions allow, and the nearest one to a mistyped one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stepmill.core.errors import InvalidInputError
from stepmill.core.spelling import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_PIPELINE_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")


def check_name(name: str, kind: str) -> None:
    """Refuse a name that no step, parameter, input or output can have.

    Raises:
        InvalidInputError: If it is refused.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name!r} is no name for a {kind}.", where=f"{kind} {name!r}",
            mend="Use 1 to 64 letters, digits, '-' and '_'.",
        )  # fmt: skip


def check_pipeline_name(name: str) -> None:
    """Refuse a name that no pipeline can have.

    Raises:
        InvalidInputError: If it is refused.
    """
    if not isinstance(name, str) or len(name) > 256 or not _PIPELINE_NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name!r} is no name for a pipeline.", where=f"pipeline {name!r}",
            mend="Use 1 to 256 letters and digits, with '-' between them.",
        )  # fmt: skip


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that helps whoever mistyped a name: the nearest one, or all there are."""
    names = sorted(known)
    return did_you_mean(
        str(name), names, f"There are: {', '.join(map(repr, names))}." if names else "There are none."
    )
