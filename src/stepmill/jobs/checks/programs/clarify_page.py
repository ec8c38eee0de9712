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
    "svg{max-width:100%;height:auto;font-size:13px}.bar{fill:#3b6ea5}.line{stroke:#3b6ea5;fill:none;"
    "stroke-width:2}.share{fill:#ccc}"
)
_WIDTH, _LINE_HEIGHT, _NAMES_WIDTH = 800, 22, 260
_PLOT_HEIGHT, _MARGIN = 220, 40
# More features than that make a picture that nobody reads.
_MOST_BARS = 30
_LONGEST_NAME = 36


def page_of(document: Mapping[str, Any], title: str) -> str:
    """Return the page of ``analysis.json``: a table for each facet, a picture of each label; no scripts."""
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
    yield from _explanations(document)


def _explanations(document: Mapping[str, Any]) -> Iterator[str]:
    explanations = document.get("explanations", {})
    for label, one in explanations.get("kernel_shap", {}).items():
        yield f"<h2>What predictions rest on: {escape(label)}</h2>\n"
        yield f"<p>Global SHAP values; expected value {one['expected_value']:.6g}</p>\n"
        yield _bars(one["global_shap_values"])
    for one in explanations.get("pdp", []):
        yield f"<h2>How predictions depend on {escape(one['feature_name'])}</h2>\n"
        if "error" in one:
            yield f"<p>{escape(one['error'])}</p>\n"
            continue
        for label, predictions in zip(one["label_headers"], one["model_predictions"], strict=True):
            yield f"<h3>{escape(label)}</h3>\n{_curve(one, predictions)}\n"


def _bars(values: Mapping[str, float]) -> str:
    ranked = sorted(values.items(), key=lambda one: -abs(one[1]))
    largest = abs(ranked[0][1]) or 1.0
    lines = []
    for number, (name, value) in enumerate(ranked[:_MOST_BARS]):
        length = (_WIDTH - _NAMES_WIDTH - 100) * abs(value) / largest
        top = number * _LINE_HEIGHT
        lines.append(
            f'<text x="{_NAMES_WIDTH - 8}" y="{top + 15}" text-anchor="end">'
            f"{escape(name[:_LONGEST_NAME])}</text>"
            f'<rect class="bar" x="{_NAMES_WIDTH}" y="{top + 3}" width="{length:.1f}" height="16"/>'
            f'<text x="{_NAMES_WIDTH + length + 6:.1f}" y="{top + 15}">{value:.4g}</text>'
        )
    height = _LINE_HEIGHT * len(lines)
    more = f"<p>And {len(ranked) - _MOST_BARS} more.</p>\n" if len(ranked) > _MOST_BARS else ""
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(lines)}</svg>\n{more}'


def _curve(feature: Mapping[str, Any], predictions: list[float]) -> str:
    """Return the line of what the model says, above the shares of the data."""
    values, shares = feature["feature_values"], feature["data_distribution"]
    least, most = min(predictions), max(predictions)
    step = (_WIDTH - 2 * _MARGIN) / len(values)
    lines, points = [], []
    for number, (value, share, said) in enumerate(zip(values, shares, predictions, strict=True)):
        left = _MARGIN + number * step
        height = (_PLOT_HEIGHT - 2 * _MARGIN) * share
        above = (said - least) / (most - least or 1.0)
        bottom = _PLOT_HEIGHT - _MARGIN
        points.append(f"{left + step / 2:.1f},{bottom - (bottom - _MARGIN) * above:.1f}")
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(
            f'<rect class="share" x="{left:.1f}" y="{bottom - height:.1f}" width="{step * 0.8:.1f}" '
            f'height="{height:.1f}"><title>{escape(text)}: {share:.1%} of the data, {said:.6g}</title></rect>'
        )
        if number in (0, len(values) - 1):
            anchor = "start" if number == 0 else "end"
            edge = left if number == 0 else left + step
            lines.append(
                f'<text x="{edge:.1f}" y="{_PLOT_HEIGHT - 20}" text-anchor="{anchor}">'
                f"{escape(text[:_LONGEST_NAME])}</text>"
            )
    lines.append(f'<polyline class="line" points="{" ".join(points)}"/>')
    lines.append(f'<text x="{_MARGIN}" y="20">{least:.4g} to {most:.4g}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_PLOT_HEIGHT}" role="img">{"".join(lines)}</svg>'


def _rows(group: Mapping[str, Any]) -> str:
    rows = []
    for metric in group["metrics"]:
        value = metric["value"]
        shown = metric["error"] if value is None else f"{value:.6g}" if isinstance(value, float) else value
        rows.append(
            f'<tr><td>{escape(metric["description"])}</td><td class="number">{escape(str(shown))}</td></tr>'
        )
    return "".join(rows)
