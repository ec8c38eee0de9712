"""What both kinds of job take in and give out.

Source: API reference, ProcessingS3Input, ProcessingS3Output, Channel, S3DataSource.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.jobs.locations import Location, read_location
from stepmill.jobs.requests.fields import Fields

LONGEST_FILE_NAME_BYTES = 255


class DataType(StrEnum):
    """What an S3 URI of an input stands for."""

    PREFIX = "S3Prefix"
    MANIFEST = "ManifestFile"
    AUGMENTED_MANIFEST = "AugmentedManifestFile"


class Distribution(StrEnum):
    """What each host gets of an input."""

    REPLICATED = "FullyReplicated"
    SHARDED = "ShardedByS3Key"


class InputMode(StrEnum):
    """How an input reaches the job. File and FastFile are the same here: nothing is downloaded."""

    FILE = "File"
    FAST_FILE = "FastFile"
    PIPE = "Pipe"


class Compression(StrEnum):
    """How the objects of an input are packed."""

    NONE = "None"
    GZIP = "Gzip"


class UploadMode(StrEnum):
    """When an output is stored."""

    AT_END = "EndOfJob"
    CONTINUOUS = "Continuous"


@dataclass(frozen=True)
class Input:
    """A named input: what a job finds in a folder.

    Args:
        name: Of the input or channel.
        target: The folder inside the job, absolute and normal.
        source: Where the data lies. ``None``: the job fetches it itself (``AppManaged``).
        data_type: ``PREFIX`` or ``MANIFEST``.
        distribution: What each host gets.
        compression: Whether the files are to be unpacked.
        where: Place in the request.
        groups: Instance groups whose hosts get it; empty: all.
    """

    name: str
    target: str
    source: Location | None
    data_type: DataType = DataType.PREFIX
    distribution: Distribution = Distribution.REPLICATED
    compression: Compression = Compression.NONE
    where: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Output:
    """A named output: a folder of the job and where its files go.

    Args:
        name: Of the output.
        path: The folder inside the job, absolute and normal.
        destination: Where to. ``None``: the job stores it itself (``AppManaged``).
        continuous: Whether files are stored while the job still runs.
        where: Place in the request.
    """

    name: str
    path: str
    destination: Location | None
    continuous: bool = False
    where: str = ""


@dataclass(frozen=True)
class GroupOutput:
    """A named output that is no folder: the job itself puts records into a feature group.

    Args:
        name: Of the output.
        group: Name of the feature group.
        where: Place in the request.
    """

    name: str
    group: str
    where: str = ""


def read_source(fields: Fields, project: Path) -> tuple[Location, DataType, Distribution]:
    """Read S3Uri, S3DataType and S3DataDistributionType.

    Raises:
        InvalidInputError: If one of them is wrong.
        UnsupportedError: For an augmented manifest, which goes with Pipe mode only.
    """
    data_type = fields.choice("S3DataType", DataType, DataType.PREFIX)
    if data_type is DataType.AUGMENTED_MANIFEST:
        raise UnsupportedError(
            "Augmented manifests are not offered: they go with Pipe mode only.",
            where=fields.place("S3DataType"),
            mend="Use S3Prefix or ManifestFile with File mode.",
        )
    source = read_location(fields.text("S3Uri"), project, fields.place("S3Uri"))
    distribution = fields.choice("S3DataDistributionType", Distribution, Distribution.REPLICATED)
    return source, data_type, distribution


def refuse_pipe_mode(mode: InputMode, where: str) -> None:
    """Raise ``UnsupportedError`` for Pipe mode."""
    if mode is InputMode.PIPE:
        raise UnsupportedError(
            "Pipe mode is not offered.",
            where=where,
            mend="Use File or FastFile: both show the stored files to the job without copying them.",
        )


def check_path_inside(path: str, below: str, where: str) -> str:
    """Return a path inside a job in its normal form.

    Args:
        path: As the request gives it.
        below: It must be this folder or lie below it; no ``/`` at the end.
        where: Place in the request, for the error.

    Raises:
        InvalidInputError: If it lies elsewhere, has ``..`` in it, or cannot be a path.
    """
    parts = path.split("/")
    normal = posixpath.normpath(path)
    if ".." in parts or "\0" in path or any(len(p.encode()) > LONGEST_FILE_NAME_BYTES for p in parts):
        raise InvalidInputError(
            f"{path[:200]!r} cannot be a folder of a job.", where=where, mend="Write it plainly."
        )
    if normal != below and not normal.startswith(below + "/"):
        raise InvalidInputError(
            f"{path[:200]!r} does not lie below {below}/.",
            where=where,
            mend=f"Choose a folder below {below}/.",
        )
    return normal


def check_distinct(names: Sequence[str], what: str, where: str) -> None:
    """Raise ``InvalidInputError`` if a name occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidInputError(
                f"There are two {what} named {name[:100]!r}.", where=where, mend="Rename one of them."
            )
        seen.add(name)
