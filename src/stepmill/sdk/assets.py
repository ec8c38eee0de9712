"""What a compiled pipeline brings along: files for the object store, functions, and the definition."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from stepmill.core.errors import InvalidInputError
from stepmill.core.findings import Finding

# Never part of what is uploaded, wherever in a folder it lies.
_CACHES = frozenset({"__pycache__", "node_modules"})

Files: TypeAlias = "Mapping[str, Path | bytes]"
"""Files to be uploaded together, by their path relative to the folder that they make up."""


@dataclass(frozen=True)
class Asset:
    """A file that must lie in the object store before the pipeline runs.

    Args:
        uri: Where: ``s3://bucket/key``. It holds a digest of the content, so that unchanged files
            keep their address.
        path: The file, or ``None`` if ``data`` is given.
        data: The content, or ``None`` if ``path`` is given.
    """

    uri: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return the content."""
        return self.path.read_bytes() if self.path is not None else self.data or b""


@dataclass(frozen=True)
class FunctionAsset:
    """A Lambda function that must exist before the pipeline runs.

    Args:
        name: Of the function.
        code: A ``.py`` file, a folder, or a zip.
        handler: ``module.function``.
        timeout: After which a call fails.
        environment: Its variables.
    """

    name: str
    code: Path
    handler: str
    timeout: timedelta = timedelta(minutes=10)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CompiledPipeline:
    """A pipeline as AWS, or Stepmill, takes it.

    Args:
        name: Of the pipeline.
        definition: Its definition, JSON text; the same text for the same pipeline and files.
        assets: Files to be put into the object store first.
        functions: Lambda functions to be made first.
        description: For humans.
        max_parallel_steps: How many steps may run at once; ``None``: as many as can.
        warnings: What the check of the definition found that does not refuse it.
    """

    name: str
    definition: str
    assets: tuple[Asset, ...] = ()
    functions: tuple[FunctionAsset, ...] = ()
    description: str = ""
    max_parallel_steps: int | None = None
    warnings: tuple[Finding, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write ``definition.json``, and each asset below ``s3/<bucket>/<key>``; return the former's path.

        ``aws s3 sync FOLDER/s3/BUCKET s3://BUCKET`` then uploads the assets.

        Raises:
            InvalidInputError: If an asset's key would leave the folder.
        """
        for asset in self.assets:
            key = PurePosixPath(asset.uri.removeprefix("s3://"))
            if ".." in key.parts or key.is_absolute():
                raise InvalidInputError("The key of an asset has '..' in it.", where=asset.uri)
            target = folder / "s3" / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(asset.read())
        folder.mkdir(parents=True, exist_ok=True)
        definition = folder / "definition.json"
        definition.write_text(msgspec.json.format(self.definition, indent=2) + "\n", encoding="utf-8")
        return definition


def files_below(folder: Path) -> dict[str, Path]:
    """Return the files of a folder, in order, without caches and without hidden ones.

    Raises:
        InvalidInputError: If it holds no file, or a link to a folder.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") or part in _CACHES for part in inside.parts):
            continue
        if path.is_symlink() and path.is_dir():
            raise InvalidInputError(
                "A link to a folder is not followed.",
                where=str(path),
                mend="Copy the folder, or leave it out.",
            )
        if path.is_file():
            found[inside.as_posix()] = path
    if not found:
        raise InvalidInputError("The folder holds no files.", where=str(folder), mend="Put the files there.")
    return found


def digest_of(files: Files) -> str:
    """Return the SHA-256 that stands for the names and contents of files; of a single file, its own."""
    contents = {name: _file_digest(content) for name, content in files.items()}
    if len(contents) == 1:
        return next(iter(contents.values()))
    lines = "".join(f"{digest} {name}\n" for name, digest in sorted(contents.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _file_digest(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def pack(files: Files) -> bytes:
    """Return a ``.tar.gz`` of files; the same bytes for the same names and contents."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            content = files[name]
            data = content if isinstance(content, bytes) else content.read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            runs = isinstance(content, Path) and bool(content.stat().st_mode & 0o100)
            member.mode = 0o755 if runs else 0o644
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
