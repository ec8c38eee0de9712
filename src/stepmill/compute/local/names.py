"""Names of other hosts, which a job finds in its own ``/etc/hosts``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stepmill.compute.spec import JobSpec, Mount
from stepmill.core.errors import ComputeError, UnsupportedError

_PLACE = "/etc/hosts"
_FILE = "etc-hosts"


def with_names(spec: JobSpec, machine: Path = Path(_PLACE)) -> JobSpec:
    """Return a job that also sees a file of names: this machine's, and its own before them.

    Args:
        spec: The job. One that knows no other hosts stays as it is.
        machine: This machine's file of names.

    Raises:
        ComputeError: If the file cannot be written.
    """
    if not spec.names:
        return spec
    own = "".join(f"{address}\t{name}\n" for name, address in spec.names)
    file = spec.folder / _FILE
    try:
        known = machine.read_bytes() if machine.exists() else b""
        spec.folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(own.encode() + known)
    except OSError as error:
        raise ComputeError(f"The names of hosts cannot be written: {error}.", where=str(file)) from error
    return replace(spec, mounts=(*spec.mounts, Mount(file, _PLACE, read_only=True)))


def refuse_names(spec: JobSpec, why: str) -> None:
    """Refuse a job with other hosts where it cannot have an ``/etc/hosts`` of its own.

    Args:
        spec: The job.
        why: There is no sandbox.

    Raises:
        UnsupportedError: If it has other hosts.
    """
    if spec.names:
        raise UnsupportedError(
            f"Several hosts find each other by name, and without a sandbox names cannot be given: {why}.",
            where=spec.job_id,
            mend="Install bubblewrap, give the image an engine (podman or docker), or ask for one host.",
        )
