"""The code of every step, kept by its content: it stays when its address is overwritten or removed.

Each file once, under its digest, in a folder of its own that no housekeeping touches. On the local store
a file of an object is a second name of the bytes that are there: nothing is copied.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from secrets import token_hex

from stepmill.catalog.lineage.versions import Versions
from stepmill.core.errors import ConflictError, NotFoundError, StepmillError
from stepmill.core.json import Json
from stepmill.storage.objects.digests import sha256_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# What is larger is data, whoever calls it code.
LARGEST_BYTES = 256 * 1024 * 1024
MOST_FILES = 2000


@dataclass(frozen=True)
class KeptFile:
    """A file of the code of a step.

    Args:
        name: Below the address of the code; relative, with slashes.
        sha256: Of its bytes.
        size_bytes: Its length.
    """

    name: str
    sha256: str
    size_bytes: int

    @classmethod
    def read(cls, kept: Json) -> list[KeptFile]:
        """Return the files that the document of an artifact tells of."""
        rows = kept if isinstance(kept, Sequence) and not isinstance(kept, str) else ()
        return [
            cls(str(row[0]), str(row[1]), int(str(row[2])))
            for row in rows
            if isinstance(row, Sequence) and len(row) == 3
        ]

    @property
    def row(self) -> list[Json]:
        """What the document of an artifact tells of it."""
        return [self.name, self.sha256, self.size_bytes]


class KeptCode:
    """Keeps code.

    Args:
        folder: Where; made when it is needed.
        objects: Where ``s3://`` addresses lie.
        versions: Finds local paths.
    """

    def __init__(self, folder: Path, objects: ObjectStore, versions: Versions) -> None:
        self._folder = folder
        self._objects = objects
        self._versions = versions

    def keep(self, uri: str) -> tuple[list[KeptFile], str]:
        """Keep all that lies at an address; return its files, and why some are missing, if any are."""
        kept: list[KeptFile] = []
        room = LARGEST_BYTES
        try:
            for name, size, take in islice(self._sources(uri), MOST_FILES + 1):
                if len(kept) == MOST_FILES:
                    return kept, f"only the first {MOST_FILES} files are kept"
                if size > room:
                    return kept, f"more than {LARGEST_BYTES // 1024 // 1024} MiB: the rest is not kept"
                room -= size
                kept.append(KeptFile(name, take(), size))
        except (StepmillError, OSError) as error:
            return kept, f"could not be kept: {error}"
        return kept, ""

    def path(self, file: KeptFile) -> Path:
        """Return the file with the bytes. Never write to it.

        Raises:
            NotFoundError: If somebody removed it.
        """
        path = self._place(file.sha256)
        if not path.is_file():
            raise NotFoundError(
                f"The kept code {file.name!r} is gone.",
                where=str(path),
                mend="Was the folder tidied by hand?",
            )
        return path

    def _sources(self, uri: str) -> Iterator[tuple[str, int, _Take]]:
        path = self._versions.local_path(uri)
        if path is not None:
            files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
            for one in files:
                name = one.name if one == path else one.relative_to(path).as_posix()
                yield name, one.stat().st_size, _Take(self, one)
            return
        address = S3Uri.parse(uri)
        with suppress(NotFoundError):
            if address.key and not address.key.endswith("/"):
                info = self._objects.head(address)
                yield address.name, info.size_bytes, _Take(self, info.uri)
                return
        for info in self._objects.all(address):
            name = info.key.removeprefix(address.key).lstrip("/") or info.uri.name
            yield name, info.size_bytes, _Take(self, info.uri)

    def take(self, source: Path | S3Uri) -> str:
        """Keep one file, and return its digest."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if isinstance(source, S3Uri):
            digest = self._objects.digest(source)
            if self._place(digest).is_file():
                return digest
        staged = self._folder / f".{token_hex(8)}"
        try:
            if isinstance(source, S3Uri):
                self._objects.link(source, staged)
            else:
                shutil.copyfile(source, staged)
            # It may have been replaced since it was digested; what is kept is what its name says.
            with staged.open("rb") as handle:
                digest = sha256_of(handle)
            place = self._place(digest)
            place.parent.mkdir(exist_ok=True)
            staged.replace(place)
        finally:
            with suppress(FileNotFoundError):
                staged.unlink()
        return digest

    def _place(self, digest: str) -> Path:
        if len(digest) != 64 or not digest.isalnum():
            raise ConflictError(f"{digest[:80]!r} is no digest.")
        return self._folder / digest[:2] / digest


@dataclass(frozen=True)
class _Take:
    kept: KeptCode
    source: Path | S3Uri

    def __call__(self) -> str:
        return self.kept.take(self.source)
