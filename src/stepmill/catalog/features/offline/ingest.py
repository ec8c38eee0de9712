"""Bulk ingest: a table into a group, all of it or nothing.

The rows are typed, checked and written to files that nobody sees, part by part; when all are right the files
appear at once, with a manifest. Then the newest records go to the online store, in transactions of some
thousand: those are no newer for being written twice, so that whoever finds the manifest of a killed process
does it again from the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from stepmill.catalog.features.group import GROUP_KIND, FeatureGroup
from stepmill.catalog.features.groups import group_not_found
from stepmill.catalog.features.offline.copies import Copies
from stepmill.catalog.features.offline.door import Door, Rows
from stepmill.catalog.features.offline.files import OfflineFiles
from stepmill.catalog.features.offline.manifests import Manifest, Manifests, check_ingest_id
from stepmill.catalog.features.offline.online_rows import online_rows
from stepmill.catalog.features.offline.staging import Staging, rows_of
from stepmill.core.clock import Clock
from stepmill.core.errors import StorageError
from stepmill.storage.database import to_micros
from stepmill.storage.features import FeatureRows
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.scratch import scratch_folder

_PREFIX = "ingest-"

# Told how many rows have been read, or written to the online store.
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest came to.

    Args:
        ingest: Its id: given again, it writes nothing twice.
        rows: How many were given.
        files: How many files were written.
        online: How many identifiers' newest rows went to the online store, unless it had newer ones.
        is_new: Whether it was written now; if not, an earlier ingest of this id had been.
        finished: The ids of ingests whose processes had been killed, and which were finished before this one.
            This one may be among them.
    """

    ingest: str
    rows: int
    files: int
    online: int
    is_new: bool
    finished: tuple[str, ...] = ()


