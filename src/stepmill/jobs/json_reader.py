"""The handler that reads property files: ``stepmill:readJson``.

The payload is ``{"reads": [{"uri": "s3://...", "path": "a.b[0]"}]}``, the output
``{"values": [...]}`` in the same order. A file that several reads name is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, read_json
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded
from stepmill.jobs.json_paths import look_up
from stepmill.jobs.locations import read_location
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

RESOURCE = "stepmill:readJson"

# A property file holds figures, not data; a greater one is a mistake that would fill the memory.
LARGEST_FILE_BYTES = 32 * 1024 * 1024

_MOST_NAMES_SHOWN = 10
# So many keys are looked through to find those that are like the missing one.
_MOST_KEYS_LOOKED_AT = 1000


class JsonReader:
    """Reads values from JSON files.

    Args:
        objects: Where ``s3://`` addresses lie.
        project: Folder that relative paths start from.
        limit_bytes: Greater files are refused.
    """

    def __init__(self, objects: ObjectStore, project: Path, *, limit_bytes: int = LARGEST_FILE_BYTES) -> None:
        self._objects = objects
        self._project = project
        self._limit_bytes = limit_bytes

    def start(self, task: Task, report: Report) -> None:
        """Read and report the values, or what is missing."""
        try:
            report(TaskSucceeded(task.id, {"values": self._values(task.payload)}))
        except (InvalidInputError, NotFoundError) as error:
            report(TaskFailed(task.id, "ClientError", str(error)))

    def stop(self, task: Task) -> None:
        """Do nothing: reading ends by itself."""

    def _values(self, payload: Json) -> list[Json]:
        documents: dict[str, Json] = {}
        values = []
        for uri, path in _reads(payload):
            if uri not in documents:
                documents[uri] = self._document(uri)
            values.append(look_up(documents[uri], path, where=uri))
        return values

    def _document(self, uri: str) -> Json:
        try:
            return read_json(self._bytes(uri), where=uri)
        except InvalidInputError as error:
            if error.mend:
                raise
            raise InvalidInputError(
                error.what,
                where=uri,
                mend="Write one JSON value in UTF-8; NaN and Infinity are not JSON.",
            ) from error

    def _bytes(self, uri: str) -> bytes:
        address = read_location(uri, self._project)
        if isinstance(address, Path):
            return self._local_bytes(address)
        try:
            return self._objects.read_bytes(address, limit_bytes=self._limit_bytes)
        except NotFoundError as error:
            raise _no_such_file(address.name, uri, self._names_near(address)) from error

    def _local_bytes(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > self._limit_bytes:
                raise InvalidInputError(
                    f"The file is longer than {self._limit_bytes} bytes.",
                    where=str(path),
                    mend="Write the figures that conditions read to a file of their own.",
                )
            return path.read_bytes()
        except OSError as error:
            folder = path.parent
            beside = sorted(child.name for child in folder.iterdir()) if folder.is_dir() else []
            raise _no_such_file(path.name, str(path), beside) from error

    def _names_near(self, address: S3Uri) -> list[str]:
        """Return what lies below the folder of an address, without the folder's name."""
        folder = address.key.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        try:
            found = self._objects.list(address.bucket, prefix, limit=_MOST_KEYS_LOOKED_AT)
        except NotFoundError:
            return []
        return [one.key.removeprefix(prefix) for one in found]


def _reads(payload: Json) -> list[tuple[str, str]]:
    reads = payload.get("reads") if isinstance(payload, Mapping) else None
    if not isinstance(reads, Sequence) or isinstance(reads, str):
        raise InvalidInputError("There is no list of what to read.", where="reads")
    found = []
    for index, read in enumerate(reads):
        uri, path = (read.get("uri"), read.get("path")) if isinstance(read, Mapping) else (None, None)
        if not isinstance(uri, str) or not isinstance(path, str):
            raise InvalidInputError("A read needs a uri and a path, both text.", where=f"reads[{index}]")
        found.append((uri, path))
    return found


def _no_such_file(name: str, where: str, there: Sequence[str]) -> NotFoundError:
    near = get_close_matches(name, there, 1, cutoff=0.5)
    shown = [*near, *(one for one in there if one not in near)][:_MOST_NAMES_SHOWN]
    wrote = ", ".join(repr(one) for one in shown) or "nothing"
    more = f" and {len(there) - len(shown)} more" if len(there) > len(shown) else ""
    return NotFoundError(
        f"The step wrote no file {name!r}; it wrote {wrote}{more} there.",
        where=where,
        mend="Let the script write the file into the folder of that output, or correct the property"
        " file's FilePath.",
    )
