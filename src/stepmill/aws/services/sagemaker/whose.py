"""Who made or changed a thing, as Describe answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.services.identity import caller_arn
from stepmill.core.arns import Arns
from stepmill.core.json import JsonObject


def user_context(name: str, arns: Arns) -> dict[str, Any]:
    """Return the ``UserContext`` of the owner of a key.

    Args:
        name: Of the key; empty for the terminal, where nobody signs.
        arns: Of this installation.

    Example:
        >>> user_context("", Arns("us-west-2", "123456789012"))
        {}
    """
    return {"IamIdentity": {"Arn": caller_arn(name, arns.account), "PrincipalId": name}} if name else {}


def with_arns(described: JsonObject, arns: Arns) -> JsonObject:
    """Return what Describe answers with the ARNs of those whom it names by their keys.

    Args:
        described: With ``CreatedBy`` and ``LastModifiedBy`` as the catalog keeps them.
        arns: Of this installation.
    """
    people: dict[str, JsonObject] = {}
    for member in ("CreatedBy", "LastModifiedBy"):
        who = described.get(member)
        identity = who.get("IamIdentity") if isinstance(who, Mapping) else None
        if isinstance(identity, Mapping):
            people[member] = user_context(str(identity.get("PrincipalId") or ""), arns)
    return {**described, **people}
