"""The page that shows an analysis: ``report.html``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_KINDS = {
    "pre_training_bias_metrics": "Bias before training",
    "post_training_bias_metrics": "Bias after training",
}
_STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .6em;"
    "border-bottom:1px solid #ccc}td.number{text-align:right;font-variant-numeric:tabular-nums}"
)


def page_of(document: Mapping[str, Any], title: str) -> str:
    """Return the page of ``analysis.json``: a table for each facet, no scripts."""
    body = "".join(_sections(document))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    for kind, title in _KINDS.items():
        section = document.get(kind)
        if not section:
            continue
        label = f"{section['label']} = {section['label_value_or_threshold']}"
        yield f"<h2>{title}</h2>\n<p>Positive outcome: {escape(label)}</p>\n"
        for facet, groups in section["facets"].items():
            for group in groups:
                yield f"<h3>{escape(facet)} = {escape(group['value_or_threshold'])}</h3>\n"
                yield f"<table><tr><th>Metric</th><th>Value</th></tr>{_rows(group)}</table>\n"


def _rows(group: Mapping[str, Any]) -> str:
    rows = []
    for metric in group["metrics"]:
        value = metric["value"]
        shown = metric["error"] if value is None else f"{value:.6g}" if isinstance(value, float) else value
        rows.append(
            f'<tr><td>{escape(metric["description"])}</td><td class="number">{escape(str(shown))}</td></tr>'
        )
    return "".join(rows)
