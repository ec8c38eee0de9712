"""Decides whether policies allow an action on a resource: a Deny wins, and what nobody allows is not allowed.

Where a policy asks for something of which nothing is known here, the answer is the safer one: an Allow
does not count, a Deny does. The decision says so, by the key's name.

Source: IAM user guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from stepmill.catalog.permissions.circumstances import Circumstances, UnknownKeyError
from stepmill.catalog.permissions.documents import Statement


class Verdict(StrEnum):
    """What comes of a question. The values are those of IAM's policy simulator."""

    ALLOWED = "allowed"
    DENIED = "explicitDeny"
    NOT_ALLOWED = "implicitDeny"


@dataclass(frozen=True)
class Question:
    """What is to be done.

    Args:
        action: ``s3:GetObject``.
        resource: Its ARN; ``*`` of an action that has none.
        circumstances: All else.
    """

    action: str
    resource: str
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True)
class Policy:
    """A policy, and what it is called.

    Args:
        name: For whoever is refused.
        statements: What it says. ``None``: it cannot be read, or what it says is not known here.
        denies_all: Whether all is denied because of it: it may hold a Deny that nobody can read.
    """

    name: str
    statements: Sequence[Statement] | None
    denies_all: bool = False


@dataclass(frozen=True)
class Decision:
    """The answer to a question.

    Args:
        verdict: It.
        policy: Of a Deny: name of the policy.
        unknown: Keys of conditions that decided and are not known here, and policies that are not.
    """

    verdict: Verdict
    policy: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether it may be done."""
        return self.verdict is Verdict.ALLOWED


def decide(policies: Iterable[Policy], question: Question) -> Decision:
    """Answer a question by all policies that somebody has."""
    is_allowed = False
    unknown: dict[str, None] = {}
    for policy in policies:
        if policy.statements is None:
            if policy.denies_all:
                return Decision(Verdict.DENIED, policy.name, (policy.name,))
            unknown[policy.name] = None
            continue
        for statement in policy.statements:
            if is_allowed and statement.allows:
                continue
            try:
                counts = _counts(statement, question)
            except UnknownKeyError as error:
                if not statement.allows:
                    return Decision(Verdict.DENIED, policy.name, (error.key,))
                unknown[error.key] = None
                continue
            if counts and not statement.allows:
                return Decision(Verdict.DENIED, policy.name)
            is_allowed = is_allowed or counts
    if is_allowed:
        return Decision(Verdict.ALLOWED)
    return Decision(Verdict.NOT_ALLOWED, "", tuple(unknown))


def _counts(statement: Statement, question: Question) -> bool:
    circumstances = question.circumstances
    return statement.is_for(question.action, question.resource, circumstances) and statement.holds(
        circumstances
    )
