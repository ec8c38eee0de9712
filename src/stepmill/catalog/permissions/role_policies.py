"""Gathers the policies of a role: its own, those attached to it, AWS's; or what holds without any."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.catalog.permissions.decisions import Policy
from stepmill.catalog.permissions.documents import MalformedDocumentError, read_policy
from stepmill.catalog.permissions.managed import OF_AWS, aws_policy, without_policies
from stepmill.catalog.roles import Role, Roles
from stepmill.core.errors import NotFoundError


@dataclass(frozen=True)
class RolePolicies:
    """Tells what roles may do. Safe to share between threads; changes hold from the next question on.

    Args:
        roles: Keeps them.
    """

    roles: Roles

    def of(self, role: Role) -> tuple[Policy, ...]:
        """Return the policies of a role; of one that nobody gave any, what holds then."""
        if not role.inline and not role.attached:
            statements = without_policies(self.roles.arns.account)
            return (Policy("what a role may do without policies", statements),)
        inline = (_read(name, text) for name, text in role.inline.items())
        return (*inline, *(self._attached(arn) for arn in role.attached))

    def _attached(self, arn: str) -> Policy:
        if arn.startswith(OF_AWS):
            return Policy(arn, aws_policy(arn))
        try:
            policy = self.roles.get_policy(arn)
        except NotFoundError:
            return Policy(arn, None, denies_all=True)
        return _read(arn, policy.versions[policy.default])


def _read(name: str, text: str) -> Policy:
    try:
        return Policy(name, read_policy(text))
    except MalformedDocumentError:
        # Kept before documents were checked: what it denies, nobody can tell.
        return Policy(name, None, denies_all=True)
