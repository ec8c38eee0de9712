"""SageMaker's runtime of the feature store: records, one by one and in batches.

Source: SageMaker feature store runtime API reference. A missing group is a ``ValidationError`` where the
operation knows no ``ResourceNotFound``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepmill.aws.errors import ApiError, code_of
from stepmill.aws.service import Call, Service
from stepmill.aws.services.sagemaker.listing import listing_mark, read_token, wrap_token
from stepmill.catalog.features.feature_store import FeatureStore
from stepmill.catalog.features.group import FeatureGroup, ttl_micros
from stepmill.catalog.features.online import DeletionMode, on_the_wire
from stepmill.catalog.features.reading import FoundRecord
from stepmill.catalog.features.writing import Put
from stepmill.core.errors import NotFoundError, StepmillError, StorageError
from stepmill.platform import Platform

_SERVICE = "sagemaker-featurestore-runtime"
_GROUP = "FeatureGroupName"
_IDENTIFIER = "RecordIdentifierValueAsString"
_LARGEST_PAGE = 100


def featurestore_runtime(platform: Platform) -> Service:
    """Return the service over a platform."""
    runtime = _Runtime(lambda: platform.features)
    return Service(
        _SERVICE,
        {
            "PutRecord": runtime.put,
            "GetRecord": runtime.get,
            "DeleteRecord": runtime.delete,
            "UpdateRecord": runtime.update,
            "ListRecords": runtime.list,
            "BatchGetRecord": runtime.get_batch,
            "BatchWriteRecord": runtime.write_batch,
        },
    )


class _Runtime:
    """Answers the operations. The feature store is made when one of them is asked for."""

    def __init__(self, features: Callable[[], FeatureStore]) -> None:
        self._features = features

    def put(self, call: Call) -> None:
        given, features = call.parameters, self._features()
        try:
            features.writing.put_named(
                given[_GROUP],
                given["Record"],
                given.get("TargetStores") or (),
                ttl_micros(given.get("TtlDuration")),
            )
        except NotFoundError as error:
            raise _as_validation(error) from error

    def get(self, call: Call) -> dict[str, Any]:
        given, features = call.parameters, self._features()
        names = given.get("FeatureNames") or ()
        found = features.reading.get_named(given[_GROUP], given[_IDENTIFIER], names)
        return _answer(found, given) if found is not None else {}

    def delete(self, call: Call) -> None:
        given, features = call.parameters, self._features()
        try:
            features.writing.delete(
                features.groups.get(given[_GROUP]),
                given[_IDENTIFIER],
                given["EventTime"],
                stores=given.get("TargetStores") or (),
                mode=DeletionMode(given.get("DeletionMode") or DeletionMode.SOFT),
            )
        except NotFoundError as error:
            raise _as_validation(error) from error

    def update(self, call: Call) -> None:
        given, features = call.parameters, self._features()
        features.writing.update(
            features.groups.get(given[_GROUP]),
            given[_IDENTIFIER],
            given["Features"],
            stores=given.get("TargetStores") or (),
            ttl_micros=ttl_micros(given.get("TtlDuration")),
        )

    def list(self, call: Call) -> dict[str, Any]:
        given, features, mark = call.parameters, self._features(), listing_mark(call)
        found, last = features.reading.identifiers(
            features.groups.get(given[_GROUP]),
            after=read_token(mark, given.get("NextToken")) or "",
            limit=given.get("MaxResults") or _LARGEST_PAGE,
            with_deleted=bool(given.get("IncludeSoftDeletedRecords")),
        )
        return {"RecordIdentifiers": found, **({"NextToken": wrap_token(mark, last)} if last else {})}

    def get_batch(self, call: Call) -> dict[str, Any]:
        features = self._features()
        records: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for asked in call.parameters["Identifiers"]:
            for identifier in asked["RecordIdentifiersValueAsString"]:
                whose = {_GROUP: asked[_GROUP], _IDENTIFIER: identifier}
                try:
                    names = asked.get("FeatureNames") or ()
                    found = features.reading.get_named(asked[_GROUP], identifier, names)
                except StorageError:
                    raise
                except StepmillError as error:
                    errors.append({**whose, **_told(error)})
                else:
                    if found is not None:
                        records.append({**whose, **_answer(found, call.parameters)})
        return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": []}

    def write_batch(self, call: Call) -> dict[str, Any]:
        features, entries = self._features(), call.parameters["Entries"]
        outcomes: list[StepmillError | None] = [None] * len(entries)
        puts: list[tuple[int, Put]] = []
        for place, entry in enumerate(entries):
            try:
                group = features.groups.get(entry[_GROUP])
                puts.append((place, _put(group, entry, call.parameters.get("TtlDuration"))))
            except NotFoundError as error:
                outcomes[place] = error
        written = features.writing.put_each([put for _, put in puts])
        for (place, _), outcome in zip(puts, written, strict=True):
            outcomes[place] = outcome
        refused = zip(entries, outcomes, strict=True)
        errors = [{"Entry": entry, **_told(error)} for entry, error in refused if error is not None]
        return {"Errors": errors, "UnprocessedEntries": []}


def _put(group: FeatureGroup, given: Mapping[str, Any], ttl: object) -> Put:
    duration = given.get("TtlDuration")
    return Put(
        group,
        given["Record"],
        given.get("TargetStores") or (),
        ttl_micros(ttl if duration is None else duration),
    )


def _answer(found: FoundRecord, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as it is answered. A record without any of the features asked for has no list."""
    values: Sequence[Mapping[str, Any]] = on_the_wire(found.values)
    answer: dict[str, Any] = {"Record": values}
    if given.get("ExpirationTimeResponse") == "Enabled" and found.expires_at is not None:
        answer["ExpiresAt"] = found.expires_at
    return answer


def _told(error: StepmillError) -> dict[str, str]:
    return {"ErrorCode": code_of(_SERVICE, error).code, "ErrorMessage": error.what}


def _as_validation(error: NotFoundError) -> ApiError:
    return ApiError("ValidationError", error.what, where=error.where, mend=error.mend)
