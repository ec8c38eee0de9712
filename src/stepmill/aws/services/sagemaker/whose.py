"""Who made or changed a thing, as Describe answers it."""

from __future__ import annotations

from typing import Any

from stepmill.aws.services.identity import caller_arn
from stepmill.core.arns import Arns


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
