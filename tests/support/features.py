"""Feature groups for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stepmill.catalog.features.feature_store import FeatureStore
from stepmill.catalog.features.group import FeatureGroup
from stepmill.catalog.features.offline.files import OfflineFile
from stepmill.catalog.tags import Tags
from stepmill.core.arns import Arns
from stepmill.storage.database import Database
from stepmill.storage.features import FeatureRows
from stepmill.storage.objects.folder import FolderStore
from stepmill.storage.sql_records import SqlRecordStore
from stepmill.testing.clock import FakeClock

ARNS = Arns("us-west-2", "123456789012")
BUCKET = "features"


@dataclass(frozen=True)
class Stored:
    """A feature store in a folder, and what it is made of."""

    features: FeatureStore
    rows: FeatureRows
    objects: FolderStore
    records: SqlRecordStore
    tags: Tags
    clock: FakeClock


@contextmanager
def stored(folder: Path, clock: FakeClock | None = None) -> Iterator[Stored]:
    """Open a feature store in a folder, with a bucket for its files."""
    clock = clock or FakeClock()
    database = Database.open_sqlite(folder / "stepmill.db")
    objects = FolderStore(database, folder / "objects", clock)
    objects.create_bucket(BUCKET, exist_ok=True)
    records = SqlRecordStore(database, clock)
    tags = Tags(records)
    features = FeatureStore(
        database, records, objects, folder / "features", arns=ARNS, tags=tags, clock=clock
    )
    yield Stored(features, features.rows, objects, records, tags, clock)
    database.close()


def definition(name: str, kind: str = "String", **more: Any) -> dict[str, Any]:
    """Return a FeatureDefinition."""
    return {"FeatureName": name, "FeatureType": kind, **more}


def group_request(name: str = "Customers", **more: Any) -> dict[str, Any]:
    """Return a CreateFeatureGroup request: an identifier, an event time, an age and a score."""
    return {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": [
            definition("id", "Integral"),
            definition("at"),
            definition("age", "Integral"),
            definition("score", "Fractional"),
        ],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/store"}},
        **more,
    }


def record(**values: object) -> list[dict[str, Any]]:
    """Return the record of a PutRecord request; lists are collections, and ``None`` is left out."""
    return [
        {"FeatureName": name, "ValueAsStringList": [str(each) for each in value]}
        if isinstance(value, list)
        else {"FeatureName": name, "ValueAsString": str(value)}
        for name, value in values.items()
        if value is not None
    ]


def texts(record: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return feature -> text or texts of a record on the wire."""
    return {each["FeatureName"]: each.get("ValueAsString", each.get("ValueAsStringList")) for each in record}


def make_group(store: Stored, **more: Any) -> FeatureGroup:
    """Make a group."""
    return store.features.groups.create(group_request(**more))


def offline_rows(store: Stored, group: FeatureGroup) -> list[dict[str, Any]]:
    """Return all records of a group's offline store, sorted by event time."""
    store.features.flushing.settle(group)
    return rows_of(store.features.files.list(group))


def rows_of(files: list[OfflineFile]) -> list[dict[str, Any]]:
    """Return the rows of files, in their order."""
    return [row for file in files for row in pq.read_table(file.path).to_pylist()]
