"""Digests of content, wherever it lies: an object, all objects below a prefix, or a local path.

Equal content has equal digests, so that uploading unchanged code again changes nothing. That goes for
archives of source code too, whose bytes tell when they were packed.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stepmill.catalog.source_archives import SOURCE_ARCHIVE, archive_digest
from stepmill.core.errors import InvalidInputError, NotFoundError, StorageError
from stepmill.storage.objects.digests import sha256_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# Files whose digests are remembered. Past this the memory is dropped and filled anew.
_MOST_REMEMBERED = 100_000

_Stamp = tuple[int, int, int]


class ContentDigests:
    """Computes digests. Those of local files are remembered until the file changes.

    Args:
        objects: Where ``s3://`` addresses lie.
        project: Folder that relative paths start from.
    """

    def __init__(self, objects: ObjectStore, project: Path) -> None:
        self._objects = objects
        self._project = project
        self._known: dict[Path, tuple[_Stamp, str]] = {}
        self._archives: dict[str, str] = {}
        self._lock = threading.Lock()

    def of_object(self, uri: str, passed: Callable[[int], None] | None = None) -> str:
        """Return the digest of one object or one local file.

        Args:
            uri: Its address or path.
            passed: Is told of each piece of a file that has to be read how many bytes it had; what it
                raises ends the reading.

        Raises:
            NotFoundError: If there is none.
            InvalidInputError: If that is no address.
        """
        path = self._local_path(uri)
        if path is None:
            return self._of_stored(S3Uri.parse(uri))
        if not path.is_file():
            raise NotFoundError(f"There is no file {path}.")
        return self._of_file(path, passed)

    def below(self, uri: str) -> str:
        """Return the digest of what an input of that address holds.

        An object or a file: its name counts too, as a job finds it under that name. A prefix or a
        folder: everything below it, by relative name.

        Raises:
            NotFoundError: If there is nothing at all.
            InvalidInputError: If that is no address.
        """
        path = self._local_path(uri)
        if path is not None:
            return self._of_path(path)
        address = S3Uri.parse(uri)
        if address.key and not address.key.endswith("/"):
            try:
                return _named(address.name, self._of_stored(address))
            except NotFoundError:
                pass
        if next(self._objects.all(address), None) is None:
            raise NotFoundError(f"There is no object below {uri}.")
        return self._of_prefix(address)

    def _of_prefix(self, prefix: S3Uri) -> str:
        """Digest all below a prefix; an archive of source code directly below it by what it holds."""
        folder = f"{prefix.key.rstrip('/')}/" if prefix.key else ""
        archive = S3Uri(prefix.bucket, folder + SOURCE_ARCHIVE)
        try:
            held = self._of_stored(archive)
        except NotFoundError:
            return self._objects.digest_below(prefix)
        others = [info for info in self._objects.all(prefix) if info.key != archive.key]
        named = [_named(info.key.removeprefix(prefix.key), self._objects.digest(info.uri)) for info in others]
        return sha256(" ".join([held, *named]).encode()).hexdigest()

    def _of_stored(self, uri: S3Uri) -> str:
        digest = self._objects.digest(uri)
        if uri.name != SOURCE_ARCHIVE:
            return digest
        if digest not in self._archives:
            self._archives[digest] = archive_digest(self._objects.chunks(uri)) or digest
        return self._archives[digest]

    def _local_path(self, uri: str) -> Path | None:
        """Return the path that an address stands for; ``None`` if it is another scheme's."""
        if uri.startswith("file://"):
            return Path(unquote(urlsplit(uri).path))
        if "://" in uri:
            return None
        if not uri.strip() or "\0" in uri:
            raise InvalidInputError("An address or path is expected here.", mend="Give it.")
        return self._project / uri

    def _of_path(self, path: Path) -> str:
        if path.is_file():
            return _named(path.name, self._of_file(path))
        if not path.is_dir():
            raise NotFoundError(f"There is no file or folder {path}.")
        tree = sha256()
        # Links are followed to files, as a copy of the folder would; a link to a folder could be a loop.
        for folder, folders, files in os.walk(path, followlinks=False):
            folders.sort()
            for name in sorted(files):
                file = Path(folder, name)
                if file.is_file():
                    relative = file.relative_to(path).as_posix().encode(errors="surrogateescape")
                    tree.update(b"%d:%s%s" % (len(relative), relative, self._of_file(file).encode()))
        return tree.hexdigest()

    def _of_file(self, path: Path, passed: Callable[[int], None] | None = None) -> str:
        """Digest a file, unless its size, its time of change and its inode are the ones seen before."""
        try:
            found = path.stat()
            stamp = (found.st_size, found.st_mtime_ns, found.st_ino)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            if not stat.S_ISREG(found.st_mode):
                raise NotFoundError(f"{path} is not a file.")
            with path.open("rb") as handle:
                digest = sha256_of(handle, passed)
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[path] = (stamp, digest)
        return digest


def _named(name: str, digest: str) -> str:
    return sha256(f"{digest} {name}".encode(errors="surrogateescape")).hexdigest()
