"""Commands that look: list, show, history, logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.context import AsJson, ExecutionArgument, open_platform
from stepmill.cli.drawing import headline, step_table
from stepmill.cli.logs import follow_lines, log_lines
from stepmill.cli.output import Output, duration, moment, shortened, table
from stepmill.cli.progress import Progress
from stepmill.cli.steps import execution_document, step_lines, summary_document

if TYPE_CHECKING:
    from stepmill.engine.machines.summaries import MachineExecution
    from stepmill.engine.summaries import ExecutionSummary

Execution = Annotated[
    str,
    typer.Option("--execution", "-e", help="Of which execution. [default: the newest]", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("list")(list_)
    app.command()(show)
    app.command()(logs)


def list_(
    pipeline: Annotated[str, typer.Argument(help="Only this pipeline's.", show_default=False)] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List executions, newest first."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        executions = platform.executions.find(pipeline=pipeline or None, limit=limit).executions
        machines = platform.machine_executions.find(machine=pipeline or None, limit=limit).executions
        if pipeline and not executions and not machines:
            platform.pipelines.get(pipeline)
        if machines:
            _list_all(output, executions, machines, limit)
            return
    if not executions and not as_json:
        output.line("No executions yet. Start one with `stepmill run FILE`.")
        return
    rows = [
        [
            e.id,
            e.pipeline,
            str(e.version),
            _status(e),
            moment(e.created_at),
            duration(_took(e)),
            e.display_name,
        ]
        for e in executions
    ]
    columns = ["EXECUTION", "PIPELINE", "VERSION", "STATUS", "STARTED", "TIME", ""]
    output.answer([summary_document(e) for e in executions], table(columns, rows))


def _list_all(
    output: Output, executions: Sequence[ExecutionSummary], machines: Sequence[MachineExecution], limit: int
) -> None:
    """List executions of pipelines and of state machines together."""
    from stepmill.cli.machines.running import took

    rows: list[tuple[datetime, list[str], dict[str, object]]] = [
        (
            e.created_at,
            [
                e.id,
                e.pipeline,
                str(e.version),
                _status(e),
                moment(e.created_at),
                duration(_took(e)),
                e.display_name,
            ],
            summary_document(e),
        )
        for e in executions
    ]
    rows += [
        (
            m.started_at,
            [m.details.name, m.machine, "", str(m.status), moment(m.started_at), took(m), ""],
            {"name": m.details.name, "arn": m.arn, "machine": m.machine, "status": str(m.status),
             "startDate": m.started_at, "stopDate": m.details.stopped_at},
        )
        for m in machines
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0], reverse=True)
    columns = ["EXECUTION", "PIPELINE OR MACHINE", "VERSION", "STATUS", "STARTED", "TIME", ""]
    shown = rows[:limit]
    output.answer([document for *_, document in shown], table(columns, [cells for _, cells, _ in shown]))


def show(execution: ExecutionArgument = "", as_json: AsJson = False) -> None:
    """Show an execution: its graph, and how each step stands. With time, cache hit, metrics, remarks."""
    from stepmill.cli.machines.finding import find_machine_execution, is_of_a_machine

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        if is_of_a_machine(platform, execution):
            from stepmill.cli.machines.running import show_machine_execution

            show_machine_execution(output, platform, find_machine_execution(platform, execution))
            return
        found = platform.find_execution(execution)
        if as_json:
            output.json_line(execution_document(platform, found.id), indent=2)
            return
        progress = Progress.of(step_lines(platform, found.id))
        parameters = found.parameters
        isolations = {job.isolation for job in platform.jobs.of_execution(found.arn) if job.isolation}
    progress.status, progress.reason = found.status, found.failure_reason
    output.answer(
        None,
        headline(found.pipeline, found.id, progress, duration(_took(found))),
        table(
            ["", ""],
            [
                ["started", moment(found.created_at)],
                ["version", str(found.version)],
                *([["isolation", ", ".join(sorted(isolations))]] if isolations else []),
                *[[name, shortened(str(value))] for name, value in sorted(parameters.items())],
            ],
        ),
        step_table(progress, datetime.now(UTC), with_remarks=True),
    )
    if found.failure_reason:
        output.remark(f"\n{found.failure_reason}", "red")
    if found.is_interrupted:
        output.remark(f"\nNobody drives it. Go on with: stepmill resume {found.id}", "yellow")


def logs(
    step: Annotated[str, typer.Argument(help="Of which step. [default: all]", show_default=False)] = "",
    execution: Execution = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the steps have ended.")] = False,
    tail: Annotated[int | None, typer.Option(min=0, help="Only so many lines from the end.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print what the jobs of an execution wrote."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = platform.find_execution(execution)
        lines = (
            follow_lines(platform, found.id, step)
            if follow
            else log_lines(platform, found.id, step, tail=tail)
        )
        for line in lines:
            if as_json:
                output.json_line({"step": line.step, "at": line.at, "text": line.text})
            else:
                output.line(line.text if step else f"{line.step} | {line.text}")


def _took(execution: ExecutionSummary) -> timedelta:
    return (execution.modified_at if execution.status.is_final else datetime.now(UTC)) - execution.created_at


def _status(execution: ExecutionSummary) -> str:
    return f"{execution.status} (interrupted)" if execution.is_interrupted else execution.status
