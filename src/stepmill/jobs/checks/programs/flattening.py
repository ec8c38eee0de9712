"""Makes flat records of nested ones: ``{"a": {"b": 1}, "c": [2]}`` becomes ``{"a_b": 1, "c_0": 2}``.

Source: developer guide, "Preprocessing and Postprocessing": only tabular or flattened JSON can be analyzed.
The guide does not say how names are joined; an underscore, as in the names of data that is merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import CustomerError


def flattened(record: Mapping[Any, Any], where: str) -> dict[str, str | None]:
    """Return a record of texts, ``None`` where a value is missing.

    Args:
        record: What is nested in it are mappings and lists.
        where: It stands, for an error.

    Raises:
        CustomerError: If two values get the same name.
    """
    found: dict[str, str | None] = {}
    pending: list[tuple[str, Any]] = [(str(name), value) for name, value in reversed(list(record.items()))]
    # Not recursive: a hostile record may be nested deeper than Python's stack.
    while pending:
        name, value = pending.pop()
        if isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            pending += reversed([(f"{name}_{key}", one) for key, one in inner])
        elif name in found:
            raise CustomerError(f"{where}: two values are called {name[:100]!r} when they are flattened.")
        else:
            found[name] = text_of(value)
    return found


def text_of(value: object) -> str | None:
    """Return a value as text; ``None`` if it is missing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
