"""A job without isolation: ``/opt/ml`` and other places are moved into its folder, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from stepmill.compute.local.additions import PLACE, additions, with_additions
from stepmill.compute.local.pythons import PythonFacts
from stepmill.compute.local.sandbox import SHIMS, check_mounts, shims
from stepmill.compute.spec import JobSpec, Mount
from stepmill.compute.supervision.files import ROOT
from stepmill.core.errors import ComputeError

BASE = "/opt/ml"
MOVED_NOTE = (
    "not isolated: /opt/ml stands for a folder of the job, in its command and variables only; "
    "scripts that write the path out themselves do not find it (use SAGEMAKER_BASE_DIR)"
)
WRITABLE_NOTE = "read-only inputs are not protected from being written to"


class Relocation:
    """Moves absolute paths of a job to where they lie on this machine.

    Example:
        >>> Relocation(Path("/jobs/a/root"), []).moved("--data=/opt/ml/input:/opt/mlx")
        '--data=/jobs/a/root/opt/ml/input:/opt/mlx'
    """

    def __init__(self, root: Path, mounts: Iterable[Mount]) -> None:
        self._root = root
        prefixes = sorted({BASE, *(mount.target for mount in mounts)}, key=len, reverse=True)
        choices = "|".join(re.escape(prefix) for prefix in prefixes)
        # A path may follow anything but a name's character, and a prefix must end where a name ends.
        self._pattern = re.compile(rf"(?<![\w./-])({choices})(?![\w.-])")

    def moved(self, text: str) -> str:
        """Return the text with every known place in it moved."""
        return self._pattern.sub(lambda found: f"{self._root}{found[1]}", text)

    def place(self, path: str) -> Path:
        """Return where an absolute path of the job lies."""
        return Path(f"{self._root}{path}")


def lay_out_plainly(spec: JobSpec, python: PythonFacts) -> Relocation:
    """Make the job's folder look as much like its sandbox as links can.

    Args:
        spec: The job.
        python: Its interpreter.

    Raises:
        ComputeError: If a place is taken by something else.
    """
    check_mounts(spec.mounts)
    root = spec.folder / ROOT
    relocation = Relocation(root, spec.mounts)
    for path in (BASE, "/tmp", "/root"):  # noqa: S108
        relocation.place(path).mkdir(parents=True, exist_ok=True)
    for mount in spec.mounts:
        _link(mount, relocation.place(mount.target))
    own = additions(python, str(relocation.place(PLACE)))
    for path, mode, text in (*_moved_shims(spec.python, relocation), *own.files):
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
    for path, target in own.links:
        if not os.path.lexists(path):
            os.symlink(target, path)
    return relocation


def _moved_shims(python: Path, relocation: Relocation) -> list[tuple[str, int, str]]:
    return [(str(relocation.place(path)), mode, text) for path, mode, text in shims(python)]


def _link(mount: Mount, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        if place.readlink() == mount.source:
            return
        place.unlink()
    elif place.is_dir():
        try:
            place.rmdir()
        except OSError as error:
            raise ComputeError(
                f"{mount.target} cannot stand for {mount.source}: there is something in it already.",
                where=str(place),
            ) from error
    elif place.exists():
        if place.samefile(mount.source):
            return
        place.unlink()
    if mount.source.is_dir():
        place.symlink_to(mount.source)
        return
    try:
        os.link(mount.source, place)
    except OSError:
        place.symlink_to(mount.source)


def plain_environment(
    spec: JobSpec, relocation: Relocation, python: PythonFacts, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of a job without isolation.

    Args:
        spec: The job.
        relocation: Where its places lie.
        python: Its interpreter.
        inherited: Variables of this process, for the search path of programs.
    """
    before = f"{relocation.place(SHIMS)}:" if shims(python.executable) else ""
    moved = {name: relocation.moved(value) for name, value in spec.environment.items()}
    variables = {
        "HOME": str(relocation.place("/root")),
        "LANG": "C.UTF-8",
        "PATH": f"{before}{python.executable.parent}:{inherited.get('PATH', os.defpath)}",
        "TMPDIR": str(relocation.place("/tmp")),  # noqa: S108
        "SAGEMAKER_BASE_DIR": str(relocation.place(BASE)),
        **moved,
    }
    place = str(relocation.place(PLACE))
    kept = relocation.moved(spec.packages)
    return with_additions(variables, place, additions(python, place).packages, kept)
