"""A job on the terminal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from stepmill.cli.job_view import job_document, job_lines, jobs_table, listed_job
from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import (
    TRAINING_JOB,
    Attempt,
    JobRecords,
    JobState,
    Metric,
    MetricPoint,
    Usage,
)
from stepmill.storage.records import Record
from support.job_data import T0, open_store, training_document

S = timedelta(seconds=1)


def record(folder: Path, state: JobState) -> Record:
    return JobRecords(open_store(folder)[1], TRAINING_JOB).open("job-1", training_document(), state)


def shown(record: Record, used: tuple[Usage, ...] = ()) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        for line in job_lines(record, used):
            console.print(line)
    return captured.get()


def test_attempts_metrics_and_what_it_used(tmp_path: Path) -> None:
    points = tuple(MetricPoint(T0 + n * S, 1 / (n + 1)) for n in range(3))
    state = JobState(
        "task",
        "arn",
        status=JobStatus.COMPLETED,
        attempts=(Attempt(T0, T0 + 9 * S, "Interrupted"), Attempt(T0 + 20 * S, T0 + 50 * S)),
        metrics=(Metric("loss", points[-1], points),),
        notes=("attempt 1 was interrupted",),
    ).entered("Starting", T0)
    used = (Usage(T0, 50.0, 1 << 20), Usage(T0 + 10 * S, 150.0, 3 << 20))
    text = shown(record(tmp_path, state), used)
    assert "job-1  training-job, Completed" in text
    assert "Interrupted" in text
    assert "30.0 s" in text
    assert "█▃▁" in text
    assert "150 %" in text
    assert "100 %" in text
    assert "3 MiB" in text
    assert "GPU" not in text
    assert "note: attempt 1 was interrupted" in text


def test_a_short_one_was_not_sampled(tmp_path: Path) -> None:
    assert "was not sampled" in shown(record(tmp_path, JobState("task", "arn")))


def test_as_a_document(tmp_path: Path) -> None:
    state = JobState("task", "arn", attempts=(Attempt(T0, T0 + S, "Interrupted"),))
    document = job_document(record(tmp_path, state), (Usage(T0, 1.0, 2, 3.0, 4.0),))
    assert document["describe"]["TrainingJobName"] == "job-1"
    assert document["attempts"][0]["then"] == "Interrupted"
    (used,) = document["usage"]
    assert (used["cpu_percent"], used["memory_bytes"], used["gpu_percent"]) == (1.0, 2, 3.0)


class TestList:
    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (JobState("t", "arn").entered("Interrupted", T0), ["▸", "Executing", "(Interrupted)"]),
            (JobState("t", "arn", started_at=T0), ["▸", "Executing", "(Starting)", "9.0", "s"]),
            (
                JobState("t", "arn", status=JobStatus.COMPLETED, started_at=T0, ended_at=T0 + 2 * S),
                ["✓", "Succeeded", "2.0", "s"],
            ),
            (JobState("t", "arn", status=JobStatus.FAILED, secondary="Failed"), ["✗", "Failed"]),
        ],
    )
    def test_each_job_has_a_line(self, tmp_path: Path, state: JobState, words: list[str]) -> None:
        console = Console(width=120)
        with console.capture() as captured:
            console.print(jobs_table([record(tmp_path, state)], T0 + 9 * S))
        titles, line = captured.get().splitlines()
        assert titles.split() == ["NAME", "KIND", "STATUS", "TIME", "CREATED"]
        # What follows is when it was created.
        assert line.split()[:-2] == ["job-1", "training", *words]

    def test_as_json_it_is_told_in_the_words_of_the_wire(self, tmp_path: Path) -> None:
        listed = listed_job(record(tmp_path, JobState("t", "arn", step="Train", started_at=T0)))
        assert (listed["name"], listed["kind"], listed["step"]) == ("job-1", "training-job", "Train")
        assert (listed["status"], listed["secondaryStatus"]) == ("InProgress", "Starting")
        assert (listed["startedAt"], listed["endedAt"]) == (T0, None)
