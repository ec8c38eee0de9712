"""Copies a version of a model to a folder: what is said of it, its reports, its model data, unpacked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from stepmill.catalog.model_reports.sources import find_report, report_sources
from stepmill.catalog.packages import model_data_of
from stepmill.core.errors import NotFoundError, StepmillError, WrongStateError
from stepmill.core.json import JsonObject, object_of, objects_of, write_json
from stepmill.jobs.archives import regular_files, unpack
from stepmill.jobs.locations import read_location
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.transfer import fetch
from stepmill.storage.objects.uri import S3Uri

DESCRIPTION = "package.json"
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


class Download:
    """What was copied.

    Args:
        folder: Where to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        # Reports that are not there: (title, why). The rest is of use without them.
        self.problems: list[tuple[str, str]] = []


def download(described: JsonObject, folder: Path, objects: ObjectStore, project: Path) -> Download:
    """Copy a version to a folder.

    ``package.json`` is what DescribeModelPackage answers, ``reports/`` has its reports, ``model/`` its model
    data; of several containers ``model-1/`` and so on. Archives stay, and lie unpacked beside themselves.

    Args:
        described: What DescribeModelPackage answers.
        folder: Where to: new, or empty.
        objects: Where ``s3://`` addresses lie.
        project: Folder that relative paths start from.

    Raises:
        WrongStateError: If there is something in the folder.
        NotFoundError: If model data is not there.
        InvalidInputError: If a name in it, or in an archive, would lead out of the folder. What was copied
            until then stays.
        StorageError: If the store or the disk fails.
    """
    with translated_disk_errors():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WrongStateError(
                f"{folder} is there already, and not empty.", mend="Name another one with --to."
            )
        folder.mkdir(parents=True, exist_ok=True)
        done = Download(folder)
        description = folder / DESCRIPTION
        description.write_text(write_json(described) + "\n", encoding="utf-8")
        done.files.append(description)
        _copy_reports(described, objects, done)
        for uri, target in _model_data(described, folder):
            target.mkdir()
            done.files += _copy_data(uri, target, objects, project)
        # Last, and nothing is written after it: a link in an archive can then lead no file elsewhere.
        for archive in [path for path in done.files if path.name.endswith(_ARCHIVES)]:
            done.files += _unpacked(archive)
    return done


def _copy_reports(described: JsonObject, objects: ObjectStore, done: Download) -> None:
    for source in report_sources(described):
        try:
            uri, content = find_report(source.uri, objects)
        except StepmillError as error:
            done.problems.append((source.title, str(error)))
            continue
        suffix = Path(uri.name).suffix.lower()
        # Named by what it is: the names of objects come from anyone.
        stem = _NOT_IN_NAMES.sub("-", source.title.lower()).strip("-")
        path = done.folder / "reports" / f"{stem}{suffix if suffix.removeprefix('.').isalnum() else ''}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        done.files.append(path)


def _model_data(described: JsonObject, folder: Path) -> Iterator[tuple[str, Path]]:
    specification = object_of(described.get("InferenceSpecification"))
    addresses = [
        uri
        for container in objects_of(specification.get("Containers"))
        for _, uri, _ in model_data_of(container)
    ]
    for number, uri in enumerate(addresses, start=1):
        yield uri, folder / ("model" if len(addresses) == 1 else f"model-{number}")


def _copy_data(uri: str, target: Path, objects: ObjectStore, project: Path) -> list[Path]:
    location = read_location(uri, project)
    if isinstance(location, S3Uri):
        try:
            return fetch(objects, location, target)
        except NotFoundError as error:
            raise NotFoundError(f"Could not find model data at {uri}.", mend=error.mend) from error
    if location.is_file():
        return [Path(shutil.copyfile(location, target / location.name))]
    copied = []
    for path in regular_files(location):
        copy = target / path.relative_to(location)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copied.append(Path(shutil.copyfile(path, copy)))
    if not copied:
        raise NotFoundError(f"Could not find model data at {uri}.", mend="Check the path.")
    return copied


def _unpacked(archive: Path) -> list[Path]:
    stem = next(archive.name.removesuffix(suffix) for suffix in _ARCHIVES if archive.name.endswith(suffix))
    folder = archive.with_name(stem or "unpacked")
    if folder.exists():
        folder = archive.with_name(f"{archive.name}.unpacked")
    folder.mkdir()
    with archive.open("rb") as content:
        unpack(content, folder, name=archive.name)
    return list(regular_files(folder))
