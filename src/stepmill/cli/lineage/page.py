"""A part of the graph as a page of its own: one file, no scripts, nothing fetched. Pure."""

from __future__ import annotations

from html import escape

from stepmill.catalog.lineage.graph import Shown
from stepmill.cli.lineage.words import details_of, kind_of, label_of, name_of
from stepmill.cli.terminal import plain
from stepmill.storage.lineage import Entity, LineageKind

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 260, 58, 90, 22, 24
_FILLS = {
    LineageKind.ARTIFACT: "#dbeafe",
    LineageKind.COMPONENT: "#fef3c7",
    LineageKind.ACTION: "#dcfce7",
    LineageKind.CONTEXT: "#ede9fe",
}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1f2937;background:#fff}"
    "h1{font-size:1.3rem}svg{max-width:100%;height:auto}table{border-collapse:collapse;font-size:13px}"
    "td,th{border-bottom:1px solid #e5e7eb;padding:.3rem .8rem;text-align:left;overflow-wrap:anywhere}"
    "text{font:13px system-ui,sans-serif;fill:#1f2937}.k{font-size:11px;fill:#6b7280}"
)


def page_of(graph: Shown, title: str) -> str:
    """Return the page as HTML.

    Args:
        graph: What it shows.
        title: What it is about.
    """
    rows = "".join(
        f"<tr><td>{_safe(kind_of(one))}</td><td>{_safe(name_of(one))}</td><td>{_safe(details_of(one))}</td>"
        f"<td>{_safe(one.arn)}</td></tr>"
        for one in graph.entities.values()
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{_safe(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{_STYLE}</style></head>'
        f"<body><h1>{_safe(title)}</h1>{svg_of(graph)}"
        f"<table><thead><tr><th>What</th><th>Name</th><th></th><th>ARN</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


def svg_of(graph: Shown) -> str:
    """Return the graph as SVG: from the left to the right, as things came of one another."""
    places = _places(graph)
    columns = max(x for x, _ in places.values()) + 1
    tallest = max(y for _, y in places.values()) + 1
    width = 2 * _MARGIN + columns * _WIDTH + (columns - 1) * _GAP_X
    height = 2 * _MARGIN + tallest * (_HEIGHT + _GAP_Y)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-label="Lineage">'
            '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#9ca3af"/></marker></defs>'
        )
    ]
    parts += [_line(places[one.source], places[one.destination], one.type) for one in graph.links]
    parts += [
        _box(entity, places[node], node == graph.start.id, graph.more.get(node, 0))
        for node, entity in graph.entities.items()
    ]
    return "".join([*parts, "</svg>"])


def _places(graph: Shown) -> dict[int, tuple[int, int]]:
    """Return column and row of each node: as far from the start as the shortest way is long."""
    depths = {graph.start.id: 0}
    for node in graph.entities:  # the nearest first
        for other, _ in graph.next_of(node):
            depths.setdefault(other, depths.get(node, 0) + 1)
    deepest = max(depths.values())
    rows: dict[int, int] = {}
    places: dict[int, tuple[int, int]] = {}
    for node in graph.entities:
        depth = depths.get(node, deepest)
        column = deepest - depth if graph.upstream else depth
        places[node] = (column, rows.get(column, 0))
        rows[column] = rows.get(column, 0) + 1
    return places


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return _MARGIN + place[0] * (_WIDTH + _GAP_X), _MARGIN + place[1] * (_HEIGHT + _GAP_Y)


def _line(source: tuple[int, int], destination: tuple[int, int], kind: str) -> str:
    (x1, y1), (x2, y2) = _corner(source), _corner(destination)
    x1, y1, y2 = x1 + _WIDTH, y1 + _HEIGHT // 2, y2 + _HEIGHT // 2
    bend = max(30, abs(x2 - x1) // 2)
    return (
        f'<path d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" fill="none" stroke="#9ca3af" '
        f'marker-end="url(#a)"><title>{_safe(kind)}</title></path>'
    )


def _box(entity: Entity, place: tuple[int, int], is_start: bool, more: int) -> str:
    x, y = _corner(place)
    fill = _FILLS.get(entity.kind, "#f3f4f6")
    stroke = "#2563eb" if is_start else "#d1d5db"
    left_out = f" ... and {more} more" if more else ""
    return (
        f"<g><title>{_safe(name_of(entity))} {_safe(details_of(entity))}</title>"
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="{2 if is_start else 1}"/>'
        f'<text class="k" x="{x + 12}" y="{y + 20}">{_safe(kind_of(entity) + left_out)}</text>'
        f'<text x="{x + 12}" y="{y + 41}">{_safe(label_of(entity, 34))}</text></g>'
    )


def _safe(text: str) -> str:
    return escape(plain(text))
