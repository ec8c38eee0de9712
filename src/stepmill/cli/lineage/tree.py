"""A part of the graph as text: as a tree, or as rows in the order in which things came about."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from stepmill.catalog.lineage.graph import Shown
from stepmill.cli.graph import arrange
from stepmill.cli.lineage.words import details_of, kind_of, label_of, name_of
from stepmill.storage.lineage import Entity, LineageKind

# Seen from the start: what an edge says of the thing that it leads to.
_UP = {
    "Produced": "made by",
    "ContributedTo": "from",
    "AssociatedWith": "in",
    "DerivedFrom": "from",
    "SameAs": "same as",
}
_DOWN = {
    "Produced": "made",
    "ContributedTo": "used by",
    "AssociatedWith": "has",
    "DerivedFrom": "became",
    "SameAs": "same as",
}
_LONGEST_IN_ROWS = 56
# What things are in; it lies on no way from one to the next, as a feature group does.
_GROUPS = ("PipelineExecution", "StateMachineExecution", "ModelGroup")


def tree_of(graph: Shown) -> Tree:
    """Return what led to something, or came of it, as a tree. What is in it twice is spelt out once."""
    words = _UP if graph.upstream else _DOWN
    root = Tree(_line(graph.start, ""), guide_style="dim")
    todo = [(graph.start.id, root)]
    seen = {graph.start.id}
    # The breadth first, so that each thing stands where it is nearest.
    while todo:
        node, branch = todo.pop(0)
        order = sorted(graph.next_of(node), key=lambda one: _rank(graph.entities[one[0]]))
        for other, kind in order:
            entity = graph.entities[other]
            word = _word(entity, words.get(kind, ""))
            if other in seen:
                # Nearly everything is in the same execution.
                if entity.type not in _GROUPS:
                    branch.add(_line(entity, word, again=True, more=bool(graph.next_of(other))))
                continue
            seen.add(other)
            todo.append((other, branch.add(_line(entity, word))))
        if count := graph.more.get(node):
            branch.add(Text(f"... and {count} more", style="dim"))
    return root


def rows_of(graph: Shown) -> RenderableType:
    """Return the graph as rows: first what was there first, each below what it came of."""
    after: dict[str, list[str]] = {str(node): [] for node in _in_order(graph)}
    places = {node: place for place, node in enumerate(after)}
    for link in graph.links:
        source, destination = str(link.source), str(link.destination)
        # What closes a circle is left out: rows have an order.
        if places[source] < places[destination]:
            after[destination].append(source)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("WHAT", "IS", ""):
        table.add_column(title, overflow="fold")
    for row in arrange(after):
        entity = graph.entities[int(row.name)]
        others = [graph.entities[int(one)] for one in row.also_after]
        also = [label_of(one, 40) for one in others if _word(one, "from") == "from"]
        beside = details_of(entity)
        if also:
            beside += f"  also from {', '.join(also[:3])}"
            beside += f" and {len(also) - 3} more" if len(also) > 3 else ""
        if count := graph.more.get(int(row.name)):
            beside += f"  ... and {count} more"
        style = "bold" if entity.id == graph.start.id else ""
        table.add_row(
            Text.assemble((row.branch, "dim"), (label_of(entity, _LONGEST_IN_ROWS), style)),
            Text(kind_of(entity), style="cyan"),
            Text(beside, style="dim"),
        )
    return table


def _in_order(graph: Shown) -> list[int]:
    """Return the nodes in an order in which things come after what they came of, as far as there is one."""
    sources: dict[int, list[int]] = {node: [] for node in graph.entities}
    for link in graph.links:
        sources[link.destination].append(link.source)
    order: list[int] = []
    state: dict[int, int] = {}
    for start in sorted(graph.entities, key=lambda node: graph.entities[node].created_at):
        todo = [start]
        while todo:
            node = todo[-1]
            if state.get(node, 0) == 0:
                state[node] = 1
                todo += [one for one in reversed(sources[node]) if state.get(one, 0) == 0]
            else:
                todo.pop()
                if state[node] == 1:
                    state[node] = 2
                    order.append(node)
    return order


def _word(entity: Entity, word: str) -> str:
    if entity.type in _GROUPS:
        return "in"
    return "" if entity.kind is LineageKind.ACTION else word


def _line(entity: Entity, word: str, *, again: bool = False, more: bool = True) -> Text:
    name = label_of(entity)
    line = Text.assemble(
        (f"{word} " if word else "", "dim"), (f"{kind_of(entity)} ", "cyan"), (name, "" if again else "bold")
    )
    if again:
        return line.append("  (shown elsewhere)", "dim") if more else line
    details = details_of(entity)
    return line.append(f"  {details}" if details else "", "dim")


def _rank(entity: Entity) -> tuple[int, str]:
    order = ("SageMaker", "Model", "DataSet", "Code", "Image")
    place = next((at for at, word in enumerate(order) if entity.type.startswith(word)), len(order))
    return place, name_of(entity)
