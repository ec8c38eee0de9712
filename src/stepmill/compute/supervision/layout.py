"""Lays out the throw-away root of a job before anything is mounted over it, and clears it away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from stepmill.compute.supervision.order import Bind, SandboxPlan


class LayoutError(Exception):
    """The root cannot be laid out as planned; says which place, and why."""


def lay_out(plan: SandboxPlan) -> None:
    """Make the folders, links and small files of the root, and a place for everything that is shown.

    A place below something that is itself shown is made in that source, if the job may write there.

    Raises:
        LayoutError: If a place cannot be made.
    """
    os.makedirs(plan.root, exist_ok=True)
    for path, mode in plan.folders:
        _make_folder(plan.root + path, mode)
    for path, target in plan.links:
        if not os.path.lexists(plan.root + path):
            os.symlink(target, plan.root + path)
    for path, mode, text in plan.files:
        os.makedirs(os.path.dirname(plan.root + path), exist_ok=True)
        with open(plan.root + path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(plan.root + path, mode)
    for index, bind in enumerate(plan.binds):
        _make_place(plan, index, bind)


def _make_folder(path: str, mode: int) -> None:
    try:
        os.mkdir(path)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)


def _make_place(plan: SandboxPlan, index: int, bind: Bind) -> None:
    if is_device_place(bind.target):
        return  # /dev is a file system of its own, made with the sandbox
    below = governing(plan.binds[:index], bind.target)
    place = plan.root + bind.target if below is None else below.source + bind.target[len(below.target) :]
    if os.path.exists(place):
        return
    if below is not None and below.read_only:
        raise LayoutError(
            f"{bind.target} cannot be shown to the job: it lies below {below.target}, which is read-only "
            f"and has no such place in it."
        )
    try:
        if os.path.isdir(bind.source):
            os.makedirs(place, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    except OSError as error:
        raise LayoutError(f"{bind.target} cannot be shown to the job: {error}.") from error


def is_device_place(target: str) -> bool:
    """Say whether a place lies in ``/dev``."""
    return target.startswith("/dev/")


def governing(binds: tuple[Bind, ...], target: str) -> Bind | None:
    """Return the one among ``binds`` whose target holds ``target``: the longest, the last of equals.

    Example:
        >>> governing((Bind("/a", "/opt"), Bind("/b", "/opt/ml")), "/opt/ml/model").source
        '/b'
    """
    found = None
    for bind in binds:
        inside = target == bind.target or target.startswith(bind.target.rstrip("/") + "/")
        if inside and (found is None or len(bind.target) >= len(found.target)):
            found = bind
    return found


def clear_away(root: Path) -> None:
    """Remove the throw-away root, whatever a program did to it; what cannot be removed stays."""

    def loosen(path: str) -> None:
        try:
            os.chmod(path, 0o700)
        except OSError:
            return

    shutil.rmtree(root, ignore_errors=True)
    if root.exists():
        loosen(os.fspath(root))
        for folder, below, _ in os.walk(root):
            for name in below:
                loosen(os.path.join(folder, name))
        shutil.rmtree(root, ignore_errors=True)
