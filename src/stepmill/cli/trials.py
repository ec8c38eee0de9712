"""What is shown of a tuning job: how far it is, on one line, and its trials as a table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stepmill.cli.drawing import marked_job
from stepmill.cli.output import duration, number
from stepmill.cli.progress import brief

if TYPE_CHECKING:
    from stepmill.jobs.tuning.jobs import TuningView
    from stepmill.jobs.tuning.trials import Trial
    from stepmill.platform import Platform
    from stepmill.storage.executions import HistoryRecord

# Between two looks at tuning jobs that run.
_LOOK_S = 1.0
_ENDED = frozenset({"StepSucceeded", "StepFailed", "StepStopped"})


def progress_text(view: TuningView) -> str:
    """Return how far a tuning job is: ``12/50 done, best 0.83 (trial 7)``."""
    text = f"{view.ended}/{view.plan.most_trials} done"
    best = view.best
    if best is None or best.objective is None:
        return text
    return f"{text}, best {number(best.objective)} (trial {best.number})"


class TuningNews:
    """Tells what is new of the tuning jobs of an execution. Where there are none, it costs nothing.

    Args:
        platform: Where they are.
        execution_arn: Of the execution.
        running: Names of the Tuning steps that run.
    """

    def __init__(self, platform: Platform, execution_arn: str, running: Iterable[str]) -> None:
        self._platform = platform
        self._arn = execution_arn
        self._running = set(running)
        self._told: dict[str, str] = {}
        self._next_look_s = 0.0

    def saw(self, record: HistoryRecord) -> Mapping[str, str]:
        """Take in one event of the history; return what is new when a tuning job has ended."""
        if record.type == "StepStarted" and record.body.get("type") == "Tuning":
            self._running.add(record.step)
        elif record.type in _ENDED and record.step in self._running:
            last = self._look()
            self._running.discard(record.step)
            return last
        return {}

    def news(self) -> Mapping[str, str]:
        """Return how far each tuning job is of which there is something new."""
        if not self._running or time.monotonic() < self._next_look_s:
            return {}
        return self._look()

    def _look(self) -> Mapping[str, str]:
        self._next_look_s = time.monotonic() + _LOOK_S
        views = self._platform.tuning_jobs.of_execution(self._arn)
        found = {view.step: progress_text(view) for view in views if view.step in self._running}
        new = {step: text for step, text in found.items() if self._told.get(step) != text}
        self._told.update(new)
        return new


def trial_table(view: TuningView, now: datetime, *, most_rows: int | None = None) -> Group:
    """Return a tuning job as a headline and a table of its trials; the best one is marked.

    Args:
        view: Of the tuning job.
        now: For the time of those that run.
        most_rows: Draw no more than these, the newest, each on one line.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for title in ("TRIAL", "STATUS"):
        table.add_column(title, no_wrap=True)
    several = len(view.plan.definitions) > 1
    if several:
        table.add_column("DEFINITION", no_wrap=True)
    table.add_column(Text(_objective_title(view)), justify="right", no_wrap=True)
    table.add_column("TIME", justify="right", no_wrap=True)
    table.add_column("HYPERPARAMETERS", overflow="fold")
    best = view.best.number if view.best is not None else 0
    shown = view.trials if most_rows is None else view.trials[-most_rows:]
    for trial in shown:
        cells: list[Text | str] = [
            Text(
                f"{trial.number}{' ★' if trial.number == best else ''}",
                style="bold" if trial.number == best else "",
            ),
            marked_job(str(trial.status)),
            *([view.plan.definitions[trial.definition].name] if several else []),
            number(trial.objective) if trial.objective is not None else "",
            duration(_took(trial, now)),
            _hyperparameters(trial, is_one_line=most_rows is not None),
        ]
        table.add_row(*cells)
    before = len(view.trials) - len(shown)
    remarks = [Text(f"... {before} before", style="dim")] if before else []
    return Group(_headline(view, now), *remarks, table)


def _headline(view: TuningView, now: datetime) -> Text:
    text = Text.assemble((view.name, "bold"), "  ")
    text.append_text(marked_job(str(view.status)))
    took = duration((view.ended_at or now) - view.created_at)
    text.append(f"  {progress_text(view)}  {took}", style="dim")
    for remark in (view.reason, *view.notes):
        if remark:
            text.append(f"\n{remark}", style="dim")
    return text


def _objective_title(view: TuningView) -> str:
    names = {definition.objective.metric for definition in view.plan.definitions}
    return names.pop() if len(names) == 1 else "OBJECTIVE"


def _took(trial: Trial, now: datetime) -> timedelta | None:
    return (trial.ended_at or now) - trial.started_at if trial.started_at else None


def _hyperparameters(trial: Trial, *, is_one_line: bool) -> Text:
    text = Text("  ".join(f"{name}={_brief(value)}" for name, value in trial.tuned.items()))
    if is_one_line:
        # Said of the column, it would be the others that get narrow.
        text.no_wrap, text.overflow = True, "ellipsis"
    return text.append(f"  {brief(trial.reason)}", style="red") if trial.reason else text


def _brief(value: str) -> str:
    """Return a value without the quotes of the SDK, and not longer than it is of use."""
    try:
        return number(float(value))
    except ValueError:
        return value.strip('"')
