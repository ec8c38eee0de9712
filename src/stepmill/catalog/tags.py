"""Tags: what users write on resources, kept by the resource's ARN.

Source: SageMaker API reference, Tag and AddTags: at most 50 tags, keys of 1 to 128 and values of up to
256 characters; keys that begin with ``aws:`` are AWS's own.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import Json
from stepmill.storage.records import Record, RecordStore

TAGS_KIND = "tags"

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256
_RESERVED = "aws:"
# Beside letters, digits and spaces.
_OTHER_CHARACTERS = frozenset("_.:/=+-@")

# Key -> value.
TagMap: TypeAlias = Mapping[str, str]


class Tags:
    """Keeps the tags of everything that has an ARN. Safe to share between threads and processes.

    It does not ask whether there is such a resource: whoever makes or deletes one tells it.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: RecordStore) -> None:
        self._records = records

    def of(self, arn: str) -> dict[str, str]:
        """Return all tags of a resource, sorted by key."""
        record = self._records.find(TAGS_KIND, arn)
        return {} if record is None else _kept(record)

    def set(self, arn: str, tags: TagMap) -> None:
        """Let a resource have these tags and no others.

        Raises:
            InvalidInputError: If they are too many.
        """
        if tags or self._records.find(TAGS_KIND, arn) is not None:
            self._change(arn, lambda _: tags)

    def add(self, arn: str, tags: TagMap) -> dict[str, str]:
        """Add tags to a resource, replace values of keys that it has, and return all that it has then.

        Raises:
            InvalidInputError: If they would become too many.
        """
        return self._change(arn, lambda old: {**old, **tags}) if tags else self.of(arn)

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        """Take tags off a resource. Keys that it does not have do not matter."""
        gone = frozenset(keys)
        if gone & self.of(arn).keys():
            self._change(arn, lambda old: {key: value for key, value in old.items() if key not in gone})

    def clear(self, arn: str) -> None:
        """Forget the tags of a resource that is deleted."""
        self.set(arn, {})

    def page(
        self, arn: str, *, limit: int = MOST_TAGS, after: str | None = None
    ) -> tuple[list[tuple[str, str]], str | None]:
        """Return tags of a resource as (key, value) by key, and the token of the next page, if there is one.

        Raises:
            InvalidInputError: If the token is none, or the limit is not positive.
        """
        if limit < 1:
            raise InvalidInputError(f"A page of {limit} is not possible.", mend="Ask for 1 or more.")
        behind = "" if after is None else _read_token(after)
        tags = [(key, value) for key, value in self.of(arn).items() if key > behind]
        return tags[:limit], _token(tags[limit - 1][0]) if len(tags) > limit else None

    def _change(self, arn: str, change: Callable[[TagMap], TagMap]) -> dict[str, str]:
        def changed(record: Record) -> Record:
            tags = dict(sorted(change(_kept(record)).items()))
            _check_count(tags)
            return replace(record, body={"tags": tags})

        with suppress(ConflictError):  # it has had tags before
            self._records.create(TAGS_KIND, arn, {"tags": {}})
        return _kept(self._records.update(TAGS_KIND, arn, changed))


def read_tags(tags: Json, *, where: str = "Tags") -> dict[str, str]:
    """Return key -> value from the list of a request, ``[{"Key": ..., "Value": ...}]``; empty for ``None``.

    Raises:
        InvalidInputError: If AWS would not take them.

    Example:
        >>> read_tags([{"Key": "team", "Value": "churn"}])
        {'team': 'churn'}
    """
    if tags is None:
        return {}
    if not isinstance(tags, Sequence) or isinstance(tags, str):
        raise InvalidInputError(
            "Tags are a list.", where=where, mend='Write them as [{"Key": "...", "Value": "..."}].'
        )
    read: dict[str, str] = {}
    for index, tag in enumerate(tags):
        place = f"{where}[{index}]"
        key, value = (tag.get("Key"), tag.get("Value")) if isinstance(tag, Mapping) else (None, None)
        _check_text(key, f"{place}.Key", shortest=1, longest=LONGEST_KEY)
        _check_text(value, f"{place}.Value", shortest=0, longest=LONGEST_VALUE)
        if str(key).lower().startswith(_RESERVED):
            raise InvalidInputError(
                f"The key {key!r} begins with {_RESERVED!r}, which is reserved.",
                where=f"{place}.Key",
                mend="Choose another key.",
            )
        if str(key) in read:
            raise InvalidInputError(
                f"The key {key!r} is there twice.", where=f"{place}.Key", mend="Give each key once."
            )
        read[str(key)] = str(value)
    _check_count(read, where)
    return read


def write_tags(tags: TagMap | Iterable[tuple[str, str]]) -> list[dict[str, Json]]:
    """Return tags as the list that answers carry.

    Example:
        >>> write_tags({"team": "churn"})
        [{'Key': 'team', 'Value': 'churn'}]
    """
    pairs = tags.items() if isinstance(tags, Mapping) else tags
    return [{"Key": key, "Value": value} for key, value in pairs]


def _check_text(text: Json, where: str, *, shortest: int, longest: int) -> None:
    if not isinstance(text, str) or not shortest <= len(text) <= longest:
        raise InvalidInputError(
            f"{str(text)[:40]!r} cannot be part of a tag.",
            where=where,
            mend=f"Use a text of {shortest} to {longest} characters.",
        )
    wrong = next((character for character in text if not _may_be_in_tags(character)), None)
    if wrong is not None:
        raise InvalidInputError(
            f"The character {wrong!r} cannot be part of a tag.",
            where=where,
            mend=f"Use letters, digits, spaces and {' '.join(sorted(_OTHER_CHARACTERS))}.",
        )


def _may_be_in_tags(character: str) -> bool:
    return character in _OTHER_CHARACTERS or unicodedata.category(character)[0] in "LNZ"


def _check_count(tags: TagMap, where: str = "Tags") -> None:
    if len(tags) > MOST_TAGS:
        raise InvalidInputError(
            f"A resource has at most {MOST_TAGS} tags, these would be {len(tags)}.",
            where=where,
            mend="Remove some first.",
        )


def _kept(record: Record) -> dict[str, str]:
    kept = record.body["tags"]
    return {key: str(value) for key, value in kept.items()} if isinstance(kept, Mapping) else {}


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read_token(token: str) -> str:
    try:
        key = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, UnicodeError):
        key = ""
    if not key:
        raise InvalidInputError(
            f"{token[:100]!r} is no token of this listing.", mend="Give the token of the page before."
        )
    return key
