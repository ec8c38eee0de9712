"""Keys of items: checked against a table's schema, and encoded so that their bytes sort as they do. Pure.

Source: DynamoDB developer guide, "Core components", "Quotas" (partition key 2,048 bytes, sort key 1,024).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.catalog.dynamodb.numbers import encode_number
from stepmill.catalog.dynamodb.schema import IndexSchema, KeySchema, TableSchema
from stepmill.catalog.dynamodb.values import Item, Value, read_value, type_of
from stepmill.core.errors import InvalidInputError
from stepmill.storage.items import Entry, ItemKey

LARGEST_PARTITION_KEY_BYTES = 2048
LARGEST_SORT_KEY_BYTES = 1024

_INVALID = "One or more parameter values were invalid: "
_NOT_VALID = "One or more parameter values are not valid. "
NO_MATCH = "The provided key element does not match the schema"


def encode(value: Value) -> bytes:
    """Return bytes that sort as the string, number or binary does among its kind."""
    kind = type_of(value)
    content: Any = value[kind]
    if kind == "N":
        return encode_number(content)
    return content.encode() if kind == "S" else bytes(content)


def key_of(key: KeySchema, item: Item) -> ItemKey:
    """Return where an item, whose key was checked, lies in its table."""
    return ItemKey(encode(item[key.partition]), encode(item[key.sort]) if key.sort else b"")


def read_key(schema: TableSchema, given: Mapping[str, Any]) -> dict[str, Value]:
    """Return the key that a client names an item by.

    Raises:
        InvalidInputError: If it is not one of this table.
    """
    key = {name: read_value(value) for name, value in given.items()}
    if set(key) != set(schema.key.names) or any(
        type_of(value) != schema.types[name] for name, value in key.items()
    ):
        raise InvalidInputError(NO_MATCH)
    _check_key(schema, key)
    return key


def check_item(schema: TableSchema, item: Item) -> None:
    """Hold an item against its table's schema.

    Raises:
        InvalidInputError: If its key, or one of an index, is missing or cannot be one.
    """
    for name in schema.key.names:
        if name not in item:
            raise InvalidInputError(f"{_INVALID}Missing the key {name} in the item")
        if (kind := type_of(item[name])) != schema.types[name]:
            raise InvalidInputError(
                f"{_INVALID}Type mismatch for key {name} expected: {schema.types[name]} actual: {kind}"
            )
    _check_key(schema, item)
    for index in schema.indexes.values():
        _check_index_key(schema, index, item)


def entry_of(schema: TableSchema, index: IndexSchema, item: Item) -> Entry | None:
    """Return where an item lies in an index; ``None`` if it is not in it."""
    if any(name not in item for name in index.key.names):
        return None
    partition, place = key_of(index.key, item)
    return Entry(partition, place, key_of(schema.key, item))


def _check_key(schema: TableSchema, item: Item) -> None:
    for name in schema.key.names:
        if is_empty(item[name]):
            kind = "string" if "S" in item[name] else "binary"
            raise InvalidInputError(
                f"{_NOT_VALID}The AttributeValue for a key attribute cannot contain an empty {kind} value. "
                f"Key: {name}"
            )
    partition, place = key_of(schema.key, item)
    if len(partition) > LARGEST_PARTITION_KEY_BYTES:
        raise InvalidInputError(
            f"{_INVALID}Size of hashkey has exceeded the maximum size limit of"
            f"{LARGEST_PARTITION_KEY_BYTES} bytes"
        )
    if len(place) > LARGEST_SORT_KEY_BYTES:
        raise InvalidInputError(
            f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of "
            f"{LARGEST_SORT_KEY_BYTES} bytes"
        )


def _check_index_key(schema: TableSchema, index: IndexSchema, item: Item) -> None:
    limits = (LARGEST_PARTITION_KEY_BYTES, LARGEST_SORT_KEY_BYTES)
    for name, most in zip(index.key.names, limits, strict=False):
        if name not in item or name in schema.key.names:
            continue
        value = item[name]
        if (kind := type_of(value)) != schema.types[name]:
            raise InvalidInputError(
                f"{_INVALID}Type mismatch for Index Key {name} Expected: {schema.types[name]} "
                f"Actual: {kind} IndexName: {index.name}"
            )
        if is_empty(value):
            told = "string" if kind == "S" else "binary"
            raise InvalidInputError(
                f"{_NOT_VALID}A value specified for a secondary index key is not supported. The "
                f"AttributeValue for a key attribute cannot contain an empty {told} value. "
                f"IndexName: {index.name}, IndexKey: {name}"
            )
        if len(encode(value)) > most:
            raise InvalidInputError(
                f"{_INVALID}Size of index key {name} has exceeded the maximum size limit of {most} bytes. "
                f"IndexName: {index.name}"
            )


def is_empty(value: Value) -> bool:
    """Return whether a value is an empty string or binary, which no key may be."""
    return value in ({"S": ""}, {"B": b""})
