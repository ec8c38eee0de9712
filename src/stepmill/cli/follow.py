"""Follow an execution to its end: drawn live on a terminal, plain lines elsewhere, or JSON lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from rich.console import Group, RenderableType
from rich.live import Live

from stepmill.cli.drawing import headline, step_table
from stepmill.cli.output import Output, duration
from stepmill.cli.progress import Progress, brief
from stepmill.cli.steps import step_lines
from stepmill.cli.trials import TuningNews

if TYPE_CHECKING:
    from stepmill.engine.summaries import ExecutionSummary
    from stepmill.platform import Platform
    from stepmill.storage.executions import HistoryRecord

# How long to sleep between two looks at an execution that another process drives.
_LOOK = timedelta(seconds=0.2)
_FRAMES_PER_S = 8
# Above so many steps drawing costs more than it is worth at full speed.
_MANY_STEPS = 300


class Watcher(Protocol):
    """Shows what happens."""

    def saw(self, record: HistoryRecord) -> None:
        """Take in one event of the history."""
        ...

    def heard(self, step: str, text: str) -> None:
        """Take in how far a step is that takes long."""
        ...


@dataclass
class _Live:
    """The drawing on a terminal. rich draws it again and again, on a thread of its own."""

    progress: Progress
    execution: ExecutionSummary
    height: int

    def saw(self, record: HistoryRecord) -> None:
        self.progress.apply(record.type, record.step, record.at, record.body)

    def heard(self, step: str, text: str) -> None:
        self.progress.note(step, text)

    def __rich__(self) -> RenderableType:
        now = datetime.now(UTC)
        took = duration(now - self.execution.created_at)
        return Group(
            headline(self.execution.pipeline, self.execution.id, self.progress, took),
            step_table(self.progress, now, most_rows=max(self.height - 6, 5)),
        )


@dataclass
class _Plain:
    """One line per event, for logs and pipes."""

    output: Output
    progress: Progress

    def saw(self, record: HistoryRecord) -> None:
        line = self.progress.lines.get(record.step)
        known = len(line.remarks) if line else 0
        self.progress.apply(record.type, record.step, record.at, record.body)
        text = self._text(record, known)
        if text:
            self.output.line(f"{record.at.astimezone():%H:%M:%S} {text}")

    def heard(self, step: str, text: str) -> None:
        self.progress.note(step, text)
        self.output.line(f"{datetime.now().astimezone():%H:%M:%S} {step}: {text}")

    def _text(self, record: HistoryRecord, known_remarks: int) -> str:
        if not record.step:
            reason = f": {self.progress.reason}" if self.progress.reason else ""
            return f"{self.progress.status}{reason}"
        line = self.progress.lines[record.step]
        took = duration(line.took(record.at))
        facts = "".join(f"  {fact}" for fact in line.facts)
        match record.type:
            case "StepStarted":
                return f"{line.name}: started" + (f" (attempt {line.attempt})" if line.attempt > 1 else "")
            case "StepSucceeded":
                return f"{line.name}: succeeded in {took}{' (cached)' if line.reused else ''}{facts}"
            case "StepFailed":
                return f"{line.name}: failed after {took}: {brief(line.reason)}"
            case "StepStopped":
                return f"{line.name}: stopped after {took}"
            case "StepRetryScheduled":
                return f"{line.name}: will be tried again: {brief(line.reason)}"
            case "StepReused":
                return f"{line.name}: taken over from an earlier execution"
            case "StepRunning":
                remarks = "; ".join(line.remarks[known_remarks:])
                if line.type == "Callback" and facts:
                    remarks = (
                        f"waits for an answer: stepmill callbacks succeed{facts.removeprefix('  token')}"
                    )
                return f"{line.name}: {remarks}" if remarks else ""
        return ""


@dataclass
class _JsonLines:
    """One JSON document per event."""

    output: Output

    def saw(self, record: HistoryRecord) -> None:
        self.output.json_line(
            {
                "position": record.position,
                "at": record.at,
                "type": record.type,
                "step": record.step,
                "body": record.body,
            }
        )

    def heard(self, step: str, text: str) -> None:
        """Nothing: what is told for humans is no event."""


@contextmanager
def watcher(output: Output, platform: Platform, execution: ExecutionSummary) -> Iterator[Watcher]:
    """Give the watcher that fits the output; a live drawing stays on the screen as it was last."""
    if output.as_json:
        yield _JsonLines(output)
        return
    progress = Progress.of(step_lines(platform, execution.id))
    if not output.is_live:
        yield _Plain(output, progress)
        return
    drawing = _Live(progress, execution, output.console.height)
    rate = 1 if len(progress.lines) > _MANY_STEPS else _FRAMES_PER_S
    with Live(drawing, console=output.console, refresh_per_second=rate, transient=True):
        yield drawing


@dataclass
class Shown:
    """How far the history of an execution has been shown.

    Args:
        position: Of the last event that was shown, or that need not be.
    """

    position: int = 0
    # An execution that is retried is at its end until the retry is taken in: an end counts if it is
    # a later one.
    begun_at: int = field(init=False)

    def __post_init__(self) -> None:
        self.begun_at = self.position


def follow(platform: Platform, execution: str, watching: Watcher, shown: Shown) -> None:
    """Show all that happens until the execution has ended. If nobody drives it any more, this process does.

    Args:
        platform: Where it runs.
        execution: Its id.
        watching: Who shows it.
        shown: What has been shown; moved on with each event.
    """
    summary = platform.executions.describe(execution)
    views = platform.executions.step_views(execution) if shown.position else ()
    running = (view.name for view in views if view.step.type == "Tuning" and str(view.status) == "Executing")
    news = TuningNews(platform, summary.arn, running)
    while True:
        for record in platform.executions.history(execution, after_position=shown.position):
            for step, text in news.saw(record).items():
                watching.heard(step, text)
            watching.saw(record)
            shown.position = record.position
        for step, text in news.news().items():
            watching.heard(step, text)
        summary = platform.engine.wait_for_progress(execution, shown.position, _LOOK)
        if summary.position > shown.position:
            continue
        if summary.is_interrupted:
            platform.engine.resume(execution)
        elif summary.status.is_final:
            if summary.position > shown.begun_at:
                return
            time.sleep(_LOOK.total_seconds())
