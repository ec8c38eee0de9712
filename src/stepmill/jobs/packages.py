"""Libraries that jobs ask for by a ``requirements.txt``: installed once, and kept.

They are installed by a job of its own, as isolated as any: what a requirement runs while it is installed
is as foreign as a user's script. They lie in ``<folder>/<key>/packages``; the key is a hash of all that
decides what pip makes of them. Jobs see them read-only, on top of the image's environment, so that none
can change what the next one gets. A file written last, ``complete.json``, says that they are whole.
"""

from __future__ import annotations

import queue
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from stepmill.compute.spec import Compute, Ending, JobEnded, JobEvent, JobSpec, Mount
from stepmill.core.errors import ComputeClosedError
from stepmill.core.settings import Isolation
from stepmill.images.catalog import ResolvedImage
from stepmill.images.environments import Progress, locked
from stepmill.jobs import toolkit
from stepmill.jobs.kinds import read_small_file
from stepmill.jobs.requirement_files import are_met, index_variables, normal_name, read_requirements

# Where a job sees them.
PLACE = "/opt/stepmill/kept"
# Of a requirements.txt; a longer one is installed by each job for itself.
LARGEST_FILE_BYTES = 128 * 1024
# pip waits for an index that does not answer, but nobody waits for pip for ever.
LONGEST_BUILD = timedelta(hours=2)

_COMPLETE = "complete.json"
_SPEC = "spec.json"
_PROGRAM = "install_packages.py"
_CONFLICTS_BYTES = 64 * 1024
_MOST_CONFLICTS = 10


@dataclass(frozen=True)
class Wanted:
    """What a job asks for on top of its image.

    Args:
        lines: Of its requirements.txt; see ``read_requirements``.
        variables: That say where pip finds it; see ``index_variables``.
        python: Interpreter of the image's environment.
        isolation: How jobs are kept apart: programs among the libraries remember where they lie.
    """

    lines: tuple[str, ...]
    variables: Mapping[str, str]
    python: Path
    isolation: Isolation


class Kept(msgspec.Struct, frozen=True):
    """Libraries that were installed and kept.

    Args:
        key: What they are called here.
        packages: Their folder, relative to the place where jobs see them.
        installed: Each as ``name version``.
        remarks: What the job's log should say about them: the image's libraries that they replace, and
            those that do not go together with them.
    """

    key: str
    packages: str
    installed: tuple[str, ...]
    remarks: tuple[str, ...] = ()


