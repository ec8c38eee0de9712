"""Lays out the throw-away root of a job before anything is mounted over it, and restores it afterwards.

Roots are used again and again. A job needs some thirty folders that things are mounted on, and on a
journalling file system making and removing them for each job costs more than all the rest of a small
job's start: ext4 reuses no inode for five seconds after its removal, and every creation searches past
those. So a root is laid out once, and after each job everything that is not part of it is removed.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path

from stepmill.compute.supervision.order import Bind, SandboxPlan

_OPEN = os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class LayoutError(Exception):
    """The root cannot be laid out as planned; says which place, and why."""


@dataclass
class Skeleton:
    """What a root consists of, by path inside: ``/`` itself is the empty path.

    Args:
        folders: With their modes; a parent before its children.
        links: With what they point to.
        files: With their modes and contents; empty ones are places for files that are shown.
    """

    folders: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add_folder(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, and its parents if they are not there yet."""
        if path in self.folders:
            return
        if path:
            self.add_folder(os.path.dirname(path).rstrip("/"))
        self.folders[path] = mode

    def add_file(self, path: str, mode: int, text: str) -> None:
        """Add a file, and its folder."""
        self.add_folder(os.path.dirname(path).rstrip("/"))
        self.files[path] = (mode, text)


def skeleton(plan: SandboxPlan) -> Skeleton:
    """Return what a plan's root consists of."""
    bones = Skeleton()
    bones.add_folder("")
    for path, mode in plan.folders:
        bones.add_folder(path, mode)
    bones.links.update(plan.links)
    for path, mode, text in plan.files:
        bones.add_file(path, mode, text)
    for index, bind in enumerate(plan.binds):
        if is_device_place(bind.target) or governing(plan.binds[:index], bind.target) is not None:
            continue
        if bind.is_folder:
            bones.add_folder(bind.target)
        else:
            bones.add_file(bind.target, 0o644, "")
    return bones


def lay_out(root: str, bones: Skeleton) -> None:
    """Make a root.

    Raises:
        OSError: If the disk is full, or the place may not be written to.
    """
    os.makedirs(os.path.dirname(root), mode=0o700, exist_ok=True)
    mask = os.umask(0)
    try:
        for path, mode in bones.folders.items():
            os.mkdir(root + path, mode)
        for path, target in bones.links.items():
            os.symlink(target, root + path)
        for path, (mode, text) in bones.files.items():
            _write(root + path, mode, text)
    finally:
        os.umask(mask)


def restore(root: str, bones: Skeleton) -> bool:
    """Remove what a job left in a root, and undo what it changed; False if that cannot be done."""
    try:
        expected = _children(bones)
        for path, mode in bones.folders.items():
            _restore_folder(root + path, mode, expected.get(path, set()))
        for path, target in bones.links.items():
            if os.readlink(root + path) != target:
                return False
        return all(_is_unchanged(root + path, *wanted) for path, wanted in bones.files.items())
    except OSError:
        return False


def _children(bones: Skeleton) -> dict[str, set[str]]:
    children: dict[str, set[str]] = {}
    for path in (*bones.folders, *bones.links, *bones.files):
        above, _, name = path.rpartition("/")
        if name:
            children.setdefault(above, set()).add(name)
    return children


def _restore_folder(path: str, mode: int, expected: set[str]) -> None:
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(path)
    if stat.S_IMODE(status.st_mode) != mode:
        os.chmod(path, mode)
    for name in os.listdir(path):
        if name not in expected:
            _remove(f"{path}/{name}")


def _remove(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        clear_away(Path(path))
    else:
        os.unlink(path)


def _is_unchanged(path: str, mode: int, text: str) -> bool:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) != mode:
        return False
    if status.st_size != len(text.encode()):
        return False
    return not text or Path(path).read_text(encoding="utf-8") == text


def make_nested_places(plan: SandboxPlan) -> None:
    """Make the places of what is shown below something that is itself shown, in the latter's source.

    Raises:
        LayoutError: If the job may not write there, and so we do not either.
    """
    for index, bind in enumerate(plan.binds):
        below = governing(plan.binds[:index], bind.target)
        if below is None or is_device_place(bind.target):
            continue
        place = plan.source(below) + bind.target[len(below.target) :]
        if os.path.exists(place):
            continue
        if below.read_only:
            raise LayoutError(
                f"{bind.target} cannot be shown to the job: it lies below {below.target}, which is read-only "
                f"and has no such place in it."
            )
        try:
            if bind.is_folder:
                os.makedirs(place, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(place), exist_ok=True)
                _write(place, 0o644, "")
        except OSError as error:
            raise LayoutError(f"{bind.target} cannot be shown to the job: {error}.") from error


def _write(path: str, mode: int, text: str) -> None:
    fd = os.open(path, _OPEN, mode)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def is_device_place(target: str) -> bool:
    """Say whether a place lies in ``/dev``, which is a file system of its own, made with the sandbox."""
    return target.startswith("/dev/")


def governing(binds: tuple[Bind, ...], target: str) -> Bind | None:
    """Return the one among ``binds`` whose target holds ``target``: the longest, the last of equals.

    Example:
        >>> governing((Bind("/a", "/opt"), Bind("/b", "/opt/ml")), "/opt/ml/model").source
        '/b'
    """
    found = None
    for bind in binds:
        inside = target == bind.target or target.startswith(bind.target + "/")
        if inside and (found is None or len(bind.target) >= len(found.target)):
            found = bind
    return found


def clear_away(folder: Path) -> None:
    """Remove a folder, whatever a program did to it; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _loosen(os.fspath(folder))
        for place, below, _ in os.walk(folder):
            for name in below:
                _loosen(os.path.join(place, name))
        shutil.rmtree(folder, ignore_errors=True)


def _loosen(path: str) -> None:
    """Give the owner the right to remove what is in a folder."""
    if os.path.islink(path):
        return
    try:
        os.chmod(path, 0o700)
    except OSError:
        return
