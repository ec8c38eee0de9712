"""How a job reaches this installation: variables that AWS's SDKs read, and the plugin for fixed addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from stepmill.catalog.roles import DEFAULT_ROLE
from stepmill.compute.spec import Mount
from stepmill.core.endpoint import PLUGIN, PLUGIN_FOLDER, PLUGIN_VARIABLE, TRACKING_URI, Endpoint, JobIdentity
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.requests.common import JobRequest

# Where a job sees the plugin.
PLUGIN_PLACE = "/opt/stepmill/endpoint"

# STS API reference, AssumeRole: RoleSessionName; IAM's, CreateRole: RoleName.
_SESSION = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST_SESSION = 64
_ROLE = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Visitor:
    """A job, as whoever gives keys needs to know it.

    Args:
        job: Which one.
        role: Name of the role that it has.
        session: What its session of that role is called.
        folder: Of the job; if compute's order is in it, the job was begun before, and knows an address.
        lasts: After which it is stopped at the latest; ``None``: never.
    """

    job: JobIdentity
    role: str
    session: str
    folder: Path
    lasts: timedelta | None = None

    @classmethod
    def of(
        cls,
        kind: str,
        name: str,
        task: str,
        *,
        role: str,
        session: str,
        folder: Path,
        lasts: timedelta | None,
    ) -> Visitor:
        """Return the job of a record.

        Args:
            kind: Of the record.
            name: Of the record.
            task: What it was made for.
            role: ARN of its role; empty, or none: it has the role that everybody has.
            session: Its name, for people.
            folder: Of the job.
            lasts: See above.
        """
        named = _SESSION.sub("-", session)[:_LONGEST_SESSION]
        return cls(JobIdentity(kind, name, digest_of(task)), role_name(role), named, folder, lasts)


class Door(Protocol):
    """Where this installation answers AWS's clients."""

    @property
    def is_there(self) -> bool:
        """Whether it answers now, or will as soon as it is asked."""
        ...

    def endpoint(self, visitor: Visitor) -> tuple[Endpoint | None, tuple[str, ...]]:
        """Return the address for a job, with a key of its own; and remarks for its record."""
        ...


class NoDoor:
    """Of a process that offers none."""

    is_there = False

    def endpoint(self, _visitor: Visitor) -> tuple[Endpoint | None, tuple[str, ...]]:
        """See ``Door``."""
        return None, ()


@dataclass(frozen=True)
class Access:
    """What a job gets so that it reaches an endpoint.

    Args:
        variables: Name -> value.
        mounts: What it sees beside its own.
        notes: Remarks for its record.
    """

    variables: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether there is an endpoint."""
        return bool(self.variables)

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a job's variables: what is given comes before what this adds.

        Args:
            given: Those that the job has otherwise.
        """
        ours = self.variables
        if TRACKING_URI in given:
            # Another server's business: it is not to be sent a key of ours.
            ours = {name: value for name, value in ours.items() if not name.startswith("MLFLOW_")}
        path = given.get("PYTHONPATH", "")
        both = f"{path}:{PLUGIN_PLACE}" if path else PLUGIN_PLACE
        return {**ours, **given, **({"PYTHONPATH": both} if self.is_there else {})}


def access_by(door: Door, visitor: Visitor) -> Access:
    """Return what lets a job reach this installation; nothing if it does not answer."""
    endpoint, notes = door.endpoint(visitor)
    if endpoint is None:
        return Access({}, (), notes)
    variables = {
        **endpoint.environment(),
        PLUGIN_VARIABLE: PLUGIN,
        # No machine of AWS's is to be asked for credentials.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Access(variables, (Mount(PLUGIN_FOLDER, PLUGIN_PLACE, read_only=True),), notes)


def access_of(request: JobRequest, door: Door, visitor: Visitor) -> Access:
    """Return how a job reaches this installation: not at all, if it is to have no network.

    Args:
        request: What it does.
        door: Where this installation answers.
        visitor: Whose the key is to be.

    Raises:
        UnsupportedError: If the job can do nothing without.
    """
    check_access(request, door)
    return access_by(door, visitor) if request.network else Access({})


def check_access(request: JobRequest, door: Door) -> None:
    """Say that a job can reach what it needs to do anything.

    Raises:
        UnsupportedError: If it cannot.
    """
    if not request.needs_endpoint or (request.network and door.is_there):
        return
    why = "this process does not answer them" if request.network else "this one may not use the network"
    raise UnsupportedError(
        "Jobs fetch the functions that the sagemaker SDK sends along (@step, @remote) from S3 by "
        f"themselves, and {why}.",
        mend="Use the `stepmill` command, or start `stepmill serve`."
        if request.network
        else "Leave EnableNetworkIsolation out.",
    )


def role_name(arn: str) -> str:
    """Return the name of the role of an ARN; of none, that of the role that everybody has.

    Example:
        >>> role_name("arn:aws:iam::111122223333:role/service-role/Trainer"), role_name("")
        ('Trainer', 'StepmillExecutionRole')
    """
    name = arn.rpartition("/")[2]
    return name if _ROLE.fullmatch(name) else DEFAULT_ROLE


def digest_of(task: str) -> str:
    """Return what tells a task from others in a key."""
    return sha256(task.encode()).hexdigest()[:16]
