"""Copies between the object store and folders of this machine, for people: whole trees by one name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri


def fetch(store: ObjectStore, source: S3Uri, target: Path) -> list[Path]:
    """Copy an object to a file, or all objects below an address into a folder.

    Args:
        store: Where from.
        source: Of an object; or, of many, what stands before the ``/`` that they have in common.
        target: The file or folder. If it is a folder already, an object is put into it under its name.
            Files that are there are replaced; each appears whole or not at all.

    Returns:
        The files.

    Raises:
        NotFoundError: If there is nothing of that address.
        InvalidInputError: If a key cannot be the path of a file. Nothing was copied then.
        StorageError: If the store or the disk fails.
    """
    copies = list(_copies(store, source, target))
    for uri, path in copies:
        with translated_disk_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".stepmill-{os.getpid()}.partial")
            try:
                with unfinished.open("wb") as file:
                    for chunk in store.chunks(uri):
                        file.write(chunk)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    return [path for _, path in copies]


def bring(store: ObjectStore, source: Path, target: S3Uri) -> list[S3Uri]:
    """Copy a file, or all files of a folder, into the store; all appear at once. The bucket is made.

    Args:
        store: Where to.
        source: The file or folder.
        target: Address of the object; if it ends in ``/``, the file keeps its name below it. Of a folder,
            the address above its files.

    Returns:
        The addresses.

    Raises:
        NotFoundError: If there is no such file or folder, or the folder is empty.
        InvalidInputError: If the file is none that can be stored, or a name cannot be a key.
        StorageError: If the store or the disk fails.
    """
    items: list[tuple[S3Uri, Path]]
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.is_file())
        items = [(target.joined(path.relative_to(source).as_posix()), path.resolve()) for path in paths]
    else:
        whole = target if target.key and not target.key.endswith("/") else target.joined(source.name)
        items = [(whole, source.resolve())]
    if not items or not source.exists():
        raise NotFoundError(
            f"There is {'nothing in' if source.is_dir() else 'no file'} {str(source)!r}.",
            mend="Check the path.",
        )
    store.create_bucket(target.bucket, exist_ok=True)
    store.put_files(items)
    return [uri for uri, _ in items]


def below(store: ObjectStore, folder: S3Uri) -> Iterator[S3Uri]:
    """Give the addresses of all objects below a folder: ``s3://b/raw`` does not mean ``s3://b/raw2``.

    Raises:
        NotFoundError: If there is no such bucket.
    """
    key = folder.key if not folder.key or folder.key.endswith("/") else f"{folder.key}/"
    yield from (info.uri for info in store.all(S3Uri(folder.bucket, key)))


def _copies(store: ObjectStore, source: S3Uri, target: Path) -> Iterator[tuple[S3Uri, Path]]:
    if source.key and not source.key.endswith("/"):
        try:
            store.head(source)
        except NotFoundError:
            pass
        else:
            yield source, target / _path_of(source.name, source) if target.is_dir() else target
            return
    start = len(source.key.rstrip("/"))
    found = False
    for uri in below(store, source):
        rest = uri.key[start:].removeprefix("/") if start else uri.key
        # Consoles put an empty object at "folder/" to show an empty folder.
        if rest and not rest.endswith("/"):
            found = True
            yield uri, target / _path_of(rest, uri)
    if not found:
        raise NotFoundError(
            f"There is no object {source}, and none below it.", mend="See `stepmill objects list`."
        )


def _path_of(key: str, uri: S3Uri) -> str:
    if any(part in ("", ".", "..") or "\0" in part for part in key.split("/")):
        raise InvalidInputError(
            f"{str(uri)[:200]!r} cannot be copied to a file: its path would be {key[:200]!r}.",
            mend="Fetch it alone, and give the file's name.",
        )
    return key
