"""Blobs: immutable files with the bytes of objects, and the batches in which they arrive.

::

    blobs/<first two letters>/<batch>-<number>    never changed, never replaced, read-only
    incoming/<batch>/                             locked (flock) by the process that fills it

A blob is written in its batch's folder and renamed into place before the index speaks of it. A batch's
folder stands, locked, until the index does. So a sweep (``sweep_blobs``) can tell a blob that is about to be
indexed from one that a killed process left: the kernel lets go of a dead process's locks.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects import files

_SHARD_LETTERS = 2
_BATCH_LETTERS = 32
_BLOCK_BYTES = 512  # the unit of st_blocks, whatever the file system's own is


@dataclass(frozen=True)
class Staged:
    """A blob that is complete and on the disk, but not indexed.

    Args:
        blob: Its name.
        size_bytes: Its length.
        inode: Of its file, as ``inode_hint`` gives it.
    """

    blob: str
    size_bytes: int
    inode: int


def inode_hint(status: os.stat_result) -> int:
    """Return a file's inode number in 63 bits: some file systems use all 64, databases have signed ones."""
    return status.st_ino & (2**63 - 1)


class BlobFolder:
    """The folder of blobs and batches.

    Args:
        folder: Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self.incoming = folder / "incoming"
        with translated_disk_errors():
            for made in (self.blobs, self.incoming):
                made.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, blob: str) -> Path:
        """Return where a blob lies."""
        return self.blobs / blob[:_SHARD_LETTERS] / blob

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Open a batch. At its end what was staged but not published is gone."""
        name, folder, lock = self._make_batch()
        try:
            yield Batch(self, name, folder)
        finally:
            # Removed while still locked: a sweep never meets it in between.
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def _make_batch(self) -> tuple[str, Path, int]:
        with translated_disk_errors():
            while True:
                name = uuid4().hex
                folder = self.incoming / name
                folder.mkdir(mode=0o700)
                with suppress(FileNotFoundError):
                    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    if _is_at(lock, folder):
                        return name, folder, lock
                    # A sweep took the new folder for a dead one before it was locked.
                    os.close(lock)

    def remove(self, blobs: Iterable[str]) -> None:
        """Remove blobs that nothing refers to; what cannot be removed is left to the sweep."""
        for blob in blobs:
            with suppress(OSError):
                self.path(blob).unlink()

    def disk_usage(self) -> int:
        """Return how many bytes of disk all files take; one with several names counts once."""
        with translated_disk_errors():
            blocks = {
                (status.st_dev, status.st_ino): status.st_blocks
                for status in _files_below(self.blobs, self.incoming)
            }
        return sum(blocks.values()) * _BLOCK_BYTES


class Batch:
    """Blobs on their way in."""

    def __init__(self, home: BlobFolder, name: str, folder: Path) -> None:
        self._home = home
        self._name = name
        self._folder = folder
        self._staged: list[str] = []

    def write(self, chunks: Iterable[bytes], see: Callable[[bytes], object]) -> Staged:
        """Stage a blob of these bytes. See ``files.write_new``."""
        blob, path = self._next()
        return self._done(blob, path, files.write_new(path, chunks, see))

    def join(self, pieces: Iterable[files.Piece]) -> Staged:
        """Stage a blob of pieces of other files.

        Raises:
            FileNotFoundError: If one of the files is not there.
            StorageFullError: If no room is left.
        """
        blob, path = self._next()
        with translated_disk_errors():
            try:
                return self._done(blob, path, files.join_new(pieces, path))
            except FileNotFoundError as error:
                path.unlink()
                missing = error
        raise missing

    def read(self, staged: Staged) -> Iterator[bytes]:
        """Return the bytes of a staged blob, piece by piece."""
        with translated_disk_errors(), (self._folder / staged.blob).open("rb") as file:
            while chunk := file.read(files.CHUNK_BYTES):
                yield chunk

    def copy(self, source: int) -> Staged:
        """Stage a copy of an open file."""
        blob, path = self._next()
        with translated_disk_errors():
            return self._done(blob, path, files.copy_new(source, path))

    def adopt(self, source: Path, status: os.stat_result) -> Staged | None:
        """Stage the file itself, under a second name; its first one stays.

        Args:
            source: A file with one name.
            status: What was seen when it was opened.

        Returns:
            ``None`` if that cannot be: it lies on another file system, is another file by now, belongs to
            another user, or has further names, through which someone could change it.
        """
        return self._link(source, status, finish=True)

    def share(self, source: Path, status: os.stat_result) -> Staged | None:
        """Stage a further name of a file that is known to be a blob of this folder.

        Returns:
            ``None`` if that cannot be: it is another file by now, or has too many names.
        """
        return self._link(source, status, finish=False)

    def publish(self) -> None:
        """Put all that is staged into its place."""
        if not self._staged:
            return
        with translated_disk_errors():
            shard = self._home.path(self._name).parent
            if not shard.is_dir():
                shard.mkdir(exist_ok=True, mode=0o700)
                files.sync_folder(shard.parent)
            for blob in self._staged:
                (self._folder / blob).rename(self._home.path(blob))
            files.sync_folder(shard)

    @property
    def staged(self) -> tuple[str, ...]:
        """The names of the blobs of this batch."""
        return tuple(self._staged)

    def _next(self) -> tuple[str, Path]:
        # All of a batch share their first letters: publishing them touches one folder.
        blob = f"{self._name}-{len(self._staged):x}"
        return blob, self._folder / blob

    def _done(self, blob: str, path: Path, size_bytes: int) -> Staged:
        with translated_disk_errors():
            inode = inode_hint(path.stat())
        self._staged.append(blob)
        return Staged(blob, size_bytes, inode)

    def _link(self, source: Path, status: os.stat_result, *, finish: bool) -> Staged | None:
        blob, path = self._next()
        with translated_disk_errors():
            if not files.try_link(source, path):
                return None
            if not files.is_same_file(path.lstat(), status) or (finish and not _finish_adopted(path)):
                path.unlink()
                return None
            return self._done(blob, path, path.stat().st_size)


