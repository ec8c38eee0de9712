"""What an archive of source code holds, whenever it was packed.

The SDKs pack source code anew each time a pipeline is compiled; the bytes then tell the time and the
times of the files. SDK 2 names the archive after what it holds, so that AWS's cache does not mind; here
content counts, and so the content of such an archive is that of its members.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

SOURCE_ARCHIVE = "sourcedir.tar.gz"
# Larger ones count by their bytes: it is source code that is packed anew, and that is small.
LARGEST_BYTES = 32 * 1024**2
LARGEST_UNPACKED_BYTES = 8 * LARGEST_BYTES


def archive_digest(chunks: Iterable[bytes]) -> str:
    """Return the digest of what an archive holds: names, contents, links, and what may be run.

    Empty if it is no archive that can be read, or is too large to be one of source code.
    """
    packed = io.BytesIO()
    for chunk in chunks:
        packed.write(chunk)
        if packed.tell() > LARGEST_BYTES:
            return ""
    packed.seek(0)
    try:
        return _digest_of_members(packed)
    except (tarfile.TarError, EOFError, OSError, zlib.error, gzip.BadGzipFile, UnicodeError):
        return ""


def read_member(archive: Path, name: str, limit_bytes: int) -> bytes | None:
    """Return the beginning of a file that an archive holds.

    Args:
        archive: The archive, compressed or not.
        name: Of the file, as it lies when it is unpacked: ``requirements.txt``, ``deep/more.txt``.
        limit_bytes: No more is read of it.

    Returns:
        ``None`` if it holds none, cannot be read, or is too large to be one of source code.
    """
    found: bytes | None = None
    total = 0
    try:
        if archive.stat().st_size > LARGEST_BYTES:
            return None
        with tarfile.open(archive, mode="r|*") as opened:
            for member in opened:
                total += max(member.size, 0)
                if total > LARGEST_UNPACKED_BYTES:
                    return None
                # Of two members of one name the later one stays when they are unpacked.
                if posixpath.normpath(member.name) == name:
                    file = opened.extractfile(member) if member.isreg() else None
                    found = file.read(limit_bytes) if file else None
    except (tarfile.TarError, EOFError, OSError, zlib.error, UnicodeError):
        return None
    return found


def _digest_of_members(packed: io.BytesIO) -> str:
    members: dict[str, bytes] = {}
    total = 0
    with tarfile.open(fileobj=packed, mode="r|*") as archive:
        for member in archive:
            total += max(member.size, 0)
            if total > LARGEST_UNPACKED_BYTES:
                return ""
            file = archive.extractfile(member) if member.isreg() else None
            content = sha256(file.read() if file else b"").hexdigest()
            kind = (member.type, bool(member.mode & 0o111), member.linkname, content)
            # Of two members of one name the later one stays when they are unpacked.
            members[member.name] = repr(kind).encode()
    whole = sha256()
    for name in sorted(members):
        whole.update(repr(name).encode() + members[name])
    return whole.hexdigest()
