"""What a request is like beyond its action and resource: what conditions of policies ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class UnknownKeyError(Exception):
    """A policy asks for a key of which nothing is known here: neither its value, nor that it has none.

    Args:
        key: As the policy has it.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


# Keys that requests here never have, as many on AWS: a condition sees that they are absent.
_ABSENT = frozenset(
    {
        "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:federatedprovider",
        "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalorgid", "aws:principalorgpaths",
        "aws:principalservicename", "aws:principalservicenameslist", "aws:referer", "aws:resourceorgid",
        "aws:sourceaccount", "aws:sourcearn", "aws:sourceidentity", "aws:sourceorgid", "aws:sourcevpc",
        "aws:sourcevpce", "aws:username", "aws:vpcsourceip",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Circumstances:
    """The values of condition keys.

    Args:
        given: Key in lower case -> its values; none: it is known to be absent.
        families: Beginning of keys in lower case -> returns the values of the key of that ending, which
            keeps its case: ``aws:principaltag/`` -> the tag of a name.
    """

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    families: Mapping[str, Callable[[str], tuple[str, ...]]] = field(default_factory=dict)

    def values(self, key: str) -> tuple[str, ...]:
        """Return the values of a key; none: it is absent.

        Raises:
            UnknownKeyError: If nothing is known of it.
        """
        lower = key.lower()
        if lower in self.given:
            return self.given[lower]
        for beginning, values in self.families.items():
            if lower.startswith(beginning):
                return values(key[len(beginning) :])
        if lower in _ABSENT:
            return ()
        raise UnknownKeyError(key)
