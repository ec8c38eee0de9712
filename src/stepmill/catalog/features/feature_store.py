"""All of the feature store over one database and one object store."""

from __future__ import annotations

from pathlib import Path

from stepmill.catalog.features.groups import FeatureGroups
from stepmill.catalog.features.offline.files import OfflineFiles
from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.storage.features import FeatureRows
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore


class FeatureStore:
    """Feature groups, and who writes and reads their records.

    Args:
        records: Where groups are kept.
        rows: Where records are kept: in the same database.
        objects: Where files are kept.
        folder: Where files are made.
        arns: Of this installation.
        tags: Keeps the groups' tags.
        clock: Tells the time.
    """

    def __init__(
        self,
        records: RecordStore,
        rows: FeatureRows,
        objects: ObjectStore,
        folder: Path,
        *,
        arns: Arns,
        tags: Tags,
        clock: Clock,
    ) -> None:
        self.groups = FeatureGroups(records, rows, arns, tags, clock, has_bucket=objects.bucket_exists)
        self.files = OfflineFiles(objects, folder)
