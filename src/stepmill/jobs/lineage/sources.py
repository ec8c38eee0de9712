"""The kept code of a step as files that people read: archives are opened, within bounds."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stepmill.catalog.lineage.kept_code import KeptCode, KeptFile
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.lineage import Entity

# What an archive holds is read into memory: no more of it than this.
LARGEST_BYTES = 64 * 1024 * 1024
MOST_MEMBERS = 2000
_ARCHIVES = (".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True)
class SourceFile:
    """A file of code.

    Args:
        name: Relative, with slashes; of a member of an archive ``archive/member``.
        data: Its bytes.
    """

    name: str
    data: bytes

    @property
    def text(self) -> str | None:
        """Its text; ``None`` if it is none."""
        if b"\0" in self.data:
            return None
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


def source_files(code: KeptCode, entity: Entity) -> list[SourceFile]:
    """Return the files of an artifact of code, by name.

    Raises:
        NotFoundError: If its code was not kept, or is gone.
    """
    kept = KeptFile.read(entity.body.get("code"))
    if not kept:
        raise NotFoundError(
            f"No code was kept of {entity.source_uri}.",
            mend="It was gone, or changed, before it could be looked at.",
        )
    files: list[SourceFile] = []
    for file in kept:
        path = code.path(file)
        if file.name.endswith(_ARCHIVES):
            files += _members(path)
        elif file.size_bytes <= LARGEST_BYTES:
            files.append(SourceFile(file.name, path.read_bytes()))
    return sorted(files, key=lambda one: one.name)


def _members(path: Path) -> Iterator[SourceFile]:
    """Yield the regular files of an archive, as it came if it is none; whoever made it may be hostile."""
    room = LARGEST_BYTES
    try:
        with tarfile.open(path) as archive:
            for count, member in enumerate(archive):
                if count >= MOST_MEMBERS or member.size > room:
                    return
                if member.isreg():
                    opened = archive.extractfile(member)
                    data = opened.read(room + 1) if opened else b""
                    room -= len(data)
                    yield SourceFile(_plain_name(member.name), data)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError):
        with path.open("rb") as handle:
            yield SourceFile("archive", handle.read(room))


def _plain_name(name: str) -> str:
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", ".", "..")) or "file"


def write_sources(files: list[SourceFile], folder: Path) -> list[Path]:
    """Write files below a folder, and return where they are. Nothing that is there is overwritten.

    Raises:
        ConflictError: If one of them is there already.
        InvalidInputError: If a name would leave the folder.
    """
    places: list[Path] = []
    for file in files:
        parts = PurePosixPath(file.name).parts
        if not parts or ".." in parts or parts[0] == "/" or "\0" in file.name:
            raise InvalidInputError(f"{file.name[:200]!r} is no name below a folder.")
        place = folder.joinpath(*parts)
        if place.is_symlink() or place.exists():
            raise ConflictError("There is something at this place already.", where=str(place))
        places.append(place)
    for file, place in zip(files, places, strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.parent.resolve().is_relative_to(folder.resolve()):
            raise InvalidInputError(f"{file.name[:200]!r} would leave the folder.", where=str(place))
        with place.open("xb") as handle:
            handle.write(file.data)
    return places