class Packages:
    """The libraries below one folder. Safe to share between threads and processes.

    Args:
        folder: Where they are kept; made when the first are installed.
        compute: Runs the jobs that install them.
    """

    def __init__(self, folder: Path, compute: Compute) -> None:
        self._folder = folder
        self._compute = compute
        self._closed = False
        self._waiting: set[queue.SimpleQueue[JobEvent | None]] = set()
        self._lock = threading.Lock()

    def provide(self, wanted: Wanted, progress: Progress) -> Kept | None:
        """Return the libraries that a job asks for; install them if nobody has yet.

        Args:
            wanted: What it asks for.
            progress: Gets a line now and then.

        Returns:
            ``None`` if the image has all of it, or if it could not be installed: the job's own attempt then
            says in its log why.

        Raises:
            ComputeClosedError: If this installation is closed before they are there.
            UnsupportedError: If the isolation asked for is not to be had.
        """
        held = installed_in(image_folders(wanted.python))
        if are_met(wanted.lines, held):
            return None
        key = key_of(wanted, held)
        home = self._folder / key
        if found := read_kept(home):
            return found
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(home.with_suffix(".lock"), progress):
            # Whoever held the lock before may have installed them.
            return read_kept(home) or self._install(wanted, key, held, progress)

    def shown(self, spec: JobSpec, kept: Kept) -> JobSpec:
        """Return a job that finds them."""
        mount = Mount(self._folder / kept.key / "packages", PLACE, read_only=True)
        lines = (f"requirements.txt is kept installed: {', '.join(kept.installed)}", *kept.remarks)
        return replace(
            spec,
            mounts=(*spec.mounts, mount),
            packages=f"{PLACE}/{kept.packages}",
            # For the toolkit, which then installs nothing.
            environment={**spec.environment, "STEPMILL_PACKAGES": PLACE},
            # A warm parent may have imported another version of what was installed.
            warm=False,
            remarks=(*spec.remarks, *(f"Stepmill: {line}." for line in lines)),
        )

    def close(self) -> None:
        """Let go of those who wait; what is being installed goes on."""
        with self._lock:
            self._closed = True
            for waiting in self._waiting:
                waiting.put(None)

    def _install(self, wanted: Wanted, key: str, held: Mapping[str, str], progress: Progress) -> Kept | None:
        home = self._folder / key
        progress(f"installing requirements.txt once, for all jobs that ask for it: {_shown(wanted.lines)}")
        # An earlier life of this installation may have begun it: then it is picked up.
        ended = self._run(wanted, key) if (home / _SPEC).exists() else None
        if ended is None or not _has_succeeded(ended):
            shutil.rmtree(home, ignore_errors=True)
            _lay_out(home, wanted.lines)
            ended = self._run(wanted, key)
        if not _has_succeeded(ended):
            shutil.rmtree(home, ignore_errors=True)
            progress("requirements.txt could not be installed; the job's log says why")
            return None
        return _complete(home, key, held)

    def _run(self, wanted: Wanted, key: str) -> JobEnded:
        """Install them, or pick up the job that does; return how it ended."""
        home = self._folder / key
        events: queue.SimpleQueue[JobEvent | None] = queue.SimpleQueue()
        with self._lock:
            if self._closed:
                raise ComputeClosedError("This installation is being closed.", where=key)
            self._waiting.add(events)
        spec = JobSpec(
            job_id=f"packages-{key}",
            folder=home,
            command=("python", f"/opt/ml/{_PROGRAM}"),
            environment={**wanted.variables, "PYTHONUNBUFFERED": "1", "STEPMILL_PACKAGES": PLACE},
            python=wanted.python,
            mounts=(Mount(home / "ml", "/opt/ml"), Mount(home / "packages", PLACE)),
            timeout=LONGEST_BUILD,
            isolation=wanted.isolation,
        )
        try:
            self._compute.run(spec, events.put)
            while not isinstance(event := events.get(), JobEnded):
                if event is None:
                    raise ComputeClosedError("This installation is being closed.", where=key)
            return event
        finally:
            with self._lock:
                self._waiting.discard(events)


def kept_for(
    packages: Packages | None,
    requirements: Path | None,
    environment: Mapping[str, str],
    image: ResolvedImage,
    isolation: Isolation,
    progress: Progress,
) -> Kept | None:
    """Return the libraries that a job finds installed; ``None`` if it installs them itself, or needs none.

    Args:
        packages: Keeps them.
        requirements: The job's requirements.txt.
        environment: Variables that its request gives.
        image: What it runs in.
        isolation: How it is kept apart.
        progress: Gets a line now and then.

    Raises:
        See ``Packages.provide``.
    """
    if packages is None or requirements is None or image.oci_image:
        return None
    text = read_small_file(requirements, LARGEST_FILE_BYTES + 1)
    lines = read_requirements(text) if len(text) <= LARGEST_FILE_BYTES else None
    variables = index_variables(environment)
    if not lines or variables is None:
        return None
    return packages.provide(Wanted(lines, variables, image.python, isolation), progress)


