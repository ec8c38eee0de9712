"""The tree of an expression."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Slot:
    """Where a parent (``%``) is looked for: ``level`` steps up, kept in the stream under ``label``."""

    label: str
    level: int
    index: int


@dataclass(slots=True)
class Stage:
    """A filter or an index binding behind a step."""

    kind: str
    expression: Node | None = None
    value: str = ""


@dataclass(slots=True)
class Group:
    """``{key: value}`` behind an expression."""

    pairs: list[tuple[Node, Node]]
    position: int


@dataclass(slots=True)
class Term:
    """One expression of an order-by clause."""

    expression: Node
    is_descending: bool


@dataclass(slots=True, eq=False)
class Node:
    """One node. ``kind`` says which of the other members it has; ``position`` is an index into the text.

    The reader makes it, the resolver completes it; afterwards it is only read.
    """

    kind: str
    value: Any = None
    position: int = 0
    lhs: Node | None = None
    rhs: Node | None = None
    # Of calls, blocks, arrays: what is within.
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    # Of paths.
    steps: list[Node] = field(default_factory=list)
    keep_singleton_array: bool = False
    # Of conditions, functions, transforms.
    third: Node | None = None
    body: Node | None = None
    parameters: tuple[str, ...] = ()
    signature: Any = None
    is_thunk: bool = False
    # Of any node.
    keep_array: bool = False
    is_constructor: bool = False
    predicates: list[Stage] | None = None
    stages: list[Stage] | None = None
    group: Group | None = None
    focus: str | None = None
    index: str | None = None
    is_tuple: bool = False
    ancestor: Slot | None = None
    slot: Slot | None = None
    seeking: list[Slot] | None = None
