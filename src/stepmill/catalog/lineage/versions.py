"""What lies at an address, told apart without reading it: which version of the data a job saw.

An address alone does not say what data it was; a digest of gigabytes cannot be waited for. The stamp of a
version is made of what the store knows anyway, and is another as soon as anything there is another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stepmill.catalog.content import ContentDigests
from stepmill.core.errors import StepmillError
from stepmill.core.json import JsonObject
from stepmill.storage.objects.info import ObjectInfo
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# Of more objects or files than this only the first are looked at; the stamp says so.
MOST_FILES = 100_000
_MOST_LOCAL_FILES = 10_000
_STAMP = 32


@dataclass(frozen=True)
class Version:
    """What lies at an address now.

    Args:
        stamp: Another one as soon as anything there is another; equal does not mean more than that.
        is_one: Whether it is one object or file, and not all below a prefix or folder.
        size_bytes: Of all of it.
        files: How many.
        newest: When the last of it was changed. Aware, UTC.
        digest: Of the content, ``sha256:`` and hexadecimal digits, if that is known without reading it.
    """

    stamp: str
    is_one: bool
    size_bytes: int
    files: int
    newest: datetime
    digest: str = ""

    def source(self, uri: str) -> JsonObject:
        """Return the source of the artifact that stands for it: the address, and what tells it apart."""
        is_etag = self.is_one and uri.startswith("s3://")
        kind = {"SourceIdType": "S3ETag" if is_etag else "Custom", "Value": self.stamp}
        return {"SourceUri": uri, "SourceTypes": [kind]}


class Versions:
    """Looks at addresses.

    Args:
        objects: Where ``s3://`` addresses lie.
        digests: Computes digests of files, and remembers them.
        project: Folder that relative paths start from.
    """

    def __init__(self, objects: ObjectStore, digests: ContentDigests, project: Path) -> None:
        self._objects = objects
        self._digests = digests
        self._project = project

    def address(self, uri: str) -> str:
        """Return an address in full: a path of this machine as ``file://``."""
        path = self.local_path(uri)
        return uri if path is None else path.as_uri()

    def local_path(self, uri: str) -> Path | None:
        """Return the path that an address stands for; ``None`` if it is another scheme's."""
        if uri.startswith("file://"):
            return Path(unquote(urlsplit(uri).path))
        if "://" in uri or not uri.strip() or "\0" in uri:
            return None
        return Path(os.path.normpath(self._project / uri))

    def look(self, uri: str) -> Version | None:
        """Return what lies at an address; ``None`` if there is nothing, or nobody can tell."""
        try:
            path = self.local_path(uri)
            if path is not None:
                return _version_of_path(path)
            if not uri.startswith("s3://"):
                return None
            address = S3Uri.parse(uri)
            is_one, infos = self._infos(address)
        except (StepmillError, OSError, ValueError):
            return None
        return _version_of_objects(address.key, is_one, infos) if infos else None

    def digest(self, uri: str, stamp: str, passed: Callable[[int], None] | None = None) -> str:
        """Read what lies at an address, and return the digest of its content.

        Empty if it is another version by now.

        Args:
            uri: The address.
            stamp: Of the version.
            passed: Is told of each piece that is read how many bytes it had; what it raises ends the reading.
                The objects that were read by then are not read again.
        """
        try:
            path = self.local_path(uri)
            found = (
                self._read_objects(uri, stamp, passed)
                if path is None
                else self._read_files(path, stamp, passed)
            )
        except (StepmillError, OSError, ValueError):
            return ""
        after = self.look(uri) if found else None
        return found if after is not None and after.stamp == stamp else ""

    def _read_objects(self, uri: str, stamp: str, passed: Callable[[int], None] | None) -> str:
        address = S3Uri.parse(uri)
        is_one, infos = self._infos(address)
        version = _version_of_objects(address.key, is_one, infos) if infos else None
        if version is None or version.stamp != stamp:
            return ""
        named = (
            (_relative(info, infos, address.key), info.sha256 or self._objects.digest(info.uri, passed))
            for info in infos
        )
        return version.digest or _joined(is_one, named)

    def _read_files(self, path: Path, stamp: str, passed: Callable[[int], None] | None) -> str:
        version = _version_of_path(path)
        if version is None or version.stamp != stamp:
            return ""
        files = [path] if version.is_one else list(_files_below(path))
        named = (
            (one.relative_to(path).as_posix(), self._digests.of_object(str(one), passed)) for one in files
        )
        return _joined(version.is_one, named)

    def _infos(self, address: S3Uri) -> tuple[bool, list[ObjectInfo]]:
        """Return whether an address is that of one object, and the objects that it stands for."""
        found = self._objects.all(address)
        first = next(found, None)
        if first is None:
            return False, []
        # In the order of keys an object comes before all those whose keys begin as its own.
        if first.key == address.key and not address.key.endswith("/"):
            return True, [first]
        return False, [first, *islice(found, MOST_FILES - 1)]


def _version_of_objects(prefix: str, is_one: bool, infos: list[ObjectInfo]) -> Version:
    size = sum(info.size_bytes for info in infos)
    newest = max(info.modified_at for info in infos)
    names = [(_relative(info, infos, prefix), info) for info in infos]
    digest = ""
    if all(info.sha256 for info in infos):
        digest = _joined(is_one, ((name, info.sha256) for name, info in names))
    if is_one:
        return Version(infos[0].etag, True, size, 1, newest, digest)
    told = sha256(f"{len(infos)}\n".encode())
    for name, info in names:
        told.update(f"{len(name)}:{name}{info.etag}\n".encode())
    return Version(told.hexdigest()[:_STAMP], False, size, len(infos), newest, digest)


def _relative(info: ObjectInfo, infos: list[ObjectInfo], prefix: str) -> str:
    """Return the name of an object below the folder that a prefix means."""
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    # A prefix may also end in the middle of names.
    if not all(key.startswith(folder) for key in (infos[0].key, infos[-1].key)):
        folder = prefix[: prefix.rfind("/") + 1]
    return info.key.removeprefix(folder)


def _version_of_path(path: Path) -> Version | None:
    files = [path] if path.is_file() else list(_files_below(path)) if path.is_dir() else []
    if not files:
        return None
    told, size, newest = sha256(), 0, 0
    for file in files:
        found = file.stat()
        told.update(f"{file}:{found.st_size}:{found.st_mtime_ns}:{found.st_ino}\n".encode("utf-8", "replace"))
        size, newest = size + found.st_size, max(newest, found.st_mtime_ns)
    moment = datetime.fromtimestamp(newest // 1000 / 1_000_000, UTC)
    return Version(told.hexdigest()[:_STAMP], path.is_file(), size, len(files), moment)


def _files_below(folder: Path) -> Iterator[Path]:
    def walk() -> Iterator[Path]:
        for root, folders, names in os.walk(folder, followlinks=False):
            folders.sort()
            for name in sorted(names):
                file = Path(root, name)
                if file.is_file():
                    yield file

    return islice(walk(), _MOST_LOCAL_FILES)


def _joined(is_one: bool, named: Iterator[tuple[str, str]]) -> str:
    """Return the digest of one file, or of a tree by the names and digests of its files."""
    if is_one:
        return f"sha256:{next(named)[1]}"
    tree = sha256()
    for name, digest in sorted(named):
        # Names may hold any character: their length, not a separator, tells where one ends.
        tree.update(f"{len(name)}:{name}{digest}".encode("utf-8", "surrogateescape"))
    return f"sha256:{tree.hexdigest()}"
