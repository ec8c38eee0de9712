"""The stores of a feature group as requests ask for them: checked, changed, and told as Describe does.

Source: SageMaker API reference, OnlineStoreConfig, OfflineStoreConfig, ThroughputConfig, UpdateFeatureGroup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepmill.catalog.features.group import FeatureGroup, part, ttl_micros
from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.objects.uri import S3Uri

# What is appended to the address of a group is at most this long: name, account, region, hour, file.
_ROOM_FOR_KEYS = 300
_LONGEST_KEY = 1024
_PROVISIONED, _ON_DEMAND = "Provisioned", "OnDemand"
_MIGRATION = ("Standard", "Standard_V2")
_UNITS = ("ProvisionedReadCapacityUnits", "ProvisionedWriteCapacityUnits")


def check_configs(request: JsonObject, has_bucket: Callable[[str], bool]) -> None:
    """Check what a CreateFeatureGroup request says of its stores.

    Args:
        request: The document.
        has_bucket: Whether there is a bucket of a name.

    Raises:
        InvalidInputError: If SageMaker would not take it, or the bucket is not there.
        UnsupportedError: If it asks for what is not offered.
    """
    online, offline = part(request, "OnlineStoreConfig"), part(request, "OfflineStoreConfig")
    if not online.get("EnableOnlineStore") and not offline:
        raise InvalidInputError(
            "Validation Error: You must include at least one of OnlineStoreConfig and OfflineStoreConfig "
            "to create a FeatureGroup.",
            mend="Enable the online store, or say in which bucket the offline store is to be.",
        )
    ttl_micros(online.get("TtlDuration"), "OnlineStoreConfig.TtlDuration")
    if offline:
        _check_offline(offline, has_bucket)
    _check_throughput(part(request, "ThroughputConfig"))


def updated_request(group: FeatureGroup, request: JsonObject) -> dict[str, Json]:
    """Return what a group was asked to be, with the changes of an UpdateFeatureGroup request.

    Raises:
        InvalidInputError: If SageMaker would not change it so.
    """
    kept = dict(group.request)
    if "OnlineStoreConfig" in request:
        kept["OnlineStoreConfig"] = _updated_online(group, part(request, "OnlineStoreConfig"))
    if "ThroughputConfig" in request:
        throughput = {**part(kept, "ThroughputConfig"), **part(request, "ThroughputConfig")}
        if throughput.get("ThroughputMode") == _ON_DEMAND:
            throughput = {"ThroughputMode": _ON_DEMAND}
        _check_throughput(throughput)
        kept["ThroughputConfig"] = throughput
    return kept


def told_configs(group: FeatureGroup, *, has_bucket: Callable[[str], bool]) -> dict[str, Json]:
    """Return what Describe answers of a group's stores.

    Args:
        group: Which.
        has_bucket: Whether there is a bucket of a name; without it nothing gets into the offline store.
    """
    told: dict[str, Json] = {}
    if group.online is not None:
        told["OnlineStoreConfig"] = {
            **part(group.request, "OnlineStoreConfig"),
            "StorageType": group.online.storage_type,
        }
    if group.offline is not None:
        told["OfflineStoreConfig"] = _told_offline(group)
    told["ThroughputConfig"] = part(group.request, "ThroughputConfig") or {"ThroughputMode": _ON_DEMAND}
    told["OfflineStoreStatus"] = offline_status(group, has_bucket)
    return told


def offline_status(group: FeatureGroup, has_bucket: Callable[[str], bool]) -> dict[str, Json]:
    """Return how the offline store of a group stands."""
    if group.offline is None:
        return {"Status": "Disabled"}
    if not has_bucket(group.offline.data.bucket):
        reason = f"The S3 bucket {group.offline.data.bucket!r} does not exist. Records wait until it does."
        return {"Status": "Blocked", "BlockedReason": reason}
    return {"Status": "Active"}


def _told_offline(group: FeatureGroup) -> dict[str, Json]:
    assert group.offline is not None
    config = part(group.request, "OfflineStoreConfig")
    storage = {
        **part(config, "S3StorageConfig"),
        "ResolvedOutputS3Uri": str(group.offline.data),
    }
    told: dict[str, Json] = {
        **config,
        "S3StorageConfig": storage,
        "DisableGlueTableCreation": bool(config.get("DisableGlueTableCreation")),
    }
    if group.offline.table:
        told["DataCatalogConfig"] = {
            "TableName": group.offline.table,
            "Catalog": group.offline.catalog,
            "Database": group.offline.database,
        }
    return told


def _check_offline(config: Mapping[str, Any], has_bucket: Callable[[str], bool]) -> None:
    where = "OfflineStoreConfig.S3StorageConfig.S3Uri"
    try:
        uri = S3Uri.parse(str(part(config, "S3StorageConfig").get("S3Uri")))
    except InvalidInputError as error:
        raise InvalidInputError(f"Validation Error: {error.what}", where=where, mend=error.mend) from error
    if len(uri.key.encode()) > _LONGEST_KEY - _ROOM_FOR_KEYS:
        raise InvalidInputError(
            f"Validation Error: The prefix is longer than {_LONGEST_KEY - _ROOM_FOR_KEYS} bytes, which "
            "leaves no room for the names of files.",
            where=where,
        )
    if not has_bucket(uri.bucket):
        raise InvalidInputError(
            f"Validation Error: The S3 bucket {uri.bucket!r} of the offline store does not exist.",
            where=where,
            mend="Create the bucket first.",
        )
    if config.get("TableFormat") == "Iceberg":
        raise UnsupportedError(
            "The table format Iceberg is not offered.",
            where="OfflineStoreConfig.TableFormat",
            mend="Leave it out, or say Glue: files are Parquet either way, and they are compacted.",
        )


def _updated_online(group: FeatureGroup, change: Mapping[str, Any]) -> dict[str, Json]:
    if group.online is None:
        raise InvalidInputError(
            "Validation Error: The online store of the feature group is not enabled.",
            where="OnlineStoreConfig",
            mend="It can only be enabled when a group is made.",
        )
    new = {**part(group.request, "OnlineStoreConfig"), **change}
    duration = part(new, "TtlDuration")
    if all(value is None for value in duration.values()):
        # A TtlDuration without unit and value says that records are to live for ever.
        new.pop("TtlDuration", None)
    ttl_micros(new.get("TtlDuration"), "OnlineStoreConfig.TtlDuration")
    wanted, kind = change.get("StorageType"), group.online.storage_type
    if wanted not in (None, kind) and (kind, wanted) != _MIGRATION:
        raise InvalidInputError(
            f"Validation Error: The storage type {kind} cannot be changed into {wanted}.",
            where="OnlineStoreConfig.StorageType",
            mend="Only Standard can be changed, into Standard_V2.",
        )
    return {name: value for name, value in new.items() if value is not None}


def _check_throughput(config: Mapping[str, Any]) -> None:
    if not config:
        return
    given = [name for name in _UNITS if config.get(name) is not None]
    if config.get("ThroughputMode") == _PROVISIONED:
        missing = [name for name in _UNITS if name not in given]
        if missing:
            raise InvalidInputError(
                f"Validation Error: {' and '.join(missing)} must be specified when ThroughputMode is "
                "Provisioned.",
                where="ThroughputConfig",
            )
    elif given:
        raise InvalidInputError(
            f"Validation Error: {' and '.join(given)} can only be specified when ThroughputMode is "
            "Provisioned.",
            where="ThroughputConfig",
        )
