"""What a table is: its key, its indexes and their attributes' types, read from what a client asks for. Pure.

Source: DynamoDB API reference, CreateTable; developer guide, "Quotas".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepmill.core.errors import InvalidInputError, UnsupportedError

MOST_LOCAL, MOST_GLOBAL = 5, 20
MOST_NON_KEYS = 100
LONGEST_KEY_SCHEMA = 2

_INVALID = "One or more parameter values were invalid: "
_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}", re.ASCII)
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]*:[0-9]{12}:table/(?P<name>[a-zA-Z0-9_.-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeySchema:
    """By which attributes items are found.

    Args:
        partition: Name of the HASH key's attribute.
        sort: Name of the RANGE key's; empty if there is none.
    """

    partition: str
    sort: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its attributes."""
        return (self.partition, self.sort) if self.sort else (self.partition,)

    def described(self) -> list[dict[str, str]]:
        """Return it as DynamoDB tells it."""
        kinds = zip(self.names, ("HASH", "RANGE"), strict=False)
        return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """An index.

    Args:
        name: Unique in its table.
        key: By which attributes items are found there; those without them are not in it.
        is_local: Whether it has the partitions of the table.
        projection: ``ALL``, ``KEYS_ONLY`` or ``INCLUDE``.
        included: Attributes that ``INCLUDE`` shows, beside the keys.
    """

    name: str
    key: KeySchema
    is_local: bool
    projection: str
    included: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """Return it as DynamoDB tells it, as far as it is of the schema."""
        projection: dict[str, Any] = {"ProjectionType": self.projection}
        if self.included:
            projection["NonKeyAttributes"] = list(self.included)
        return {"IndexName": self.name, "KeySchema": self.key.described(), "Projection": projection}


@dataclass(frozen=True, slots=True)
class TableSchema:
    """How the items of a table are found.

    Args:
        types: Attribute -> ``S``, ``N`` or ``B``, of all keys.
        key: Of the table.
        indexes: By name.
    """

    types: Mapping[str, str]
    key: KeySchema
    indexes: Mapping[str, IndexSchema]

    @property
    def has_local(self) -> bool:
        """Whether there is a local index, so that items of a partition are a collection."""
        return any(index.is_local for index in self.indexes.values())

    def shown_in(self, index: IndexSchema) -> frozenset[str] | None:
        """Return the attributes that an index shows; ``None`` for all."""
        if index.projection == "ALL":
            return None
        return frozenset((*self.key.names, *index.key.names, *index.included))


def table_name(given: str) -> str:
    """Return the name of the table that a client names, by its name or its ARN.

    Raises:
        InvalidInputError: If it cannot be one.
    """
    found = _ARN.fullmatch(given)
    name = found["name"] if found else given
    check_name(name, "TableName")
    return name


