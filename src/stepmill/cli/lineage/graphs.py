"""A part of the graph in the languages of other programs: Graphviz's DOT, and Mermaid. Pure.

Names are whatever users called their things: none may end its quotes.
"""

from __future__ import annotations

import re

from stepmill.catalog.lineage.graph import Shown
from stepmill.cli.lineage.words import kind_of, label_of
from stepmill.cli.terminal import plain
from stepmill.storage.lineage import Entity, LineageKind

_SHAPES = {
    LineageKind.ARTIFACT: "box",
    LineageKind.COMPONENT: "ellipse",
    LineageKind.ACTION: "hexagon",
    LineageKind.CONTEXT: "folder",
}
_MERMAID_UNSAFE = re.compile(r"[^\w .,:/+=@-]")


def dot_of(graph: Shown) -> str:
    """Return the graph for Graphviz."""
    lines = ["digraph lineage {", "  rankdir=LR;", "  node [fontname=Helvetica];"]
    for node, entity in graph.entities.items():
        bold = ", penwidth=2" if node == graph.start.id else ""
        shape = _SHAPES.get(entity.kind, "box")
        lines.append(f"  n{node} [label={_quoted(_label(entity))}, shape={shape}{bold}];")
    lines += [f"  n{one.source} -> n{one.destination} [label={_quoted(one.type)}];" for one in graph.links]
    for node, count in graph.more.items():
        lines.append(f'  m{node} [label="... and {count} more", shape=plaintext];')
        ends = (f"m{node}", f"n{node}") if graph.upstream else (f"n{node}", f"m{node}")
        lines.append(f"  {ends[0]} -> {ends[1]} [style=dotted];")
    return "\n".join([*lines, "}"])


def mermaid_of(graph: Shown) -> str:
    """Return the graph for Mermaid, which GitHub and many editors draw."""
    lines = ["flowchart LR"]
    for node, entity in graph.entities.items():
        left, right = ("([", "])") if entity.kind is LineageKind.COMPONENT else ("[", "]")
        lines.append(f'  n{node}{left}"{_entities(_label(entity))}"{right}')
    for link in graph.links:
        word = f"|{_entities(link.type)}|" if link.type else ""
        lines.append(f"  n{link.source} -->{word} n{link.destination}")
    for node, count in graph.more.items():
        lines.append(f'  m{node}["... and {count} more"]')
        ends = (f"m{node}", f"n{node}") if graph.upstream else (f"n{node}", f"m{node}")
        lines.append(f"  {ends[0]} -.- {ends[1]}")
    lines.append(f"  style n{graph.start.id} stroke-width:3px")
    return "\n".join(lines)


def _label(entity: Entity) -> str:
    name = label_of(entity, 48).replace("\n", " ")
    return f"{kind_of(entity)}\n{name}"


def _quoted(text: str) -> str:
    lines = (plain(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'


def _entities(text: str) -> str:
    """Return a text as Mermaid shows it: what could mean something to it by number."""
    lines = (_MERMAID_UNSAFE.sub(lambda found: f"#{ord(found[0])};", line) for line in text.split("\n"))
    return "<br/>".join(lines)
