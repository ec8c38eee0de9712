"""Reads policy documents into statements, and refuses what IAM refuses, in its words.

Source: IAM user guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from stepmill.catalog.permissions.circumstances import Circumstances
from stepmill.catalog.permissions.conditions import Condition, is_operator
from stepmill.catalog.permissions.templates import Fixed, Template
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json

LARGEST_DOCUMENT = 131_072
_VERSIONS = ("2008-10-17", "2012-10-17")
_SYNTAX = "Syntax errors in policy."
_ACTION = re.compile(r"[A-Za-z0-9*?-]{1,64}:[A-Za-z0-9*?-]{1,128}")
_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Principal",
        "NotPrincipal",
    }
)


class MalformedDocumentError(InvalidInputError):
    """A policy that is no policy document."""


@dataclass(frozen=True)
class Statement:
    """A statement of a policy.

    Args:
        allows: Whether its effect is Allow.
        actions: Those that it is for.
        is_for_other_actions: Whether it is for all but those.
        resources: Those that it is for.
        is_for_other_resources: Whether it is for all but those.
        conditions: All must hold.
    """

    allows: bool
    actions: tuple[Template, ...]
    resources: tuple[Template | Fixed, ...]
    is_for_other_actions: bool = False
    is_for_other_resources: bool = False
    conditions: tuple[Condition, ...] = ()

    def is_for(self, action: str, resource: str, circumstances: Circumstances) -> bool:
        """Return whether it is for an action on a resource, its conditions aside.

        Raises:
            UnknownKeyError: If a variable in it is none that is known here.
        """
        named = any(own.matches(action, circumstances) for own in self.actions)
        if named is self.is_for_other_actions:
            return False
        named = any(own.matches(resource, circumstances) for own in self.resources)
        return named is not self.is_for_other_resources

    def holds(self, circumstances: Circumstances) -> bool:
        """Return whether its conditions hold.

        Raises:
            UnknownKeyError: If one asks for what is not known here.
        """
        return all(condition.holds(circumstances) for condition in self.conditions)


@lru_cache(maxsize=512)
def read_policy(text: str) -> tuple[Statement, ...]:
    """Return the statements of a policy that is attached to a role.

    Raises:
        MalformedDocumentError: If IAM would not take it.
    """
    if len(text) > LARGEST_DOCUMENT:
        raise MalformedDocumentError(f"The document has more than {LARGEST_DOCUMENT} characters.")
    try:
        document = read_json(text)
    except InvalidInputError as error:
        raise MalformedDocumentError(f"{_SYNTAX} {error.what}") from error
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise MalformedDocumentError(_SYNTAX)
    version = document.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise MalformedDocumentError("Policy document must be version 2012-10-17 or greater.")
    given = document["Statement"]
    statements = [given] if isinstance(given, Mapping) else given
    if not isinstance(statements, Sequence) or isinstance(statements, str) or not statements:
        raise MalformedDocumentError(_SYNTAX)
    has_variables = version == _VERSIONS[1]
    return tuple(_statement(statement, has_variables=has_variables) for statement in statements)


def _statement(given: Json, *, has_variables: bool) -> Statement:
    if not isinstance(given, Mapping) or given.keys() - _ELEMENTS:
        raise MalformedDocumentError(_SYNTAX)
    if given.get("Effect") not in ("Allow", "Deny"):
        raise MalformedDocumentError(_SYNTAX)
    if given.keys() & {"Principal", "NotPrincipal"}:
        raise MalformedDocumentError("Policy document should not specify a principal.")
    if {"Action", "NotAction"} <= given.keys() or {"Resource", "NotResource"} <= given.keys():
        raise MalformedDocumentError(_SYNTAX)
    actions = _texts(given, ("Action", "NotAction"), "Policy statement must contain actions.")
    resources = _texts(given, ("Resource", "NotResource"), "Policy statement must contain resources.")
    for action in actions:
        if action != "*" and not _ACTION.fullmatch(action):
            raise MalformedDocumentError(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                if ":" not in action
                else _SYNTAX
            )
    for resource in resources:
        # A star in front may stand for "arn:" and more.
        if not resource.startswith(("arn:", "*", "a*", "ar*", "arn*")):
            raise MalformedDocumentError(f'Resource {resource[:200]} must be in ARN format or "*".')
    return Statement(
        allows=given["Effect"] == "Allow",
        actions=tuple(Template(action, lower=True) for action in actions),
        resources=tuple(Template(resource, has_variables) for resource in resources),
        is_for_other_actions="NotAction" in given,
        is_for_other_resources="NotResource" in given,
        conditions=_conditions(given.get("Condition", {}), has_variables=has_variables),
    )


def _texts(given: Mapping[str, Json], names: tuple[str, str], missing: str) -> list[str]:
    value = next((given[name] for name in names if name in given), None)
    texts = [value] if isinstance(value, str) else value
    if texts is None or (isinstance(texts, Sequence) and not texts):
        raise MalformedDocumentError(missing)
    if not isinstance(texts, Sequence):
        raise MalformedDocumentError(_SYNTAX)
    found = [text for text in texts if isinstance(text, str) and text]
    if len(found) != len(texts):
        raise MalformedDocumentError(_SYNTAX)
    return found


def _conditions(given: Json, *, has_variables: bool) -> tuple[Condition, ...]:
    if not isinstance(given, Mapping):
        raise MalformedDocumentError(_SYNTAX)
    conditions: list[Condition] = []
    for operator, keys in given.items():
        if not is_operator(operator):
            raise MalformedDocumentError(f"{_SYNTAX} There is no condition operator {operator[:80]!r}.")
        if not isinstance(keys, Mapping):
            raise MalformedDocumentError(_SYNTAX)
        for key, values in keys.items():
            if ":" not in key:
                raise MalformedDocumentError(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                )
            texts = tuple(Template(text, has_variables) for text in _values(values))
            conditions.append(Condition(operator, key, texts))
    return tuple(conditions)


def _values(given: Json) -> list[str]:
    values = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    texts: list[str] = []
    for value in values:
        if isinstance(value, bool):
            texts.append(str(value).lower())
        elif isinstance(value, str | int | float):
            texts.append(str(value))
        else:
            raise MalformedDocumentError(_SYNTAX)
    return texts
