"""Reads of groups' files as they are now, with all that has been acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import pyarrow as pa

from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline import reads
from stepmill.catalog.features.offline.copies import Copies
from stepmill.catalog.features.offline.files import OfflineFiles
from stepmill.catalog.features.offline.flushing import Flushing
from stepmill.catalog.features.offline.reads import Bounds, Files, Joined

# Files that a compaction has replaced may be freed before they are read; then the new ones are.
_ATTEMPTS = 5
# So many features cost little to copy; of more, one in so many has to be asked for.
_NARROW = 64
_FEW = 8

T = TypeVar("T")


@dataclass(frozen=True)
class GroupToJoin:
    """A group that rows are joined with. See ``reads.Joined``."""

    group: FeatureGroup
    features: Sequence[str] = ()
    on: str = ""
    tolerance: timedelta | None = None
    prefix: str = ""


class OfflineReading:
    """Reads offline stores. Safe to share between threads and processes.

    Args:
        files: Their files.
        copies: Copies of them.
        flushing: Brings acknowledged records into them.
    """

    def __init__(self, files: OfflineFiles, copies: Copies, flushing: Flushing) -> None:
        self._files = files
        self._copies = copies
        self._flushing = flushing

    def snapshot(
        self,
        group: FeatureGroup,
        features: Sequence[str] = (),
        *,
        bounds: Bounds | None = None,
        keep_deleted: bool = False,
    ) -> pa.Table:
        """Return the newest record of each identifier. See ``reads.snapshot``.

        Raises:
            WrongStateError: If the group has no offline store.
        """
        return self._again(
            lambda: reads.snapshot(
                self._now(group, features), features, bounds=bounds, keep_deleted=keep_deleted
            )
        )

    def history(
        self,
        group: FeatureGroup,
        features: Sequence[str] = (),
        *,
        bounds: Bounds | None = None,
        duplicates: bool = False,
        keep_deleted: bool = False,
    ) -> pa.Table:
        """Return all records. See ``reads.history``.

        Raises:
            WrongStateError: If the group has no offline store.
        """
        return self._again(
            lambda: reads.history(
                self._now(group, features),
                features,
                bounds=bounds,
                duplicates=duplicates,
                keep_deleted=keep_deleted,
            )
        )

    def join(
        self,
        rows: pa.Table,
        groups: Sequence[GroupToJoin],
        *,
        event_time: str,
        bounds: Bounds | None = None,
        forget_deleted: bool = False,
    ) -> pa.Table:
        """Give each row the features that were known at its moment. See ``reads.join``.

        Raises:
            WrongStateError: If a group has no offline store.
        """

        def joined() -> pa.Table:
            sides = [
                Joined(
                    self._now(each.group, each.features), each.features, each.on, each.tolerance, each.prefix
                )
                for each in groups
            ]
            return reads.join(
                rows, sides, event_time=event_time, bounds=bounds, forget_deleted=forget_deleted
            )

        return self._again(joined)

    def _now(self, group: FeatureGroup, features: Sequence[str]) -> Files:
        self._flushing.settle(group)
        paths = [file.path for file in self._files.list(group)]
        # A copy has all columns: whoever asks for a few of very many is not made to wait for it.
        is_narrow = 0 < len(features) * _FEW < len(group.schema.features) - _NARROW
        cover = self._copies.cover if is_narrow else self._copies.gather
        return Files(group.name, group.schema, cover(group, paths))

    def _again(self, read: Callable[[], T]) -> T:
        for _ in range(_ATTEMPTS - 1):
            try:
                return read()
            except FileNotFoundError:
                continue
        return read()
