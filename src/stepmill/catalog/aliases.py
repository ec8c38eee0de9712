"""Names for versions of a pipeline, such as ``prod``: which there may be, and how they move. Pure.

Source: SageMaker developer guide, "Pipeline version aliases".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stepmill.core.errors import ConflictError, InvalidInputError

MOST_ALIASES = 10

_ALIAS = re.compile(r"[a-zA-Z0-9._\-]{1,128}")


def moved_aliases(
    aliases: Mapping[str, int], version: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> dict[str, int]:
    """Return a pipeline's aliases after some were given to a version and some taken from it.

    Args:
        aliases: Alias -> the version that it names.
        version: Whose aliases change.
        add: What names it afterwards; naming it already does no harm.
        remove: What does not.

    Raises:
        InvalidInputError: If one can be no alias, is in both lists or is not this version's, or if there
            would be more than ``MOST_ALIASES``.
        ConflictError: If one names another version.

    Example:
        >>> moved_aliases({"prod": 1, "trial": 2}, 2, add=["next"], remove=["trial"])
        {'prod': 1, 'next': 2}
    """
    added, removed = list(add), list(remove)
    moved = dict(aliases)
    for alias in removed:
        if alias in added:
            raise InvalidInputError(
                f"The alias {alias!r} is to be added and removed at once.", mend="Give it in one list."
            )
        if moved.pop(alias, None) != version:
            raise InvalidInputError(
                f"The alias {alias[:128]!r} does not name version {version}.",
                mend="Remove it from the version that it names.",
            )
    for alias in added:
        _check(alias)
        if (other := moved.setdefault(alias, version)) != version:
            raise ConflictError(
                f"The alias {alias!r} names version {other}.", mend=f"Remove it from version {other} first."
            )
    if (count := len(aliases_of(moved, version))) > MOST_ALIASES:
        raise InvalidInputError(
            f"A version has at most {MOST_ALIASES} aliases; version {version} would have {count}.",
            mend="Remove some first.",
        )
    return moved


def aliases_of(aliases: Mapping[str, int], version: int) -> tuple[str, ...]:
    """Return the names of one version, sorted.

    Example:
        >>> aliases_of({"prod": 1, "next": 2, "a": 1}, 1)
        ('a', 'prod')
    """
    return tuple(sorted(alias for alias, named in aliases.items() if named == version))


def _check(alias: str) -> None:
    if not _ALIAS.fullmatch(alias) or alias.isdigit():
        raise InvalidInputError(
            f"{alias[:128]!r} cannot be an alias.",
            mend="Use 1 to 128 letters, digits, '.', '-' and '_', and not digits alone.",
        )
