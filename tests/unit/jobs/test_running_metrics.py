"""What a training job has measured is seen while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, Metric, MetricPoint, state_of
from stepmill.jobs.running_metrics import RunningMetrics
from support.job_data import IMAGE, T0, open_store, training_document
from support.written_logs import WrittenLog

LOSS = [{"Name": "loss", "Regex": "loss=(.*);"}, {"Name": "never", "Regex": "never=(.*);"}]


class Running:
    """A job that runs, its log, and whoever looks."""

    def __init__(self, folder: Path, definitions: Any = LOSS) -> None:
        self.records = JobRecords(open_store(folder / "home")[1], TRAINING_JOB)
        self.folder = folder / "jobs"
        algorithm = {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": definitions,
        }
        state = JobState("task", "arn", started_at=T0)
        self.records.open("job", training_document(AlgorithmSpecification=algorithm), state)
        (self.folder / "job").mkdir(parents=True)
        self.log = WrittenLog(self.folder / "job")
        self.metrics = RunningMetrics(self.folder, folder)

    def says(self, text: str) -> None:
        self.log.write([text.encode()])

    def seen(self) -> tuple[Metric, ...]:
        return state_of(self.metrics.seen(self.records.get("job"))).metrics


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def values(metrics: tuple[Metric, ...]) -> dict[str, list[float]]:
    return {metric.name: [point.value for point in metric.points] for metric in metrics}


def test_each_look_reads_on(running: Running) -> None:
    assert running.seen() == ()
    running.says("loss=0.5;\n")
    assert values(running.seen()) == {"loss": [0.5]}
    assert values(running.seen()) == {"loss": [0.5]}
    running.says("loss=0.25;\nloss=0.1")
    (metric,) = running.seen()
    assert values((metric,)) == {"loss": [0.5, 0.25]}
    assert metric.last.value == 0.25
    running.says("25;\n")
    assert values(running.seen()) == {"loss": [0.5, 0.25, 0.125]}


def test_many_values_are_thinned_and_the_last_one_is_known(running: Running) -> None:
    for number in range(5):
        running.says("".join(f"loss={number * 1000 + each};\n" for each in range(1000)))
        (metric,) = running.seen()
        assert metric.last.value == number * 1000 + 999
    assert 400 < len(metric.points) <= 1000


def test_one_that_has_ended_has_its_own(running: Running) -> None:
    running.says("loss=0.5;\n")
    known = Metric("loss", MetricPoint(T0, 7.0))
    running.records.change(
        "job", lambda state: msgspec.structs.replace(state, status=JobStatus.COMPLETED, metrics=(known,))
    )
    assert running.seen() == (known,)


def test_another_job_of_the_same_name_is_another_job(running: Running) -> None:
    running.says("loss=0.5;\n")
    assert values(running.seen()) == {"loss": [0.5]}
    running.records.change("job", lambda state: msgspec.structs.replace(state, task_id="task-2"))
    (running.folder / "job" / "log").unlink()
    assert running.seen() == ()


@pytest.mark.parametrize("definitions", [[], [{"Name": "loss", "Regex": "no group"}]])
def test_a_request_that_defines_none_has_none(tmp_path: Path, definitions: Any) -> None:
    running = Running(tmp_path, definitions)
    running.says("loss=0.5;\n")
    assert running.seen() == ()


def test_expressions_that_re2_does_not_know(tmp_path: Path) -> None:
    running = Running(tmp_path, [{"Name": "loss", "Regex": "(?<=loss=)([0-9.]+)"}])
    running.says("loss=0.5\n")
    assert values(running.seen()) == {"loss": [0.5]}


def test_the_logs_of_all_hosts_count(running: Running) -> None:
    running.says("loss=0.5;\n")
    assert values(running.seen()) == {"loss": [0.5]}
    WrittenLog(running.folder / "job" / "hosts" / "algo-2").write([b"loss=0.25;\n"])
    running.says("loss=0.125;\n")
    assert sorted(values(running.seen())["loss"]) == [0.125, 0.25, 0.5]
