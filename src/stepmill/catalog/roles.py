"""Roles and policies: names that scripts hand around, with the documents they gave them.

What a role's policies allow, its jobs may do (``permissions/``); whoever has a key of their own may do all.
Every name stands for a role that SageMaker may take on, whether somebody made it or not: scripts name roles
of the account that they were written in.

Source: IAM API reference, Role, Policy.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from stepmill.catalog.permissions.documents import MalformedDocumentError, read_policy
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, read_json, write_json
from stepmill.core.typed import converter
from stepmill.storage.records import Record, RecordStore

ROLE_KIND = "iam-role"
POLICY_KIND = "iam-policy"
# The role of whoever calls with one of this installation's keys.
DEFAULT_ROLE = "StepmillExecutionRole"

_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"/|/[\x21-\x7e]{1,510}/")
_LARGEST_DOCUMENT = 131_072
_MOST_VERSIONS = 5
_ID_LETTERS = string.ascii_uppercase + "234567"
_SERVICES = ("sagemaker", "lambda", "states", "events", "scheduler", "batch", "ecs-tasks", "glue")
_UNKNOWN_SINCE = datetime(2026, 1, 1, tzinfo=UTC)


class Role(msgspec.Struct, frozen=True):
    """A role.

    Args:
        name: Its name.
        path: ``/``, or ``/service-role/``.
        id: ``AROA`` and letters.
        trust: JSON text: who may take it on.
        description: For humans.
        max_session_s: How long a session lasts at most, in seconds.
        attached: ARNs of policies.
        inline: Name -> JSON text of policies of its own.
        tags: Key -> value.
        is_made: Whether somebody made it; if not, it is but a name.
        created_at: Aware, UTC.
    """

    name: str
    path: str = "/"
    id: str = ""
    trust: str = ""
    description: str = ""
    max_session_s: int = 3600
    attached: tuple[str, ...] = ()
    inline: dict[str, str] = {}
    tags: dict[str, str] = {}
    is_made: bool = True
    created_at: datetime = _UNKNOWN_SINCE


class Policy(msgspec.Struct, frozen=True):
    """A policy that can be attached to roles.

    Args:
        name: Its name.
        path: ``/``.
        id: ``ANPA`` and letters.
        description: For humans.
        versions: Version id -> JSON text.
        default: The version that counts.
        newest: Number of the newest version; none is given twice.
        tags: Key -> value.
        created_at: Aware, UTC.
    """

    name: str
    path: str
    id: str
    description: str
    versions: dict[str, str]
    default: str = "v1"
    newest: int = 1
    tags: dict[str, str] = {}
    created_at: datetime = _UNKNOWN_SINCE


@dataclass(frozen=True)
class Roles:
    """Keeps roles and policies. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        arns: Builds their ARNs.
    """

    records: RecordStore
    arns: Arns

    # ---- roles -----------------------------------------------------------------------------------

    def arn(self, role: Role) -> str:
        """Return the ARN of a role."""
        return self.arns.role(f"{role.path[1:]}{role.name}")

    def get(self, name: str) -> Role:
        """Return a role; one that nobody made, too.

        Raises:
            InvalidInputError: If that cannot be a role's name.
        """
        _check_name(name, "RoleName")
        record = self.records.find(ROLE_KIND, name)
        if record is not None:
            return _role(record)
        return Role(
            name=name,
            id="AROA" + sha256(name.encode()).hexdigest()[:17].upper(),
            trust=trust_of(_SERVICES),
            description="A name only: nobody has made it or given it policies.",
            is_made=False,
        )

    def create(self, role: Role) -> Role:
        """Make a role, and return it as it is kept.

        Raises:
            InvalidInputError: If its name, path or trust document cannot be taken.
            ConflictError: If somebody made one of that name.
        """
        _check_name(role.name, "RoleName")
        _check_path(role.path)
        _check_document(role.trust, "AssumeRolePolicyDocument")
        made = msgspec.structs.replace(role, id=_new_id("AROA"))
        try:
            return _role(self.records.create(ROLE_KIND, role.name, _body(made)))
        except ConflictError as error:
            raise ConflictError(f"Role with name {role.name} already exists.") from error

    def change(self, name: str, change: Callable[[Role], Role]) -> Role:
        """Change a role; one that nobody made is made by that.

        Raises:
            InvalidInputError: If that cannot be a role's name, or a document is none.
        """
        bare = self.get(name)
        _check_documents(change(bare))
        if not bare.is_made:
            made = msgspec.structs.replace(bare, is_made=True)
            with suppress(ConflictError):  # another was faster
                self.records.create(ROLE_KIND, name, _body(made))
        return _role(
            self.records.update(
                ROLE_KIND, name, lambda record: replace(record, body=_body(change(_role(record))))
            )
        )

    def delete(self, name: str) -> None:
        """Remove a role.

        Raises:
            NotFoundError: If nobody made it.
            WrongStateError: If it still has policies.
        """
        role = self.get(name)
        if not role.is_made:
            raise NotFoundError(f"The role with name {name} cannot be found.")
        if role.attached or role.inline:
            raise WrongStateError(
                "Cannot delete entity, must detach all policies first.",
                mend="Detach and delete its policies.",
            )
        self.records.delete(ROLE_KIND, name)

    def made(self) -> Sequence[Role]:
        """Return the roles that somebody made, by name."""
        return [_role(record) for record in self._all(ROLE_KIND)]

    # ---- policies --------------------------------------------------------------------------------

    def policy_arn(self, policy: Policy) -> str:
        """Return the ARN of a policy."""
        return f"arn:aws:iam::{self.arns.account}:policy{policy.path}{policy.name}"

    def create_policy(
        self, name: str, document: str, *, path: str = "/", description: str = "", tags: Mapping[str, str]
    ) -> Policy:
        """Make a policy, and return it as it is kept.

        Raises:
            InvalidInputError: If its name, path or document cannot be taken.
            ConflictError: If there is one of that name.
        """
        _check_name(name, "PolicyName")
        _check_path(path)
        _check_policy(document)
        policy = Policy(name, path, _new_id("ANPA"), description, {"v1": document}, tags=dict(tags))
        try:
            record = self.records.create(POLICY_KIND, self.policy_arn(policy), _body(policy))
        except ConflictError as error:
            raise ConflictError(
                f"A policy called {name} already exists. Duplicate names are not allowed."
            ) from error
        return _policy(record)

    def get_policy(self, arn: str) -> Policy:
        """Return a policy.

        Raises:
            NotFoundError: If there is none of that ARN.
        """
        record = self.records.find(POLICY_KIND, arn)
        if record is None:
            raise NotFoundError(f"Policy {arn[:200]} was not found.")
        return _policy(record)

    def add_version(self, arn: str, document: str, *, is_default: bool) -> str:
        """Give a policy one more document, and return the version's id.

        Raises:
            InvalidInputError: If the document cannot be taken.
            NotFoundError: If there is no such policy.
            WrongStateError: If it has five versions already.
        """
        _check_policy(document)

        def add(policy: Policy) -> Policy:
            if len(policy.versions) >= _MOST_VERSIONS:
                raise WrongStateError(
                    f"A managed policy can have up to {_MOST_VERSIONS} versions.", mend="Delete one first."
                )
            version = f"v{policy.newest + 1}"
            return msgspec.structs.replace(
                policy,
                versions={**policy.versions, version: document},
                newest=policy.newest + 1,
                default=version if is_default else policy.default,
            )

        return f"v{self._change_policy(arn, add).newest}"

    def remove_version(self, arn: str, version: str) -> None:
        """Remove one of a policy's documents.

        Raises:
            NotFoundError: If there is no such policy or version.
            WrongStateError: If it is the one that counts.
        """

        def remove(policy: Policy) -> Policy:
            if version not in policy.versions:
                raise NotFoundError(f"Policy {arn} version {version[:20]} does not exist.")
            if version == policy.default:
                raise WrongStateError("Cannot delete the default version of a policy.")
            kept = {key: text for key, text in policy.versions.items() if key != version}
            return msgspec.structs.replace(policy, versions=kept)

        self._change_policy(arn, remove)

    def delete_policy(self, arn: str) -> None:
        """Remove a policy.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is attached to a role.
        """
        self.get_policy(arn)
        if any(arn in role.attached for role in self.made()):
            raise WrongStateError("Cannot delete a policy attached to entities.", mend="Detach it first.")
        self.records.delete(POLICY_KIND, arn)

    def policies(self) -> Sequence[Policy]:
        """Return all policies, by ARN."""
        return [_policy(record) for record in self._all(POLICY_KIND)]

    def _change_policy(self, arn: str, change: Callable[[Policy], Policy]) -> Policy:
        self.get_policy(arn)
        return _policy(
            self.records.update(
                POLICY_KIND, arn, lambda record: replace(record, body=_body(change(_policy(record))))
            )
        )

    def _all(self, kind: str) -> list[Record]:
        found: list[Record] = []
        token: str | None = None
        while True:
            page = self.records.list(kind, sort_by="name", limit=1000, after=token)
            found += page.records
            token = page.next_token
            if token is None:
                return found


def trust_of(services: Sequence[str]) -> str:
    """Return the trust document of a role that these services may take on."""
    principals: list[Json] = [f"{service}.amazonaws.com" for service in services]
    statement: Json = {
        "Effect": "Allow",
        "Principal": {"Service": principals},
        "Action": "sts:AssumeRole",
    }
    return write_json({"Version": "2012-10-17", "Statement": [statement]})


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:80]!r} cannot be a name.",
            where=where,
            mend="Use up to 128 letters, digits and + = , . @ - _.",
        )


def _check_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise InvalidInputError(f"{path[:80]!r} is no path.", where="Path", mend="Begin and end it with /.")


def _check_documents(role: Role) -> None:
    _check_document(role.trust, "PolicyDocument")
    for document in role.inline.values():
        _check_policy(document)


def _check_policy(text: str) -> None:
    try:
        read_policy(text)
    except MalformedDocumentError as error:
        error.where = error.where or "PolicyDocument"
        raise


def _check_document(text: str, where: str) -> None:
    if len(text) > _LARGEST_DOCUMENT:
        raise InvalidInputError(f"The document has more than {_LARGEST_DOCUMENT} characters.", where=where)
    try:
        document = read_json(text, where=where)
    except InvalidInputError as error:
        raise MalformedDocumentError(error.what, where=where) from error
    if not isinstance(document, Mapping):
        raise MalformedDocumentError("The document is no JSON object.", where=where)


def _new_id(start: str) -> str:
    return start + "".join(secrets.choice(_ID_LETTERS) for _ in range(17))


def _body(kept: Role | Policy) -> Mapping[str, Json]:
    body: dict[str, Json] = msgspec.to_builtins(kept)
    # The record knows.
    del body["created_at"]
    return body


_to_role = converter(Role)
_to_policy = converter(Policy)


def _role(record: Record) -> Role:
    return msgspec.structs.replace(_to_role(record.body), created_at=record.created_at)


def _policy(record: Record) -> Policy:
    return msgspec.structs.replace(_to_policy(record.body), created_at=record.created_at)
