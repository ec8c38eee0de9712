"""From a query in Presto's SQL to the one that DuckDB runs, with the tables that it asks.

Source: Trino documentation, "SELECT"; how its analyzer names the columns of a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from stepmill.catalog.sql.dialect.nodes import check_nodes
from stepmill.catalog.sql.dialect.reading import place_of, read_query
from stepmill.catalog.sql.dialect.rewriting import rewrite_values
from stepmill.catalog.sql.faults import MalformedQueryError, QueryError
from stepmill.catalog.sql.tables import CATALOG, DataTable, View

# Views that ask views that ask views ...
_DEEPEST_VIEW = 16

# Database and name of a table -> what is there. Raises ``QueryError`` if there is no such table or database.
Find: TypeAlias = Callable[[str, str], DataTable | View]


@dataclass(frozen=True)
class Asked:
    """A table that a query asks.

    Args:
        alias: What the query for DuckDB calls it.
        database: In which it is.
        name: Its own.
        table: What is there.
    """

    alias: str
    database: str
    name: str
    table: DataTable


@dataclass(frozen=True)
class Compiled:
    """A query that DuckDB can run.

    Args:
        sql: Its text.
        asked: The tables in it.
    """

    sql: str
    asked: tuple[Asked, ...] = ()


@dataclass
class _Compiling:
    """Under way: the tables that were met."""

    find: Find
    asked: dict[tuple[str, str], Asked] = field(default_factory=dict)


def compile_query(text: str, database: str, find: Find, parameters: Sequence[str] = ()) -> Compiled:
    """Compile a query.

    Args:
        text: SQL, one query.
        database: In which tables are looked up that name none.
        find: Knows the tables.
        parameters: Literals for the question marks, in order.

    Raises:
        MalformedQueryError: If it is no query.
        QueryError: If it asks what is not there.
    """
    tree = check_query(text, parameters)
    return compile_tree(tree, text, database, find)


def check_query(text: str, parameters: Sequence[str] = ()) -> exp.Expr:
    """Read a query, as far as that can be done without its tables, and return its syntax tree.

    Raises:
        MalformedQueryError: If it is no query.
        QueryError: If a function is not offered.
    """
    tree = read_query(text)
    if not isinstance(tree, exp.Query | exp.Values):
        raise MalformedQueryError(f"mismatched input '{text.split(None, 1)[0][:80]}'", line=1, column=1)
    tree = _with_parameters(tree, parameters)
    check_nodes(tree, text)
    return tree


def compile_tree(tree: exp.Expr, text: str, database: str, find: Find) -> Compiled:
    """Compile a checked tree. See ``compile_query``."""
    under_way = _Compiling(find)
    try:
        made = _compile(tree, text, database, under_way, depth=0)
        return Compiled(made.sql(dialect="duckdb", identify=True), tuple(under_way.asked.values()))
    except RecursionError as error:
        raise MalformedQueryError("The query is nested too deeply") from error


def _compile(tree: exp.Expr, text: str, database: str, under_way: _Compiling, *, depth: int) -> exp.Expr:
    _name_columns(tree)
    _strip_qualifiers(tree)
    # A list: while it is gone through, views are put in.
    for table in [node for node in tree.find_all(exp.Table) if not _is_cte(node)]:
        _replace_table(table, text, database, under_way, depth)
    return rewrite_values(tree, text)


def _replace_table(table: exp.Table, text: str, database: str, under_way: _Compiling, depth: int) -> None:
    line, column = place_of(text, table)
    catalog = table.catalog.lower()
    if catalog not in ("", CATALOG):
        raise QueryError(
            "CATALOG_NOT_FOUND", f"Catalog '{table.catalog}' not found", line=line, column=column
        )
    where, name = (table.db or database).lower(), table.name.lower()
    try:
        found = under_way.find(where, name)
    except QueryError as error:
        raise QueryError(error.name, error.text, line=line, column=column, mend=error.mend) from error
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
    if isinstance(found, View):
        if depth >= _DEEPEST_VIEW:
            raise QueryError(
                "VIEW_IS_RECURSIVE", f"Statement stack contains the view '{where}.{name}' too often"
            )
        inner = check_query(found.text)
        compiled = _compile(inner, found.text, found.database, under_way, depth=depth + 1)
        table.replace(exp.Subquery(this=compiled, alias=alias, sample=table.args.get("sample")))
        return
    asked = under_way.asked.setdefault((where, name), Asked(f"t{len(under_way.asked)}", where, name, found))
    made = exp.Table(
        this=exp.to_identifier(asked.alias, quoted=True), alias=alias, sample=table.args.get("sample")
    )
    # What joins it is kept with it.
    made.set("joins", table.args.get("joins"))
    table.replace(made)


def _name_columns(tree: exp.Expr) -> None:
    """Give each column of each result the name that Presto gives it: as it was asked for, or ``_col0``."""
    for select in tree.find_all(exp.Select):
        named = []
        for index, projection in enumerate(select.expressions):
            if isinstance(projection, exp.Alias | exp.Star) or projection.is_star:
                named.append(projection)
                continue
            inner = projection
            while isinstance(inner, exp.Paren):
                inner = inner.this
            name = inner.name if isinstance(inner, exp.Column | exp.Dot) else ""
            named.append(exp.alias_(projection.copy(), name or f"_col{index}", quoted=True))
        select.set("expressions", named)


def _strip_qualifiers(tree: exp.Expr) -> None:
    """A column's database and catalog say nothing beside its table."""
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
            column.set("catalog", None)


def _is_cte(table: exp.Table) -> bool:
    """Return whether a name is that of a query of a WITH around it."""
    if table.db:
        return False
    name = table.name.lower()
    below: exp.Expr = table
    node = table.parent
    while node is not None:
        with_ = node if isinstance(node, exp.With) else node.args.get("with_")
        if isinstance(with_, exp.With):
            for cte in with_.expressions:
                if cte is below:
                    # In its own text only if it is recursive; those that follow are not seen.
                    if with_.args.get("recursive") and cte.alias.lower() == name:
                        return True
                    break
                if cte.alias.lower() == name:
                    return True
        below, node = node, node.parent
        if isinstance(below, exp.With) and node is not None:
            # Its query's WITH is this one, seen already.
            below, node = node, node.parent
    return False


def _with_parameters(tree: exp.Expr, parameters: Sequence[str]) -> exp.Expr:
    """Put literals in the places of the question marks."""
    marks = sorted(tree.find_all(exp.Placeholder), key=lambda mark: int(mark.meta.get("start", 0)))
    if len(marks) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
            line=1,
            column=1,
        )
    for mark, parameter in zip(marks, parameters, strict=True):
        value = read_query(f"SELECT {parameter}")
        values = value.expressions if isinstance(value, exp.Select) else []
        if len(values) != 1 or not _is_literal(values[0]) or len(value.args.get("from_") or ()):
            raise MalformedQueryError(f"{parameter[:80]!r} is no literal")
        mark.replace(values[0])
    return tree


def _is_literal(node: exp.Expr) -> bool:
    allowed = exp.Literal | exp.Null | exp.Boolean | exp.Neg | exp.Cast | exp.DataType | exp.DataTypeParam
    return all(isinstance(one, allowed) for one in node.walk())
