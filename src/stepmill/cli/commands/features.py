"""``stepmill features``: groups of features, tables into them, and their records as of any moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, counted, moment, table
from stepmill.core.errors import NotFoundError

if TYPE_CHECKING:
    import pyarrow as pa

    from stepmill.catalog.features.offline.ingest import Ingested
    from stepmill.catalog.features.offline.reads import Bounds

Group = Annotated[
    str, typer.Argument(metavar="GROUP", help="Name or ARN of a feature group.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write to this .parquet or .csv file.", show_default=False)
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", help="Only records up to this event time (UTC).", show_default=False),
]
Written = Annotated[
    datetime | None,
    typer.Option("--written-by", help="Only what was written by then (UTC).", show_default=False),
]
# More rows are for files, not for eyes.
_SHOWN = 20

features_app = typer.Typer(no_args_is_help=True, help="Feature groups and their records.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(features_app, name="features")


@features_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the feature groups."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        groups = list(platform.features.groups.all())
    rows = [
        [
            group.name,
            str(len(group.schema.features)),
            "yes" if group.online else "no",
            "yes" if group.offline else "no",
            moment(group.created_at),
        ]
        for group in groups
    ]
    shown = table(["GROUP", "FEATURES", "ONLINE", "OFFLINE", "CREATED"], rows)
    output.answer([group.request for group in groups], shown if rows else "There is no feature group yet.")


@features_app.command()
def show(group: Group, as_json: AsJson = False) -> None:
    """Show a group: its features and where its records are."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.features.groups.get(group)
    roles = {found.schema.record_identifier: "record identifier", found.schema.event_time: "event time"}
    rows = [
        [each.name, f"{each.collection or ''} {each.type}".strip(), roles.get(each.name, "")]
        for each in found.schema.features
    ]
    where = [str(found.offline.data)] if found.offline else []
    if found.offline and found.offline.table:
        where.append(f"Table of SQL: {found.offline.database}.{found.offline.table}")
    document = {**found.request, "FeatureDefinitions": found.schema.write()}
    output.answer(document, table(["FEATURE", "TYPE", ""], rows), *where)


@features_app.command()
def ingest(
    group: Group,
    file: Annotated[Path, typer.Argument(help="A .csv, .csv.gz or .parquet file, or a folder of them.")],
    ingest_id: Annotated[
        str,
        typer.Option(
            "--id", help="Given again, nothing is written twice. [default: of the rows]", show_default=False
        ),
    ] = "",
    offline_only: Annotated[bool, typer.Option(help="Leave the online store as it is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a table into a group: all of it, or nothing."""
    from stepmill.catalog.features.offline.tables import rows_in
    from stepmill.cli.row_progress import RowProgress

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.features.groups.get(group)
        try:
            with RowProgress(output.remarks, rows_in(file)) as progress:
                done = platform.features.ingests.ingest(
                    found, file, ingest_id=ingest_id, online=not offline_only, progress=progress
                )
        except KeyboardInterrupt:
            output.remark("The same command again takes in what is missing, and nothing twice.")
            raise
        platform.features.tidy(found)
    document = {
        "ingestId": done.ingest,
        "rows": done.rows,
        "files": done.files,
        "online": done.online,
        "new": done.is_new,
        "finished": list(done.finished),
    }
    output.answer(document, *_told(done))


def _told(done: Ingested) -> list[str]:
    others = [ingest for ingest in done.finished if ingest != done.ingest]
    told = [f"{each} had been interrupted, and is finished now." for each in others]
    if done.ingest in done.finished:
        told.append(f"These rows were taken in before, as {done.ingest}, which had been interrupted.")
        told.append("It is finished now: all rows are there, once.")
    elif not done.is_new:
        told.append(f"These rows were taken in before, as {done.ingest}. Nothing was written.")
    else:
        files, online = counted(done.files, "file"), counted(done.online, "identifier")
        told.append(f"{counted(done.rows, 'row')} in {files}, {online} online.")
    return told


@features_app.command()
def snapshot(
    group: Group, as_of: AsOf = None, written_by: Written = None, out: Out = None, as_json: AsJson = False
) -> None:
    """Show the newest record of each identifier."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.features.groups.get(group)
        rows = platform.features.offline.snapshot(found, bounds=_bounds(as_of, written_by))
    _give(output, rows, out)


@features_app.command()
def join(
    file: Annotated[Path, typer.Argument(help="Rows as .csv or .parquet, with a moment in each.")],
    groups: Annotated[
        list[str], typer.Argument(metavar="GROUP...", help="Groups; GROUP=COLUMN names the identifiers.")
    ],
    event_time: Annotated[str, typer.Option(help="Column with the moment that each row stands for.")],
    as_of: AsOf = None,
    written_by: Written = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Give each row the features that were known at its moment."""
    from stepmill.catalog.features.offline.reading import GroupToJoin
    from stepmill.catalog.features.offline.tables import read_table

    output = Output(as_json=as_json)
    rows = read_table(file)
    with open_platform(output) as platform:
        sides = []
        for each in groups:
            name, _, column = each.partition("=")
            sides.append(GroupToJoin(platform.features.groups.get(name), on=column))
        joined = platform.features.offline.join(
            rows, sides, event_time=event_time, bounds=_bounds(as_of, written_by)
        )
    _give(output, joined, out)


@features_app.command()
def get(
    group: Group,
    identifier: Annotated[str, typer.Argument(help="Whose record.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show a record as the online store has it."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.features.groups.get(group)
        values = platform.features.reading.get(found, identifier)
    if values is None:
        raise NotFoundError(f"The feature group {found.name!r} has no record {identifier[:80]!r} online.")
    shown = [[name, str(value)] for name, value in values.values.items()]
    output.answer(values.values, table(["FEATURE", "VALUE"], shown))


def _bounds(as_of: datetime | None, written_by: datetime | None) -> Bounds:
    from stepmill.catalog.features.offline.reads import Bounds

    # Typer's moments have no zone; the help says which one is meant.
    return Bounds(*(each and each.replace(tzinfo=UTC) for each in (as_of, written_by)))


def _give(output: Output, rows: pa.Table, out: Path | None) -> None:
    if out is not None:
        from stepmill.catalog.features.offline.tables import write_table

        write_table(rows, out)
        output.answer({"rows": rows.num_rows, "file": str(out)}, f"{counted(rows.num_rows, 'row')} in {out}.")
        return
    if output.as_json:
        output.answer(rows.to_pylist())
        return
    first = rows.slice(0, _SHOWN).to_pylist()
    shown = [["" if value is None else str(value) for value in row.values()] for row in first]
    more = rows.num_rows - len(first)
    rest = [f"... and {more} more: --out FILE has all."] if more > 0 else []
    output.answer(None, table([name.upper() for name in rows.column_names], shown), *rest)
