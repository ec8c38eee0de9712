"""``stepmill costs`` and ``stepmill prices``: what jobs would have cost, by a table that can be edited."""

from __future__ import annotations

import csv
import io
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, counted, duration, table
from stepmill.core.errors import InvalidInputError

if TYPE_CHECKING:
    from stepmill.jobs.costs import CostGroup

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COLUMNS = (
    "jobs", "training_seconds", "billable_seconds", "cost", "saved", "jobs_without_price", "kept_seconds",
)  # fmt: skip

prices_app = typer.Typer(no_args_is_help=True, help="The table of prices of instances.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(costs)
    app.add_typer(prices_app, name="prices")


def costs(
    by: Annotated[
        str, typer.Option(metavar="WHAT", help="`job`, `pipeline`, `step`, `type` or `tag:KEY`.")
    ] = "type",
    since: Annotated[
        str, typer.Option(metavar="SPAN", help="Only jobs of the last `30m`, `12h`, `7d`, `2w`.")
    ] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer in CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what jobs would have cost, and what spot saved."""
    from stepmill.jobs.costs import grouped, total

    output = Output(as_json=as_json)
    after = datetime.now(UTC) - read_span(since) if since else None
    with open_platform(output) as platform:
        groups = grouped(platform.costs.of_jobs(after), by)
        currency = platform.costs.prices().currency
    whole = total(groups)
    if as_csv:
        output.line(_csv_of(groups, by, currency))
        return
    documents = [{"name": each.name, **_document(each)} for each in groups]
    answer = {"by": by, "currency": currency, "groups": documents, "total": _document(whole)}
    rows = [_row(each) for each in [*groups, whole]]
    columns = [by.upper(), "JOBS", "TRAINING", "BILLABLE", f"COST {currency}", f"SAVED {currency}"]
    output.answer(answer, table(columns, rows) if groups else "No job has ended yet.")
    if whole.kept_seconds and not as_json:
        kept = duration(timedelta(seconds=whole.kept_seconds))
        output.remark(f"Warm pools were kept for {kept}, which COST counts as well.")
    if whole.without_price and not as_json:
        output.remark(
            f"The table has no price of {counted(whole.without_price, 'job')}: see `stepmill prices path`.",
            "yellow",
        )


@prices_app.command()
def path() -> None:
    """Print where your table of prices is, or would be."""
    output = Output()
    with open_platform(output) as platform:
        found = platform.costs.path
    output.line(str(found))
    if not found.exists():
        here = found.name if found.parent == Path.cwd() else shlex.quote(str(found))
        output.remark(f"It is not there yet: `stepmill prices show > {here}` makes it, with examples.")


@prices_app.command("show")
def show() -> None:
    """Print the table of prices that holds: yours, or the examples that ship with Stepmill."""
    output = Output()
    with open_platform(output) as platform:
        platform.costs.prices()  # whoever shows a wrong one is told what is wrong
        output.line(platform.costs.text().rstrip("\n"))


def read_span(text: str) -> timedelta:
    """Return a span of time.

    Raises:
        InvalidInputError: If it is none.

    Example:
        >>> read_span("7d")
        datetime.timedelta(days=7)
    """
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if match is None:
        raise InvalidInputError(
            f"{text[:100]!r} is no span of time.", mend="Write it like 30m, 12h, 7d or 2w."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _document(group: CostGroup) -> dict[str, float]:
    values = (
        group.jobs, round(group.seconds), round(group.billable_seconds), round(group.cost, 6),
        round(group.saved, 6), group.without_price, round(group.kept_seconds),
    )  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


def _row(group: CostGroup) -> list[str]:
    # Where no job has a price there is nothing to tell; where only some have, the sum is of those.
    is_known = group.without_price < group.jobs
    more = "+" if group.without_price else ""
    return [
        group.name,
        str(group.jobs),
        duration(timedelta(seconds=group.seconds)),
        duration(timedelta(seconds=group.billable_seconds)),
        f"{group.cost:.4f}{more}" if is_known else "no price",
        f"{group.saved:.4f}{more}" if is_known else "",
    ]


def _csv_of(groups: list[CostGroup], by: str, currency: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([by, *_COLUMNS, "currency"])
    for each in groups:
        # A name that begins like a formula would be one in a spreadsheet.
        name = f"'{each.name}" if each.name[:1] in ("=", "+", "-", "@") else each.name
        writer.writerow([name, *_document(each).values(), currency])
    return text.getvalue().rstrip("\n")
