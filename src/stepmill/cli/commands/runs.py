"""``stepmill runs``: what was run, with which parameters, and what came of it; compared, and exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from stepmill.cli.context import AsJson, Limit, open_platform
from stepmill.cli.curves import picture, sparkline
from stepmill.cli.output import Output, counted, duration, moment, number, table
from stepmill.core.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from stepmill.catalog.runs import Run, Value
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.engine.summaries import ExecutionSummary
    from stepmill.platform import Platform

Reference = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Id of an execution, or name or title of a run.", show_default=False),
]
References = Annotated[list[str], typer.Argument(metavar="RUN...", help="Two or more.", show_default=False)]
Experiment = Annotated[str, typer.Option(help="Only the runs of this experiment.", show_default=False)]
WithJobs = Annotated[bool, typer.Option("--jobs", help="Each job of an execution, too, as a run.")]

# So many metrics and parameters get a column where none was named; all are in `show` and `export`.
_MOST_COLUMNS = 5
# Of a series so many values at most are drawn; a longer one is thinned while it is read.
_MOST_DRAWN = 2000

runs_app = typer.Typer(no_args_is_help=True, help="What was run, with what, and what came of it.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(runs_app, name="runs")


@runs_app.command("list")
def list_(
    experiment: Experiment = "",
    sort: Annotated[
        str, typer.Option(metavar="NAME", help="The greatest of this metric or parameter first.")
    ] = "",
    ascending: Annotated[bool, typer.Option("--ascending", help="The smallest first.")] = False,
    jobs: WithJobs = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    from stepmill.catalog.runs import rows_of

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        if sort:
            found = _sorted(platform.runs.list(experiment=experiment, jobs=jobs), sort, ascending=ascending)
            shown, has_more = list(found[:limit]), len(found) > limit
        else:
            newest = platform.runs.newest(limit, experiment=experiment, jobs=jobs)
            shown, has_more = list(newest.runs), newest.has_more
    if not shown:
        output.remark("There are no runs yet.")
    output.answer(rows_of(shown), _listing(shown, sort))
    if has_more:
        output.remark("There are more: --limit shows more, `stepmill runs export` all.")


@runs_app.command()
def show(
    run: Reference,
    metric: Annotated[
        list[str] | None, typer.Option(help="Draw this metric's curve.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a run: parameters, metrics with their curves, inputs, outputs, code, environment, machine."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = _found(platform, run)
        drawn = {name: _series(platform, found, name) for name in metric or found.metrics}
        environments = {name: len(packages) for name, packages in platform.runs.packages([found]).items()}
    if metric:
        output.answer(drawn, *_pictures(drawn))
        return
    output.answer(_document(found, drawn), *_described(found, drawn, environments))


@runs_app.command()
def compare(
    runs: References,
    metric: Annotated[str, typer.Option(help="Draw this metric of each.", show_default=False)] = "",
    as_json: AsJson = False,
) -> None:
    """Compare runs: what differs in parameters, metrics, code, data, environment and machine."""
    from stepmill.catalog.runs import differences

    if len(runs) < 2:
        raise InvalidInputError("One run is nothing to compare.", mend="Name two or more.")
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = [_found(platform, one) for one in runs]
        unlike = differences(found, platform.runs.packages(found))
        drawn = {
            f"{one.name} {metric}": _series(platform, one, metric)
            for one in found
            if metric and metric in one.metrics
        }
    document = {"runs": [one.name for one in found], "differences": unlike}
    parts: list[RenderableType] = []
    for section, rows in unlike.items():
        parts.append(Text(section, style="bold"))
        sides = [[name, *(_cell(value) for value in values)] for name, values in rows.items()]
        parts.append(table(["", *(_short(one) for one in found)], sides))
    if not unlike:
        parts.append(Text("They do not differ."))
    output.answer(document, *parts, *_pictures(drawn))


@runs_app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .parquet or .json.")],
    experiment: Experiment = "",
    jobs: WithJobs = False,
) -> None:
    """Write a table of all runs to a file, a row each."""
    from stepmill.catalog.runs import rows_of
    from stepmill.platform.run_tables import write_rows

    output = Output()
    with open_platform(output) as platform:
        rows = rows_of(platform.runs.list(experiment=experiment, jobs=jobs))
    write_rows(rows, file)
    output.remark(f"Wrote {counted(len(rows), 'run')} to {file}.")


def _found(platform: Platform, reference: str) -> Run:
    """Return the run that is meant: an execution's, or that of a trial component."""
    execution: ExecutionSummary | MachineExecution | None
    try:
        execution = platform.find_execution(reference)
    except (NotFoundError, InvalidInputError):
        execution = _machine_execution(platform, reference)
    return platform.runs.get(reference, execution)


def _machine_execution(platform: Platform, reference: str) -> MachineExecution | None:
    """Return the execution of a state machine that has this ARN or this name, none that begins so."""
    from stepmill.cli.machines.finding import find_machine_execution

    try:
        found = find_machine_execution(platform, reference)
    except NotFoundError:
        return None
    return found if reference in (found.arn, found.details.name) else None


