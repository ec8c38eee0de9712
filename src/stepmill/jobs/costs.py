"""What jobs would have cost, by the table of prices, and what spot capacity saved. Pure.

What is not known is not guessed: a job whose type has no price has no cost, and groups say of how many that
is so.

Source: developer guide, "Managed Spot Training": what is saved is 1 - BillableTimeInSeconds /
TrainingTimeInSeconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from stepmill.catalog.prices import PriceTable
from stepmill.core.arns import SageMakerArn
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, object_of
from stepmill.jobs.interruptions import is_on_spot
from stepmill.jobs.records import PROCESSING_JOB, TRANSFORM_JOB, request_of, seconds_of, state_of
from stepmill.jobs.warm_pools import kept_seconds
from stepmill.storage.records import Record

NOTHING = "(none)"
_HOUR_S = 3600
_TAG = "tag:"


@dataclass(frozen=True)
class JobCost:
    """What a job took and cost.

    Args:
        name: Of the job.
        kind: ``training-job``.
        instance_type: Of its first group; empty if the request names none.
        on_spot: Whether it ran on spot capacity.
        seconds: It ran, waiting left out.
        billable_seconds: Of those, what is billed at the price on demand.
        cost: In the table's currency; ``None``: no price is known.
        saved: By spot capacity; ``None``: not known.
        pipeline: The one that made it; empty if none did.
        step: Likewise.
        tags: Of the job.
        kept_seconds: Its machine was kept, the job having ended: a warm pool. It is billed on demand.
    """

    name: str
    kind: str
    instance_type: str
    on_spot: bool
    seconds: float
    billable_seconds: float
    cost: float | None
    saved: float | None
    pipeline: str = ""
    step: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    kept_seconds: float = 0.0


@dataclass(frozen=True)
class CostGroup:
    """What the jobs of a group took and cost together.

    Args:
        name: What they have in common.
        jobs: How many there are.
        seconds: They ran.
        billable_seconds: Of those, what is billed at the price on demand.
        cost: Of those whose price is known.
        saved: Likewise.
        without_price: How many have no price.
        kept_seconds: Machines were kept, their jobs having ended.
    """

    name: str
    jobs: int = 0
    seconds: float = 0.0
    billable_seconds: float = 0.0
    cost: float = 0.0
    saved: float = 0.0
    without_price: int = 0
    kept_seconds: float = 0.0

    def plus(self, other: CostGroup) -> CostGroup:
        """Return the group with what another one took and cost."""
        return CostGroup(
            self.name,
            self.jobs + other.jobs,
            self.seconds + other.seconds,
            self.billable_seconds + other.billable_seconds,
            self.cost + other.cost,
            self.saved + other.saved,
            self.without_price + other.without_price,
            self.kept_seconds + other.kept_seconds,
        )


def _group_of(job: JobCost, name: str) -> CostGroup:
    """Return a group that has one job."""
    cost, saved = job.cost or 0.0, job.saved or 0.0
    without = int(job.cost is None)
    return CostGroup(name, 1, job.seconds, job.billable_seconds, cost, saved, without, job.kept_seconds)


def instances_of(kind: str, request: JsonObject) -> list[tuple[str, int]]:
    """Return the types of instance that a job was asked to run on, and how many of each."""
    if kind == PROCESSING_JOB:
        resources = object_of(object_of(request.get("ProcessingResources")).get("ClusterConfig"))
    elif kind == TRANSFORM_JOB:
        resources = object_of(request.get("TransformResources"))
    else:
        resources = object_of(request.get("ResourceConfig"))
    groups = resources.get("InstanceGroups")
    each = [object_of(group) for group in groups] if isinstance(groups, list | tuple) else [resources]
    found = [(str(one.get("InstanceType") or ""), _count(one.get("InstanceCount", 1))) for one in each]
    return [(name, count) for name, count in found if name]


def _count(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def cost_of(
    record: Record, tags: Mapping[str, str], prices: PriceTable, region: str, now: datetime
) -> JobCost | None:
    """Return what a job took and cost; ``None`` of one that has not run to an end.

    Args:
        record: Of the job.
        tags: Of the job.
        prices: What instances cost.
        region: Where it would have run.
        now: The moment: what is kept of a machine costs until then.
    """
    state, request = state_of(record), request_of(record)
    seconds = seconds_of(state)
    if seconds is None:
        return None
    instances = instances_of(record.kind, request)
    on_spot = is_on_spot(request)
    full = paid = kept = 0.0
    kept_s = kept_seconds(state.pool, now)
    is_known = bool(instances)
    for name, count in instances:
        price = prices.price(region, name)
        if price is None:
            is_known = False
            continue
        hour = price.on_demand * count
        full += hour * seconds / _HOUR_S
        kept += hour * kept_s / _HOUR_S
        paid += hour * seconds / _HOUR_S * (price.spot_share if on_spot else 1.0)
    share = paid / full if is_known and full else 1.0
    arn = SageMakerArn.read(state.execution_arn)
    return JobCost(
        name=record.name,
        kind=record.kind,
        instance_type=instances[0][0] if instances else "",
        on_spot=on_spot,
        seconds=seconds,
        billable_seconds=seconds * share,
        cost=paid + kept if is_known else None,
        saved=full - paid if is_known else None,
        pipeline=arn.name.partition("/execution/")[0] if arn is not None else "",
        step=state.step,
        tags=tags,
        kept_seconds=kept_s,
    )


def grouped(jobs: Iterable[JobCost], by: str) -> list[CostGroup]:
    """Return what groups of jobs took and cost, the dearest first.

    Args:
        jobs: All that count.
        by: ``job``, ``pipeline``, ``step``, ``type`` or ``tag:<key>``.

    Raises:
        InvalidInputError: If it is none of these.
    """
    key = _key(by)
    groups: dict[str, CostGroup] = {}
    for job in jobs:
        name = key(job) or NOTHING
        groups[name] = groups.get(name, CostGroup(name)).plus(_group_of(job, name))
    return sorted(groups.values(), key=lambda group: (-group.cost, -group.seconds, group.name))


def total(groups: Iterable[CostGroup]) -> CostGroup:
    """Return what groups took and cost together."""
    return reduce(CostGroup.plus, groups, CostGroup("total"))


def _key(by: str) -> Callable[[JobCost], str]:
    keys: dict[str, Callable[[JobCost], str]] = {
        "job": lambda job: job.name,
        "pipeline": lambda job: job.pipeline,
        "step": lambda job: f"{job.pipeline}/{job.step}" if job.step else "",
        "type": lambda job: f"{job.instance_type}{' spot' if job.on_spot else ''}",
    }
    if by.startswith(_TAG) and len(by) > len(_TAG):
        return lambda job: job.tags.get(by.removeprefix(_TAG), "")
    if by not in keys:
        raise InvalidInputError(
            f"Costs are not told by {by[:100]!r}.", mend=f"Take one of {', '.join(keys)}, or tag:KEY."
        )
    return keys[by]
