"""``stepmill callbacks``: answer the Callback steps that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.commands.run import read_parameters
from stepmill.cli.context import AsJson, open_platform
from stepmill.cli.output import Output, table
from stepmill.core.json import write_json

if TYPE_CHECKING:
    from stepmill.jobs.callbacks import WaitingCallback

callbacks_app = typer.Typer(no_args_is_help=True, help="Callback steps that wait for an answer.")

Token = Annotated[str, typer.Argument(help="The token of the message; `stepmill callbacks list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(callbacks_app, name="callbacks")


@callbacks_app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the callbacks that wait, with the message that was sent."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        waiting = platform.callbacks.waiting()
    documents = [
        {
            "token": c.token,
            "execution": _execution(c),
            "step": c.step,
            "queue": c.queue_url,
            "arguments": c.arguments,
        }
        for c in waiting
    ]
    rows = [[c.token, _execution(c), c.step, c.queue_url, write_json(c.arguments)] for c in waiting]
    output.answer(
        documents,
        table(["TOKEN", "EXECUTION", "STEP", "QUEUE", "ARGUMENTS"], rows) if rows else "No callback waits.",
    )


def _execution(callback: WaitingCallback) -> str:
    return callback.execution_arn.rpartition("/")[2]


@callbacks_app.command()
def succeed(
    token: Token,
    result: Annotated[
        list[str] | None, typer.Option("--output", "-o", metavar="NAME=VALUE", help="An output of the step.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a callback succeed, with its outputs."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        platform.succeed_callback(token, read_parameters(result or []))
    output.answer({"token": token, "status": "Succeeded"}, "Answered: the step succeeds.")


@callbacks_app.command()
def fail(
    token: Token,
    reason: Annotated[str, typer.Option(help="Why; becomes the step's reason.")],
    as_json: AsJson = False,
) -> None:
    """Let a callback fail."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        platform.fail_callback(token, reason)
    output.answer({"token": token, "status": "Failed"}, "Answered: the step fails.")