def _series(platform: Platform, run: Run, metric: str) -> list[float]:
    """Return the values of a metric by step, if all have one; of a long series only some, evenly."""
    every = 1
    measured = run.metrics.get(metric)
    if measured is not None:
        every = max(1, measured.summary.count // _MOST_DRAWN)
    points = [point for index, point in enumerate(platform.runs.points(run, metric)) if index % every == 0]
    if all(point.step is not None for point in points):
        points.sort(key=lambda point: point.step or 0)
    return [point.value for point in points]


def _sorted(runs: Sequence[Run], sort: str, *, ascending: bool) -> list[Run]:
    from stepmill.engine.runs import sort_key

    known, unknown = _split(runs, sort)
    if runs and not known:
        raise InvalidInputError(f"No run has a metric or parameter {sort!r}.", mend=_known_metrics(runs))
    known.sort(key=lambda run: sort_key(run, sort), reverse=not ascending)
    return [*known, *unknown]


def _split(runs: Sequence[Run], sort: str) -> tuple[list[Run], list[Run]]:
    from stepmill.engine.runs import sort_key

    known = [run for run in runs if sort_key(run, sort)[0]]
    names = {id(run) for run in known}
    return known, [run for run in runs if id(run) not in names]


def _known_metrics(runs: Sequence[Run]) -> str:
    names = sorted({name for run in runs for name in run.metrics})
    return f"Metrics here: {', '.join(names[:20])}." if names else "No run has any metric."


def _listing(runs: Sequence[Run], sort: str) -> RenderableType:
    metrics = list(dict.fromkeys([*([sort] if sort else []), *_common(run.metrics for run in runs)]))
    # Those of jobs' machines are alike mostly.
    parameters = [
        name
        for name in _common(run.parameters for run in runs)
        if name not in metrics and not name.startswith("SageMaker.")
    ]
    columns = [*metrics[:_MOST_COLUMNS], *parameters[:_MOST_COLUMNS]]
    rows = [
        [
            run.name,
            run.title if run.title != run.name else "",
            run.experiment,
            run.status,
            moment(run.created_at),
            duration(run.duration),
            *(_cell(run.last(name) if name in run.metrics else run.parameters.get(name)) for name in columns),
        ]
        for run in runs
    ]
    return table(["RUN", "TITLE", "EXPERIMENT", "STATUS", "CREATED", "TIME", *columns], rows)


def _common(names: object) -> list[str]:
    """Return names, those that most have first."""
    from collections import Counter
    from typing import cast

    counts = Counter(name for one in cast("Sequence[Mapping[str, object]]", names) for name in one)
    return sorted(counts, key=lambda name: (-counts[name], name))


def _described(
    run: Run, drawn: Mapping[str, Sequence[float]], environments: Mapping[str, int]
) -> list[RenderableType]:
    head = [
        ["kind", str(run.kind)],
        ["title", run.title],
        ["experiment", run.experiment],
        ["status", run.status],
        ["reason", run.reason],
        ["started", moment(run.started_at or run.created_at)],
        ["time", duration(run.duration)],
        ["execution", run.execution],
    ]
    parts: list[RenderableType] = [Text(run.name, style="bold")]
    parts.append(table(["", ""], [row for row in head if row[1]]))
    if run.metrics:
        rows = [
            [
                name,
                number(found.summary.last),
                number(found.summary.least),
                number(found.summary.greatest),
                str(found.summary.count),
                sparkline(drawn.get(name, ())),
            ]
            for name, found in run.metrics.items()
        ]
        parts += [Text(), table(["METRIC", "LAST", "LEAST", "GREATEST", "VALUES", ""], rows)]
    packages = {
        name or "packages": f"{digest} ({counted(environments.get(digest, 0), 'package')})"
        for name, digest in run.environments.items()
    }
    for title, entries in (
        ("PARAMETER", run.parameters),
        ("TAG", run.tags),
        ("INPUT", run.inputs),
        ("OUTPUT", run.outputs),
        ("CODE", run.code),
        ("ENVIRONMENT", packages),
        ("MACHINE", {name: str(value) for name, value in run.machine.items()}),
    ):
        if entries:
            parts += [Text(), table([title, ""], [[name, _cell(one)] for name, one in entries.items()])]
    return parts


def _pictures(drawn: Mapping[str, Sequence[float]]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for name, values in drawn.items():
        parts.append(Text(name, style="bold"))
        parts.extend(Text(line) for line in picture(values) or ["no value that could be drawn"])
    return parts


def _document(run: Run, drawn: Mapping[str, Sequence[float]]) -> dict[str, object]:
    from stepmill.catalog.runs import head_of

    return {
        **head_of(run),
        "reason": run.reason,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "execution": run.execution,
        "parameters": run.parameters,
        "metrics": {
            name: {
                "last": found.summary.last,
                "least": found.summary.least,
                "greatest": found.summary.greatest,
                "mean": found.summary.mean,
                "count": found.summary.count,
                "values": drawn.get(name, ()),
            }
            for name, found in run.metrics.items()
        },
        "tags": run.tags,
        "inputs": run.inputs,
        "outputs": run.outputs,
        "code": run.code,
        "environments": run.environments,
        "machine": run.machine,
    }


def _short(run: Run) -> str:
    return run.name if len(run.name) <= 24 else f"{run.name[:21]}..."


def _cell(value: Value | datetime) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value)
    return str(value)
