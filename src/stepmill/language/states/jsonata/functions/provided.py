"""The functions that Step Functions adds to JSONata.

Source: the Step Functions guide, "JSONata functions provided by Step Functions", and what users measured:
numbers are cut towards zero, the result of ``$range`` is a sequence (one number is no array), ``$random``
with a seed is ``java.util.Random``.
"""

from __future__ import annotations

import hashlib
import json
import math

import msgspec

from stepmill.language.states.jsonata.errors import OUT_OF_MEMORY, QueryError, bound_met
from stepmill.language.states.jsonata.running import Run
from stepmill.language.states.jsonata.values import UNDEFINED, Value, sequence

# One item more than this does not fit into the memory that AWS grants an evaluation, as users measured.
_LONGEST_RANGE = 360_145
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def partition(run: Run, items: Value, size: Value) -> Value:
    """``$partition``: an array in parts of a size; the last one may be shorter.

    Raises:
        QueryError: If the size is negative.
    """
    if items is UNDEFINED or size is UNDEFINED or not math.isfinite(size):
        return UNDEFINED
    length = math.trunc(size)
    if length < 0:
        raise QueryError("", message="The chunk size of the partition function must be a positive number")
    if length == 0 or not items:
        return UNDEFINED
    run.hold(len(items))
    return sequence(list(items[start : start + length]) for start in range(0, len(items), length))


def number_range(run: Run, first: Value, last: Value, step: Value) -> Value:
    """``$range``: the numbers from one to another, in steps; the last too, where a step meets it."""
    if first is UNDEFINED or last is UNDEFINED or step is UNDEFINED:
        return UNDEFINED
    if not all(map(math.isfinite, (first, last, step))):
        return UNDEFINED
    start, end, stride = math.trunc(first), math.trunc(last), math.trunc(step)
    if stride == 0:
        return UNDEFINED
    numbers = range(start, end + (1 if stride > 0 else -1), stride)
    if (end - start) // stride + 1 > _LONGEST_RANGE:
        raise bound_met(OUT_OF_MEMORY)
    run.hold(len(numbers))
    return sequence(numbers)


def hashed(run: Run, text: Value, algorithm: Value) -> Value:
    """``$hash``: the hash of a text's UTF-8 bytes, in hexadecimal digits.

    Raises:
        QueryError: If the algorithm is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512.
    """
    if text is UNDEFINED or algorithm is UNDEFINED:
        return UNDEFINED
    name = _HASHES.get(algorithm)
    if name is None:
        raise QueryError(
            "", message=f"Unsupported hash algorithm: {algorithm}. Supported: {', '.join(_HASHES)}"
        )
    run.hold_text(len(text))
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def uuid(run: Run) -> Value:
    """``$uuid``: a UUID of version 4."""
    return run.chance.uuid()


def parse(run: Run, text: Value) -> Value:
    """``$parse``: the value that a JSON text stands for.

    Raises:
        QueryError: If it is no JSON.
    """
    if text is UNDEFINED:
        return UNDEFINED
    run.hold_text(len(text))
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise QueryError(
            "", message=f"The argument of the parse function is not valid JSON: {_fault(text)}"
        ) from error
    run.hold(len(value) if isinstance(value, list | dict) else 1)
    return value


def _fault(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, at character {error.pos}"
    except (ValueError, RecursionError):
        pass
    return "it is nested too deep, or holds a number that JSON does not allow"
