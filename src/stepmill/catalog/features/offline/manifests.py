"""What has been ingested: a manifest for each ingest appears in the same moment as its files.

::

    .../<group>-<creation time>/data/...                    the files
    .../<group>-<creation time>/ingests/pending/<id>.json   the files are there; the online store may lag
    .../<group>-<creation time>/ingests/done/<id>.json      all is there

So whoever is killed in between has either written nothing, or left a manifest by which the rest can be done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.files import data_of
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,199}", re.ASCII)
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one ingest has written.

    Args:
        ingest: Its id.
        rows: How many.
        files: The keys of its files.
        online: Whether its newest records go to the online store.
    """

    ingest: str
    rows: int
    files: tuple[str, ...]
    online: bool


class Manifests:
    """The manifests of ingests. Safe to share between threads and processes.

    Args:
        objects: Where they are, beside the files.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def find(self, group: FeatureGroup, ingest: str) -> tuple[Manifest, bool] | None:
        """Return what an ingest has written, and whether it is done; ``None`` if nothing was written."""
        for is_done in (True, False):
            try:
                text = self._objects.read_bytes(_uri(group, ingest, is_done=is_done))
            except NotFoundError:
                continue
            return _read(text), is_done
        return None

    def pending(self, group: FeatureGroup) -> list[Manifest]:
        """Return what is not done yet."""
        below = _folder(group, is_done=False)
        found = self._objects.list(below.bucket, f"{below.key}/", limit=_ALL)
        manifests = []
        for info in found:
            # Another process may have finished it meanwhile.
            with suppress(NotFoundError):
                manifests.append(_read(self._objects.read_bytes(info.uri)))
        return manifests

    def commit(
        self, group: FeatureGroup, manifest: Manifest, files: Sequence[tuple[S3Uri, Path]], scratch: Path
    ) -> None:
        """Store the files of an ingest and its manifest, all at once.

        Args:
            group: Whose.
            manifest: What is stored; it is done at once if nothing goes to the online store.
            files: Where to, and which; they are taken away.
            scratch: A folder for the manifest on its way.

        Raises:
            StorageError: If the disk fails; nothing was stored.
        """
        path = scratch / "manifest.json"
        path.write_bytes(_write(manifest))
        place = _uri(group, manifest.ingest, is_done=not manifest.online)
        self._objects.put_files([*files, (place, path)], move=True)

    def finish(self, group: FeatureGroup, manifest: Manifest) -> None:
        """Note that an ingest is done."""
        self._objects.put_bytes(_uri(group, manifest.ingest, is_done=True), _write(manifest))
        self._objects.delete([_uri(group, manifest.ingest, is_done=False)])


def check_ingest_id(ingest: str) -> str:
    """Return an id that an ingest can have.

    Raises:
        InvalidInputError: If it cannot.
    """
    if _ID.fullmatch(ingest):
        return ingest
    raise InvalidInputError(
        f"{ingest[:80]!r} cannot be the id of an ingest.",
        where="ingest_id",
        mend="Use up to 200 letters, digits, '.', '_', '=' and '-', with a letter or digit first.",
    )


def _folder(group: FeatureGroup, *, is_done: bool) -> S3Uri:
    data = data_of(group)
    above = data.key.rpartition("/")[0]
    return S3Uri(data.bucket, f"{above}/ingests/{'done' if is_done else 'pending'}")


def _uri(group: FeatureGroup, ingest: str, *, is_done: bool) -> S3Uri:
    folder = _folder(group, is_done=is_done)
    return S3Uri(folder.bucket, f"{folder.key}/{ingest}.json")


def _write(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest)).encode()


def _read(text: bytes) -> Manifest:
    document = json.loads(text)
    return Manifest(
        str(document["ingest"]), int(document["rows"]), tuple(document["files"]), bool(document["online"])
    )
