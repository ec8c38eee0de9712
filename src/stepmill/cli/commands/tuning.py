"""``stepmill tuning``: tuning jobs, and what their trials found."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from stepmill.cli.context import AsJson, Limit, open_platform
from stepmill.cli.drawing import marked_job
from stepmill.cli.output import Output, moment, table
from stepmill.cli.trials import progress_text, trial_table
from stepmill.core.errors import NotFoundError

if TYPE_CHECKING:
    from stepmill.jobs.tuning.jobs import TuningView
    from stepmill.platform import Platform

_LOOK_S = 0.5
_FRAMES_PER_S = 4

tuning_app = typer.Typer(no_args_is_help=True, help="Tuning jobs and their trials.")


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(tuning_app, name="tuning")


@tuning_app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List tuning jobs, the newest first."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        views = platform.tuning_jobs.newest(limit)
    rows: list[list[str | Text]] = [
        [
            view.name,
            marked_job(str(view.status)),
            str(view.plan.strategy),
            progress_text(view),
            moment(view.created_at),
        ]
        for view in views
    ]
    columns = ["NAME", "STATUS", "STRATEGY", "TRIALS", "CREATED"]
    output.answer(
        [_document(view, with_trials=False) for view in views],
        table(columns, rows) if rows else "There is no tuning job yet.",
    )


@tuning_app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="Of the tuning job. [default: the newest]", show_default=False)
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show it until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the trials of a tuning job: status, objective, hyperparameters; the best one is marked."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        view = platform.tuning_jobs.get(name) if name else _newest(platform)
        if follow:
            view = _followed(platform, view, output)
    output.answer(_document(view, with_trials=True), trial_table(view, datetime.now(UTC)))


def _newest(platform: Platform) -> TuningView:
    for view in platform.tuning_jobs.newest(1):
        return view
    raise NotFoundError("There is no tuning job yet.", mend="A Tuning step or a client makes one.")


def _followed(platform: Platform, view: TuningView, output: Output) -> TuningView:
    """Show a tuning job until it has ended: drawn live on a terminal, else a line for what is new."""
    told = ""
    if not output.is_live or view.status.is_final:
        while not view.status.is_final:
            text = progress_text(view)
            if text != told:
                output.remark(text)
                told = text
            time.sleep(_LOOK_S)
            view = platform.tuning_jobs.get(view.name)
        return view
    drawing = _Drawing(view, output.console)
    with Live(drawing, console=output.console, refresh_per_second=_FRAMES_PER_S, transient=True):
        while not drawing.view.status.is_final:
            time.sleep(_LOOK_S)
            drawing.view = platform.tuning_jobs.get(view.name)
    return drawing.view


class _Drawing:
    """The drawing on a terminal. rich draws it again and again, on a thread of its own."""

    def __init__(self, view: TuningView, console: Console) -> None:
        self.view = view
        self._console = console

    def __rich__(self) -> RenderableType:
        # The terminal may be made larger or smaller meanwhile.
        return trial_table(self.view, datetime.now(UTC), most_rows=max(self._console.height - 6, 5))


def _document(view: TuningView, *, with_trials: bool) -> dict[str, Any]:
    best = view.best
    document: dict[str, Any] = {
        "name": view.name,
        "status": view.status,
        "strategy": view.plan.strategy,
        "step": view.step,
        "mostTrials": view.plan.most_trials,
        "ended": view.ended,
        "best": best.name if best is not None else None,
        "bestObjective": best.objective if best is not None else None,
        "createdAt": view.created_at,
        "endedAt": view.ended_at,
        "failureReason": view.reason,
        "notes": view.notes,
    }
    if with_trials:
        document["trials"] = [
            {
                "number": trial.number,
                "name": trial.name,
                "definition": view.plan.definitions[trial.definition].name,
                "status": trial.status,
                "objective": trial.objective,
                "hyperparameters": trial.tuned,
                "startedAt": trial.started_at,
                "endedAt": trial.ended_at,
                "failureReason": trial.reason,
            }
            for trial in view.trials
        ]
    return document
