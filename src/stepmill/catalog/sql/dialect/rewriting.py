"""Expressions of Presto's as DuckDB is to compute them: functions, division, casts, rows out of lists."""

from __future__ import annotations

import re
from typing import cast

from sqlglot import exp

from stepmill.catalog.sql.dialect.functions import RULES, anonymous
from stepmill.catalog.sql.dialect.reading import place_of
from stepmill.catalog.sql.faults import QueryError

_INTEGERS = (
    exp.DataType.Type.TINYINT,
    exp.DataType.Type.SMALLINT,
    exp.DataType.Type.INT,
    exp.DataType.Type.BIGINT,
)
_TEXTS = (exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.TEXT)
_MOMENTS = (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIME)
_ZONED = re.compile(r"\s*\d.*:\d.*([+-]\d{1,2}(:?\d{2})?|\s[A-Za-z]+(/[A-Za-z_]+)*|Z)\s*")
# Of ``extract``: what DuckDB calls otherwise.
_FIELDS = {
    "DOW": "isodow", "DAY_OF_WEEK": "isodow", "DOY": "doy", "DAY_OF_YEAR": "doy", "DAY_OF_MONTH": "day",
    "YOW": "isoyear", "YEAR_OF_WEEK": "isoyear", "WEEK": "week", "YEAR": "year", "QUARTER": "quarter",
    "MONTH": "month", "DAY": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
}  # fmt: skip


def rewrite_values(tree: exp.Expr, text: str) -> exp.Expr:
    """Return the tree with all that DuckDB computes otherwise put into its words.

    Raises:
        QueryError: If something is not offered.
    """
    # What is inside is rewritten first.
    for node in reversed(list(tree.walk(bfs=True))):
        made = _rewritten(node, text)
        if made is not node:
            if node is tree:
                tree = made
            else:
                node.replace(made)
    return tree


def _rewritten(  # noqa: C901 - a table
    node: exp.Expr, text: str
) -> exp.Expr:
    match node:
        case exp.Anonymous():
            return _function(node, text)
        case exp.Div():
            return anonymous("presto_divide", node.this, node.expression)
        case exp.Add() | exp.Sub() if isinstance(node.expression, exp.Interval):
            name = "presto_plus" if isinstance(node, exp.Add) else "presto_minus"
            return anonymous(name, node.this, node.expression)
        case exp.Cast():
            return _cast(node)
        case exp.DataType():
            if node.this in _MOMENTS:
                node.set("expressions", [])
        case exp.Unnest():
            return _unnest(node, text)
        case exp.Extract():
            field = _FIELDS.get(node.name.upper())
            if field is None:
                raise _not_offered(f"EXTRACT of {node.name}", node, text)
            if field == "second":
                return anonymous("presto_second", node.expression)
            node.set("this", exp.var(field))
        case exp.AtTimeZone():
            # A moment with a zone: the same moment. It is shown in UTC.
            return cast(exp.Expr, node.this)
        case exp.Localtimestamp():
            return exp.Cast(this=exp.CurrentTimestamp(), to=exp.DataType.build("timestamp"))
        case exp.Fetch():
            return exp.Limit(expression=node.args.get("count") or exp.Literal.number(1))
    return node


def _function(call: exp.Anonymous, text: str) -> exp.Expr:
    name = str(call.this if isinstance(call.this, str) else call.name).lower()
    if name.startswith("presto_") or name not in RULES:
        # Made here, a moment ago.
        return call
    line, column = place_of(text, call)
    try:
        return RULES[name](call)
    except QueryError as error:
        raise QueryError(error.name, error.text, line=line, column=column, mend=error.mend) from error


def _cast(cast: exp.Cast) -> exp.Expr:
    to = cast.args["to"]
    kind, value = to.this, cast.this
    is_try = isinstance(cast, exp.TryCast)
    is_number = isinstance(value, exp.Literal) and not value.is_string
    if kind in _INTEGERS and not is_number and not isinstance(value, exp.Null):
        # Rounded half up; a text must be a whole number.
        rounded = exp.Cast(this=anonymous("presto_integer", value), to=to)
        return anonymous("try", rounded) if is_try else rounded
    if kind in _TEXTS and not isinstance(value, exp.Literal | exp.Null):
        made: exp.Expr = anonymous("presto_text", value)
        length = to.expressions[0] if to.expressions else None
        return anonymous("left", made, length.this) if length is not None else made
    if (
        kind == exp.DataType.Type.TIMESTAMP
        and isinstance(value, exp.Literal)
        and value.is_string
        and _ZONED.fullmatch(str(value.this))
    ):
        cast.set("to", exp.DataType.build("timestamptz", dialect="duckdb"))
    return cast


def _unnest(unnest: exp.Unnest, text: str) -> exp.Expr:
    """Rows out of lists: of several at once, of maps (a column of keys, one of values), of lists of rows."""
    alias = unnest.args.get("alias")
    columns = list(alias.columns) if alias is not None else []
    lists = unnest.expressions
    counts = unnest.args.get("offset")
    # sqlglot takes the last name of WITH ORDINALITY for that of the number.
    if isinstance(counts, exp.Identifier):
        columns = [*columns, counts]
    width = len(columns) - (1 if counts else 0)
    if len(lists) == 1 and width <= 1:
        unnest.set("offset", bool(counts))
        if alias is not None:
            alias.set("columns", columns)
        return unnest
    if counts:
        raise _not_offered("UNNEST of several lists or of a map WITH ORDINALITY", unnest, text)
    if len(lists) == 1:
        of = lists[0]
        is_rows = isinstance(of, exp.Array)
        made = (
            [anonymous("unnest", of, _recursive())]
            if is_rows
            else [
                anonymous("unnest", anonymous("map_keys", of)),
                anonymous("unnest", anonymous("map_values", of.copy())),
            ]
        )
    else:
        made = [anonymous("unnest", one) for one in lists]
    inner = exp.Subquery(this=exp.Select(expressions=made))
    if alias is not None:
        alias.set("columns", columns)
    return exp.Lateral(this=inner, alias=alias)


def _recursive() -> exp.Expr:
    return exp.PropertyEQ(this=exp.to_identifier("recursive"), expression=exp.true())


def _not_offered(what: str, node: exp.Expr, text: str) -> QueryError:
    line, column = place_of(text, node)
    return QueryError("NOT_SUPPORTED", f"{what} is not supported", line=line, column=column)
