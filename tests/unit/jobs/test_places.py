"""Where the hosts of a job work, and what they leave."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stepmill.jobs.host_folders import HostLogs, host_folders, merged_log
from stepmill.jobs.kinds import Workplace
from stepmill.jobs.places import outputs_of_all, workplaces
from stepmill.jobs.requests.data import Output
from stepmill.jobs.requests.hosts import Host
from stepmill.jobs.requests.processing import read_processing_request
from stepmill.storage.objects.uri import S3Uri
from support.job_data import processing_document
from support.written_logs import WrittenLog

TWO = (Host("algo-1"), Host("algo-2"))


def places(folder: Path) -> tuple[Workplace, ...]:
    request = read_processing_request(processing_document(), Path("/project"))
    return workplaces(replace(request, hosts=TWO), Workplace("job", "arn", folder))


def test_the_first_host_works_in_the_folder_of_the_job() -> None:
    first, second = places(Path("/jobs/job"))
    assert (first.folder, first.job_id) == (Path("/jobs/job"), "job")
    assert (second.folder, second.job_id) == (Path("/jobs/job/hosts/algo-2"), "job-algo-2")
    assert second.name == "job"


def test_folders_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("algo-10", "algo-2", "algo-x", "other"):
        (tmp_path / "hosts" / name).mkdir(parents=True)
    assert [name for name, _ in host_folders(tmp_path)] == ["algo-1", "algo-2", "algo-10"]
    assert host_folders(tmp_path / "nothing") == [("algo-1", tmp_path / "nothing")]


def test_the_files_of_all_hosts_go_to_one_place_and_the_first_wins(tmp_path: Path) -> None:
    both = places(tmp_path)
    for place in both:
        out = place.ml / "processing" / "out"
        out.mkdir(parents=True)
        (out / "same").write_text(place.host.name)
        (out / place.host.name).touch()
    outputs = [
        Output("out", "/opt/ml/processing/out", S3Uri("data", "out")),
        Output("own", "/opt/ml/processing/out", None),
    ]
    found = {str(to): path for to, path in outputs_of_all(both, outputs)}
    assert sorted(found) == ["s3://data/out/algo-1", "s3://data/out/algo-2", "s3://data/out/same"]
    assert found["s3://data/out/same"].read_text() == "algo-1"


@pytest.mark.parametrize(("second", "winner"), [(5, "algo-2"), (-5, "algo-1"), (0, "algo-1")])
def test_of_what_is_stored_meanwhile_the_last_wins(tmp_path: Path, second: int, winner: str) -> None:
    both = places(tmp_path)
    for place, moment in zip(both, (1_000, 1_000 + second), strict=True):
        folder = place.ml / "checkpoints"
        folder.mkdir(parents=True)
        (folder / "state").write_text(place.host.name)
        os.utime(folder / "state", (moment, moment))
    output = Output("checkpoints", "/opt/ml/checkpoints", S3Uri("data", "ck"), continuous=True)
    ((_, path),) = outputs_of_all(both, [output])
    assert path.read_text() == winner


def test_logs_are_merged_by_time(tmp_path: Path) -> None:
    first, second = WrittenLog(tmp_path), WrittenLog(tmp_path / "hosts" / "algo-2")
    first.write([b"1\n", b"4\n"], step=40_000)
    second.write([b"2\n", b"3\n"], step=30_000)
    assert [line.text for line in merged_log(tmp_path)] == ["2", "1", "3", "4"]


def test_logs_of_hosts_are_read_on_as_they_come(tmp_path: Path) -> None:
    first = WrittenLog(tmp_path)
    logs = HostLogs(tmp_path)
    first.write([b"1\nhal"])
    assert [line.text for line in logs.read(final=False)] == ["1"]
    WrittenLog(tmp_path / "hosts" / "algo-2").write([b"2\n"])
    first.write([b"f\n"])
    assert sorted(line.text for line in logs.read(final=False)) == ["2", "half"]
    assert list(logs.read(final=True)) == []


def test_a_host_that_has_left_nothing_is_passed_over(tmp_path: Path) -> None:
    first, second = places(tmp_path)
    out = second.ml / "processing" / "out"
    out.mkdir(parents=True)
    (out / "a").touch()
    output = Output("out", "/opt/ml/processing/out", S3Uri("data", "out"))
    assert outputs_of_all((first, second), [output]) == [(S3Uri("data", "out/a"), out / "a")]
