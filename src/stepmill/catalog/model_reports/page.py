"""Pages of versions and of comparisons: one file of HTML each, that loads nothing and runs nothing. Pure.

Names, descriptions and reports come from anyone: every text is escaped, and a policy in the page forbids
what would get past that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from stepmill.catalog.model_reports.comparison import Comparison, Row, Version, shown_metric
from stepmill.catalog.model_reports.directions import Change
from stepmill.catalog.model_reports.parts import Curve, Part, Report, Table
from stepmill.catalog.model_reports.svg import curves, picture
from stepmill.core.json import Json, write_json

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1a1a}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #ddd}h3{font-size:1rem}
table{border-collapse:collapse;margin:.6rem 0}
th,td{text-align:left;padding:.2rem .9rem .2rem 0;vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600;color:#555}td.number{text-align:right;font-variant-numeric:tabular-nums}
svg text{font:12px system-ui,sans-serif}.uri{color:#666;font-size:.85rem;overflow-wrap:anywhere}
.problem{border-left:4px solid #d55e00;padding:.3rem .8rem;background:#fff4ec}
.better{color:#007a53}.worse{color:#b34700}.pictures{display:flex;flex-wrap:wrap;gap:1.5rem}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_ARROWS = {Change.BETTER: "▲ ", Change.WORSE: "▼ ", Change.SAME: "= ", Change.DIFFERENT: "≠ "}


def version_page(version: Version, history: Sequence[Table] = ()) -> str:
    """Return the page of one version.

    Args:
        version: It, with its reports.
        history: Tables of what reviewers said.
    """
    described = version.described
    about = [
        _property_row(name, described[member])
        for member, name in _ABOUT.items()
        if described.get(member) not in (None, "")
    ]
    origin = version.origin
    about += [
        _property_row(name, value)
        for name, value in (
            ("Pipeline", origin.pipeline),
            ("Execution", origin.execution),
            ("Job", origin.job),
        )
        if value
    ]
    body = [f"<h1>{escape(version.name)}</h1>", f"<table>{''.join(about)}</table>"]
    body += [_table(table) for table in history]
    if origin.parameters:
        body.append(_properties("Parameters", origin.parameters))
    body += [_report(report) for report in version.reports]
    if not version.reports:
        body.append("<p>No report was registered with it.</p>")
    return _page(version.name, body)


def comparison_page(comparison: Comparison, versions: Sequence[Version]) -> str:
    """Return the page of a comparison: what differs, the curves over one another, what is the same.

    Args:
        comparison: It.
        versions: What is compared, for their curves.
    """
    title = " · ".join(comparison.versions)
    body = [f"<h1>{escape(title)}</h1>"]
    body += [
        f'<p class="problem">{escape(version)}: {escape(name)}: {escape(why)}</p>'
        for version, name, why in comparison.problems
    ]
    body.append("<h2>What differs</h2>")
    body += _rows(comparison.versions, comparison.differences) or ["<p>Nothing.</p>"]
    body += _curves_together(versions)
    body.append("<h2>What is the same</h2>")
    body += _rows(comparison.versions, comparison.common) or ["<p>Nothing.</p>"]
    return _page(title, body)


_ABOUT = {
    "ModelPackageArn": "ARN",
    "ModelPackageDescription": "Description",
    "CreationTime": "Created",
    "LastModifiedTime": "Changed",
    "ModelApprovalStatus": "Approval",
    "ApprovalDescription": "Reason",
    "ModelLifeCycle": "Stage",
    "Domain": "Domain",
    "Task": "Task",
    "SourceUri": "Source",
    "CustomerMetadataProperties": "Metadata",
    "MetadataProperties": "Properties",
    "InferenceSpecification": "Inference",
    "AdditionalInferenceSpecifications": "Other inference",
    "ModelCard": "Card",
}


def _report(report: Report) -> str:
    parts = [f"<h2>{escape(report.title)}</h2>", f'<p class="uri">{escape(report.uri)}</p>']
    if report.problem:
        parts.append(f'<p class="problem">{escape(report.problem)}</p>')
    if report.metrics and not report.shows_its_metrics:
        rows = tuple((one.name, shown_metric(one)) for one in report.metrics)
        parts.append(_table(Table("", ("METRIC", "VALUE"), rows)))
    tables = [_table(part) for part in report.parts if isinstance(part, Table)]
    pictures = [_figure(part) for part in report.parts if not isinstance(part, Table)]
    return "".join([*parts, f'<div class="pictures">{"".join(pictures)}</div>', *tables])


def _figure(part: Part) -> str:
    left_out = 0 if isinstance(part, Table) else getattr(part, "left_out", 0)
    more = f"<p>and {left_out} more</p>" if left_out else ""
    return f"<figure><h3>{escape(part.title)}</h3>{picture(part)}{more}</figure>"


def _curves_together(versions: Sequence[Version]) -> list[str]:
    by_title: dict[str, list[tuple[str, Curve]]] = {}
    for version in versions:
        for report in version.reports:
            for part in report.parts:
                if isinstance(part, Curve):
                    by_title.setdefault(part.title, []).append((version.name, part))
    drawn = [f"<figure><h3>{escape(title)}</h3>{curves(named)}</figure>" for title, named in by_title.items()]
    return ["<h2>Curves</h2>", f'<div class="pictures">{"".join(drawn)}</div>'] if drawn else []


def _rows(versions: Sequence[str], rows: Sequence[Row]) -> list[str]:
    tables = []
    for section in dict.fromkeys(row.section for row in rows):
        heads = "".join(f"<th>{escape(text)}</th>" for text in ("", *versions))
        lines = "".join(_compared(row) for row in rows if row.section == section)
        tables.append(f"<h3>{escape(section)}</h3><table><tr>{heads}</tr>{lines}</table>")
    return tables


def _compared(row: Row) -> str:
    cells = []
    for index, shown in enumerate(row.shown):
        change = row.changes[index] if row.changes else None
        kind = f' class="{change}"' if change in (Change.BETTER, Change.WORSE) else ""
        arrow = _ARROWS[change] if change is not None else ""
        cells.append(f"<td{kind}>{arrow}{escape(shown) or '–'}</td>")
    return f"<tr><th>{escape(row.name)}</th>{''.join(cells)}</tr>"


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(column.capitalize())}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    title = f"<h3>{escape(table.title)}</h3>" if table.title else ""
    more = f"<p>and {table.left_out} more</p>" if table.left_out else ""
    return f"{title}<table><tr>{heads}</tr>{rows}</table>{more}"


def _properties(title: str, properties: Mapping[str, str]) -> str:
    return _table(Table(title, ("NAME", "VALUE"), tuple(properties.items())))


def _property_row(name: str, value: Json) -> str:
    text = value if isinstance(value, str) else write_json(value)
    return f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"


def _page(title: str, body: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
