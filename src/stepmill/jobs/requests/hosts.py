"""The hosts that a job asks for: how many, of which type, in which groups.

Source: API reference, ResourceConfig, InstanceGroup, S3DataSource; developer guide, "Train Using a
Heterogeneous Cluster".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.jobs.host_folders import FIRST_HOST
from stepmill.jobs.requests.data import Input
from stepmill.jobs.requests.fields import Fields

# What the only group of a job without groups is called.
ONLY_GROUP = "homogeneousCluster"
# Each is at least one process of this machine; and none of AWS's quotas for a job begins higher.
MOST_HOSTS = 64
# API reference: ResourceConfig, InstanceGroups.
MOST_GROUPS = 5

_GROUP_NAME = re.compile(r".{1,64}", re.DOTALL)


@dataclass(frozen=True)
class Host:
    """One of the hosts that do a job together.

    Args:
        name: ``algo-1``, ``algo-2`` ...
        instance_type: As asked for; may be empty.
        group: Name of its instance group.
    """

    name: str = FIRST_HOST
    instance_type: str = ""
    group: str = ONLY_GROUP


ONE_HOST = (Host(),)


def read_hosts(resources: Fields) -> tuple[Host, ...]:
    """Read InstanceType and InstanceCount, or InstanceGroups.

    Args:
        resources: A ``ResourceConfig``, or a ``ClusterConfig``.

    Raises:
        InvalidInputError: If a value is wrong, or both ways are taken at once.
        UnsupportedError: If it asks for more hosts than one machine can stand for.
    """
    groups = resources.each("InstanceGroups")
    if not groups:
        instance_type = resources.text("InstanceType", "")
        count = resources.integer("InstanceCount", 1, least=1)
        _check_count(count, resources.place("InstanceCount"))
        return tuple(Host(host_name(index), instance_type) for index in range(count))
    where = resources.place("InstanceGroups")
    if resources.has("InstanceType") or resources.has("InstanceCount"):
        raise InvalidInputError(
            "InstanceType and InstanceCount cannot be given together with InstanceGroups.",
            where=where,
            mend="Leave them out: each group says its own.",
        )
    return _hosts_of(groups, where)


def host_name(index: int) -> str:
    """Return what a host is called.

    Example:
        >>> host_name(0)
        'algo-1'
    """
    return f"algo-{index + 1}"


def _hosts_of(groups: list[Fields], where: str) -> tuple[Host, ...]:
    if len(groups) > MOST_GROUPS:
        raise InvalidInputError(
            f"There are {len(groups)} instance groups, and at most {MOST_GROUPS} may be.", where=where
        )
    asked: dict[str, tuple[int, str]] = {}
    for group in groups:
        name = group.text("InstanceGroupName")
        if not _GROUP_NAME.fullmatch(name) or name in asked:
            raise InvalidInputError(
                f"{name[:100]!r} cannot be the name of this instance group.",
                where=group.place("InstanceGroupName"),
                mend="Take 1 to 64 characters, other ones for each group.",
            )
        asked[name] = (group.integer("InstanceCount", least=0), group.text("InstanceType"))
    total = sum(count for count, _ in asked.values())
    _check_count(total, where)
    if not total:
        raise InvalidInputError("No instance group has an instance.", where=where, mend="Give one a count.")
    types = [(name, kind) for name, (count, kind) in asked.items() for _ in range(count)]
    return tuple(Host(host_name(index), kind, name) for index, (name, kind) in enumerate(types))


def _check_count(count: int, where: str) -> None:
    if count > MOST_HOSTS:
        raise UnsupportedError(
            f"This job asks for {count} hosts. All of them run on this machine, and more than {MOST_HOSTS} "
            "are not offered.",
            where=where,
            mend=f"Ask for at most {MOST_HOSTS}.",
        )


def check_peers(hosts: tuple[Host, ...], where: str, *, network: bool) -> None:
    """Refuse hosts that could not reach each other.

    Raises:
        UnsupportedError: If there are several, and none may use the network.
    """
    if len(hosts) > 1 and not network:
        raise UnsupportedError(
            f"This job asks for {len(hosts)} hosts without network. In SageMaker they would reach each other "
            "and nothing else; here they would not reach each other.",
            where=where,
            mend="Leave network isolation out, or ask for one host.",
        )


def check_group_names(inputs: Iterable[Input], hosts: Iterable[Host]) -> None:
    """Refuse a channel for an instance group that the job does not have.

    Raises:
        InvalidInputError: For the first such channel.
    """
    known = {host.group for host in hosts}
    for item in inputs:
        for name in item.groups:
            if name not in known:
                raise InvalidInputError(
                    f"The channel {item.name!r} is for the instance group {name[:100]!r}, "
                    "and the job has none of that name.",
                    where=f"{item.where}.InstanceGroupNames",
                    mend=f"Its groups: {', '.join(sorted(known))}.",
                )
