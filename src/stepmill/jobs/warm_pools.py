"""Warm pools: what a training job leaves of its machine to the next one that matches, and for how long. Pure.

Source: developer guide, "SageMaker AI Managed Warm Pools"; API reference, WarmPoolStatus, ResourceConfig.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from stepmill.core.json import JsonObject, digest, object_of

# Developer guide, "Maximum warm pool duration".
LONGEST_LIFE = timedelta(days=28)
# Developer guide, "Using persistent cache".
CACHE_FOLDER = "/opt/ml/sagemaker/warmpoolcache"
CACHE_VARIABLE = "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"

_KEEP_ALIVE = "KeepAlivePeriodInSeconds"


class PoolStatus(StrEnum):
    """How the warm pool of a job stands."""

    IN_USE = "InUse"
    AVAILABLE = "Available"
    REUSED = "Reused"
    TERMINATED = "Terminated"


class Pool(msgspec.Struct, frozen=True):
    """The warm pool of a training job, as its record tells of it.

    Args:
        since: When the first of the jobs began that have had it.
        took_over: Name of the job that had it before; empty if this one is the first.
        kept_from: When this job had ended; ``None``: it has not.
        kept_until: Until when it is kept, if no job reuses it.
        reused_by: Name of the job that did.
    """

    since: datetime
    took_over: str = ""
    kept_from: datetime | None = None
    kept_until: datetime | None = None
    reused_by: str = ""

    def status(self, now: datetime) -> PoolStatus:
        """Return how it stands at a moment."""
        if self.kept_from is None or self.kept_until is None:
            return PoolStatus.IN_USE
        if self.reused_by:
            return PoolStatus.REUSED
        return PoolStatus.AVAILABLE if now < self.kept_until else PoolStatus.TERMINATED

    def kept(self, now: datetime, until: datetime) -> Pool:
        """Return it as a job leaves it that has ended; ``until`` at the latest, or at the end of its life."""
        return msgspec.structs.replace(
            self, kept_from=now, kept_until=max(now, min(until, self.since + LONGEST_LIFE))
        )

    def until(self, moment: datetime) -> Pool:
        """Return it as it is when it is kept until another moment."""
        return msgspec.structs.replace(self, kept_until=moment)

    def handed_on(self, name: str, now: datetime) -> Pool:
        """Return it as it is when another job has taken it."""
        if self.reused_by:
            return self
        return msgspec.structs.replace(self, kept_until=max(now, self.kept_from or now), reused_by=name)


def kept_seconds(pool: Pool | None, now: datetime) -> int:
    """Return for how long a pool was kept for nobody so far; it is billed.

    Example:
        >>> from datetime import UTC
        >>> day = datetime(2026, 1, 1, tzinfo=UTC)
        >>> kept_seconds(Pool(day).kept(day, day + timedelta(seconds=60)), day + timedelta(seconds=90))
        60
    """
    if pool is None or pool.kept_from is None or pool.kept_until is None:
        return 0
    return max(0, round((min(now, pool.kept_until) - pool.kept_from).total_seconds()))


def pool_document(
    request: JsonObject, pool: Pool | None, now: datetime, *, has_ended: bool
) -> dict[str, Any]:
    """Return the member WarmPoolStatus of a job, or nothing if it has no pool.

    Args:
        request: Of the job.
        pool: That its record tells of.
        now: The moment.
        has_ended: Whether the job has.
    """
    if pool is None:
        if not keep_alive_of(request):
            return {}
        # It has not begun, or never did: then no pool came of it.
        return {"WarmPoolStatus": {"Status": str(PoolStatus.TERMINATED if has_ended else PoolStatus.IN_USE)}}
    status = pool.status(now)
    told: dict[str, Any] = {"Status": str(status)}
    if status is not PoolStatus.IN_USE:
        told["ResourceRetainedBillableTimeInSeconds"] = kept_seconds(pool, now)
    if pool.reused_by:
        told["ReusedByJob"] = pool.reused_by
    return {"WarmPoolStatus": told}


def is_available(pool: Pool | None, now: datetime) -> bool:
    """Say whether a job's pool waits for another one that matches."""
    return pool is not None and pool.status(now) is PoolStatus.AVAILABLE


def keep_alive_of(request: JsonObject) -> int:
    """Return for how many seconds the machine of a job is to be kept; 0: not at all."""
    text = str(object_of(request.get("ResourceConfig")).get(_KEEP_ALIVE, 0))
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def with_keep_alive(request: JsonObject, seconds: int) -> JsonObject:
    """Return the request of a job whose machine is to be kept for another time."""
    return {**request, "ResourceConfig": {**object_of(request.get("ResourceConfig")), _KEEP_ALIVE: seconds}}


def without_keep_alive(resources: JsonObject) -> JsonObject:
    """Return the ResourceConfig of a job whose machine is not to be kept."""
    return {name: value for name, value in resources.items() if name != _KEEP_ALIVE}


def matching_key(request: JsonObject) -> str:
    """Return what is the same of jobs that may reuse each other's machine, in short.

    Source: developer guide, "Matching training jobs".
    """
    resources, vpc = object_of(request.get("ResourceConfig")), object_of(request.get("VpcConfig"))
    if resources.get("InstanceGroups"):
        return ""
    chaining = object_of(request.get("SessionChainingConfig")).get("EnableSessionTagChaining")
    return digest(
        [
            request.get("RoleArn"),
            *(resources.get(name) for name in ("InstanceType", "VolumeKmsKeyId")),
            *(str(resources.get(name)) for name in ("InstanceCount", "VolumeSizeInGB")),
            *(_sorted(vpc.get(name)) for name in ("SecurityGroupIds", "Subnets")),
            *(
                str(request.get(name) or False).lower()
                for name in ("EnableInterContainerTrafficEncryption", "EnableNetworkIsolation")
            ),
            str(chaining or False).lower(),
        ]
    )


def _sorted(names: object) -> list[str]:
    return sorted(map(str, names)) if isinstance(names, list | tuple) else []
