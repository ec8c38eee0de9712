"""What one sees of an execution."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console, RenderableType

from stepmill.cli.drawing import headline, marked, step_table
from stepmill.cli.progress import Progress, StepLine
from stepmill.core.statuses import PipelineExecutionStatus, StepStatus
from stepmill.engine.interpreters.pipelines.listing import Standing

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def text_of(renderable: RenderableType) -> str:
    stream = io.StringIO()
    Console(file=stream, width=160, color_system=None).print(renderable)
    return stream.getvalue()


PROGRESS = Progress.of(
    [
        StepLine(
            "Prepare", "Processing", "Succeeded", (), NOW - timedelta(seconds=9), NOW, 1, reused="cached"
        ),
        StepLine("Train", "Training", "Executing", ("Prepare",), NOW - timedelta(seconds=2), attempt=2),
        StepLine("Check", "Condition", "Waiting", ("Train", "Prepare")),
        StepLine("Register", "RegisterModel", "NotTaken", ("Check",)),
        StepLine("Stop", "Fail", "Failed", ("Check",), NOW, NOW, 1, reason="mse [5] too high\nmore"),
    ]
)


def test_every_step_has_its_line_below_what_it_waits_for() -> None:
    lines = text_of(step_table(PROGRESS, NOW)).splitlines()
    assert [line.split()[0] for line in lines] == ["STEP", "Prepare", "└─", "└─", "├─", "└─"]
    assert "cached" in lines[1]
    assert "attempt 2" in lines[2]
    assert "2.0 s" in lines[2]
    assert "also after Prepare" in lines[3]
    assert "not taken" in lines[4]


def test_a_reason_is_shown_as_it_is_on_one_line() -> None:
    text = text_of(step_table(PROGRESS, NOW))
    assert "mse [5] too high" in text
    assert "more" not in text


def test_where_there_is_no_room_the_running_steps_stay() -> None:
    many = Progress.of(
        [StepLine(f"s{n}", status="Succeeded") for n in range(50)]
        + [StepLine("busy", status="Executing"), StepLine("broken", status="Failed")]
    )
    text = text_of(step_table(many, NOW, most_rows=5))
    assert "busy" in text
    assert "broken" in text
    assert "... and 47 more" in text


def test_remarks_are_shown_on_request() -> None:
    progress = Progress.of([StepLine("A", remarks=("missed: alpha 1 -> 2",))])
    assert "missed" not in text_of(step_table(progress, NOW))
    assert "missed: alpha 1 -> 2" in text_of(step_table(progress, NOW, with_remarks=True))


def test_the_headline_counts_what_can_still_come() -> None:
    text = text_of(headline("Diabetes", "abc123", PROGRESS, "9.0 s"))
    assert "Diabetes abc123" in text
    assert "1/4 steps" in text


def test_every_status_has_a_mark() -> None:
    for status in [*PipelineExecutionStatus, *StepStatus, *Standing]:
        assert not marked(str(status)).plain.startswith("?"), status
