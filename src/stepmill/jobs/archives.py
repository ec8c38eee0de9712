"""Packs and unpacks tar archives.

Equal content gives an archive of equal bytes, so that a model trained again to the same result does
not make the steps behind it run again. Unpacking trusts nothing: whoever made the archive may be hostile.
"""

from __future__ import annotations

import gzip
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from stepmill.core.errors import InvalidInputError

# The time that all members carry: the earliest that zip archives can express too.
MEMBER_TIME_S = 315_532_800  # 1980-01-01T00:00Z
# Weights hardly get smaller; the least effort is several times as fast as the default.
COMPRESSION_LEVEL = 1

LARGEST_ARCHIVE_BYTES = 64 * 1024**3
MOST_MEMBERS = 1_000_000


def regular_files(folder: Path) -> Iterator[Path]:
    """Return the regular files below a folder, in a fixed order; links and special files are passed over.

    A folder that is not there has none. Links to folders are not followed.
    """
    if not folder.is_dir() or folder.is_symlink():
        return
    # Not recursive: a hostile job may nest folders deeper than Python's stack.
    pending = [folder]
    while pending:
        folders = []
        for entry in sorted(pending.pop().iterdir()):
            mode = entry.lstat().st_mode
            if stat.S_ISDIR(mode):
                folders.append(entry)
            elif stat.S_ISREG(mode):
                yield entry
        pending.extend(reversed(folders))


def pack(folder: Path, target: Path) -> int:
    """Write the regular files below a folder into a ``tar.gz``, with paths relative to it.

    Returns:
        How many files went in.
    """
    return pack_together([folder], target)


def pack_together(folders: Sequence[Path], target: Path) -> int:
    """Write the regular files below several folders into one ``tar.gz``, as if they lay in one.

    Of those with the same path that of the first folder is taken. So is a file where another folder has
    a folder of its path: an archive with both cannot be unpacked.

    Returns:
        How many files went in.
    """
    chosen = _merged(folders)
    with (
        target.open("wb") as file,
        gzip.GzipFile(
            filename="", mode="wb", compresslevel=COMPRESSION_LEVEL, fileobj=file, mtime=0
        ) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in chosen:
            member = tarfile.TarInfo(name)
            status = path.stat()
            member.size = status.st_size
            member.mtime = MEMBER_TIME_S
            member.mode = 0o755 if status.st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return len(chosen)


def _merged(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    if len(folders) == 1:
        return [(path.relative_to(folders[0]).as_posix(), path) for path in regular_files(folders[0])]
    files: dict[str, Path] = {}
    parents: set[str] = set()
    for folder in folders:
        for path in regular_files(folder):
            name = path.relative_to(folder).as_posix()
            above = {str(parent) for parent in PurePosixPath(name).parents}
            if name not in files and name not in parents and not above & files.keys():
                files[name] = path
                parents |= above
    return list(files.items())


def unpack(archive: IO[bytes], folder: Path, *, name: str) -> None:
    """Unpack a tar archive, compressed or not, into a folder that is there.

    Args:
        archive: Its bytes.
        folder: Where to.
        name: What to call it in an error.

    Raises:
        InvalidInputError: If it is no tar archive, a member would land outside the folder (``../``,
            absolute paths, links that lead out), is a device, or it unpacks to too much. What was
            unpacked until then stays.
    """
    try:
        # As a stream: members are written as they are read, without a first pass over all of it.
        with tarfile.open(fileobj=archive, mode="r|*") as members:
            _extract(_limited(members, name), members, folder, name)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError) as error:
        raise InvalidInputError(
            f"{name} is not a tar archive that can be read: {error}.", mend="Pack it again, with tar -czf."
        ) from error


def _extract(wanted: Iterable[tarfile.TarInfo], archive: tarfile.TarFile, folder: Path, name: str) -> None:
    for member in wanted:
        try:
            # The data filter refuses what leads outside and drops owners and dangerous permissions.
            archive.extract(member, folder, filter="data")
        except tarfile.FilterError as error:
            raise InvalidInputError(
                f"{name} is refused: {error}.",
                mend="Pack it again from inside its folder: tar -czf sourcedir.tar.gz -C FOLDER .",
            ) from error
        except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise InvalidInputError(
                f"{name} is refused: {member.name!r} is both a file and a folder.", mend="Pack it again."
            ) from error


def _limited(archive: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    total = 0
    for count, member in enumerate(archive):
        if ".." in member.name.split("/") or member.name.startswith("/"):
            raise InvalidInputError(
                f"{name} is refused: its member {member.name[:200]!r} would land outside the folder.",
                mend="Pack it again from inside its folder: tar -czf sourcedir.tar.gz -C FOLDER .",
            )
        total += max(member.size, 0)
        if count >= MOST_MEMBERS or total > LARGEST_ARCHIVE_BYTES:
            raise InvalidInputError(
                f"{name} is refused: it unpacks to more than {MOST_MEMBERS} members or "
                f"{LARGEST_ARCHIVE_BYTES} bytes.",
                mend="Ship code in it, and data by a channel.",
            )
        yield member
