"""Shortcuts: what most expressions are, ``$states.input.a.b`` and ``$name``, looked up at once.

A shortcut gives the value where the way to it leads through objects alone; for everything else it says that
it does not know, and the expression is evaluated in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from stepmill.core.json import Json
from stepmill.language.states.jsonata.nodes import Node
from stepmill.language.states.jsonata.values import UNDEFINED, Undefined

# The value in a tuple, or None: not known.
Shortcut: TypeAlias = Callable[[Json, Mapping[str, Json]], "tuple[Json | Undefined] | None"]


def shortcut(tree: Node) -> Shortcut | None:
    """Return the shortcut for an expression, or None if it needs an evaluation."""
    if _is_plain(tree) and tree.kind in ("string", "number", "value"):
        constant = (tree.value,)
        return lambda states, variables: constant  # noqa: ARG005
    steps = tree.steps if tree.kind == "path" else [tree]
    if not (
        _is_plain(tree) and all(map(_is_plain, steps)) and steps[0].kind == "variable" and steps[0].value
    ):
        return None
    if any(step.kind != "name" for step in steps[1:]):
        return None
    return _walk(str(steps[0].value), tuple(str(step.value) for step in steps[1:]))


def _is_plain(node: Node) -> bool:
    return not (
        node.predicates or node.stages or node.group or node.focus or node.index or node.ancestor or
        node.is_tuple or node.keep_array or node.keep_singleton_array or node.is_constructor
    )  # fmt: skip


def _walk(first: str, names: tuple[str, ...]) -> Shortcut:
    def find(states: Json, variables: Mapping[str, Json]) -> tuple[Json | Undefined] | None:
        if first == "states":
            value = states
        elif first in variables:
            value = variables[first]
        else:
            return None
        for name in names:
            if not isinstance(value, dict):
                # Arrays are looked into item by item; in anything else there is nothing.
                return None if isinstance(value, list) else (UNDEFINED,)
            if name not in value:
                return (UNDEFINED,)
            value = value[name]
        return (value,)

    return find
