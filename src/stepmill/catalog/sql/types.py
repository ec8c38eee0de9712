"""Types by their three names: Hive's of columns, DuckDB's of values, Athena's of results.

Source: Athena user guide, "Data types in Amazon Athena"; Hive language manual, "Types".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepmill.catalog.sql.faults import QueryError

_DUCKDB = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "binary": "BLOB",
    "varbinary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "json": "JSON",
}
# DuckDB's name -> Athena's of a result's column, its precision and scale.
_RESULTS: dict[str, tuple[str, int, int]] = {
    "BOOLEAN": ("boolean", 0, 0),
    "TINYINT": ("tinyint", 3, 0),
    "UTINYINT": ("smallint", 5, 0),
    "SMALLINT": ("smallint", 5, 0),
    "USMALLINT": ("integer", 10, 0),
    "INTEGER": ("integer", 10, 0),
    "UINTEGER": ("bigint", 19, 0),
    "BIGINT": ("bigint", 19, 0),
    "UBIGINT": ("bigint", 19, 0),
    # Sums of integers, which Presto keeps as bigint.
    "HUGEINT": ("bigint", 19, 0),
    "UHUGEINT": ("bigint", 19, 0),
    "FLOAT": ("float", 17, 0),
    "DOUBLE": ("double", 17, 0),
    "VARCHAR": ("varchar", 2147483647, 0),
    "BLOB": ("varbinary", 1073741824, 0),
    "DATE": ("date", 0, 0),
    "TIME": ("time", 3, 0),
    "TIMESTAMP": ("timestamp", 3, 0),
    "TIMESTAMP WITH TIME ZONE": ("timestamp with time zone", 3, 0),
    "INTERVAL": ("interval day to second", 0, 0),
    "JSON": ("json", 0, 0),
    "UUID": ("uuid", 0, 0),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
_TOKEN = re.compile(r"\s*([A-Za-z_][\w$]*|\d+|[<>(),:]|`[^`]*`|\"[^\"]*\")")
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|(\S+)) (.+)', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w$]*")
_DEEPEST = 32
_LARGEST_DECIMAL = 38


@dataclass(frozen=True)
class ResultType:
    """The type of a column of a result.

    Args:
        name: ``varchar``, ``decimal``, ``array``.
        precision: As Athena tells it.
        scale: The same.
    """

    name: str
    precision: int = 0
    scale: int = 0


def result_type(duckdb_type: str) -> ResultType:
    """Return how Athena calls a type of DuckDB's in a result.

    Example:
        >>> result_type("DECIMAL(12,2)"), result_type("INTEGER[]").name
        (ResultType(name='decimal', precision=12, scale=2), 'array')
    """
    plain = duckdb_type.strip('"')
    if known := _RESULTS.get(plain):
        return ResultType(*known)
    if found := _DECIMAL.fullmatch(plain):
        return ResultType("decimal", int(found[1]), int(found[2]))
    if plain.endswith("]"):
        return ResultType("array")
    for beginning, name in (("MAP(", "map"), ("STRUCT(", "row"), ("TIMESTAMP", "timestamp")):
        if plain.startswith(beginning):
            return ResultType(name, 3 if name == "timestamp" else 0)
    # An untyped NULL: Presto's ``unknown``.
    return ResultType("varchar" if plain != "NULL" else "unknown", 0)


def hive_type(duckdb_type: str) -> str:
    """Return what Hive calls the type of a value: for tables that are made of queries' results.

    Example:
        >>> hive_type("VARCHAR"), hive_type("INTEGER[]"), hive_type("STRUCT(a INTEGER)")
        ('string', 'array<int>', 'struct<a:int>')
    """
    if duckdb_type.endswith("[]"):
        return f"array<{hive_type(duckdb_type[:-2])}>"
    if duckdb_type.startswith("MAP("):
        key, value = _split(duckdb_type[4:-1])
        return f"map<{hive_type(key)},{hive_type(value)}>"
    if duckdb_type.startswith("STRUCT("):
        return "struct<" + ",".join(map(_hive_member, _split(duckdb_type[7:-1]))) + ">"
    found = result_type(duckdb_type)
    if found.name == "decimal":
        return f"decimal({found.precision},{found.scale})"
    return {
        "varchar": "string",
        "integer": "int",
        "varbinary": "binary",
        "timestamp with time zone": "timestamp",
        "json": "string",
        "uuid": "string",
        "unknown": "string",
    }.get(found.name, found.name)


def _hive_member(field: str) -> str:
    """Return a field of a struct as Hive writes it: a name may be quoted, a type may have spaces in it."""
    found = _FIELD.fullmatch(field)
    if found is None:
        raise QueryError("INVALID_TYPE", f"Unknown type '{field[:200]}'")
    name = found[2] or found[1].replace('""', '"')
    return f"{name if _NAME.fullmatch(name) else f'`{name}`'}:{hive_type(found[3])}"


def duckdb_type(hive: str) -> str:
    """Return what DuckDB calls a column's type.

    Example:
        >>> duckdb_type("array<struct<a:int,b:string>>")
        'STRUCT("a" INTEGER, "b" VARCHAR)[]'

    Raises:
        QueryError: If it is no type of Hive's.
    """
    reader = _Types(hive)
    made = reader.type(0)
    if reader.position < len(reader.tokens):
        raise reader.refusal()
    return made


class _Types:
    """Reads the text of a type."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = _TOKEN.findall(text)
        self.position = 0
        if _TOKEN.sub("", text).strip():
            raise self.refusal()

    def refusal(self) -> QueryError:
        return QueryError("INVALID_TYPE", f"Unknown type '{self.text[:200]}'")

    def next(self) -> str:
        if self.position >= len(self.tokens):
            raise self.refusal()
        self.position += 1
        return str(self.tokens[self.position - 1])

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise self.refusal()

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def type(self, depth: int) -> str:
        if depth > _DEEPEST:
            raise self.refusal()
        name = self.next().lower()
        if name == "array":
            self.expect("<")
            inner = self.type(depth + 1)
            self.expect(">")
            return f"{inner}[]"
        if name == "map":
            self.expect("<")
            key = self.type(depth + 1)
            self.expect(",")
            value = self.type(depth + 1)
            self.expect(">")
            return f"MAP({key}, {value})"
        if name == "struct":
            return self.struct(depth)
        if name == "decimal":
            return self.decimal()
        if name not in _DUCKDB:
            raise self.refusal()
        if name in ("varchar", "char") and self.peek() == "(":
            self.numbers()
        return _DUCKDB[name]

    def struct(self, depth: int) -> str:
        self.expect("<")
        fields = []
        while True:
            token = self.next()
            name = token[1:-1] if token[0] in '`"' else token
            self.expect(":")
            quoted = name.replace('"', '""')
            fields.append(f'"{quoted}" {self.type(depth + 1)}')
            if self.peek() != ",":
                break
            self.next()
        self.expect(">")
        return f"STRUCT({', '.join(fields)})"

    def decimal(self) -> str:
        if self.peek() != "(":
            return "DECIMAL(10,0)"
        numbers = [*self.numbers(), 0]
        precision, scale = numbers[0], numbers[1]
        if not (1 <= precision <= _LARGEST_DECIMAL and 0 <= scale <= precision):
            raise self.refusal()
        return f"DECIMAL({precision},{scale})"

    def numbers(self) -> list[int]:
        self.expect("(")
        found = []
        while True:
            token = self.next()
            if not token.isdigit() or len(token) > len("2147483647"):
                raise self.refusal()
            found.append(int(token))
            if self.peek() != ",":
                break
            self.next()
        self.expect(")")
        return found


def _split(text: str) -> list[str]:
    """Split at the commas that are in no brackets and no quotes."""
    parts, depth, begin, is_quoted = [], 0, 0, False
    for index, letter in enumerate(text):
        if letter == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and not depth:
            parts.append(text[begin:index].strip())
            begin = index + 1
    return [*parts, text[begin:].strip()]
