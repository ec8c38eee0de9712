"""DuckDB's errors in Athena's words, with the places of the query as it was sent.

Source: Trino's ``StandardErrorCode`` and how its analyzer words them; Athena user guide, "Troubleshooting".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from stepmill.catalog.sql.dialect.reading import place
from stepmill.catalog.sql.faults import QueryError
from stepmill.catalog.sql.processes import EngineError

_COLUMN = re.compile(r'(?:Referenced column|[Cc]olumn) "((?:[^"]|"")*)" (?:not found|referenced that exists)')
_TABLE_OF_COLUMN = re.compile(r'Referenced table "((?:[^"]|"")*)" not found')
_VALUES_OF_TABLE = re.compile(
    r'(?:Table|Values list) "((?:[^"]|"")*)" does not have a column named "((?:[^"]|"")*)"'
)
_AMBIGUOUS = re.compile(r'Ambiguous reference to column name "((?:[^"]|"")*)"')
_NOT_GROUPED = re.compile(r'column "?([^"]*?)"? must appear in the GROUP BY clause', re.IGNORECASE)
_CAST = re.compile(r"Could not convert string '(.*?)' to ([A-Z0-9]+)", re.DOTALL)
_BAD_MOMENT = re.compile(r'"=?((?:[^"]|"")*)"', re.DOTALL)
_FUNCTION = re.compile(r"function call \"(.+?)\((.*?)\)\"|given argument types '(.+?)\((.*?)\)'", re.DOTALL)
_PARSE = re.compile(r'Could not parse string "(.*?)" according', re.DOTALL)
_OVERFLOW = re.compile(r"Overflow in (\w+) of (\w+)")
_TYPES = {"INT32": "INT", "INT64": "BIGINT", "INT16": "SMALLINT", "INT8": "TINYINT", "BOOL": "BOOLEAN"}
_MEMORY = "Query exhausted resources at this scale factor"


def fault_of(error: EngineError, text: str) -> QueryError:
    """Return what Athena would say.

    Args:
        error: As DuckDB told it.
        text: The query as it was sent.
    """
    said = error.text
    for kind, translate in _BY_TYPE.items():
        if error.type == kind:
            return translate(said, text)
    return _generic(said)


def _place_of_name(text: str, name: str) -> tuple[int, int]:
    """Return where a name first stands in a query; zeros if it does not."""
    pattern = rf'(?<![\w"]){re.escape(name)}(?!\w)|"{re.escape(name)}"'
    found = re.search(pattern, text, re.IGNORECASE)
    return place(text, found.start()) if found else (0, 0)


def _binder(said: str, text: str) -> QueryError:
    if found := _COLUMN.search(said):
        return _no_column(found[1], text)
    if found := _VALUES_OF_TABLE.search(said):
        return _no_column(f"{found[1]}.{found[2]}", text)
    if found := _TABLE_OF_COLUMN.search(said):
        name = found[1]
        used = re.search(rf'"?{re.escape(name)}"?\s*\.\s*"?([\w$]+)', text, re.IGNORECASE)
        return _no_column(used[0].replace('"', "") if used else name, text)
    if found := _AMBIGUOUS.search(said):
        line, column = _place_of_name(text, found[1])
        return QueryError("AMBIGUOUS_NAME", f"Column '{found[1]}' is ambiguous", line=line, column=column)
    if found := _NOT_GROUPED.search(said):
        line, column = _place_of_name(text, found[1])
        what = f"'{found[1]}' must be an aggregate expression or appear in GROUP BY clause"
        return QueryError("EXPRESSION_NOT_AGGREGATE", what, line=line, column=column)
    if found := _FUNCTION.search(said):
        function, types = (found[1] or found[3]).lower(), (found[2] or found[4])
        function = function.removeprefix("presto_")
        name, what = "TYPE_MISMATCH", f"Cannot apply operator: {_plain(types, f' {function} ')}"
        if function.isidentifier():
            name = "FUNCTION_NOT_FOUND"
            what = f"Unexpected parameters ({_plain(types, ', ')}) for function {function}"
        line, column = _place_of_name(text, function) if function.isidentifier() else (0, 0)
        return QueryError(name, what, line=line, column=column)
    if "Cannot compare" in said or "Cannot mix" in said or "Cannot combine" in said or "Cannot cast" in said:
        return QueryError("TYPE_MISMATCH", _first_sentence(said))
    if "different number of columns" in said or "same number of result columns" in said:
        return QueryError("TYPE_MISMATCH", "UNION query has different number of fields")
    return QueryError("SYNTAX_ERROR", _first_sentence(said))


def _no_column(name: str, text: str) -> QueryError:
    line, column = _place_of_name(text, name)
    if not line:
        line, column = _place_of_name(text, name.rpartition(".")[2])
    what = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
    return QueryError("COLUMN_NOT_FOUND", what, line=line, column=column)


def _conversion(said: str, _: str) -> QueryError:
    if found := _CAST.search(said):
        value = found[1].removeprefix("=")
        if value != found[1] or found[2] != "TIMESTAMP":
            kind = _TYPES.get(found[2], found[2])
            return QueryError("INVALID_CAST_ARGUMENT", f"Cannot cast '{value[:200]}' to {kind}")
    if "timestamp field" in said or "timestamp" in said.lower():
        moment = _BAD_MOMENT.search(said)
        if moment and f'"={moment[1]}"' in said:
            return QueryError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{moment[1][:200]}"')
        value = moment[1][:200] if moment else ""
        return QueryError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {value}")
    if "date field" in said:
        value = moment[1][:200] if (moment := _BAD_MOMENT.search(said)) else ""
        return QueryError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date: {value}")
    return QueryError("INVALID_CAST_ARGUMENT", _first_sentence(said))


def _input(said: str, _: str) -> QueryError:
    if "Division by zero" in said:
        return QueryError("DIVISION_BY_ZERO", "Division by zero")
    if found := _PARSE.search(said):
        return QueryError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{found[1][:200]}"')
    if "More than one row returned by a subquery" in said:
        return QueryError("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if "CSV Error" in said or "JSON" in said:
        return QueryError("HIVE_BAD_DATA", _first_sentence(said))
    return QueryError("INVALID_FUNCTION_ARGUMENT", _first_sentence(said))


def _range(said: str, _: str) -> QueryError:
    if found := _OVERFLOW.search(said):
        kind = (
            _TYPES.get(found[2], found[2])
            .lower()
            .replace("int", "integer")
            .replace("bigintegereger", "bigint")
        )
        kind = {"biginteger": "bigint", "smallinteger": "smallint", "tinyinteger": "tinyint"}.get(kind, kind)
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", f"{kind} {found[1]} overflow")
    return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", _first_sentence(said))


def _catalog(said: str, text: str) -> QueryError:
    found = re.search(r"Function with name (\S+) does not exist", said)
    if found:
        name = found[1].lower().removeprefix("presto_")
        line, column = _place_of_name(text, name)
        return QueryError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", line=line, column=column)
    return _generic(said)


def _memory(_: str, __: str) -> QueryError:
    return QueryError(
        "", _MEMORY, mend="Raise memory_limit_mb of [queries] in stepmill.toml, or ask for less at once."
    )


def _files(said: str, _: str) -> QueryError:
    if "No files found" in said or "does not exist" in said or "Cannot open file" in said:
        return QueryError(
            "HIVE_CANNOT_OPEN_SPLIT", "A file of the table is gone. Run the query again", is_ours=True
        )
    return QueryError("HIVE_BAD_DATA", _first_sentence(said))


def _generic(said: str, _: str = "") -> QueryError:
    return QueryError("GENERIC_USER_ERROR", _first_sentence(said))


def _first_sentence(said: str) -> str:
    """Return what DuckDB says, without the piece of the query that it shows, which nobody wrote."""
    return said.partition("\n\nLINE")[0].partition("\n")[0][:500]


def _plain(types: str, between: str) -> str:
    names = {"STRING_LITERAL": "varchar", "INTEGER_LITERAL": "integer"}
    found = [one.strip() for one in types.split(",")]
    return between.join(names.get(one, one.lower()) for one in found)


_BY_TYPE: Mapping[str, Callable[[str, str], QueryError]] = {
    "BinderException": _binder,
    "ConversionException": _conversion,
    "InvalidInputException": _input,
    "OutOfRangeException": _range,
    "CatalogException": _catalog,
    "OutOfMemoryException": _memory,
    "MemoryError": _memory,
    "ArrowMemoryError": _memory,
    "IOException": _files,
    "PermissionException": lambda _, __: QueryError("PERMISSION_DENIED", "Access Denied"),
}
