"""What Presto's functions are in DuckDB, and how the values of a result are written.

``macros.sql`` beside this file holds the macros; in the process that runs queries they are made once for each
database.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"presto_\w+", re.IGNORECASE)


def needed(sql: str) -> list[str]:
    """Return the statements that make the macros of a query, in an order in which they can be made.

    Making all of them for each query would take longer than most queries.

    Example:
        >>> [made.splitlines()[0] for made in needed("SELECT PRESTO_E()")]
        ['CREATE OR REPLACE MACRO presto_e() AS exp(1.0::DOUBLE);']
    """
    macros = _macros()
    wanted: set[str] = set()
    names = {name.lower() for name in _NAME.findall(sql)}
    while names:
        wanted |= names
        names = {inner for name in names for inner in _NAME.findall(macros.get(name, ""))} - wanted
    return [statement for name, statement in macros.items() if name in wanted]


@cache
def _macros() -> dict[str, str]:
    """Name -> statement. What others use comes first."""
    text = (files(__package__) / "macros.sql").read_text(encoding="utf-8")
    found = {}
    for statement in text.split(";\n"):
        begin = statement.find("CREATE MACRO ")
        if begin >= 0:
            made = statement[begin:].replace("CREATE MACRO", "CREATE OR REPLACE MACRO", 1)
            found[_NAME.findall(made)[0]] = f"{made};"
    return found


def written(expression: str, duckdb_type: str) -> str:
    """Return the expression that writes a value as Athena writes it into a result: a text or NULL.

    Args:
        expression: Gives the value.
        duckdb_type: Its type.

    Example:
        >>> written("c0", "BIGINT"), written("c0", "DOUBLE")
        ('c0::VARCHAR', 'presto_number(c0)')
    """
    if duckdb_type in ("DOUBLE", "FLOAT"):
        return f"presto_number({expression})"
    if duckdb_type == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({expression}::TIMESTAMP, '%Y-%m-%d %H:%M:%S.%g UTC')"
    if duckdb_type.startswith("TIMESTAMP"):
        return f"strftime({expression}, '%Y-%m-%d %H:%M:%S.%g')"
    if duckdb_type == "BLOB":
        return f"presto_bytes({expression})"
    if duckdb_type.endswith("]"):
        inner = duckdb_type[: duckdb_type.rindex("[")]
        item = written("x", inner)
        items = f"list_transform({expression}, LAMBDA x: coalesce({item}, 'null'))"
        return f"'[' || array_to_string({items}, ', ') || ']'"
    if duckdb_type.startswith("MAP("):
        return (
            f"'{{' || array_to_string(list_transform(map_entries({expression}), "
            "LAMBDA x: x.key::VARCHAR || '=' || coalesce(x.value::VARCHAR, 'null')), ', ') || '}'"
        )
    if duckdb_type.startswith(("STRUCT(", "TUPLE(")):
        return f"replace(replace(replace({expression}::VARCHAR, '''', ''), ': ', '='), 'NULL', 'null')"
    return f"{expression}::VARCHAR"
