"""What a query may consist of. Whatever is not on the list is refused, whatever it would do.

The list is of kinds of syntax nodes; the functions have one of their own, and tables are looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlglot import exp

from stepmill.catalog.sql.dialect.functions import RULES
from stepmill.catalog.sql.dialect.reading import place_of
from stepmill.catalog.sql.faults import MalformedQueryError, QueryError

_TOKEN = re.compile(r"\w+|\S")
# Most nodes of one query: more is no query that anybody wrote.
_MOST_NODES = 100_000

_QUERIES = (
    exp.Select, exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.Values, exp.With, exp.CTE, exp.From,
    exp.Join, exp.Where, exp.Group, exp.GroupingSets, exp.Cube, exp.Rollup, exp.Having, exp.Order,
    exp.Ordered, exp.Limit, exp.LimitOptions, exp.Offset, exp.Fetch, exp.Distinct, exp.Table, exp.TableAlias,
    exp.Unnest, exp.Lateral, exp.TableSample, exp.Tuple, exp.Paren, exp.Alias, exp.Star, exp.Column,
    exp.Identifier, exp.Dot, exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup, exp.IgnoreNulls,
    exp.RespectNulls,
)  # fmt: skip
_VALUES = (
    exp.Literal, exp.Null, exp.Boolean, exp.Array, exp.Bracket, exp.Cast, exp.TryCast, exp.DataType,
    exp.DataTypeParam, exp.ColumnDef, exp.Interval, exp.Var, exp.Case, exp.If, exp.Lambda, exp.AtTimeZone,
    exp.Extract, exp.Trim, exp.StrPosition, exp.CurrentDate, exp.CurrentTimestamp, exp.Localtimestamp,
    exp.Anonymous, exp.Count, exp.GroupConcat, exp.HexString, exp.Map, exp.Placeholder,
    exp.Struct,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.Escape, exp.Exists, exp.Any, exp.All, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Add, exp.Sub,
    exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe,
)  # fmt: skip
ALLOWED: frozenset[type[exp.Expr]] = frozenset((*_QUERIES, *_VALUES, *_OPERATORS))
# Names that no query needs and that may mean something to DuckDB.
_NO_ARGUMENTS: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Select: (
        "kind", "hint", "into", "laterals", "connect", "match", "sort", "cluster", "distribute", "prewhere",
        "qualify", "settings", "format", "pivots", "locks", "operation_modifiers", "exclude",
    ),
    exp.Star: ("except_", "replace", "rename", "except"),
    exp.Table: ("pivots", "hints", "when", "version", "changes", "rows_from", "only", "partition"),
    exp.Join: ("match_condition", "global_"),
    exp.LimitOptions: ("percent", "with_ties"),
}  # fmt: skip
_KINDS_OF_JOIN = frozenset({"", "INNER", "OUTER", "CROSS"})


def check_nodes(tree: exp.Expr, text: str) -> None:
    """Refuse what does not belong into a query.

    Raises:
        MalformedQueryError: If Presto would not have understood something.
        QueryError: If a function is not offered.
    """
    for count, node in enumerate(tree.walk()):
        if count > _MOST_NODES:
            raise MalformedQueryError("The query is too large")
        if type(node) not in ALLOWED:
            raise _not_expected(node, text)
        for argument in _NO_ARGUMENTS.get(type(node), ()):
            if node.args.get(argument):
                raise _not_expected(node, text)
        _check_one(node, text)


def _check_one(node: exp.Expr, text: str) -> None:
    if isinstance(node, exp.Anonymous):
        name = node.this if isinstance(node.this, str) else node.name
        if name.lower() not in RULES:
            line, column = place_of(text, node)
            raise QueryError(
                "FUNCTION_NOT_FOUND",
                f"Function '{name.lower()[:100]}' not registered",
                line=line,
                column=column,
                mend="docs/reference/sql.md lists the functions that are offered.",
            )
    elif isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            raise _not_expected(node, text)
    elif isinstance(node, exp.Select):
        if not node.expressions:
            raise _not_expected(node, text)
    elif isinstance(node, exp.Star):
        # Put in by the parser where a query has no SELECT.
        start = node.meta.get("start")
        if start is None or text[start : start + 1] != "*":
            raise MalformedQueryError("mismatched input 'FROM'")
    elif isinstance(node, exp.Join):
        if (node.args.get("kind") or "").upper() not in _KINDS_OF_JOIN or node.args.get("method"):
            raise _not_expected(node, text)
        if (node.args.get("kind") or "").upper() == "CROSS" and node.args.get("on"):
            raise _not_expected(node.args["on"], text)


def _not_expected(node: exp.Expr, text: str) -> MalformedQueryError:
    line, column = place_of(text, node)
    start = next((one.meta["start"] for one in (node, *node.walk()) if "start" in one.meta), None)
    shown = type(node).__name__.upper() if start is None else _TOKEN.findall(text[start : start + 80])[0]
    return MalformedQueryError(f"mismatched input '{shown}'", line=line, column=column)
