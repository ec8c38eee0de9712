"""``stepmill sql``: asks the tables of feature groups, and others over files, with SQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, table

if TYPE_CHECKING:
    from stepmill.catalog.sql.processes import ResultColumn

# So many fit on nobody's screen.
_MOST_SHOWN = 1000


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(sql)


def sql(
    query: Annotated[
        str,
        typer.Argument(help="SQL as Athena takes it; - reads it from standard input.", show_default=False),
    ],
    database: Annotated[
        str, typer.Option("--database", "-d", help="Where tables are looked up that name no database.")
    ] = "sagemaker_featurestore",
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV, all rows, as they come.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask feature groups and files with SQL."""
    from stepmill.catalog.sql.dialect.parsing import read_statement
    from stepmill.catalog.sql.dialect.statements import Query, Show
    from stepmill.catalog.sql.processes import Stop

    output = Output(as_json=as_json)
    statement = read_statement(sys.stdin.read() if query == "-" else query)
    kept = _Kept(
        is_streamed=as_csv, limit=None if as_json else _MOST_SHOWN, is_query=isinstance(statement, Query)
    )
    with open_platform(output) as platform:
        platform.objects.create_bucket(platform.settings.default_bucket, exist_ok=True)
        answered = platform.sql.answering.answer(
            statement,
            kept.keep,
            database=database,
            output=platform.sql.work_groups.output_of("primary", ""),
            stop=Stop(platform.sql.limits.time),
        )
    if as_csv:
        return
    names = [column.name for column in answered.columns]
    if not names or not isinstance(statement, Query | Show):
        output.answer({"rows": answered.rows}, *(["\n".join(kept.lines)] if kept.lines else ["Done."]))
        return
    rows = kept.rows()
    shown: list[list[str | Text]] = [
        [Text("NULL", "dim") if one is None else one for one in row] for row in rows
    ]
    output.answer([dict(zip(names, row, strict=False)) for row in rows], table(names, shown))
    if answered.rows > len(rows):
        output.remark(f"{answered.rows - len(rows)} more rows: --csv gives all.")


class _Kept:
    """The bytes of a result: written out as they come, or as much of them as is shown."""

    def __init__(self, *, is_streamed: bool, limit: int | None, is_query: bool) -> None:
        self._is_streamed = is_streamed
        self._limit = limit
        self._is_query = is_query
        self._rows: list[tuple[str | None, ...]] = []
        self.lines: list[str] = []

    def keep(self, _: Sequence[ResultColumn], pieces: Iterator[bytes]) -> None:
        if self._is_streamed:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        if not self._is_query:
            self.lines = b"".join(pieces).decode().splitlines()
            return
        from stepmill.catalog.sql.results import rows_of

        for number, row in enumerate(rows_of(pieces)):
            # The first one has the names.
            if number and (self._limit is None or number <= self._limit):
                self._rows.append(row)

    def rows(self) -> list[tuple[str | None, ...]]:
        """Return the rows that were kept; those of SHOW and DESCRIBE stand in lines."""
        if self._is_query:
            return self._rows
        return [tuple(part.strip() for part in line.split("\t")) for line in self.lines]
