"""What users say of single features: a description, and parameters.

Source: SageMaker API reference, UpdateFeatureMetadata, DescribeFeatureMetadata, FeatureParameter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from stepmill.catalog.features.group import FeatureGroup, part
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import Record, RecordStore, Selection, SortBy

METADATA_KIND = "feature-metadata"
MOST_PARAMETERS = 25


class FeatureMetadata:
    """Keeps what is said of features. Safe to share between threads and processes.

    A feature of which nothing was ever said has no record.

    Args:
        records: Where it is kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def describe(self, group: FeatureGroup, feature: str) -> dict[str, Any]:
        """Return what DescribeFeatureMetadata answers.

        Raises:
            NotFoundError: If the group has no such feature.
        """
        _check_feature(group, feature)
        return _described(group, feature, self._records.find(METADATA_KIND, _key(group, feature)))

    def update(self, group: FeatureGroup, feature: str, request: JsonObject) -> None:
        """Change what is said of a feature, as an UpdateFeatureMetadata request says.

        Raises:
            NotFoundError: If the group has no such feature.
            InvalidInputError: If it would have too many parameters.
        """
        _check_feature(group, feature)
        key = _key(group, feature)
        with self._records.transaction():
            if self._records.find(METADATA_KIND, key) is None:
                self._records.create(METADATA_KIND, key, {"feature": feature}, parent=group.id)
            self._records.update(METADATA_KIND, key, lambda record: _updated(record, request))

    def all(self, group: FeatureGroup) -> Iterator[dict[str, Any]]:
        """Yield what DescribeFeatureMetadata answers of each feature of a group."""
        chosen = Selection(parent=group.id, sort_by=SortBy.NAME, limit=1000)
        kept = {str(record.body["feature"]): record for record in chosen.all(self._records, METADATA_KIND)}
        for feature in group.schema.features:
            yield _described(group, feature.name, kept.get(feature.name))

    def clear(self, group: FeatureGroup) -> None:
        """Forget what is said of the features of a group that is deleted."""
        chosen = Selection(parent=group.id, sort_by=SortBy.NAME, limit=1000)
        for record in list(chosen.all(self._records, METADATA_KIND)):
            self._records.delete(METADATA_KIND, record.name)


def _described(group: FeatureGroup, feature: str, record: Record | None) -> dict[str, Any]:
    created = group.feature_created_at(feature)
    described: dict[str, Any] = {
        "FeatureGroupArn": group.arn,
        "FeatureGroupName": group.name,
        "FeatureName": feature,
        "FeatureType": group.schema.by_name[feature].type.value,
        "CreationTime": created,
        "LastModifiedTime": created if record is None else record.modified_at,
    }
    if record is not None:
        if record.body.get("description") is not None:
            described["Description"] = record.body["description"]
        parameters = part(record.body, "parameters")
        if parameters:
            described["Parameters"] = [{"Key": key, "Value": value} for key, value in parameters.items()]
    return described


def _updated(record: Record, request: JsonObject) -> Record:
    additions: Any = request.get("ParameterAdditions") or ()
    removals: Any = request.get("ParameterRemovals") or ()
    parameters: dict[str, Json] = dict(part(record.body, "parameters"))
    for key in removals:
        parameters.pop(key, None)
    for each in additions:
        if not isinstance(each, Mapping) or each.get("Key") is None or each.get("Value") is None:
            raise InvalidInputError("A parameter has a Key and a Value.", where="ParameterAdditions")
        parameters[each["Key"]] = each["Value"]
    if len(parameters) > MOST_PARAMETERS:
        raise InvalidInputError(
            f"A feature has at most {MOST_PARAMETERS} parameters, these would be {len(parameters)}.",
            where="ParameterAdditions",
            mend="Remove some first.",
        )
    description = request.get("Description", record.body.get("description"))
    return replace(record, body={**record.body, "description": description, "parameters": parameters})


def _check_feature(group: FeatureGroup, feature: str) -> None:
    if feature not in group.schema.by_name:
        raise NotFoundError(
            f"Resource Not Found: Amazon SageMaker can't find a feature with name {feature} "
            f"in FeatureGroup {group.name}"
        )


def _key(group: FeatureGroup, feature: str) -> str:
    return f"{group.id}/{feature}"
