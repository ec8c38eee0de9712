"""How the tables of a query come into DuckDB: as views over their files. Runs in the process of queries.

Source: Athena user guide, "OpenCSVSerDe for processing CSV", "LazySimpleSerDe for CSV, TSV, and
custom-delimited files"; Hive's Parquet tables find columns by their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from stepmill.catalog.sql.macros import needed

# Of a CSV file no value is NULL but those that are missing at the end of a line.
_NO_NULL = "\x01\x02 no null"
_HIVE_NULL = "\\N"
_HIVE_DELIMITER = "\x01"


class Connection(Protocol):
    """As much of DuckDB's connection as is used."""

    def execute(self, query: str) -> Any:
        """Run a statement."""
        ...


def bind(connection: Connection, table: Mapping[str, Any]) -> None:
    """Make the view of a table.

    Args:
        connection: To the database of the query, not yet locked.
        table: ``alias``; ``columns`` and ``partitions``: pairs of name and DuckDB type; ``format``;
            ``options``; ``parts``: ``files``, ``values`` and ``is_packed`` of each.
    """
    selects = [_select(connection, table, part) for part in table["parts"] if part["files"]]
    if not selects:
        empty = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in _all_columns(table))
        selects = [f"SELECT {empty} WHERE false"]
    made = f"CREATE VIEW {quoted(table['alias'])} AS {' UNION ALL '.join(selects)}"
    for macro in needed(made):
        connection.execute(macro)
    connection.execute(made)


def files_of(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all files that a query may read."""
    return [path for table in tables for part in table["parts"] for path in part["files"]]


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it.

    Example:
        >>> quoted('a "b" c')
        '"a ""b"" c"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL takes it.

    Example:
        >>> literal("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _all_columns(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (*table["columns"], *table["partitions"])


def _select(connection: Connection, table: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    source, columns = _SOURCES[table["format"]](connection, table, part)
    values = [
        f"CAST({'NULL' if value is None else literal(value)} AS {kind}) AS {quoted(name)}"
        for (name, kind), value in zip(table["partitions"], part["values"], strict=True)
    ]
    return f"SELECT {', '.join([*columns, *values])} FROM {source}"


def _paths(part: Mapping[str, Any]) -> str:
    return "[" + ", ".join(literal(path) for path in part["files"]) + "]"


def _parquet(
    connection: Connection, table: Mapping[str, Any], part: Mapping[str, Any]
) -> tuple[str, list[str]]:
    source = f"read_parquet({_paths(part)}, union_by_name = true, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    there = {row[0].lower(): (row[0], row[1]) for row in reversed(described)}
    columns = []
    for name, kind in table["columns"]:
        found = there.get(name)
        if found is None:
            columns.append(f"CAST(NULL AS {kind}) AS {quoted(name)}")
        elif found[1] == kind:
            columns.append(f"{quoted(found[0])} AS {quoted(name)}")
        else:
            columns.append(f"CAST({quoted(found[0])} AS {kind}) AS {quoted(name)}")
    return source, columns


def _text_source(table: Mapping[str, Any], part: Mapping[str, Any], more: str) -> str:
    names = ", ".join(f"{literal(f'c{index}')}: 'VARCHAR'" for index in range(len(table["columns"])))
    packed = "gzip" if part["is_packed"] else "none"
    return (
        f"read_csv({_paths(part)}, auto_detect = false, header = false, columns = {{{names}}}, "
        f"null_padding = true, strict_mode = false, skip = {int(table['options'].get('skip', 0))}, "
        f"compression = '{packed}', max_line_size = 16777216, {more})"
    )


def _quoted_values(_: Connection, table: Mapping[str, Any], part: Mapping[str, Any]) -> tuple[str, list[str]]:
    options = table["options"]
    quote, escape = options.get("quote", '"'), options.get("escape", "\\")
    more = (
        f"delim = {literal(options.get('delimiter', ','))}, quote = {literal(quote)}, "
        f"escape = {literal(escape if escape != quote else quote)}, nullstr = {literal(_NO_NULL)}"
    )
    columns = [
        f"{_from_quoted(f'c{index}', kind)} AS {quoted(name)}"
        for index, (name, kind) in enumerate(table["columns"])
    ]
    return _text_source(table, part, more), columns


def _from_quoted(value: str, kind: str) -> str:
    """OpenCSVSerDe: moments are milliseconds, dates are days, since 1970; no number may be missing."""
    if kind == "VARCHAR":
        return value
    if kind == "BOOLEAN":
        return f"presto_hive_boolean({value})"
    if kind == "TIMESTAMP":
        return f"presto_hive_millis({value})"
    if kind == "DATE":
        return f"presto_hive_days({value})"
    return f"CAST({value} AS {kind})"


def _delimited_values(
    _: Connection, table: Mapping[str, Any], part: Mapping[str, Any]
) -> tuple[str, list[str]]:
    options = table["options"]
    more = (
        f"delim = {literal(options.get('delimiter', _HIVE_DELIMITER))}, quote = '', "
        f"escape = {literal(options.get('escape', ''))}, nullstr = {literal(options.get('null', _HIVE_NULL))}"
    )
    # What is no value of its column's type is NULL.
    columns = [
        f"{f'c{index}' if kind == 'VARCHAR' else f'TRY_CAST(c{index} AS {kind})'} AS {quoted(name)}"
        for index, (name, kind) in enumerate(table["columns"])
    ]
    return _text_source(table, part, more), columns


def _json_values(_: Connection, table: Mapping[str, Any], part: Mapping[str, Any]) -> tuple[str, list[str]]:
    names = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in table["columns"])
    packed = "gzip" if part["is_packed"] else "none"
    source = (
        f"read_json({_paths(part)}, format = 'newline_delimited', columns = {{{names}}}, "
        f"compression = '{packed}', hive_partitioning = false)"
    )
    return source, [quoted(name) for name, _kind in table["columns"]]


_SOURCES = {
    "parquet": _parquet,
    "quoted": _quoted_values,
    "delimited": _delimited_values,
    "json": _json_values,
}
