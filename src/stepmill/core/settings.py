"""The settings type. Only ``stepmill.platform`` fills it in; everyone else is handed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from stepmill.core.arns import Arns


class Isolation(StrEnum):
    """How a job is kept apart from the machine and from other jobs."""

    AUTO = "auto"  # bubblewrap where the system allows it, else none
    BUBBLEWRAP = "bubblewrap"
    PODMAN = "podman"
    DOCKER = "docker"
    NONE = "none"


class CacheScope(StrEnum):
    """Whose results a cached step may take over."""

    PIPELINE = "pipeline"  # AWS's rule: a step of the same name in the same pipeline
    SHARED = "shared"  # any step of any pipeline in this home with the same key


@dataclass(frozen=True)
class ImageSetting:
    """What to run for an image that the user names in ``stepmill.toml``.

    Exactly one of ``python``, ``requirements`` and ``engine`` is given.

    Args:
        python: Interpreter of an environment that the user keeps.
        requirements: Requirements of an environment that Stepmill builds once and keeps.
        engine: ``podman`` or ``docker``: run the image itself.
        entrypoint: Command that replaces the image's own, for jobs that name none.
    """

    python: Path | None = None
    requirements: tuple[str, ...] = ()
    engine: Isolation | None = None
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True)
class FunctionSetting:
    """A Lambda function that the user names in ``stepmill.toml``.

    Args:
        code: A folder, a ``.py`` file, or a zip.
        handler: ``module.function``.
        timeout: After which the call fails. AWS's limit within a pipeline is ten minutes.
        environment: Its variables.
    """

    code: Path
    handler: str
    timeout: timedelta = timedelta(minutes=10)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SpotSetting:
    """How training jobs on spot capacity fare.

    Args:
        interruptions_per_hour: How often such a job is interrupted, on average; 0: only on demand.
        grace: Between SIGTERM and SIGKILL. SageMaker: two minutes.
        capacity_wait: How long an interrupted job waits until it runs again.
        seed: The same seed gives the same moments of interruption to a job of the same name.
    """

    interruptions_per_hour: float = 0.0
    grace: timedelta = timedelta(seconds=120)
    capacity_wait: timedelta = timedelta(seconds=5)
    seed: int = 0


@dataclass(frozen=True)
class MachineSetting:
    """How jobs share the machine, by the instance types that they ask for.

    Args:
        queue: Whether jobs wait while the machine is full. GPUs are always one job's at a time.
        overcommit: So many times the machine's CPUs and memory can be booked: types are sized for the cloud,
            and most jobs use a part of what theirs has. 1: no more than there is.
        limits: Whether a job can use no more CPUs and memory than its type has: what outgrows it would fail
            on AWS, too. Never less than the machine has where the type has more.
    """

    queue: bool = True
    overcommit: float = 8.0
    limits: bool = True


@dataclass(frozen=True)
class Settings:
    """All that can be set, with its defaults.

    Args:
        home: Folder that holds everything: ``.stepmill`` of the project, or ``STEPMILL_HOME``.
        project: Folder of ``stepmill.toml``; relative paths in it start here.
        region: A real AWS region name.
        account: Twelve digits.
        isolation: How jobs are kept apart.
        warm: Whether jobs may be forked from a parent that has imported the usual libraries.
        memory_limit_bytes: The most memory that each job may use. ``None``: no limit.
        cpu_limit: The most CPUs that each job may use; half a CPU is 0.5. ``None``: no limit.
        log_limit_bytes: Of each job's log this much of the head, and as much of the tail, is kept.
        cache_scope: Whose results a cached step may take over.
        parity: Whether to do as AWS does where Stepmill would do better: waiting clients are not held, and
            executions of state machines have AWS's limits.
        query_time_limit: After which a query of SQL is ended.
        query_memory_limit_bytes: The most memory that a query of SQL may use; more goes to the disk.
        images: The user's own images, by repository name or whole URI.
        functions: The user's own functions, by name.
        spot: How training jobs on spot capacity fare.
        machine: How jobs share the machine.
        email: Address by which apprise sends e-mail, ``mailto://...``; empty: none is sent.
    """

    home: Path
    project: Path
    region: str = "us-west-2"
    account: str = "123456789012"
    isolation: Isolation = Isolation.AUTO
    warm: bool = True
    memory_limit_bytes: int | None = None
    cpu_limit: float | None = None
    log_limit_bytes: int = 64 * 1024 * 1024
    cache_scope: CacheScope = CacheScope.PIPELINE
    parity: bool = False
    query_time_limit: timedelta = timedelta(minutes=30)
    query_memory_limit_bytes: int = 2 * 1024**3
    images: Mapping[str, ImageSetting] = field(default_factory=dict)
    functions: Mapping[str, FunctionSetting] = field(default_factory=dict)
    spot: SpotSetting = field(default_factory=SpotSetting)
    machine: MachineSetting = field(default_factory=MachineSetting)
    # It may have a password in it.
    email: str = field(default="", repr=False)

    @property
    def arns(self) -> Arns:
        """The builder of this installation's ARNs."""
        return Arns(self.region, self.account)

    @property
    def default_bucket(self) -> str:
        """The bucket that the ``sagemaker`` SDK also would make by default."""
        return f"sagemaker-{self.region}-{self.account}"
