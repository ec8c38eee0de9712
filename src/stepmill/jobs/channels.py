"""Puts the inputs of a job where it will find them, by reference: no byte of data is copied.

Objects become hard links of the store's immutable files in a folder that is shown to the job
read-only; files and folders of this machine are shown to it in place, read-only. A script that
writes into such an input gets "Read-only file system": inputs are shared with whoever else reads
them. Inputs that hold code are the exception. The drivers of the SDKs unpack archives beside
their code and make it executable, so those are copied, and may be written to.

Source: container contract, C1 "S3 sources" and C4; sagemaker SDK, local mode, for what follows a prefix.
"""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError
from stepmill.core.json import Json, read_json
from stepmill.jobs.hosts import WHOLE, Share
from stepmill.jobs.locations import Location
from stepmill.jobs.mounts import Placement
from stepmill.jobs.requests.data import LONGEST_FILE_NAME_BYTES, Compression, DataType, Input
from stepmill.jobs.streams import file_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# A manifest lists keys of at most 1 KiB; this is room for a good hundred thousand.
LARGEST_MANIFEST_BYTES = 256 * 1024 * 1024
# Above it an input counts as data even if its name says code.
LARGEST_CODE_BYTES = 64 * 1024 * 1024
# What one input may unpack to. Gzip packs up to 1,000 times: a small file could fill any disk.
LARGEST_UNPACKED_BYTES = 256 * 1024**3

# Channels and inputs in which the SDKs ship code: FrameworkProcessor, ModelTrainer, @step and @remote.
_CODE_NAMES = frozenset(
    {
        "code",
        "entrypoint",
        "sm_drivers",
        "sagemaker_remote_function_bootstrap",
        "sm_rf_user_ws",
        "pre_exec_script_and_dependencies",
    }
)
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class SourceFile:
    """One file of an input.

    Args:
        path: Where it comes to lie, relative to the input's folder.
        origin: The object or the file of this machine.
        size_bytes: Its length.
    """

    path: str
    origin: Location
    size_bytes: int


def check_inputs(inputs: Iterable[Input], objects: ObjectStore) -> None:
    """Check that something lies at each address of an input, as CreateTrainingJob does.

    Raises:
        InvalidInputError: For the first where nothing does.
    """
    for item in inputs:
        source = item.source
        if not isinstance(source, S3Uri):
            continue
        found = objects.bucket_exists(source.bucket) and objects.list(source.bucket, source.key, limit=1)
        if not found:
            raise InvalidInputError(
                f'No S3 objects found under S3 URL "{source}" given in input data source.',
                where=item.where,
                mend="Check the bucket and the prefix, or upload the objects first.",
            )


def holds_code(item: Input, entrypoint: Sequence[str]) -> bool:
    """Return whether an input holds code: by its name, or because the entry point lies in it."""
    return item.name in _CODE_NAMES or any(f"{item.target}/" in word for word in entrypoint)


def stage_input(
    item: Input, objects: ObjectStore, folder: Path, *, copy: bool, share: Share = WHOLE
) -> list[Placement]:
    """Make one input ready.

    Args:
        item: The input; its source is given.
        objects: Where ``s3://`` addresses lead.
        folder: Holds what has to be laid out; made if need be. Several inputs may share it.
        copy: Whether to copy it into ``folder`` for the job to write to, if it is not too large.
        share: Which of its files.

    Returns:
        What the job sees, and where.

    Raises:
        NotFoundError: If an object or file is not there; names the nearest ones.
        InvalidInputError: If the keys cannot be laid out as files, or a manifest cannot be read.
        StorageError: If the store or the disk fails.
    """
    try:
        return _stage(item, objects, folder, share, copy=copy)
    except StepmillError as error:
        error.where = error.where or item.where
        raise


def _stage(item: Input, objects: ObjectStore, folder: Path, share: Share, *, copy: bool) -> list[Placement]:
    source = item.source
    if (
        isinstance(source, Path)
        and item.data_type is DataType.PREFIX
        and item.compression is Compression.NONE
        and share == WHOLE
    ):
        if not source.exists():
            raise _missing_path(source)
        if not (copy and _is_small(_sizes(source))):
            return [_in_place(source, item.target)]
    files = share.of(files_of(item, objects))
    copy = copy and _is_small(file.size_bytes for file in files)
    folder.mkdir(parents=True, exist_ok=True)
    _lay_out(files, objects, folder, copy=copy, unpack=item.compression is Compression.GZIP)
    return [Placement(folder, item.target, read_only=not copy, ours=True)]


