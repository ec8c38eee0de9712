"""What the handlers of jobs work with. The composition root puts it together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stepmill.compute.spec import Compute, Resources
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.json import JsonObject
from stepmill.core.settings import Isolation, SpotSetting
from stepmill.images.catalog import ImageOffer, ResolvedImage
from stepmill.images.environments import Progress
from stepmill.images.needs import Needs
from stepmill.jobs.access import Door, NoDoor
from stepmill.jobs.machine.queue import MachineQueue
from stepmill.jobs.packages import Packages
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import Record, RecordStore


class Images(Protocol):
    """Looks images up."""

    def resolve(self, image_uri: str, progress: Progress = ..., needs: Needs = ...) -> ResolvedImage:
        """Find what stands for an image, with what else is needed; build its environment if need be."""
        ...

    def offer(self, image_uri: str, needs: Needs = ...) -> ImageOffer:
        """Return what an image offers to start, building nothing; raise if it is not offered."""
        ...


class Tracker(Protocol):
    """Records jobs that have ended as runs, in the experiments that they name."""

    def track(self, record: Record) -> None:
        """Record a job that has ended; nothing else is written meanwhile."""
        ...


@dataclass(frozen=True)
class JobServices:
    """What handlers of jobs work with.

    Args:
        objects: Where ``s3://`` addresses lead.
        records: Where jobs are kept.
        compute: Runs them.
        images: Says which software they run in.
        clock: Tells the time.
        arns: Builds ARNs.
        folder: Holds a folder for each job.
        project: Folder that relative paths start from.
        isolation: How jobs are kept apart, if the image does not say.
        warm: Whether jobs may be forked from a warm parent.
        resources: The most that each job may use. Those of instance types are ``machine``'s.
        log_limit_bytes: How much of the head and of the tail of a log is kept.
        tracker: Records jobs in experiments; ``None``: nobody does.
        door: Tells where this installation answers AWS's clients, and gives each job its key.
        note: Told of a job, by the kind of its record and its name, when it runs and when it has ended: for
            whoever records what came of what. It returns at once.
        has_group: Whether there is a feature group of a name.
        spot: How training jobs on spot capacity fare.
        spot_share: Which share of a training job's time is billed on spot capacity, by its request.
        machine: Lets jobs begin when the machine has room for them; ``None``: each begins at once.
        packages: Keeps what jobs ask for by a requirements.txt; ``None``: each installs it for itself.
        private: Stepmill's own folder: no path of a request may lead into it. ``None``: there is none.
    """

    objects: ObjectStore
    records: RecordStore
    compute: Compute
    images: Images
    clock: Clock
    arns: Arns
    folder: Path
    project: Path
    isolation: Isolation = Isolation.AUTO
    warm: bool = True
    resources: Resources = field(default_factory=Resources)
    log_limit_bytes: int = 64 * 1024 * 1024
    door: Door = field(default_factory=NoDoor)
    private: Path | None = None
    tracker: Tracker | None = None
    note: Callable[[str, str], None] = lambda _kind, _name: None
    machine: MachineQueue | None = None
    packages: Packages | None = None
    has_group: Callable[[str], bool] = lambda _name: False
    spot: SpotSetting = field(default_factory=SpotSetting)
    spot_share: Callable[[JsonObject], float] = lambda _request: 1.0
