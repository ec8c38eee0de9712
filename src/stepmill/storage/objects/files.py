"""Files on the disk: writing, copying, linking and opening them so that nothing surprises.

All raise plain ``OSError``; whoever calls them translates it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.failures import translated_disk_errors

# One round through memory when bytes are streamed.
CHUNK_BYTES = 1024 * 1024
READ_ONLY = 0o444
ANY_WRITE = 0o222

# One call hands at most so much to the kernel, so that Ctrl-C is heard between two.
_KERNEL_COPY_BYTES = 256 * 1024 * 1024
# Another file system, one without links, too many links, or a file that is not ours to link.
_CANNOT_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP}
)


@dataclass(frozen=True)
class Piece:
    """Bytes of a file.

    Args:
        path: Of the file.
        start: Of the first byte.
        size_bytes: How many.
    """

    path: Path
    start: int
    size_bytes: int


def write_new(path: Path, chunks: Iterable[bytes], see: Callable[[bytes], object]) -> int:
    """Write a new read-only file down to the disk. What the iterable raises is passed on as it is.

    Args:
        path: Where.
        chunks: The bytes.
        see: Is shown each chunk before the next one is asked for.

    Returns:
        The length.

    Raises:
        StorageFullError: If no room is left.
        StorageError: If the disk fails otherwise.
    """
    with translated_disk_errors():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        size = 0
        for chunk in chunks:
            see(chunk)
            with translated_disk_errors():
                _write_all(descriptor, chunk)
            size += len(chunk)
        with translated_disk_errors():
            finish(descriptor)
    finally:
        os.close(descriptor)
    return size


def join_new(pieces: Iterable[Piece], path: Path) -> int:
    """Write a new read-only file of these pieces, in order. The kernel moves the bytes where it can.

    Returns:
        The length.
    """
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        size = 0
        for piece in pieces:
            source = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.lseek(source, piece.start, os.SEEK_SET)
                left = piece.size_bytes - _copy_in_kernel(source, target, piece.size_bytes)
                while left and (chunk := os.read(source, min(CHUNK_BYTES, left))):
                    _write_all(target, chunk)
                    left -= len(chunk)
            finally:
                os.close(source)
            size += piece.size_bytes - left
        finish(target)
    finally:
        os.close(target)
    return size


def copy_new(source: int, path: Path, *, durable: bool = True) -> int:
    """Copy an open file into a new read-only one; without moving bytes where the file system can.

    Returns:
        The length.
    """
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _copy_in_kernel(source, target, sys.maxsize)
        # The kernel may stop early, or not begin (a /proc file, some network disks): go on by hand.
        while chunk := os.read(source, CHUNK_BYTES):
            _write_all(target, chunk)
        finish(target, durable=durable)
        return os.fstat(target).st_size
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(target)


def finish(descriptor: int, *, durable: bool = True) -> None:
    """Make an open file read-only, and see it down to the disk."""
    os.fchmod(descriptor, READ_ONLY)
    if durable:
        os.fsync(descriptor)


def try_link(source: Path, target: Path) -> bool:
    """Give a file a second name; a symbolic link is not followed but linked itself.

    Returns:
        False if these two places cannot share a file.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return False
        raise
    return True


@contextmanager
def open_regular(path: Path) -> Iterator[int]:
    """Open a regular file for reading; nothing else, and not through a symbolic link.

    Raises:
        NotFoundError: If nothing is there.
        InvalidInputError: If it is a link, a folder, a pipe or a device.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFoundError("There is no such file.", where=str(path)) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a symbolic link | a socket or a dead device
            raise not_regular(path) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise not_regular(path)
        yield descriptor
    finally:
        os.close(descriptor)


def not_regular(path: Path) -> InvalidInputError:
    """Return the error of a path that names no regular file."""
    return InvalidInputError(
        "Only regular files can be stored; this is a link, a folder, a pipe or a device.",
        where=str(path),
        mend="Store the file that it stands for.",
    )


def is_same_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Return whether both describe the same file."""
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def sync_folder(folder: Path) -> None:
    """See a folder's entries down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _copy_in_kernel(source: int, target: int, size_bytes: int) -> int:
    """Copy at most so many bytes from where the files stand; return how many the kernel took on."""
    copy = getattr(os, "copy_file_range", None)  # Linux only
    copied = 0
    if copy is not None:
        with _suppress_unsupported():
            while moved := copy(source, target, min(_KERNEL_COPY_BYTES, size_bytes - copied)):
                copied += moved
    return copied


@contextmanager
def _suppress_unsupported() -> Iterator[None]:
    """Pass over what says that the kernel cannot copy between these two files; nothing is lost by it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (
            errno.EXDEV,
            errno.EINVAL,
            errno.ENOSYS,
            errno.ENOTSUP,
            errno.EOPNOTSUPP,
            errno.EBADF,
        ):
            raise