def _in_place(source: Path, target: str) -> Placement:
    path = source.resolve()
    return Placement(path, target if path.is_dir() else f"{target}/{source.name}", read_only=True)


def files_of(item: Input, objects: ObjectStore) -> list[SourceFile]:
    """Return the files of an input, those of all hosts, and how they are called in its folder.

    Raises:
        NotFoundError: If there are none.
        InvalidInputError: If the manifest cannot be read.
    """
    if item.source is None:
        return []
    if item.data_type is DataType.MANIFEST:
        return list(_of_manifest(item.source, objects))
    if isinstance(item.source, Path):
        return list(_of_path(item.source))
    return _of_prefix(item.source, objects)


def _of_prefix(prefix: S3Uri, objects: ObjectStore) -> list[SourceFile]:
    if prefix.key and not prefix.key.endswith("/"):
        try:
            return [SourceFile(prefix.name, prefix, objects.head(prefix).size_bytes)]
        except NotFoundError:
            pass
    files = []
    with suppress(NotFoundError):
        for info in objects.all(prefix):
            rest = info.key[len(prefix.key) :].removeprefix("/")
            # Consoles put an empty object at "folder/" to show an empty folder.
            if rest and not rest.endswith("/"):
                files.append(SourceFile(rest, info.uri, info.size_bytes))
    if not files:
        raise _missing_object(prefix, objects)
    return files


def _of_path(source: Path) -> Iterator[SourceFile]:
    if source.is_file():
        yield SourceFile(source.name, source.resolve(), source.stat().st_size)
        return
    if not source.is_dir():
        raise _missing_path(source)
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield SourceFile(path.relative_to(source).as_posix(), path.resolve(), path.stat().st_size)


def _of_manifest(source: Location, objects: ObjectStore) -> Iterator[SourceFile]:
    prefix, keys = read_manifest(source, objects)
    for key in keys:
        uri = S3Uri.parse(prefix + key)
        try:
            size_bytes = objects.head(uri).size_bytes
        except NotFoundError:
            raise _missing_object(uri, objects) from None
        yield SourceFile(key.removeprefix("/"), uri, size_bytes)


def read_manifest(source: Location, objects: ObjectStore) -> tuple[str, list[str]]:
    """Read ``[{"prefix": uri}, "key", ...]``.

    Args:
        source: The manifest.
        objects: Where ``s3://`` addresses lead.

    Returns:
        The prefix and the keys; each key follows the prefix as it is, without a ``/``.

    Raises:
        NotFoundError: If it is not there.
        InvalidInputError: If it is none.
    """
    if isinstance(source, S3Uri):
        try:
            text = objects.read_bytes(source, limit_bytes=LARGEST_MANIFEST_BYTES)
        except NotFoundError:
            raise _missing_object(source, objects) from None
    elif source.is_file():
        text = source.read_bytes()
    else:
        raise _missing_path(source)
    entries = read_json(text, where=str(source))
    return _manifest_parts(entries, str(source))


def _manifest_parts(entries: Json, where: str) -> tuple[str, list[str]]:
    if isinstance(entries, Sequence) and entries and isinstance(entries[0], Mapping):
        prefix, keys = entries[0].get("prefix"), list(entries[1:])
        texts = [key for key in keys if isinstance(key, str) and key]
        if isinstance(prefix, str) and prefix.startswith("s3://") and len(texts) == len(keys) and texts:
            return prefix, texts
    raise InvalidInputError(
        "This is not a manifest.",
        where=where,
        mend='Write it as [{"prefix": "s3://bucket/folder/"}, "key", ...].',
    )


def _lay_out(
    files: Iterable[SourceFile], objects: ObjectStore, folder: Path, *, copy: bool, unpack: bool
) -> None:
    made: set[Path] = set()
    left = LARGEST_UNPACKED_BYTES
    for file in files:
        name = file.path.removesuffix(".gz") if unpack else file.path
        target = folder / _checked_path(name, file.origin)
        if target.parent not in made:
            _make_folder(target.parent, file.origin)
            made.add(target.parent)
        if target.is_dir() or target.exists():
            raise _clash(file.origin)
        if unpack:
            left -= _unpack(file.origin, objects, target, left)
        elif copy or isinstance(file.origin, Path):
            _copy(file.origin, objects, target)
        else:
            objects.link(file.origin, target)


