"""Whether what an earlier run left is still what it left: its files are remembered by size and time.

A fixed destination is written again by the next run. A cached result that points to it would then
lead to another run's data, so it is not taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, digest
from stepmill.jobs.locations import read_location
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
from stepmill.storage.database import to_micros
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# So many files of one output are remembered one by one; more of them all together.
MOST_FILES_LISTED = 1000

_ALL = ""
# In the place of an address, which is never empty: the feature groups that were written, by their ids.
_GROUPS = ""


class KeptOutputs:
    """Remembers the state of outputs.

    Args:
        objects: Where ``s3://`` addresses lie.
        project: Folder that relative paths start from.
        group_id: Gives the id of the feature group of a name: another for each that there ever was; empty
            if there is none now.
        written: Gives, for kind and name of a job's record, the feature groups that it has written without
            saying so in its request.
    """

    def __init__(
        self,
        objects: ObjectStore,
        project: Path,
        group_id: Callable[[str], str] = lambda _name: "",
        written: Callable[[str, str], Sequence[str]] = lambda _kind, _name: (),
    ) -> None:
        self._objects = objects
        self._project = project
        self._group_id = group_id
        self._written = written

    def state(self, output: Json) -> JsonObject:
        """Return the state of the outputs that a job's Describe document names."""
        state: dict[str, Json] = {address: self._files(address) for address in _destinations(output)}
        if groups := {name: self._group_id(name) for name in (*_groups(output), *self._written_by(output))}:
            state[_GROUPS] = groups
        return state

    def _written_by(self, output: Json) -> Iterator[str]:
        for member, kind in (("ProcessingJobName", PROCESSING_JOB), ("TrainingJobName", TRAINING_JOB)):
            name = _object(output).get(member)
            if isinstance(name, str) and name:
                yield from self._written(kind, name)

    def change(self, state: JsonObject) -> str:
        """Say what became of one of the files since; empty if all are as they were.

        Files that came to lie beside them since do not matter.
        """
        for address, files in state.items():
            if address == _GROUPS:
                if change := self._change_of_groups(files if isinstance(files, Mapping) else {}):
                    return change
                continue
            now = self._files(address)
            for name, stamp in (files if isinstance(files, Mapping) else {}).items():
                if name == _ALL and now.get(_ALL) != stamp:
                    return f"{address} is no longer as it was left"
                if name not in now:
                    return f"{_below(address, name)} is gone"
                if now[name] != stamp:
                    return f"{_below(address, name)} was written again since"
        return ""

    def _change_of_groups(self, groups: JsonObject) -> str:
        for name, was in groups.items():
            now = self._group_id(name)
            if now != was:
                return f"the feature group {name} {'was made anew since' if now else 'is gone'}"
        return ""

    def _files(self, address: str) -> dict[str, Json]:
        found: dict[str, Json] = dict(self._listed(address))
        if len(found) <= MOST_FILES_LISTED:
            return found
        return {_ALL: digest(found)}

    def _listed(self, address: str) -> Iterator[tuple[str, str]]:
        try:
            location = read_location(address, self._project)
            if isinstance(location, Path):
                yield from _files_of_folder(location)
                return
            folder = S3Uri(location.bucket, f"{location.key.removesuffix('/')}/" if location.key else "")
            for info in self._objects.all(folder):
                name = info.key.removeprefix(folder.key)
                if name:
                    yield name, f"{info.size_bytes}@{to_micros(info.modified_at)}"
        except (NotFoundError, InvalidInputError):
            return


def _destinations(output: Json) -> Iterator[str]:
    """Yield the folders that a job's Describe document says it wrote to."""
    described = _object(output)
    outputs = _object(described.get("ProcessingOutputConfig")).get("Outputs")
    for item in outputs if isinstance(outputs, Sequence) and not isinstance(outputs, str) else ():
        uri = _object(_object(item).get("S3Output")).get("S3Uri")
        if isinstance(uri, str):
            yield uri
    stored = _object(described.get("TransformOutput")).get("S3OutputPath")
    if isinstance(stored, str):
        yield stored
    path, job = (
        _object(described.get("OutputDataConfig")).get("S3OutputPath"),
        described.get("TrainingJobName"),
    )
    if isinstance(path, str) and isinstance(job, str):
        yield f"{path.removesuffix('/')}/{job}/output"


def _groups(output: Json) -> Iterator[str]:
    """Yield the feature groups that a job's Describe document says it wrote to."""
    outputs = _object(_object(output).get("ProcessingOutputConfig")).get("Outputs")
    for item in outputs if isinstance(outputs, Sequence) and not isinstance(outputs, str) else ():
        name = _object(_object(item).get("FeatureStoreOutput")).get("FeatureGroupName")
        if isinstance(name, str):
            yield name


def _files_of_folder(folder: Path) -> Iterator[tuple[str, str]]:
    for where, _, files in os.walk(folder):
        for name in files:
            path = Path(where, name)
            try:
                found = path.stat()
            except OSError:
                continue
            yield path.relative_to(folder).as_posix(), f"{found.st_size}@{found.st_mtime_ns}"


def _below(address: str, name: str) -> str:
    return f"{address.removesuffix('/')}/{name}"


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