def key_of(wanted: Wanted, held: Mapping[str, str]) -> str:
    """Return what equal requirements, on the same image, are called.

    Args:
        wanted: The requirements.
        held: The image's libraries, name -> version: others there may lead to others here.
    """
    decides = (
        "1",  # of the way in which they are laid out
        str(wanted.python),
        str(wanted.python.resolve()),
        wanted.isolation.value,
        *(f"{name}={value}" for name, value in sorted(wanted.variables.items())),
        *sorted(set(wanted.lines)),
        *sorted(f"{name} {version}" for name, version in held.items()),
    )
    return sha256("\n".join(decides).encode()).hexdigest()[:20]


def image_folders(python: Path) -> tuple[Path, ...]:
    """Return the folders of the libraries of an interpreter's environment."""
    prefix = python.parent.parent
    return tuple(
        sorted({*prefix.glob("lib/python3*/site-packages"), *prefix.glob("lib/python3*/dist-packages")})
    )


_KEPT = msgspec.json.Decoder(Kept)


def read_kept(home: Path) -> Kept | None:
    """Return what was installed into a folder; ``None`` if it is not whole."""
    try:
        return _KEPT.decode((home / _COMPLETE).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


def _lay_out(home: Path, lines: Sequence[str]) -> None:
    for folder in ("ml", "packages"):
        (home / folder).mkdir(parents=True)
    (home / "ml" / "requirements.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    shutil.copyfile(Path(toolkit.__file__).parent / _PROGRAM, home / "ml" / _PROGRAM)


def _complete(home: Path, key: str, held: Mapping[str, str]) -> Kept | None:
    folders = list((home / "packages").glob("lib/python*/site-packages"))
    if len(folders) != 1:
        return None
    (folder,) = folders
    brought = installed_in(folders)
    said = read_small_file(home / "ml" / "conflicts.txt", _CONFLICTS_BYTES)
    kept = Kept(
        key,
        str(folder.relative_to(home / "packages")),
        tuple(f"{name} {version}" for name, version in sorted(brought.items())),
        (*replaced(brought, held), *conflicts(said, brought)),
    )
    unfinished = home / f"{_COMPLETE}.new"
    unfinished.write_bytes(msgspec.json.encode(kept))
    unfinished.replace(home / _COMPLETE)
    return kept


def replaced(brought: Mapping[str, str], held: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each library of the image in whose place another version comes.

    Example:
        >>> replaced({"numpy": "1.26.4"}, {"numpy": "2.4.6", "pandas": "2.3.3"})
        ('requirements.txt brings numpy 1.26.4 in place of 2.4.6, which the image has',)
    """
    return tuple(
        f"requirements.txt brings {name} {version} in place of {held[name]}, which the image has"
        for name, version in sorted(brought.items())
        if held.get(name, version) != version
    )


def conflicts(said: str, brought: Mapping[str, str]) -> tuple[str, ...]:
    """Return what ``pip check`` says about libraries that a requirements.txt brought.

    Args:
        said: Its output: ``scikit-learn 1.9.1 has requirement numpy>=2, but you have numpy 1.26.4.``
        brought: Name -> version. What was wrong in the image before is not told.
    """
    lines = []
    for line in said.splitlines():
        mentioned = {normal_name(word) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)}
        if line.isprintable() and mentioned & brought.keys():
            lines.append(f"requirements.txt does not go together with the image: {line.strip().rstrip('.')}")
    return tuple(lines[:_MOST_CONFLICTS])


def installed_in(folders: Sequence[Path]) -> dict[str, str]:
    """Return distribution -> version by the names of the folders that describe them."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in folder.glob("*.dist-info"):
            name, _, version = path.name.removesuffix(".dist-info").partition("-")
            found[normal_name(name)] = version
    return found


def _has_succeeded(ended: JobEnded) -> bool:
    return ended.ending is Ending.EXITED and ended.exit_code == 0


def _shown(lines: Sequence[str]) -> str:
    """Return the requirements for a line of progress; options may hold passwords and are left out."""
    names = [line for line in lines if not line.startswith("-") and "://" not in line]
    text = ", ".join(names[:8])
    return f"{text}, ..." if len(names) > 8 else text
