"""Items of one JSON document: the elements of an array, or the members of an object.

Source: Step Functions developer guide, "ItemReader (Map)", ItemsPointer: RFC 6901.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.jobs.items.lines import Opener
from stepmill.jobs.items.source import ItemReaderError, Placed, number_in

# Source: the guide: "not iterable" is what the service says of a document that is no list.
NOT_ITERABLE = "Attempting to map over non-iterable node."
LARGEST_DOCUMENT = 512 * 1024 * 1024


class JsonDocument:
    """Has the items of an array, or of an object as ``{"Key": ..., "Value": ...}``.

    The document is read once, and kept for as long as the source is.

    Args:
        open_: Opens the file.
        pointer: JSON pointer to the array; empty: the document itself.
    """

    def __init__(self, open_: Opener, pointer: str = "") -> None:
        self._open = open_
        self._pointer = pointer
        self._found: Sequence[Json] | None = None

    def items(self, cursor: JsonObject) -> Iterator[Placed]:
        """See ``ItemSource``."""
        if self._found is None:
            self._found = self._read()
        for index in range(number_in(cursor, "index"), len(self._found)):
            yield self._found[index], {"index": index + 1}

    def _read(self) -> Sequence[Json]:
        with self._open() as file:
            text = file.read(LARGEST_DOCUMENT + 1)
        if len(text) > LARGEST_DOCUMENT:
            raise ItemReaderError(
                f"The document is longer than {LARGEST_DOCUMENT} bytes. Write JSON lines instead."
            )
        try:
            document = read_json(text)
        except InvalidInputError as error:
            raise ItemReaderError(f"The file is not JSON: {error.what}") from error
        found = resolve(document, self._pointer)
        if isinstance(found, Mapping):
            return [{"Key": key, "Value": value} for key, value in found.items()]
        if isinstance(found, Sequence) and not isinstance(found, str):
            return found
        raise ItemReaderError(NOT_ITERABLE)


def resolve(document: Json, pointer: str) -> Json:
    """Return what a JSON pointer leads to.

    Raises:
        ItemReaderError: If it leads nowhere.

    Example:
        >>> resolve({"a": {"b/c": [1, 2]}}, "/a/b~1c/1")
        2
    """
    found = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, Sequence) and not isinstance(found, str) and _is_below(key, len(found)):
            found = found[int(key)]
        else:
            raise ItemReaderError(f"The JSON pointer '{pointer[:200]}' leads to nothing in the document.")
    return found


def _is_below(key: str, length: int) -> bool:
    return key.isascii() and key.isdecimal() and len(key) < len("9" * 12) and int(key) < length
