"""Decides what a job sees: from its spec and from this machine to one ``SandboxPlan``."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from stepmill.compute.local.additions import PLACE, additions, with_additions
from stepmill.compute.local.host import HostView
from stepmill.compute.local.pythons import PythonFacts
from stepmill.compute.spec import JobSpec, Mount
from stepmill.compute.supervision.layout import governing
from stepmill.compute.supervision.order import Bind, SandboxPlan
from stepmill.core.errors import ComputeError

HOME = "/root"
SHIMS = "/opt/stepmill/bin"
# Empty folders that cover what a job must not see.
_EMPTY = "/var/empty"
_COVERS = "/.covers"
_STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FOLDERS = (
    *((path, 0o755) for path in ("/dev", "/opt", "/opt/ml", "/proc", "/run", "/var")),
    *((path, 0o1777) for path in ("/tmp", "/var/tmp")),  # noqa: S108
    (HOME, 0o700),
    (_EMPTY, 0o555),
)


def plan_sandbox(
    spec: JobSpec,
    host: HostView,
    python: PythonFacts,
    *,
    hidden: tuple[Path, ...] = (),
    home: Path | None = None,
    new_user: bool = True,
) -> SandboxPlan:
    """Return what the job sees.

    Args:
        spec: The job.
        host: What every job sees of this machine.
        python: The job's interpreter.
        hidden: Folders that no job may see into, even where they lie in something that it needs.
        home: The user's home; never shown as a whole.
        new_user: Whether the sandbox needs a user namespace.

    Raises:
        ComputeError: If a mount has an impossible target.
    """
    check_mounts(spec.mounts)
    common, covers = _common_binds(host, python, hidden, home)
    mounts = tuple(
        Bind(str(m.source), m.target, m.read_only, is_folder=m.source.is_dir()) for m in spec.mounts
    )
    binds = (*common, *mounts, *_covers_in(spec.mounts, hidden))
    own = additions(python)
    folders = [*_FOLDERS, *own.folders, *((cover, 0o755) for cover in covers)]
    if spec.working_directory != "/" and governing(binds, spec.working_directory) is None:
        folders.append((spec.working_directory, 0o755))
    return SandboxPlan(
        root="",
        binds=binds,
        links=(*host.links, *own.links),
        folders=tuple(folders),
        files=(*_programs(spec, python), *own.files),
        network=spec.network,
        new_user=new_user,
    )


def check_mounts(mounts: Iterable[Mount]) -> None:
    """Refuse targets that are no plain absolute paths, and sources that are not there.

    Raises:
        ComputeError: For the first wrong one.
    """
    for mount in mounts:
        target = mount.target
        if (
            not target.startswith("/")
            or posixpath.normpath(target) != target
            or target == "/"
            or target.startswith("//")
            or "\0" in target
        ):
            raise ComputeError(
                f"{target!r} is no place in a job.", where="mounts", mend="Give a normalized absolute path."
            )
        if not mount.source.exists():
            raise ComputeError(
                f"{mount.source} is not there, but shall be shown at {target}.", where="mounts"
            )


@lru_cache(maxsize=64)
def _common_binds(
    host: HostView, python: PythonFacts, hidden: tuple[Path, ...], home: Path | None
) -> tuple[tuple[Bind, ...], tuple[str, ...]]:
    """Return what all jobs of an interpreter see, and the folders of their roots that serve as covers.

    What must not be seen is covered after what holds it is shown, and what is needed of it is shown on
    the cover again. Its place must be made there, so a cover can be written to; but only the job itself
    ever sees what it writes to one.
    """
    needed = [path for path in python.folders if not _is_too_wide(path, home)]
    outside = _outermost(path for path in needed if not _is_in(path, hidden) and not host.covers(path))
    inside = _outermost(path for path in needed if _is_in(path, hidden))
    shown = (*host.binds, *outside)
    places = [str(path) for path in hidden if governing(shown, str(path)) is not None]
    secrets = [Bind(_EMPTY, place, in_root=True) for place in host.secret_folders]
    covers = [
        Bind(f"{_COVERS}/{index}", place, read_only=False, in_root=True) for index, place in enumerate(places)
    ]
    return (*shown, *secrets, *covers, *inside), tuple(cover.source for cover in covers)


def _covers_in(mounts: Iterable[Mount], hidden: Iterable[Path]) -> list[Bind]:
    """Cover what must not be seen where a job's own mount shows a folder around it: a whole project."""
    return [
        Bind(_EMPTY, f"{mount.target}/{path.relative_to(mount.source)}", in_root=True)
        for mount in mounts
        for path in hidden
        if path != mount.source and path.is_relative_to(mount.source) and path.is_dir()
    ]


def _is_too_wide(folder: Path, home: Path | None) -> bool:
    """Say whether showing a folder would show all of the user's files."""
    return folder == Path("/") or (home is not None and home.is_relative_to(folder))


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _outermost(folders: Iterable[Path]) -> list[Bind]:
    """Show those that do not lie in another of them."""
    chosen: list[Path] = []
    for folder in sorted(set(folders), key=lambda path: (len(path.parts), path)):
        if not _is_in(folder, chosen):
            chosen.append(folder)
    return [Bind(str(folder), str(folder), is_folder=folder.is_dir()) for folder in chosen]


@lru_cache(maxsize=64)
def shims(python: Path) -> tuple[tuple[str, int, str], ...]:
    """Return small programs ``python`` and ``python3`` where the interpreter's folder does not have them.

    A link would not do: an interpreter finds its virtual environment beside the name it is called by.
    """
    real = python.resolve()
    names = [name for name in ("python", "python3") if (python.parent / name).resolve() != real]
    return tuple((f"{SHIMS}/{name}", 0o755, f'#!/bin/sh\nexec "{python}" "$@"\n') for name in names)


def _programs(spec: JobSpec, python: PythonFacts) -> tuple[tuple[str, int, str], ...]:
    own = tuple((f"{SHIMS}/{name}", 0o755, text) for name, text in spec.programs)
    return (*shims(python.executable), *own)


def environment_inside(spec: JobSpec, python: PythonFacts) -> dict[str, str]:
    """Return the variables of a job in a sandbox: its own, and what a shell and Python cannot do without."""
    before = f"{SHIMS}:" if _programs(spec, python) else ""
    variables = {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "PATH": f"{before}{python.executable.parent}:{_STANDARD_PATH}",
        # Inside, the user is root, for whom tar wants to restore owners; but no other user exists there.
        "TAR_OPTIONS": "--no-same-owner",
        **spec.environment,
    }
    return with_additions(variables, PLACE, additions(python).packages, spec.packages)


def command_inside(spec: JobSpec) -> tuple[str, ...]:
    """Return the command with the job's interpreter in place of ``python`` and ``python3``."""
    program, *arguments = spec.command
    return (str(spec.python) if program in ("python", "python3") else program, *arguments)


def place_on_host(plan: SandboxPlan, path: str, directory: str) -> Path | None:
    """Return where something that the job sees at ``path`` lies on this machine, None if nowhere."""
    inside = posixpath.normpath(posixpath.join(directory, path))
    bind = governing(plan.binds, inside)
    if bind is None:
        return None
    return None if bind.in_root else Path(bind.source + inside[len(bind.target) :])