class Ingests:
    """Ingests tables. Safe to share between threads and processes.

    Args:
        rows: The online store.
        files: The offline store's files.
        copies: Copies of them.
        objects: Where these are kept.
        folder: Where files are made; best on the same file system.
        clock: Tells when rows came.
    """

    def __init__(
        self,
        rows: FeatureRows,
        files: OfflineFiles,
        copies: Copies,
        objects: ObjectStore,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._files = files
        self._copies = copies
        self._folder = folder
        self._manifests = Manifests(objects)
        self._clock = clock

    def ingest(
        self,
        group: FeatureGroup,
        source: object,
        *,
        ingest_id: str = "",
        online: bool = True,
        progress: Progress | None = None,
    ) -> Ingested:
        """Write all rows of a table to a group.

        Args:
            group: Which.
            source: See ``sources.parts_of``.
            ingest_id: Given again, what it has written is not written again; empty: made of the rows, so
                that the same rows are the same ingest.
            online: Whether the newest records go to the online store, if the group has one.
            progress: Told ``"read"`` or ``"online"``, and how many rows that is by now.

        Raises:
            InvalidRowsError: If rows are wrong; nothing was written.
            InvalidInputError, NotFoundError: If the source cannot be read.
            NotFoundError: If the group, or its bucket, has gone.
            StorageError: If the disk fails. What was written to the offline store is all there or not at all.
        """
        if ingest_id:
            check_ingest_id(ingest_id)
        progress = progress or _tell_nobody
        finished = tuple(self.resume(group))
        with (
            scratch_folder(self._folder, _PREFIX) as scratch,
            closing(Staging(group, scratch, to_micros(self._clock.now()))) as staging,
        ):
            for rows in Door(group.schema).enter(source):
                staging.add(rows, to_micros(self._clock.now()))
                progress("read", staging.rows)
            ingest = ingest_id or staging.digest
            is_online = online and group.online is not None
            files = staging.files(ingest) if group.offline is not None else []
            manifest = Manifest(ingest, staging.rows, tuple(uri.key for uri, _ in files), is_online)
            earlier = self._commit(group, manifest, files, scratch)
            if earlier is not None:
                return Ingested(ingest, earlier.rows, len(earlier.files), 0, is_new=False, finished=finished)
            self._keep_copy(group, staging, manifest)
            written = 0
            if is_online:
                with _unfinished(ingest):
                    written = self._go_online(group, staging, manifest, progress)
        return Ingested(ingest, manifest.rows, len(files), written, is_new=True, finished=finished)

    def resume(self, group: FeatureGroup) -> list[str]:
        """Go on with ingests whose files are there, and whose process was killed.

        Returns:
            Their ids. One that another process is busy with may be among them: that harms nobody.
        """
        if group.offline is None or group.online is None:
            return []
        pending = self._manifests.pending(group)
        for manifest in pending:
            for rows in rows_of(group, self._paths(group, manifest)):
                self._put_online(group, rows, 0, _tell_nobody)
            self._manifests.finish(group, manifest)
        return [manifest.ingest for manifest in pending]

    def is_pending(self, group: FeatureGroup) -> bool:
        """Return whether an ingest has files and is not done: it may need them again, one by one."""
        return group.online is not None and bool(self._manifests.pending(group))

    def _commit(
        self, group: FeatureGroup, manifest: Manifest, files: Sequence[tuple[S3Uri, Path]], scratch: Path
    ) -> Manifest | None:
        """Let the files appear, and return ``None``; or what an earlier ingest of this id has written."""
        if group.offline is None:
            self._check_current(group)
            return None
        # Of two with one id the second one finds the manifest of the first one.
        with self._files.exclusive(group):
            self._check_current(group)
            earlier = self._manifests.find(group, manifest.ingest)
            if earlier is None:
                self._manifests.commit(group, manifest, files, scratch)
        return None if earlier is None else earlier[0]

    def _keep_copy(self, group: FeatureGroup, staging: Staging, manifest: Manifest) -> None:
        copy = staging.copy() if manifest.files else None
        if copy is None:
            return
        paths = self._paths(group, manifest)
        if len(paths) == len(manifest.files):  # else some have been replaced since
            self._copies.adopt(group, copy, paths)

    def _go_online(
        self, group: FeatureGroup, staging: Staging, manifest: Manifest, progress: Progress
    ) -> int:
        written = 0
        if staging.held is not None:
            written = self._put_online(group, staging.held, 0, progress)
        else:
            paths = self._paths(group, manifest) if group.offline is not None else staging.paths()
            for rows in rows_of(group, paths):
                written += self._put_online(group, rows, written, progress)
        if group.offline is not None:
            self._manifests.finish(group, manifest)
        return written

    def _paths(self, group: FeatureGroup, manifest: Manifest) -> list[Path]:
        """Return the files of an ingest that is not done; until then nobody joins them with others."""
        here = {file.uri.key: file.path for file in self._files.list(group)}
        return [here[key] for key in manifest.files if key in here]

    def _put_online(self, group: FeatureGroup, rows: Rows, before: int, progress: Progress) -> int:
        done = 0
        for some in online_rows(group, rows):
            with self._rows.transaction():
                self._check_current(group)
                self._rows.put_newer(group.id, some, to_micros(self._clock.now()))
            done += len(some)
            progress("online", before + done)
        return done

    def _check_current(self, group: FeatureGroup) -> None:
        version = self._rows.version(GROUP_KIND, group.name.lower())
        if version is None or version[0] != group.id:
            raise group_not_found(group.name)


@contextmanager
def _unfinished(ingest: str) -> Iterator[None]:
    """Say of a failure of the store that half is done, and how the rest is."""
    try:
        yield
    except StorageError as error:
        raise type(error)(
            f"The rows are in the offline store, and not all of them in the online store. {error.what}",
            where=error.where,
            mend=f"{error.mend} Then ingest the same rows again, or others: that finishes {ingest}.".strip(),
        ) from error


def _tell_nobody(_what: str, _rows: int) -> None:
    pass
