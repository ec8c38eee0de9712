"""Commands that only executions of state machines have: history, redrive."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from stepmill.cli.context import AsJson, ExecutionArgument, open_platform
from stepmill.cli.output import Output, shortened, table


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(history)
    app.command()(redrive)


def history(
    execution: ExecutionArgument = "",
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="The last event first.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many events.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the events of an execution of a state machine. As JSON: a line each, as AWS tells them."""
    from itertools import islice

    from stepmill.cli.machines.finding import find_machine_execution
    from stepmill.cli.machines.running import event_document, records_of

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = find_machine_execution(platform, execution)
        records = records_of(platform, found.id)
        events = reversed(list(records)) if reverse else records
        if as_json:
            for record in islice(events, limit):
                output.json_line(event_document(record))
            return
        rows = []
        for record in islice(events, limit):
            details = {name: value for name, value in record.body.items() if name != "previousEventId"}
            told = json.dumps(next(iter(details.values()), {}), ensure_ascii=False)
            before = str(record.body.get("previousEventId", ""))
            moment = f"{record.at.astimezone():%H:%M:%S.%f}"[:-3]
            rows.append(
                [str(record.position), before, moment, record.type, record.step, shortened(told, 120)]
            )
    output.answer(None, table(["ID", "AFTER", "TIME", "EVENT", "STATE", ""], rows))


def redrive(execution: ExecutionArgument = "", as_json: AsJson = False) -> None:
    """Go on with a state machine from where it failed. What succeeded is kept."""
    from stepmill.cli.machines.finding import find_machine_execution
    from stepmill.cli.machines.running import end_with
    from stepmill.engine.interpreters.states.events import RedriveRequested

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        found = find_machine_execution(platform, execution)
        platform.machine_control.redrive(found.id, RedriveRequested())
        end_with(output, platform, found.id, found.position)
