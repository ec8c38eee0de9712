"""A feature group as it is kept, and what of it the code needs.

Source: SageMaker API reference, DescribeFeatureGroup, OnlineStoreConfig, OfflineStoreConfig.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from stepmill.catalog.features.offline.layout import CATALOG, DATABASE, data_uri, table_name
from stepmill.catalog.features.schema import FeatureDefinition, GroupSchema
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, object_of
from stepmill.storage.objects.uri import S3Uri
from stepmill.storage.records import Record

GROUP_KIND = "feature-group"

_MICROSECOND = timedelta(microseconds=1)
_UNITS: Final = {
    "Seconds": timedelta(seconds=1),
    "Minutes": timedelta(minutes=1),
    "Hours": timedelta(hours=1),
    "Days": timedelta(days=1),
    "Weeks": timedelta(weeks=1),
}
# Longer than any two event times lie apart, and within what integers of 64 bits hold.
_LONGEST_TTL = timedelta(days=4_000_000)


@dataclass(frozen=True, slots=True)
class OnlineStore:
    """How the newest records of a group are kept.

    Args:
        ttl_micros: How long a record lives from its event time on, in microseconds; ``None``: for ever.
        storage_type: ``Standard``, ``Standard_V2`` or ``InMemory``: told, and all kept alike.
    """

    ttl_micros: int | None
    storage_type: str


@dataclass(frozen=True, slots=True)
class OfflineStore:
    """Where all records of a group are kept.

    Args:
        data: Address under which the files lie.
        database: Of the table in the catalog of data.
        table: Its name; empty if there is to be none.
        catalog: Of the database.
    """

    data: S3Uri
    database: str
    table: str
    catalog: str


@dataclass(frozen=True)
class FeatureGroup:
    """A feature group.

    Args:
        id: Another for each group that there ever was.
        name: As it was spelled.
        arn: With its name in lower case.
        schema: What its records look like.
        online: How the newest ones are kept; ``None``: they are not.
        offline: Where all are kept; ``None``: they are not.
        created_at: Aware, UTC.
        modified_at: The same.
        body: What is kept of it: ``request`` (without tags and definitions), ``features``, ``id``, ``epoch``.
    """

    id: str
    name: str
    arn: str
    schema: GroupSchema
    online: OnlineStore | None
    offline: OfflineStore | None
    created_at: datetime
    modified_at: datetime
    body: JsonObject

    @property
    def request(self) -> JsonObject:
        """The request that made it, as it is after all updates."""
        return part(self.body, "request")

    @property
    def folder(self) -> str:
        """What the folder of its files is called: its name, and the second in which it was made."""
        return f"{self.name}-{self.body['epoch']}"

    def feature_created_at(self, name: str) -> object:
        """Return when a feature was defined: a moment, or ISO 8601 text."""
        return part(self.body, "added").get(name) or self.created_at


def read_group(record: Record, arns: Arns) -> FeatureGroup:
    """Return the group that a record holds."""
    body = record.body
    request = part(body, "request")
    name, epoch = str(request["FeatureGroupName"]), int(str(body["epoch"]))
    documents: Any = body["features"]
    schema = GroupSchema(
        tuple(FeatureDefinition.read(each) for each in documents),
        str(request["RecordIdentifierFeatureName"]),
        str(request["EventTimeFeatureName"]),
    )
    return FeatureGroup(
        id=str(body["id"]),
        name=name,
        arn=arns.sagemaker(GROUP_KIND, name),
        schema=schema,
        online=_online(request),
        offline=_offline(request, name, epoch, arns),
        created_at=record.created_at,
        modified_at=record.modified_at,
        body=body,
    )


def ttl_micros(duration: object, where: str = "TtlDuration") -> int | None:
    """Return a TtlDuration in microseconds; ``None`` for none.

    Raises:
        InvalidInputError: If it is no such document.

    Example:
        >>> ttl_micros({"Unit": "Minutes", "Value": 2})
        120000000
    """
    if duration is None:
        return None
    given = duration if isinstance(duration, Mapping) else {}
    unit, value = _UNITS.get(str(given.get("Unit"))), given.get("Value")
    if unit is None or not isinstance(value, int) or value < 1:
        raise InvalidInputError(
            f"A TtlDuration has a Unit of {', '.join(_UNITS)} and a Value of at least 1.", where=where
        )
    return min(unit // _MICROSECOND * value, _LONGEST_TTL // _MICROSECOND)


def table_key(database: str, table: str) -> str:
    """Return under what a table of SQL is looked up: names do not tell their case."""
    return f"{database}.{table}".lower()


def part(body: JsonObject, name: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one if there is none."""
    return object_of(body.get(name))


def _online(request: JsonObject) -> OnlineStore | None:
    config = part(request, "OnlineStoreConfig")
    if not config.get("EnableOnlineStore"):
        return None
    return OnlineStore(ttl_micros(config.get("TtlDuration")), str(config.get("StorageType") or "Standard"))


def _offline(request: JsonObject, name: str, epoch: int, arns: Arns) -> OfflineStore | None:
    config = part(request, "OfflineStoreConfig")
    if not config:
        return None
    data = data_uri(str(part(config, "S3StorageConfig")["S3Uri"]), name, epoch, arns)
    catalog = part(config, "DataCatalogConfig")
    if catalog:
        return OfflineStore(
            data, str(catalog["Database"]), str(catalog["TableName"]), str(catalog["Catalog"])
        )
    is_without = bool(config.get("DisableGlueTableCreation"))
    return OfflineStore(data, DATABASE, "" if is_without else table_name(name, epoch), CATALOG)
