"""Reads queries as Presto writes them. Whatever is no query is refused with the place of its fault.

Source: Trino documentation, "SELECT"; its grammar, for how it words what it did not expect.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.parsers.trino import TrinoParser

from stepmill.catalog.sql.faults import MalformedQueryError

# Athena's limit of a query's text.
LONGEST_QUERY_BYTES = 262_144
# What needs a syntax of its own; all other functions are read as a name with arguments.
_WITH_SYNTAX = frozenset({"CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "LISTAGG"})


@cache
def presto() -> type[Trino]:
    """Return the dialect in which queries are read."""

    class StepmillParser(TrinoParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {"COUNT": exp.Count.from_arg_list}
        FUNCTION_PARSERS = {
            name: parse for name, parse in TrinoParser.FUNCTION_PARSERS.items() if name in _WITH_SYNTAX
        }

    class StepmillPresto(Trino):
        Parser = StepmillParser

    return StepmillPresto


def read_query(text: str) -> exp.Expr:
    """Return the syntax tree of a text that holds one statement.

    Raises:
        MalformedQueryError: If it holds none or more than one, or something that is not understood.
    """
    if len(text) > LONGEST_QUERY_BYTES or len(text.encode()) > LONGEST_QUERY_BYTES:
        raise MalformedQueryError(
            f"Your query has exceeded the maximum query length of {LONGEST_QUERY_BYTES} bytes."
        )
    try:
        found = [one for one in sqlglot.parse(text, read=presto()) if one is not None]
    except ParseError as error:
        raise _mismatch(text, error) from error
    except TokenError as error:
        line, column = place(text, len(text))
        raise MalformedQueryError("mismatched input '<EOF>'", line=line, column=column) from error
    except (SqlglotError, ValueError) as error:
        raise MalformedQueryError(f"The query is not understood: {str(error)[:200]}") from error
    except RecursionError as error:
        raise MalformedQueryError("The query is nested too deeply") from error
    if not found:
        raise MalformedQueryError(
            "Query string cannot be empty" if not text.strip() else "mismatched input '<EOF>'"
        )
    if len(found) > 1:
        raise MalformedQueryError(f"Only one sql statement is allowed. Got: {text[:500]}")
    return found[0]


def place(text: str, offset: int) -> tuple[int, int]:
    r"""Return the line and the column, both from 1, of a place in a text.

    Example:
        >>> place("SELECT\n  x", 9)
        (2, 3)
    """
    before = text[: max(offset, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def place_of(text: str, node: exp.Expr) -> tuple[int, int]:
    """Return where a node stands in the text that it was read from; zeros if that is not known."""
    for one in (node, *node.walk()):
        start = one.meta.get("start")
        if isinstance(start, int):
            return place(text, start)
    return 0, 0


def _mismatch(text: str, error: ParseError) -> MalformedQueryError:
    first = error.errors[0] if error.errors else {}
    fragment = str(first.get("highlight") or "")
    offset = len(str(first.get("start_context") or ""))
    line, column = int(first.get("line") or 0), int(first.get("col") or 0)
    if line and fragment and "\n" not in fragment:
        # Told is the column of its end.
        column = max(column - len(fragment) + 1, 1)
    elif not line:
        line, column = place(text, offset)
    said = str(first.get("description") or "")
    expected = f". Expecting: '{said.removeprefix('Expecting ')}'" if said.startswith("Expecting ") else ""
    return MalformedQueryError(
        f"mismatched input '{fragment[:80] or '<EOF>'}'{expected}", line=line, column=column
    )