def _checked_path(path: str, origin: Location) -> str:
    parts = path.split("/")
    wrong = next((p for p in parts if p in ("", ".", "..") or "\0" in p), None)
    too_long = next((p for p in parts if len(p.encode(errors="replace")) > LONGEST_FILE_NAME_BYTES), None)
    if wrong is not None:
        raise InvalidInputError(
            f"{str(origin)[:200]!r} cannot be laid out as a file: its path would be {path[:200]!r}.",
            mend="Store it under a key without empty parts, '.' and '..'.",
        )
    if too_long is not None:
        raise InvalidInputError(
            f"{str(origin)[:200]!r} cannot be laid out as a file: "
            f"{too_long[:50]!r}... is longer than {LONGEST_FILE_NAME_BYTES} bytes.",
            mend="Store it under a shorter key.",
        )
    return path


def _make_folder(folder: Path, origin: Location) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _clash(origin) from None


def _clash(origin: Location) -> InvalidInputError:
    return InvalidInputError(
        f"{str(origin)[:200]!r} cannot be laid out as a file: another object has the same path, or is a file "
        "where this one needs a folder.",
        mend="Store one of them under another key, or name a narrower prefix.",
    )


def _copy(origin: Location, objects: ObjectStore, target: Path) -> None:
    if isinstance(origin, Path):
        shutil.copyfile(origin, target)
        shutil.copymode(origin, target)
        target.chmod(target.stat().st_mode | 0o600)
        return
    with target.open("xb") as file:
        for chunk in objects.chunks(origin):
            file.write(chunk)


def _unpack(origin: Location, objects: ObjectStore, target: Path, limit: int) -> int:
    """Write what a gzip file holds; return how many bytes that were."""
    opened = origin.open("rb") if isinstance(origin, Path) else file_of(objects.chunks(origin))
    written = 0
    try:
        with opened as packed, gzip.GzipFile(fileobj=packed) as plain, target.open("xb") as file:
            while chunk := plain.read(_CHUNK_BYTES):
                written += len(chunk)
                if written > limit:
                    raise InvalidInputError(
                        f"{str(origin)[:200]!r} unpacks to more than {LARGEST_UNPACKED_BYTES} bytes.",
                        mend="Store it unpacked if it is really that large.",
                    )
                file.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInputError(
            f"{str(origin)[:200]!r} is not a whole gzip file: {error}.", mend="Leave CompressionType out."
        ) from error
    return written


def _is_small(sizes: Iterable[int]) -> bool:
    total = 0
    return all((total := total + size) <= LARGEST_CODE_BYTES for size in sizes)


def _sizes(path: Path) -> Iterator[int]:
    """Sizes of the files below, at most some thousands: more is not code."""
    if path.is_file():
        yield path.stat().st_size
        return
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    for count, file in enumerate(files):
        yield file.lstat().st_size if count < 10_000 else LARGEST_CODE_BYTES
        if count >= 10_000:
            return


def _missing_object(uri: S3Uri, objects: ObjectStore) -> NotFoundError:
    if not objects.bucket_exists(uri.bucket):
        near = get_close_matches(uri.bucket, [bucket.name for bucket in objects.buckets()])
        hint = f"Did you mean {' or '.join(near)}?" if near else "Make it, or correct its name."
        return NotFoundError(f"Nothing is at {uri}: there is no bucket {uri.bucket!r}.", mend=hint)
    parent = S3Uri(uri.bucket, uri.key.rstrip("/").rpartition("/")[0])
    known = [info.key for info in islice(objects.all(parent), 1000)]
    if not known:
        known = [info.key for info in islice(objects.all(S3Uri(uri.bucket)), 1000)]
    near = get_close_matches(uri.key, known, n=3, cutoff=0.4)
    hint = f"Nearest: {', '.join(near)}." if near else "Check the address, or put the object there first."
    return NotFoundError(f"Nothing is at {uri}.", mend=hint)


def _missing_path(path: Path) -> NotFoundError:
    parent = path.parent
    names = [p.name for p in islice(parent.iterdir(), 1000)] if parent.is_dir() else []
    near = get_close_matches(path.name, names, n=3, cutoff=0.4)
    hint = f"Nearest: {', '.join(near)}." if near else "Check the path."
    return NotFoundError(f"There is no file or folder {str(path)!r}.", mend=hint)
