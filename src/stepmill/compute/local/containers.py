"""A job in a container of an OCI engine, podman or Docker, by the engine's own command line.

Source: podman-run(1), docker run reference.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stepmill.compute.local.host import may_raise_limits
from stepmill.compute.local.sandbox import check_mounts
from stepmill.compute.spec import JobSpec, Mount
from stepmill.compute.supervision.order import Order
from stepmill.core.errors import ComputeError, UnsupportedError
from stepmill.core.settings import Isolation

_ASKING_SECONDS = 60.0
# Variables that no engine's client, and nothing that it loads, heeds.
_MEANS_NOTHING = re.compile(
    r"(SM|SAGEMAKER|TRAINING|PROCESSING|AWS|STEPMILL)_\w+|(\w+_)?(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)",
    re.ASCII,
)
# Without the right to raise them an engine cannot give a container the limits that it would by default.
_MODEST_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")


def plan_container(spec: JobSpec, environment: Mapping[str, str] | None = None) -> Order:
    """Return the order for a job in a container.

    Args:
        spec: The job; its ``isolation`` names the engine.
        environment: Variables of the engine's client; by default those of this process.

    Raises:
        UnsupportedError: If the engine is not installed, or does not work.
        ComputeError: If the job names no image, or a path that the engine cannot take.
    """
    own = dict(os.environ if environment is None else environment)
    if not spec.oci_image:
        raise ComputeError(
            f"The job shall run under {spec.isolation}, but its image is none that an engine could run.",
            where=spec.job_id,
            mend="Name an image with this engine in stepmill.toml, or choose another isolation.",
        )
    if spec.oci_image.startswith("-"):
        raise ComputeError(
            f"{spec.oci_image!r} is no image: an engine would take it for an option.", where=spec.job_id
        )
    check_mounts(spec.mounts)
    engine = _find_engine(spec.isolation)
    name = container_name(spec)
    passed, words = _variables(spec.environment, own)
    argv = (
        engine, "run", "--name", name, *_engine_words(spec.isolation),
        *(word for mount in spec.mounts for word in ("--mount", _mount_word(mount))),
        *words, *_limits(spec), "--workdir", spec.working_directory, *_image_and_command(spec),
    )  # fmt: skip
    return Order(
        job_id=spec.job_id,
        argv=argv,
        environment={**own, **passed},
        directory=str(spec.folder),
        isolation=spec.isolation.value,
        container=(engine, name),
        timeout_seconds=spec.timeout.total_seconds() if spec.timeout is not None else 0.0,
        grace_seconds=spec.grace.total_seconds(),
        log_limit_bytes=spec.log_limit_bytes,
        preamble=spec.preamble,
    )


def container_name(spec: JobSpec) -> str:
    """Return the container's name: the job's, made unique among homes by a hash of its folder."""
    where = hashlib.sha256(str(spec.folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return f"stepmill-{spec.job_id}-{where[:8]}"


def _find_engine(isolation: Isolation) -> str:
    program = shutil.which(isolation.value)
    if program is None:
        raise UnsupportedError(
            f"{isolation.value} is not installed.",
            mend=f"Install {isolation.value}, or choose another isolation.",
        )
    try:
        answer = subprocess.run(
            [program, "info"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASKING_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnsupportedError(f"{isolation.value} does not answer: {error}.") from error
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UnsupportedError(
            f"{isolation.value} does not work here: {said[-1] if said else answer.returncode}.",
            mend="Start its service, or give this user the right to use it."
            if isolation is Isolation.DOCKER
            else "",
        )
    return program


def _engine_words(isolation: Isolation) -> list[str]:
    """Return what an engine needs to be told on machines like this one."""
    # The image keeps the powers that its author counts on, as in SageMaker, and can get no more.
    words = ["--security-opt", "no-new-privileges"]
    if isolation is not Isolation.PODMAN:
        return words
    words = [*words, "--pull", "never", "--security-opt", "label=disable"]
    # crun refuses machines whose control groups are of both versions at once.
    if Path("/sys/fs/cgroup/unified").is_dir() and shutil.which("runc"):
        words = ["--runtime", "runc", *words]
    if os.geteuid() != 0:
        return [*words, "--ulimit", "host"]
    return words if may_raise_limits() else [*words, *_MODEST_LIMITS]


def _variables(wanted: Mapping[str, str], own: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables to hand to the client, and the words that pass all on.

    Values given in words can be seen by every user of the machine, those passed by name cannot. But what
    is passed by name is a variable of the client too, which runs outside of the container: there the
    job's ``LD_PRELOAD`` or ``DOCKER_HOST`` would be obeyed. So only names that mean nothing to a client are
    passed so, among them all that are likely to be secret.
    """
    passed = {
        name: value for name, value in wanted.items() if name not in own and _MEANS_NOTHING.fullmatch(name)
    }
    words: list[str] = []
    for name, value in wanted.items():
        words += ["--env", name if name in passed else f"{name}={value}"]
    return passed, words


def _mount_word(mount: Mount) -> str:
    fields = ["type=bind", f"source={mount.source}", f"destination={mount.target}"]
    if mount.read_only:
        fields.append("readonly=true")
    for field in fields:
        if any(character in field for character in ',"\n'):
            raise ComputeError(
                f"A container engine cannot take the path {field.partition('=')[2]!r}.",
                where="mounts",
                mend="Move it to a path without commas and quotation marks.",
            )
    return ",".join(fields)


def _limits(spec: JobSpec) -> list[str]:
    words: list[str] = []
    if not spec.network:
        words = ["--network", "none"]
    elif spec.loopback or spec.names:
        words = ["--network", "host"]
    for name, address in spec.names:
        words += ["--add-host", f"{name}:{address}"]
    if spec.resources.memory_bytes:
        words += ["--memory", str(spec.resources.memory_bytes)]
    if spec.resources.cpus:
        words += ["--cpus", f"{spec.resources.cpus:g}"]
    return words


def _image_and_command(spec: JobSpec) -> list[str]:
    if not spec.command:
        return [spec.oci_image]
    program, *arguments = spec.command
    return ["--entrypoint", program, spec.oci_image, *arguments]