def _finish_adopted(path: Path) -> bool:
    with files.open_regular(path) as descriptor:
        if os.fstat(descriptor).st_nlink > 2:  # its own name, the one given here, and another
            return False
        try:
            files.finish(descriptor)
        except PermissionError:  # another user's file
            return False
    return True


def sweep_blobs(home: BlobFolder, referenced: Callable[[set[str]], set[str]]) -> int:
    """Remove what killed processes left, and blobs to which nothing refers. Safe beside writers.

    In this order: list the blobs; see which batches live; ask the index. A listed blob whose batch is not
    alive then was either indexed before the index is asked, or never will be. And nothing comes
    to refer to an unreferenced blob again: whoever adds a reference finds one there, in the same transaction.

    Args:
        home: Where.
        referenced: Gives those of the blobs to which the index refers now.

    Returns:
        How many bytes were freed.
    """
    with translated_disk_errors():
        shards = sorted(entry.name for entry in os.scandir(home.blobs) if entry.is_dir(follow_symlinks=False))
        _, freed = _live_batches(home.incoming)
        for shard in shards:
            entries = os.scandir(home.blobs / shard)
            listed = {entry.name: entry.path for entry in entries if entry.is_file(follow_symlinks=False)}
            live, more = _live_batches(home.incoming)
            old = {blob for blob in listed if blob[:_BATCH_LETTERS] not in live}
            for blob in old - referenced(old) if old else ():
                more += _unlink(Path(listed[blob]))
            freed += more
    return freed


def _live_batches(incoming: Path) -> tuple[set[str], int]:
    """Return the batches that are being filled; remove those whose process is dead, and count their bytes."""
    live, freed = set(), 0
    for entry in list(os.scandir(incoming)):
        if not entry.is_dir(follow_symlinks=False):
            continue
        try:
            lock = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            live.add(entry.name)
        else:
            # A batch that was finished meanwhile has taken its folder away itself.
            with suppress(FileNotFoundError):
                freed += sum(_unlink(Path(staged.path)) for staged in list(os.scandir(entry.path)))
            shutil.rmtree(entry.path, ignore_errors=True)
        finally:
            os.close(lock)
    return live, freed


def _unlink(path: Path) -> int:
    try:
        status = path.lstat()
        path.unlink()
    except FileNotFoundError:  # another sweep was faster
        return 0
    return status.st_blocks * _BLOCK_BYTES if status.st_nlink == 1 else 0


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return files.is_same_file(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _files_below(*folders: Path) -> Iterator[os.stat_result]:
    for folder in folders:
        for inner, _, names in os.walk(folder):
            for name in names:
                with suppress(FileNotFoundError):
                    yield os.lstat(f"{inner}/{name}")
