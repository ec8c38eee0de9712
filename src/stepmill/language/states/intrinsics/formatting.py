"""``States.Format``: a template whose ``{}`` stand for the other arguments.

Source: Amazon States Language, section "Intrinsic Functions"; the service, for objects and null.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from stepmill.core.json import Json
from stepmill.language.states.intrinsics.arguments import BadArgumentError
from stepmill.language.states.java_text import java_text

_ESCAPED = "'{}\\"
# Longer templates are data rather than part of a definition.
_LONGEST_KEPT = 1000


class BadTemplateError(Exception):
    """A brace of the template has no partner.

    Args:
        detail: What the service says of it.
    """

    def __init__(self, missing: str, present: str) -> None:
        self.detail = f"matching '{missing}' not found for '{present}'."
        super().__init__(self.detail)


def format_template(template: str, values: Sequence[Json]) -> str:
    r"""Return the template with the values in the places of ``{}``.

    Raises:
        BadTemplateError: If a brace has no partner.
        BadArgumentError: If there are more or fewer values than places.

    Example:
        >>> format_template(r"\{{}\} of {}", [1.5, {"a": [None]}])
        '{1.5} of {a=[null]}'
    """
    parts = _parts(template) if len(template) > _LONGEST_KEPT else _kept_parts(template)
    if len(parts) != len(values) + 1:
        raise BadArgumentError("number of arguments do not match the occurrences of {}.")
    return parts[0] + "".join(java_text(value) + part for value, part in zip(values, parts[1:], strict=True))


@lru_cache(maxsize=1024)
def _kept_parts(template: str) -> list[str]:
    return _parts(template)


def _parts(template: str) -> list[str]:
    """Return what stands between the places."""
    parts = [""]
    index = 0
    while index < len(template):
        character, after = template[index], template[index + 1 : index + 2]
        if character == "\\" and after and after in _ESCAPED:
            parts[-1] += after
            index += 1
        elif character == "{":
            if after != "}":
                raise BadTemplateError("}", "{")
            parts.append("")
            index += 1
        elif character == "}":
            raise BadTemplateError("{", "}")
        else:
            parts[-1] += character
        index += 1
    return parts
