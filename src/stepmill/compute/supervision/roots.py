"""The store of throw-away roots: taken for a job, restored after it, used again.

::

    <store>/<key>/free-<name>     ready to be taken; taking is a rename, which only one can do
    <store>/<key>/used-<name>     taken; its supervisor holds a lock (flock) on the folder

The key is a hash of what the root consists of.
"""

from __future__ import annotations

import fcntl
import os
import time
from hashlib import sha256
from pathlib import Path

from stepmill.compute.supervision.layout import Skeleton, clear_away, lay_out, restore

_FREE = "free-"
_USED = "used-"
_MOST_FREE = 64
# A taken root without a lock is waiting for its supervisor; after this long none will come.
_ABANDONED_SECONDS = 3600.0
_FORGOTTEN_SECONDS = 7 * 24 * 3600.0


def take_root(store: Path, bones: Skeleton) -> str:
    """Return a root that consists of ``bones``, for one job.

    Raises:
        OSError: If none can be made: the disk is full, or the store may not be written to.
    """
    shelf = os.path.join(store, _key(bones))
    try:
        names = os.listdir(shelf)
    except FileNotFoundError:
        names = []
    for name in names:
        if name.startswith(_FREE):
            taken = f"{shelf}/{_USED}{name.removeprefix(_FREE)}"
            try:
                os.rename(f"{shelf}/{name}", taken)
            except OSError:
                continue
            return taken
    fresh = f"{shelf}/{_USED}{os.getpid()}-{time.monotonic_ns()}"
    lay_out(fresh, bones)
    return fresh


def hold_root(root: str) -> int:
    """Lock a taken root for as long as this process lives; return the lock's descriptor."""
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def give_back_root(root: str, bones: Skeleton, lock: int) -> None:
    """Restore a root and put it on its shelf; remove it if that cannot be done, or there are enough.

    Args:
        root: The taken root.
        bones: What it consists of.
        lock: From ``hold_root``. Let go of before the root can be taken again.
    """
    shelf, name = os.path.split(root)
    enough = sum(other.startswith(_FREE) for other in os.listdir(shelf)) >= _MOST_FREE
    if enough or not restore(root, bones):
        clear_away(Path(root))
        os.close(lock)
        return
    os.close(lock)
    os.rename(root, f"{shelf}/{_FREE}{name.removeprefix(_USED)}")


def tidy(store: Path, now: float) -> None:
    """Remove what killed supervisors left, and shelves that nobody has used for a week.

    Args:
        store: The store.
        now: Seconds since the epoch.
    """
    for shelf in store.glob("*"):
        if _changed_before(shelf, now - _FORGOTTEN_SECONDS) and not list(shelf.glob(f"{_USED}*")):
            clear_away(shelf)
            continue
        for root in shelf.glob(f"{_USED}*"):
            if _changed_before(root, now - _ABANDONED_SECONDS) and not _is_held(root):
                clear_away(root)


def _changed_before(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_ctime < moment
    except OSError:
        return False


def _is_held(root: Path) -> bool:
    try:
        fd = hold_root(str(root))
    except OSError:
        return True
    os.close(fd)
    return False


def _key(bones: Skeleton) -> str:
    text = repr((sorted(bones.folders.items()), sorted(bones.links.items()), sorted(bones.files.items())))
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
