"""Takes what a job has written to where it is to be kept.

Only regular files are taken: symbolic links could name any file of this machine, pipes and devices
hold nothing. Files are moved into the store where that is possible, and all those of one job that
go there appear at once: a job that fails while its outputs are being stored leaves none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.jobs.archives import regular_files
from stepmill.jobs.locations import Location
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects.files import open_regular
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

CONTAINER_ROOT = "/opt/ml"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

Delivery: TypeAlias = tuple[Location, Path]


def host_folder(ml: Path, path: str) -> Path | None:
    """Return the folder of this machine behind a folder of a job.

    Args:
        ml: What the job sees as ``/opt/ml``.
        path: Absolute, normal, below ``/opt/ml``.

    Returns:
        The folder; ``None`` if it is not there, or the job has put a symbolic link into its path.
    """
    folder = ml
    for part in path.removeprefix(CONTAINER_ROOT).strip("/").split("/"):
        folder = folder / part
        if folder.is_symlink() or not folder.is_dir():
            return None
    return folder


@contextmanager
def held(ml: Path, folder: Path) -> Iterator[Path]:
    """Give a folder below ``ml`` a name that keeps leading there while a running job moves things about.

    A path is looked up anew each time, and the job may have put a link to any place of this machine into
    it meanwhile. On systems without ``/proc`` the path itself is all there is.

    Raises:
        OSError: If it is not there, or a link is in its path.
    """
    current = os.open(ml, _FOLDER)
    try:
        for part in folder.relative_to(ml).parts:
            inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = inner
        name = Path(f"/proc/self/fd/{current}")
        yield name if name.is_dir() else folder
    finally:
        os.close(current)


def files_to(destination: Location, folder: Path) -> Iterator[Delivery]:
    """Return the regular files below a folder, each with the place it is to have."""
    for path in regular_files(folder):
        yield joined(destination, path.relative_to(folder).as_posix()), path


def joined(location: Location, *parts: str) -> Location:
    """Return the place below a location."""
    return location.joined(*parts) if isinstance(location, S3Uri) else location.joinpath(*parts)


def deliver(items: Iterable[Delivery], objects: ObjectStore, *, move: bool = True) -> int:
    """Store files; those that go into the store all at once, or none.

    May be repeated after a crash at any instant: what was moved is stored already.

    Returns:
        How many files went.

    Raises:
        NotFoundError: If a bucket is not there.
        StorageFullError: If no room is left.
        StorageError: If the store or the disk fails otherwise.
    """
    to_store: list[tuple[S3Uri, Path]] = []
    to_folder: list[tuple[Path, Path]] = []
    for place, path in items:
        if isinstance(place, S3Uri):
            to_store.append((place, path))
        else:
            to_folder.append((place, path))
    if to_store:
        objects.put_files(to_store, move=move)
    with translated_disk_errors():
        for place, path in to_folder:
            _put_into_folder(path, place, move=move)
    return len(to_store) + len(to_folder)


def _put_into_folder(path: Path, place: Path, *, move: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        raise InvalidInputError(
            f"{str(place)!r} is a folder; the job has written a file of that name.",
            mend="Remove it, or choose another destination.",
        )
    if move:
        try:
            path.replace(place)
        except OSError:
            # Another file system.
            pass
        else:
            return
    partial = place.with_name(f".{place.name[:200]}.{os.getpid()}.partial")
    try:
        # Not by name: a job that still runs may have put a link there since the file was listed.
        with (
            open_regular(path) as source,
            open(source, "rb", closefd=False) as data,
            partial.open("wb") as copy,
        ):
            shutil.copyfileobj(data, copy)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
    if move:
        path.unlink()


def make_destinations(destinations: Sequence[Location], objects: ObjectStore) -> tuple[str, ...]:
    """Make sure that outputs have somewhere to go, before a job has worked for hours in vain.

    Returns:
        Remarks: the buckets that had to be made.

    Raises:
        InvalidInputError: If a folder cannot be made because a file is in its place.
        StorageError: If the store or the disk fails.
    """
    notes = []
    # Each once: most outputs of a job go to the same bucket.
    tops = [S3Uri(d.bucket) if isinstance(d, S3Uri) else d for d in destinations]
    for destination in dict.fromkeys(tops):
        if isinstance(destination, S3Uri):
            if not objects.bucket_exists(destination.bucket):
                objects.create_bucket(destination.bucket, exist_ok=True)
                notes.append(f"the bucket {destination.bucket} was not there and has been made")
            continue
        try:
            with translated_disk_errors():
                destination.mkdir(parents=True, exist_ok=True)
        finally:
            if destination.is_file():
                raise InvalidInputError(
                    f"{str(destination)!r} is a file; outputs need a folder.", mend="Name a folder."
                )
    return tuple(notes)
