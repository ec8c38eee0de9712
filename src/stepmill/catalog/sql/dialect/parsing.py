"""Reads statements: what a text asks for.

Source: Athena user guide, "DDL statements" and "SQL reference for Athena"; sagemaker SDK, ``as_hive_ddl``,
which writes columns one a line without commas between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepmill.catalog.sql.dialect.statements import (
    AddColumns,
    AddPartitions,
    CreateDatabase,
    CreateTableAs,
    CreateView,
    Drop,
    DropPartitions,
    InsertInto,
    Query,
    Show,
    Statement,
    TableName,
)
from stepmill.catalog.sql.dialect.table_definitions import columns_of, create_table, properties_of
from stepmill.catalog.sql.dialect.words import Kind, Word, Words
from stepmill.catalog.sql.faults import QueryError
from stepmill.core.json import JsonObject

# Athena runs them; nobody has asked for them here.
_NOT_OFFERED = """
    EXPLAIN UNLOAD PREPARE EXECUTE DEALLOCATE DELETE UPDATE MERGE VACUUM OPTIMIZE ANALYZE TRUNCATE GRANT
    REVOKE USE CALL RESET START COMMIT ROLLBACK
"""
_EXPECTED = "'ALTER', 'CREATE', 'DESCRIBE', 'DROP', 'INSERT', 'MSCK', 'SHOW', <query>"


def read_statement(text: str) -> Statement:
    """Return what a text asks for.

    Raises:
        MalformedQueryError: If it is no statement.
        QueryError: If it is one that is not offered.
    """
    words = Words(text)
    first = words.peek()
    keyword = first.value.upper() if first.kind in (Kind.NAME, Kind.SIGN) else ""
    if keyword in ("SELECT", "WITH", "VALUES", "("):
        return Query(text)
    if keyword in _NOT_OFFERED.split():
        raise QueryError("NOT_SUPPORTED", f"{keyword} is not supported", line=1, column=first.start + 1)
    read = _READERS.get(keyword)
    if read is None:
        raise words.refusal(_EXPECTED)
    words.next()
    statement = read(words)
    if not isinstance(statement, CreateTableAs | CreateView | InsertInto):
        # Those end with a query.
        words.end()
    return statement


def table_name(words: Words) -> TableName:
    """Read the name of a table: with its database, its catalog, or alone."""
    names = [words.name()]
    while words.take("."):
        names.append(words.name())
    if len(names) == 3 and names[0] == "awsdatacatalog":
        names = names[1:]
    if len(names) > 2:
        raise words.refusal()
    return TableName(names[0] if len(names) == 2 else "", names[-1])


def _create(words: Words) -> Statement:
    may_replace = words.take("OR", "REPLACE")
    if words.take("VIEW"):
        name = table_name(words)
        if words.take("COMMENT"):
            words.string()
        words.expect("AS")
        return CreateView(name, words.rest_from(_query(words)), may_replace)
    if may_replace:
        raise words.refusal("'VIEW'")
    if words.take("DATABASE") or words.take("SCHEMA"):
        return _create_database(words)
    is_external = words.take("EXTERNAL")
    words.expect("TABLE")
    may_exist = words.take("IF", "NOT", "EXISTS")
    name = table_name(words)
    if words.at("AS") or words.at("WITH"):
        return _create_as(words, name, may_exist=may_exist)
    return create_table(words, name, may_exist=may_exist, is_external=is_external)


def _create_database(words: Words) -> Statement:
    may_exist = words.take("IF", "NOT", "EXISTS")
    document: dict[str, object] = {"Name": words.name()}
    if words.take("COMMENT"):
        document["Description"] = words.string()
    if words.take("LOCATION"):
        document["LocationUri"] = words.string()
    if words.take("WITH", "DBPROPERTIES"):
        document["Parameters"] = properties_of(words)
    made: JsonObject = document  # type: ignore[assignment]
    return CreateDatabase(made, may_exist)


def _create_as(words: Words, name: TableName, *, may_exist: bool) -> Statement:
    properties: dict[str, str | tuple[str, ...]] = {}
    if words.take("WITH"):
        words.expect("(")
        while not words.take(")"):
            key = words.name()
            words.expect("=")
            properties[key] = _property_value(words)
            if not words.at(")"):
                words.expect(",")
    words.expect("AS")
    begin = _query(words)
    end: int | None = None
    with_data = True
    # At the very end may stand WITH DATA or WITH NO DATA.
    tail = [word.value.upper() for word in words.last(3)]
    if tail[-2:] == ["WITH", "DATA"]:
        end = words.last(2)[0].start
    elif tail == ["WITH", "NO", "DATA"]:
        end, with_data = words.last(3)[0].start, False
    return CreateTableAs(name, words.rest_from(begin, end), properties, may_exist, with_data)


def _property_value(words: Words) -> str | tuple[str, ...]:
    if not words.take("ARRAY"):
        word = words.next()
        return word.value
    words.expect("[")
    values = []
    while not words.take("]"):
        values.append(words.string())
        if not words.at("]"):
            words.expect(",")
    return tuple(values)


def _insert(words: Words) -> Statement:
    words.expect("INTO")
    name = table_name(words)
    columns: list[str] = []
    if words.at("(") and words.peek(1).value.upper() not in ("SELECT", "WITH", "VALUES", "("):
        words.expect("(")
        columns.append(words.name())
        while words.take(","):
            columns.append(words.name())
        words.expect(")")
    return InsertInto(name, tuple(columns), words.rest_from(_query(words)))


def _query(words: Words) -> Word:
    """Return the first word of the query that must follow."""
    word = words.peek()
    if word.value.upper() not in ("SELECT", "WITH", "VALUES", "("):
        raise words.refusal("<query>")
    return word


def _drop(words: Words) -> Statement:
    for kind, *others in (("TABLE",), ("VIEW",), ("DATABASE", "SCHEMA")):
        if any(words.take(word) for word in (kind, *others)):
            may_be_missing = words.take("IF", "EXISTS")
            if kind != "DATABASE":
                return Drop(kind, table_name(words), may_be_missing)
            name = TableName(words.name(), "")
            cascade = words.take("CASCADE")
            if not cascade:
                words.take("RESTRICT")
            return Drop(kind, name, may_be_missing, cascade)
    raise words.refusal("'DATABASE', 'TABLE', 'VIEW'")


def _show(words: Words) -> Statement:
    if words.take("DATABASES") or words.take("SCHEMAS"):
        words.take("LIKE")
        return Show("DATABASES", TableName("", ""), _pattern(words))
    for what in ("TABLES", "VIEWS"):
        if words.take(what):
            database = words.name() if words.take("IN") or words.take("FROM") else ""
            words.take("LIKE")
            return Show(what, TableName(database, ""), _pattern(words))
    if words.take("COLUMNS"):
        if not words.take("IN"):
            words.expect("FROM")
        name = table_name(words)
        if words.take("IN") or words.take("FROM"):
            name = TableName(words.name(), name.name)
        return Show("COLUMNS", name)
    for what in ("PARTITIONS", "TBLPROPERTIES"):
        if words.take(what):
            return Show(what, table_name(words))
    if words.take("CREATE"):
        if not words.take("VIEW"):
            words.expect("TABLE")
        return Show("CREATE", table_name(words))
    raise words.refusal("'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', 'TABLES', 'VIEWS'")


def _pattern(words: Words) -> str:
    return words.string() if words.peek().kind in (Kind.TEXT, Kind.QUOTED) else ""


def _describe(words: Words) -> Statement:
    if not words.take("EXTENDED"):
        words.take("FORMATTED")
    words.take("TABLE")
    return Show("DESCRIBE", table_name(words))


def _repair(words: Words) -> Statement:
    words.expect("REPAIR", "TABLE")
    return AddPartitions(table_name(words), (), may_exist=True, is_repair=True)


def _alter(words: Words) -> Statement:
    words.expect("TABLE")
    name = table_name(words)
    if words.take("ADD", "COLUMNS"):
        return AddColumns(name, tuple(columns_of(words)))
    if words.take("ADD"):
        may_exist = words.take("IF", "NOT", "EXISTS")
        added: list[tuple[Mapping[str, str], str]] = []
        while words.take("PARTITION"):
            values = _partition(words)
            added.append((values, words.string() if words.take("LOCATION") else ""))
        if added:
            return AddPartitions(name, tuple(added), may_exist)
    elif words.take("DROP"):
        may_be_missing = words.take("IF", "EXISTS")
        gone: list[Mapping[str, str]] = []
        while words.take("PARTITION"):
            gone.append(_partition(words))
            words.take(",")
        if gone:
            return DropPartitions(name, tuple(gone), may_be_missing)
    raise words.refusal("'ADD', 'DROP'")


def _partition(words: Words) -> Mapping[str, str]:
    words.expect("(")
    values = {}
    while True:
        key = words.name()
        words.expect("=")
        values[key] = words.next().value
        if not words.take(","):
            break
    words.expect(")")
    return values


_READERS: Mapping[str, Callable[[Words], Statement]] = {
    "CREATE": _create,
    "INSERT": _insert,
    "DROP": _drop,
    "SHOW": _show,
    "DESCRIBE": _describe,
    "DESC": _describe,
    "MSCK": _repair,
    "ALTER": _alter,
}
