"""Names and ARNs of Batch's things. Pure."""

from __future__ import annotations

import re

from stepmill.core.errors import InvalidInputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ARN = re.compile(r"arn:aws[a-z-]*:batch:[a-z0-9-]*:\d{12}:(?P<kind>[a-z-]+)/(?P<name>[A-Za-z0-9_:-]{1,300})")


def check_name(name: str, member: str) -> str:
    """Return a name, held against Batch's rule.

    Raises:
        InvalidInputError: If Batch would refuse it.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"Error executing request, Exception : {member} should match valid pattern: {name[:140]!r}",
            mend="Use up to 128 letters, digits, hyphens and underscores; the first is a letter or a digit.",
        )
    return name


def name_of(reference: str, kind: str) -> str:
    """Return the name in a name or an ARN; whose account and which region does not matter.

    Args:
        reference: ``fast`` or ``arn:aws:batch:us-west-2:123456789012:job-queue/fast``.
        kind: Of the ARN: ``job-queue``, ``job-definition``, ``job``, ``compute-environment``.

    Returns:
        Empty if it is an ARN of something else.

    Example:
        >>> name_of("arn:aws:batch:us-west-2:123456789012:job-definition/train:3", "job-definition")
        'train:3'
    """
    if not reference.startswith("arn:"):
        return reference
    match = _ARN.fullmatch(reference)
    return match["name"] if match and match["kind"] == kind else ""
