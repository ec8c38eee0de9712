"""What a function answered: read from the job's folder, held against the declared output parameters."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.jobs.output_parameters import OutputParameter, convert_all

# AWS Lambda: the answer of a function has at most 6 MB.
LARGEST_ANSWER_BYTES = 6 * 1024 * 1024


class AnswerTooLargeError(InvalidInputError):
    """A function answered more than may be."""


def read_answer(path: Path) -> JsonObject:
    """Read ``{"result": ...}`` or ``{"error": ...}`` from a file that the job could write to.

    Raises:
        InvalidInputError: If it is no regular file, too large, or not such a document.
        OSError: If it cannot be read.
    """
    # The function may have put anything in its place: a link to a file of the server, a pipe.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInputError(f"The function's answer cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInputError("The function's answer is no regular file.")
    with os.fdopen(handle, "rb") as file:
        text = file.read(LARGEST_ANSWER_BYTES + 1)
    if len(text) > LARGEST_ANSWER_BYTES:
        raise AnswerTooLargeError(
            f"The function's answer is longer than {LARGEST_ANSWER_BYTES} bytes.",
            mend="Store it as an object and return its address.",
        )
    answer = read_json(text, where="the function's answer")
    if not isinstance(answer, Mapping):
        raise InvalidInputError("The function's answer is not an object.")
    return answer


def raised(function: str, error: Json) -> str:
    """Return the cause of a failure for an error that was raised: for humans, then as Lambda says it."""
    described = error if isinstance(error, Mapping) else {}
    headline = f"{function} failed with {described.get('errorType')}: {described.get('errorMessage')}"
    return f"{headline}\n{write_json(described)}"


def outputs_of(function: str, result: Json, declared: Sequence[OutputParameter]) -> JsonObject:
    """Return the declared output parameters from what a function returned.

    Raises:
        InvalidInputError: If one is missing or not of its type.
    """
    if not declared:
        return {}
    if not isinstance(result, Mapping):
        shown = write_json(result)[:60]
        raise InvalidInputError(
            f"{function} must return an object with its output parameters, not {shown}.",
            where="OutputParameters",
            mend=f"Return {{{', '.join(repr(one.name) + ': ...' for one in declared)}}}.",
        )
    return convert_all(declared, result, exact=False)
