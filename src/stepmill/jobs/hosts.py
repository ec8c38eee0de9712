"""Several hosts that do a job together: what each of them gets.

Source: API reference, S3DataSource: S3DataDistributionType, InstanceGroupNames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from stepmill.jobs.requests.common import JobRequest
from stepmill.jobs.requests.data import Distribution, Input
from stepmill.jobs.requests.hosts import Host

_T = TypeVar("_T")


@dataclass(frozen=True)
class Share:
    """Every ``count``-th file, from the one at ``index`` on.

    Example:
        >>> Share(1, 2).of(["a", "b", "c", "d", "e"])
        ['b', 'd']
    """

    index: int = 0
    count: int = 1

    def of(self, files: Sequence[_T]) -> Sequence[_T]:
        """Return this share of files, which every host sees in the same order."""
        return files[self.index :: self.count]


WHOLE = Share()


def inputs_of(request: JobRequest, host: Host) -> tuple[Input, ...]:
    """Return the inputs that a host gets, of all that the job has."""
    return tuple(item for item in request.inputs if not item.groups or host.group in item.groups)


def share_of(item: Input, request: JobRequest, host: Host) -> Share:
    """Return which files of an input a host gets.

    With ``ShardedByS3Key`` the files are dealt out, so that none gets more than one file more than
    another; where there are fewer files than hosts, some get none.
    """
    if item.distribution is Distribution.REPLICATED:
        return WHOLE
    sharers = [each.name for each in request.hosts if not item.groups or each.group in item.groups]
    return Share(sharers.index(host.name), len(sharers))
