"""Paths into a value: ``.Key``, ``[3]`` and ``['key']``, mixed.

Source: the strings that the sagemaker SDK builds (``Properties``, ``JsonGet``).
"""

from __future__ import annotations

from typing import TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.language.pipelines.places import show

# A string selects a key of an object, or the element of a list that has this name; an integer
# selects an element of a list by position, from 0.
PathElements: TypeAlias = tuple[str | int, ...]

_MOST_DIGITS = 9


def parse_path(text: str) -> PathElements:
    """Return the elements of a path; a first key may stand without its dot.

    Raises:
        InvalidInputError: If the text is not a path.

    Example:
        >>> parse_path("Outputs['train'].S3Output.S3Uri"), parse_path("[0].x"), parse_path("")
        (('Outputs', 'train', 'S3Output', 'S3Uri'), (0, 'x'), ())
    """
    elements: list[str | int] = []
    position = 0
    if text and text[0] not in ".[":
        position = _end_of_key(text, 0)
        elements.append(text[:position])
    while position < len(text):
        if text[position] == ".":
            end = _end_of_key(text, position + 1)
            if end == position + 1:
                raise _wrong(text, position, "a key is missing after the dot")
            elements.append(text[position + 1 : end])
        elif text[position] == "[":
            element, end = _bracket(text, position)
            elements.append(element)
        else:
            raise _wrong(text, position, "a dot or a bracket is missing")
        position = end
    return tuple(elements)


def _end_of_key(text: str, start: int) -> int:
    ends = [end for end in (text.find(mark, start, start + 1025) for mark in ".[]") if end >= 0]
    end = min(ends, default=min(len(text), start + 1025))
    if end - start > 1024:
        raise _wrong(text, start, "a key is longer than 1024 characters")
    return end


def _bracket(text: str, position: int) -> tuple[str | int, int]:
    quote = text[position + 1 : position + 2]
    if quote in ("'", '"') and quote:
        # Names come unescaped, so a name may hold quotes: it ends at quote and bracket together.
        end = text.find(quote + "]", position + 2)
        if end < 0:
            raise _wrong(text, position, "the bracket is not closed")
        return text[position + 2 : end], end + 2
    end = text.find("]", position)
    digits = text[position + 1 : end]
    if end < 0 or not digits.isascii() or not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise _wrong(text, position, "a bracket holds a position, [0], or a quoted name, ['train']")
    return int(digits), end + 1


def _wrong(text: str, position: int, why: str) -> InvalidInputError:
    return InvalidInputError(f"{show(text)} is not a path: {why} (character {position}).")
