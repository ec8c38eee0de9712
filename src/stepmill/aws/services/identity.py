"""What the owner of a key is called in AWS's terms."""

from __future__ import annotations

from stepmill.catalog.roles import DEFAULT_ROLE


def caller_arn(name: str, account: str) -> str:
    """Return the ARN of the session that a key stands for.

    A session's key is called ``ROLE/SESSION``; others are sessions of the one role that everybody has.

    Args:
        name: Of the key.
        account: Twelve digits.

    Example:
        >>> caller_arn("Trainer/ada", "123456789012")
        'arn:aws:sts::123456789012:assumed-role/Trainer/ada'
    """
    role, slash, session = name.partition("/")
    return session_arn(role, session, account) if slash else session_arn(DEFAULT_ROLE, name, account)


def session_arn(role: str, session: str, account: str) -> str:
    """Return the ARN of a session of a role."""
    return f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
