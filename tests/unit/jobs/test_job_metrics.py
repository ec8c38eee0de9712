"""What jobs measure and use, as CloudWatch names it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stepmill.compute.supervision.usage import SAMPLE, USAGE
from stepmill.core.statuses import JobStatus
from stepmill.jobs.job_metrics import JobMetrics, unit_of
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState
from stepmill.jobs.running_metrics import RunningMetrics
from stepmill.jobs.usage import memory_of_machine, peak_memory_bytes, usage_in
from support.job_data import T0, open_store

SPACE = "/aws/sagemaker/TrainingJobs"


class Watched:
    def __init__(self, folder: Path) -> None:
        records = open_store(folder / "home")[1]
        self.jobs = JobRecords(records, TRAINING_JOB)
        self.folder = folder / "jobs" / TRAINING_JOB / "job"
        self.metrics = JobMetrics(records, RunningMetrics(self.folder.parent, folder), folder / "jobs")
        self.jobs.open("job", {}, JobState("task", "arn", started_at=T0))

    def uses(self, cpu: float, gpu: float = -1.0, host: str = "") -> None:
        place = self.folder / "hosts" / host if host else self.folder
        place.mkdir(parents=True, exist_ok=True)
        with (place / USAGE).open("ab") as file:
            file.write(SAMPLE.pack(T0.timestamp(), cpu, 1 << 20, gpu, gpu))

    def values(self, name: str, host: str = "job/algo-1", space: str = SPACE) -> list[float]:
        return [value for _, value in self.metrics.points(space, name, {"Host": host})]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_what_a_job_uses_while_it_runs(watched: Watched) -> None:
    assert watched.values("CPUUtilization") == []
    watched.uses(50)
    watched.uses(150)
    assert watched.values("CPUUtilization") == [50, 150]
    assert watched.values("MemoryUtilization")[0] == pytest.approx(100 * (1 << 20) / memory_of_machine())
    assert watched.values("GPUUtilization") == []


def test_what_it_used_is_in_its_record_when_it_has_ended(watched: Watched) -> None:
    watched.uses(50, gpu=70)
    used = usage_in(watched.folder)
    watched.jobs.change(
        "job", lambda state: msgspec.structs.replace(state, status=JobStatus.COMPLETED, usage=used)
    )
    (watched.folder / USAGE).unlink()
    assert watched.values("GPUUtilization") == [70]
    assert peak_memory_bytes(used) == 1 << 20


def test_each_host_has_its_own(watched: Watched) -> None:
    watched.uses(10)
    watched.uses(20, host="algo-2")
    assert watched.values("CPUUtilization", "job/algo-2") == [20]
    found = [(m.name, m.value) for m in watched.metrics.names_of(watched.jobs.get("job"))]
    assert found == [
        (name, f"job/{host}")
        for host in ("algo-1", "algo-2")
        for name in ("CPUUtilization", "MemoryUtilization")
    ]


@pytest.mark.parametrize(
    ("name", "host", "space"),
    [
        ("Other", "job/algo-1", SPACE),
        ("CPUUtilization", "job/algo-3", SPACE),
        ("CPUUtilization", "job", SPACE),
        ("CPUUtilization", "nobody/algo-1", SPACE),
        ("CPUUtilization", "job/algo-1", "/aws/sagemaker/ProcessingJobs"),
        ("CPUUtilization", "job/algo-1", "mine"),
    ],
)
def test_what_nobody_measured(watched: Watched, name: str, host: str, space: str) -> None:
    watched.uses(10)
    assert watched.values(name, host, space) == []


def test_units() -> None:
    assert unit_of({"Host": "job/algo-1"}) == "Percent"
    assert unit_of({"TrainingJobName": "job"}) == "None"