def check_name(name: str, what: str) -> None:
    """Hold a name of a table or an index against DynamoDB's rules.

    Raises:
        InvalidInputError: If it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"Invalid {what}: table/index names must be between 3 and 255 characters long, and may contain "
            "only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
        )


def read_schema(given: Mapping[str, Any]) -> TableSchema:
    """Return what a ``CreateTable`` asks for.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
        UnsupportedError: If a key is to have several attributes of a kind.
    """
    definitions = given.get("AttributeDefinitions") or ()
    types = {each["AttributeName"]: each["AttributeType"] for each in definitions}
    if len(types) != len(definitions):
        raise InvalidInputError(f"{_INVALID}Cannot have two attributes with the same name")
    key = _read_key(given["KeySchema"])
    _check_defined(key, types, "Some index key attributes are not defined in AttributeDefinitions")
    local = [_read_index(each, is_local=True) for each in given.get("LocalSecondaryIndexes") or ()]
    several = [_read_index(each, is_local=False) for each in given.get("GlobalSecondaryIndexes") or ()]
    schema = TableSchema(types, key, {})
    schema = with_indexes(schema, [*local, *several])
    _check_all_used(schema)
    return schema


def with_indexes(schema: TableSchema, added: Iterable[IndexSchema]) -> TableSchema:
    """Return a table's schema with further indexes.

    Raises:
        InvalidInputError: If DynamoDB would refuse one.
    """
    indexes = dict(schema.indexes)
    for index in added:
        if index.name in indexes:
            raise InvalidInputError(f"{_INVALID}Duplicate index name: {index.name}")
        if index.is_local:
            _check_local(schema.key, index)
        _check_defined(
            index.key, schema.types, "Some index key attributes are not defined in AttributeDefinitions"
        )
        indexes[index.name] = index
    for what, most in (("Local", MOST_LOCAL), ("Global", MOST_GLOBAL)):
        count = sum(index.is_local == (what == "Local") for index in indexes.values())
        if count > most:
            raise InvalidInputError(
                f"{_INVALID}Number of {what}SecondaryIndexes exceeds per-table limit of {most}"
            )
    return TableSchema(schema.types, schema.key, indexes)


def read_global_index(given: Mapping[str, Any]) -> IndexSchema:
    """Return the global index that a client asks for.

    Raises:
        InvalidInputError: If DynamoDB would refuse it.
        UnsupportedError: If its key is to have several attributes of a kind.
    """
    return _read_index(given, is_local=False)


def _read_key(given: Sequence[Mapping[str, str]]) -> KeySchema:
    if len(given) > LONGEST_KEY_SCHEMA:
        raise UnsupportedError(
            "Stepmill offers no keys of several attributes of a kind.",
            where="KeySchema",
            mend="Give one HASH and at most one RANGE attribute.",
        )
    kinds = [each["KeyType"] for each in given]
    for kind, place, wanted in zip(kinds, ("first", "second"), ("HASH", "RANGE"), strict=False):
        if kind != wanted:
            raise InvalidInputError(
                f"Invalid KeySchema: The {place} KeySchemaElement is not a {wanted} key type"
            )
    names = [each["AttributeName"] for each in given]
    if len(set(names)) != len(names):
        raise InvalidInputError(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name"
        )
    return KeySchema(*names)


def _read_index(given: Mapping[str, Any], *, is_local: bool) -> IndexSchema:
    check_name(given["IndexName"], "IndexName")
    projection = given.get("Projection") or {}
    kind = projection.get("ProjectionType")
    included = projection.get("NonKeyAttributes")
    if kind is None:
        raise InvalidInputError(f"{_INVALID}Unknown ProjectionType: null")
    if kind == "INCLUDE" and not included:
        raise InvalidInputError(f"{_INVALID}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    if kind != "INCLUDE" and included is not None:
        raise InvalidInputError(f"{_INVALID}ProjectionType is {kind}, but NonKeyAttributes is specified")
    if len(included or ()) > MOST_NON_KEYS:
        raise InvalidInputError(f"{_INVALID}NonKeyAttributes exceeds the limit of {MOST_NON_KEYS}")
    key = _read_key(given["KeySchema"])
    return IndexSchema(given["IndexName"], key, is_local, kind, tuple(included or ()))


def _check_local(key: KeySchema, index: IndexSchema) -> None:
    if not key.sort:
        raise InvalidInputError(
            f"{_INVALID}Table KeySchema does not have a range key, which is required when specifying a "
            "LocalSecondaryIndex"
        )
    if not index.key.sort:
        raise InvalidInputError(
            f"{_INVALID}Index KeySchema does not have a range key for index: {index.name}"
        )
    if index.key.partition != key.partition:
        raise InvalidInputError(
            f"{_INVALID}Index KeySchema does not have the same leading hash key as table KeySchema for "
            f"index: {index.name}. index hash key: {index.key.partition}, table hash key: {key.partition}"
        )


def _check_defined(key: KeySchema, types: Mapping[str, str], what: str) -> None:
    if any(name not in types for name in key.names):
        raise InvalidInputError(
            f"{_INVALID}{what}. Keys: [{', '.join(key.names)}], AttributeDefinitions: [{', '.join(types)}]"
        )


def _check_all_used(schema: TableSchema) -> None:
    used = {*schema.key.names, *(name for index in schema.indexes.values() for name in index.key.names)}
    if used >= schema.types.keys():
        return
    if not schema.indexes:
        raise InvalidInputError(
            f"{_INVALID}Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions"
        )
    raise InvalidInputError(
        f"{_INVALID}Some AttributeDefinitions are not used. "
        f"AttributeDefinitions: [{', '.join(schema.types)}], keys used: [{', '.join(sorted(used))}]"
    )
