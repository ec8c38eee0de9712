"""What a feature group's records look like: features with their types, and which two of them are special.

Pure. Source: SageMaker API reference, CreateFeatureGroup, UpdateFeatureGroup, FeatureDefinition, and the
developer guide, "Quotas, naming rules and data types".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject

MOST_FEATURES = 2500
MOST_ADDITIONS = 100
LARGEST_DIMENSION = 8192
# The offline store adds columns of these names to each record.
WRITE_TIME, API_INVOCATION_TIME, IS_DELETED = "write_time", "api_invocation_time", "is_deleted"
RESERVED_NAMES = (IS_DELETED, WRITE_TIME, API_INVOCATION_TIME)

_NAME = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}", re.ASCII)
_LONGEST_NAME = 64
_Member = TypeVar("_Member", bound=StrEnum)


class FeatureType(StrEnum):
    """Of what kind a value is: a 64-bit integer, a double, or text."""

    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"
    STRING = "String"


class CollectionType(StrEnum):
    """In what way a feature has several values: in order, each once, or as many as its dimension says."""

    LIST = "List"
    SET = "Set"
    VECTOR = "Vector"


@dataclass(frozen=True, slots=True)
class FeatureDefinition:
    """A feature.

    Args:
        name: Unique in its group, whatever its case.
        type: Of its value, or of each of its values.
        collection: In what way it has several values; ``None``: it has one.
        dimension: How many values a vector has; 0 of anything else.
    """

    name: str
    type: FeatureType
    collection: CollectionType | None = None
    dimension: int = 0

    @classmethod
    def read(cls, document: JsonObject, where: str = "") -> FeatureDefinition:
        """Read a FeatureDefinition of a request.

        Raises:
            InvalidInputError: If SageMaker would not take it.
        """
        name = check_name(document.get("FeatureName"), f"{where}.FeatureName")
        if name.lower() in RESERVED_NAMES:
            raise InvalidInputError(
                f"FeatureNames cannot be any of the following: {', '.join(RESERVED_NAMES)}.",
                where=f"{where}.FeatureName",
                mend="The offline store adds these columns itself: choose another name.",
            )
        kind = _member(FeatureType, document.get("FeatureType"), f"{where}.FeatureType")
        given = document.get("CollectionType")
        collection = None if given is None else _member(CollectionType, given, f"{where}.CollectionType")
        return cls(name, kind, collection, _dimension(document, kind, collection, where))

    def write(self) -> dict[str, Json]:
        """Return the document that Describe answers."""
        document: dict[str, Json] = {"FeatureName": self.name, "FeatureType": self.type.value}
        if self.collection is not None:
            document["CollectionType"] = self.collection.value
        if self.dimension:
            document["CollectionConfig"] = {"VectorConfig": {"Dimension": self.dimension}}
        return document


@dataclass(frozen=True)
class GroupSchema:
    """What the records of a group look like.

    Args:
        features: In the order in which they were defined; added ones come last.
        record_identifier: The feature whose value tells whose record it is.
        event_time: The feature whose value tells of when it is.
    """

    features: tuple[FeatureDefinition, ...]
    record_identifier: str
    event_time: str

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Once: 2,500 features take longer than a record of them.
        return hash((self.features, self.record_identifier, self.event_time))

    @cached_property
    def by_name(self) -> Mapping[str, FeatureDefinition]:
        """The features by their names."""
        return {feature.name: feature for feature in self.features}

    @property
    def event_time_type(self) -> FeatureType:
        """``STRING``: event times are ISO 8601 texts; ``FRACTIONAL``: seconds since 1970."""
        return self.by_name[self.event_time].type

    @property
    def identifier_type(self) -> FeatureType:
        """Of record identifiers."""
        return self.by_name[self.record_identifier].type

    def write(self) -> list[dict[str, Json]]:
        """Return the definitions as Describe answers them."""
        return [feature.write() for feature in self.features]

    def with_additions(self, additions: Sequence[JsonObject]) -> GroupSchema:
        """Return the schema with features added.

        Raises:
            InvalidInputError: If SageMaker would not add them.
        """
        where = "FeatureAdditions"
        if not 1 <= len(additions) <= MOST_ADDITIONS:
            raise InvalidInputError(
                f"1 to {MOST_ADDITIONS} features can be added at a time, not {len(additions)}.", where=where
            )
        added = _definitions(additions, where)
        return GroupSchema(_checked((*self.features, *added), where), self.record_identifier, self.event_time)


def read_schema(request: Mapping[str, Any]) -> GroupSchema:
    """Read the schema of a CreateFeatureGroup request.

    Raises:
        InvalidInputError: If SageMaker would not take it.
    """
    where = "FeatureDefinitions"
    features = _checked(_definitions(request.get(where) or (), where), where)
    schema = GroupSchema(
        features,
        check_name(request.get("RecordIdentifierFeatureName"), "RecordIdentifierFeatureName"),
        check_name(request.get("EventTimeFeatureName"), "EventTimeFeatureName"),
    )
    _check_special(schema, schema.record_identifier, "RecordIdentifierFeatureName")
    _check_special(schema, schema.event_time, "EventTimeFeatureName")
    if schema.record_identifier == schema.event_time:
        raise InvalidInputError(
            f"RecordIdentifierFeatureName and EventTimeFeatureName are both {schema.event_time!r}.",
            where="EventTimeFeatureName",
            mend="Name another feature: who a record is of and when it is of are two things.",
        )
    if schema.event_time_type is FeatureType.INTEGRAL:
        raise InvalidInputError(
            f"The feature type of EventTimeFeatureName {schema.event_time!r} is Integral; "
            "an event time is String or Fractional.",
            where="EventTimeFeatureName",
            mend="Use String for ISO-8601 texts, or Fractional for Unix timestamps in seconds.",
        )
    return schema


def check_name(name: object, where: str) -> str:
    """Return the name of a feature or of a group if it can be one.

    Raises:
        InvalidInputError: If it cannot.
    """
    if isinstance(name, str) and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name):
        return name
    raise InvalidInputError(
        f"{str(name)[:80]!r} is not a possible name.",
        where=where,
        mend=f"Use 1 to {_LONGEST_NAME} letters, digits, '-' and '_', with a letter or digit at both ends.",
    )


def _definitions(documents: Iterable[JsonObject], where: str) -> list[FeatureDefinition]:
    return [FeatureDefinition.read(each, f"{where}[{place}]") for place, each in enumerate(documents)]


def _checked(features: Sequence[FeatureDefinition], where: str) -> tuple[FeatureDefinition, ...]:
    """Check features together: how many they are, and that no two have one name.

    Tables of SQL do not tell the case of columns, so two names that differ by it alone are one.
    """
    if not 1 <= len(features) <= MOST_FEATURES:
        raise InvalidInputError(
            f"A feature group has 1 to {MOST_FEATURES} feature definitions, not {len(features)}.", where=where
        )
    seen: set[str] = set()
    for feature in features:
        if feature.name.lower() in seen:
            raise InvalidInputError(
                f"Duplicate feature name: {feature.name!r}.",
                where=where,
                mend="Give each feature a name of its own, whatever the case of its letters.",
            )
        seen.add(feature.name.lower())
    return tuple(features)


def _check_special(schema: GroupSchema, name: str, where: str) -> None:
    feature = schema.by_name.get(name)
    if feature is None:
        raise InvalidInputError(
            f"{where} {name!r} is not among the FeatureDefinitions.", where=where, mend="Define that feature."
        )
    if feature.collection is not None:
        raise InvalidInputError(f"{where} {name!r} is a collection, and has to have one value.", where=where)


def _dimension(document: JsonObject, kind: FeatureType, collection: CollectionType | None, where: str) -> int:
    place = f"{where}.CollectionConfig"
    config = document.get("CollectionConfig")
    vector = config.get("VectorConfig") if isinstance(config, Mapping) else None
    given = vector.get("Dimension") if isinstance(vector, Mapping) else None
    if collection is not CollectionType.VECTOR:
        if given is not None:
            raise InvalidInputError("Only vectors have a dimension.", where=place)
        return 0
    if not isinstance(given, int) or not 1 <= given <= LARGEST_DIMENSION:
        raise InvalidInputError(
            f"The Dimension of a vector is 1 to {LARGEST_DIMENSION}.", where=f"{place}.VectorConfig.Dimension"
        )
    if kind is not FeatureType.FRACTIONAL:
        raise InvalidInputError(
            f"The values of a vector are Fractional, not {kind}.", where=f"{where}.FeatureType"
        )
    return given


def _member(kind: type[_Member], given: object, where: str) -> _Member:
    try:
        return kind(str(given))
    except ValueError:
        known = ", ".join(kind)
        raise InvalidInputError(
            f"{str(given)[:80]!r} is none of {known}.", where=where, mend="Take one of them."
        ) from None
