"""Patterns of dates and times, of three makers, as DuckDB writes them.

Source: Trino documentation, "Date and time functions" (MySQL's and Joda-Time's patterns), "Teradata
functions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from stepmill.catalog.sql.faults import QueryError

_MYSQL = {
    "%a": "%a", "%b": "%b", "%c": "%-m", "%d": "%d", "%e": "%-d", "%f": "%f", "%H": "%H", "%h": "%I",
    "%I": "%I", "%i": "%M", "%j": "%j", "%k": "%-H", "%l": "%-I", "%M": "%B", "%m": "%m", "%p": "%p",
    "%r": "%I:%M:%S %p", "%S": "%S", "%s": "%S", "%T": "%H:%M:%S", "%v": "%V", "%W": "%A", "%x": "%G",
    "%Y": "%Y", "%y": "%y", "%%": "%%",
}  # fmt: skip
_JODA = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "YYYY": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "EEEE": "%A", "EEE": "%a", "E": "%a", "HH": "%H", "H": "%-H", "hh": "%I",
    "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p",
    "DDD": "%j", "Z": "%z", "ZZ": "%z", "z": "%Z",
}  # fmt: skip
_TERADATA = {
    "yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d", "hh24": "%H", "hh": "%I", "mi": "%M", "ss": "%S",
}  # fmt: skip
_JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_TERADATA_TOKEN = re.compile("hh24|yyyy|yy|mm|dd|hh|mi|ss|[^a-z]+", re.IGNORECASE)
_UNITS = frozenset({"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"})


def mysql_pattern(pattern: str) -> str:
    """Return MySQL's pattern, which ``date_parse`` and ``date_format`` take, as DuckDB's.

    Example:
        >>> mysql_pattern("%Y-%m-%d %H:%i:%s")
        '%Y-%m-%d %H:%M:%S'

    Raises:
        QueryError: If something in it is not known.
    """

    def translated(found: re.Match[str]) -> str:
        if found[0] not in _MYSQL:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"{found[0]} not supported in date format string")
        return _MYSQL[found[0]]

    return re.sub(r"%.", translated, pattern, flags=re.DOTALL)


def joda_pattern(pattern: str) -> str:
    """Return Joda-Time's pattern, which ``parse_datetime`` takes, as DuckDB's.

    Example:
        >>> joda_pattern("yyyy-MM-dd'T'HH:mm:ss")
        '%Y-%m-%dT%H:%M:%S'

    Raises:
        QueryError: If something in it is not known.
    """

    def translated(found: re.Match[str]) -> str:
        if found[1] is not None:
            return (found[1].replace("''", "'") or "'").replace("%", "%%")
        if not found[2]:
            return found[0].replace("%", "%%")
        if found[0] not in _JODA:
            raise _unknown(found[0])
        return _JODA[found[0]]

    return "".join(map(translated, _tokens(_JODA_TOKEN, pattern)))


def teradata_pattern(pattern: str) -> str:
    """Return Teradata's pattern, which ``to_timestamp`` takes, as DuckDB's.

    Example:
        >>> teradata_pattern("yyyy-mm-dd hh24:mi:ss")
        '%Y-%m-%d %H:%M:%S'

    Raises:
        QueryError: If something in it is not known.
    """
    return "".join(
        _TERADATA.get(found[0].lower(), found[0].replace("%", "%%"))
        for found in _tokens(_TERADATA_TOKEN, pattern)
    )


def _tokens(token: re.Pattern[str], pattern: str) -> Iterator[re.Match[str]]:
    """Yield what a pattern consists of, without a gap."""
    end = 0
    while found := token.match(pattern, end):
        end = found.end()
        yield found
    if end != len(pattern):
        raise _unknown(pattern)


def date_add(unit: str, amount: exp.Expr, value: exp.Expr) -> exp.Expr:
    """Return the expression that adds so many units to a moment.

    Raises:
        QueryError: If there is no such unit.
    """
    plain = unit.lower()
    if plain not in _UNITS:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"'{unit[:40]}' is not a valid TIMESTAMP field")
    step = exp.Anonymous(
        this=f"to_{plain}s", expressions=[exp.Cast(this=amount, to=exp.DataType.build("bigint"))]
    )
    return exp.Anonymous(this="presto_plus", expressions=[value, step])


def _unknown(what: str) -> QueryError:
    return QueryError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{what[:80]}"')
