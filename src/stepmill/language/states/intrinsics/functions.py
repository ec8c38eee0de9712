"""What each intrinsic function does with its arguments.

Source: Step Functions developer guide, "Intrinsic functions"; the service, where its rounding, splitting
and parsing differ.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, read_json, write_json
from stepmill.language.states.evaluation import Chance
from stepmill.language.states.intrinsics.arguments import (
    LARGEST_ARRAY,
    BadArgumentError,
    a_short_string,
    a_string,
    an_array,
    an_integer,
    an_object,
    are_same,
)
from stepmill.language.states.intrinsics.java_random import JavaRandom

Arguments: TypeAlias = Sequence[Json]

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


@dataclass(frozen=True, slots=True)
class Function:
    """An intrinsic function.

    Args:
        call: What it does. Raises ``BadArgumentError``.
        least: Fewest arguments.
        most: Most arguments; ``None``: any number.
    """

    call: Callable[[Arguments, Chance], Json]
    least: int
    most: int | None

    def takes(self, count: int) -> bool:
        """Whether it takes that many arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


def _string_to_json(arguments: Arguments, _chance: Chance) -> Json:
    text = a_string(arguments[0])
    if not text.strip():
        return None
    try:
        return read_json(text)
    except InvalidInputError as error:
        raise BadArgumentError from error


def _array_partition(arguments: Arguments, _chance: Chance) -> Json:
    items, size = an_array(arguments[0]), an_integer(arguments[1])
    if size < 1:
        raise BadArgumentError
    return [items[start : start + size] for start in range(0, len(items), size)]


def _array_contains(arguments: Arguments, _chance: Chance) -> Json:
    return any(are_same(item, arguments[1]) for item in an_array(arguments[0]))


def _array_range(arguments: Arguments, _chance: Chance) -> Json:
    start, end, step = map(an_integer, arguments)
    if step == 0:
        raise BadArgumentError
    numbers = range(start, end + (1 if step > 0 else -1), step)
    if len(numbers) > LARGEST_ARRAY:
        raise BadArgumentError
    return list(numbers)


def _array_get_item(arguments: Arguments, _chance: Chance) -> Json:
    items, index = an_array(arguments[0]), an_integer(arguments[1])
    if not 0 <= index < len(items):
        raise BadArgumentError
    return items[index]


def _array_unique(arguments: Arguments, _chance: Chance) -> Json:
    unique: list[Json] = []
    # Equal values have equal texts; a set of texts keeps the work from growing with the square.
    seen: set[str] = set()
    for item in an_array(arguments[0]):
        text = _canonical(item)
        if text not in seen:
            seen.add(text)
            unique.append(item)
    return unique


def _canonical(value: Json) -> str:
    """Return one text for values that are the same JSON: keys sorted, 1 apart from 1.0."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{write_json(k)}:{_canonical(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return write_json(value)


def _base64_encode(arguments: Arguments, _chance: Chance) -> Json:
    return base64.b64encode(a_short_string(arguments[0]).encode("utf-8", "replace")).decode()


def _base64_decode(arguments: Arguments, _chance: Chance) -> Json:
    text = a_short_string(arguments[0])
    bare = text.rstrip("=")
    if not _BASE64.fullmatch(text) or ("=" in text and len(text) % 4):
        raise BadArgumentError
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise BadArgumentError from error


def _hash(arguments: Arguments, _chance: Chance) -> Json:
    data, algorithm = arguments
    text = a_short_string(data if isinstance(data, str) else write_json(data))
    name = _HASHES.get(a_string(algorithm))
    if name is None:
        raise BadArgumentError
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _json_merge(arguments: Arguments, _chance: Chance) -> Json:
    first, second, is_deep = arguments
    if is_deep is not False:
        raise BadArgumentError
    return {**an_object(first), **an_object(second)}


def _math_random(arguments: Arguments, chance: Chance) -> Json:
    start, end = an_integer(arguments[0]), an_integer(arguments[1])
    # The service refuses (1.4, 1.6), though it rounds them to 1 and 2: whole numbers must lie apart too.
    if end <= start or _whole(arguments[1]) <= _whole(arguments[0]):
        raise BadArgumentError
    if len(arguments) == 3:
        return start + JavaRandom(an_integer(arguments[2])).integer(end - start)
    return start + int(chance.random() * (end - start))


def _whole(value: Json) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _math_add(arguments: Arguments, _chance: Chance) -> Json:
    return an_integer(an_integer(arguments[0]) + an_integer(arguments[1]))


def _string_split(arguments: Arguments, _chance: Chance) -> Json:
    text, delimiters = a_string(arguments[0]), a_string(arguments[1])
    if not delimiters:
        return [text] if text else []
    return [part for part in re.split(f"[{re.escape(delimiters)}]", text) if part]


FUNCTIONS: Mapping[str, Function] = {
    # It reads the template before it is unescaped, so whoever calls it does so on another way.
    "States.Format": Function(lambda arguments, _: list(arguments), 1, None),
    "States.StringToJson": Function(_string_to_json, 1, 1),
    "States.JsonToString": Function(lambda arguments, _: write_json(arguments[0]), 1, 1),
    "States.Array": Function(lambda arguments, _: list(arguments), 0, None),
    "States.ArrayPartition": Function(_array_partition, 2, 2),
    "States.ArrayContains": Function(_array_contains, 2, 2),
    "States.ArrayRange": Function(_array_range, 3, 3),
    "States.ArrayGetItem": Function(_array_get_item, 2, 2),
    "States.ArrayLength": Function(lambda arguments, _: len(an_array(arguments[0])), 1, 1),
    "States.ArrayUnique": Function(_array_unique, 1, 1),
    "States.Base64Encode": Function(_base64_encode, 1, 1),
    "States.Base64Decode": Function(_base64_decode, 1, 1),
    "States.Hash": Function(_hash, 2, 2),
    "States.JsonMerge": Function(_json_merge, 3, 3),
    "States.MathRandom": Function(_math_random, 2, 3),
    "States.MathAdd": Function(_math_add, 2, 2),
    "States.StringSplit": Function(_string_split, 2, 2),
    "States.UUID": Function(lambda _, chance: chance.uuid(), 0, 0),
}
