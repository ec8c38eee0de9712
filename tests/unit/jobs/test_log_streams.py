"""Groups and streams, made of the records of jobs and the folders of their logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepmill.core.errors import NotFoundError
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.log_streams import LogStreams
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
from stepmill.storage.records import Record
from stepmill.storage.sql_records import SqlRecordStore
from support.job_data import open_store
from support.written_logs import WrittenLog

TRAINING, PROCESSING = "/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs"


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _, self.records = open_store(folder / "home")
        self.streams = LogStreams(self.records, folder)

    def job(self, name: str, kind: str = TRAINING_JOB, *, written: bool = True) -> str:
        """Make a job, with a log, and return its stream's name."""
        record = self._record(kind, name, {})
        if written:
            WrittenLog(self.folder / kind / name).write([b"line\n"])
        return f"{name}/algo-1-{int(record.created_at.timestamp())}"

    def call(self, function: str, job: str, *, written: bool = True) -> None:
        self._record(CALL_KIND, job, {"function": function})
        if written:
            WrittenLog(self.folder / CALL_KIND / job).write([b"line\n"])

    def names(self, group: str, prefix: str = "") -> list[str]:
        return [stream.name for stream in self.streams.streams(group, prefix)]

    def _record(self, kind: str, name: str, body: dict[str, str]) -> Record:
        records: SqlRecordStore = self.records
        return records.create(kind, name, body)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_each_host_of_a_job_has_a_stream(house: House) -> None:
    first = house.job("train")
    WrittenLog(house.folder / TRAINING_JOB / "train" / "hosts" / "algo-2").write([b"two\n"])
    second = first.replace("algo-1", "algo-2")
    assert house.names(TRAINING, "train/") == [first, second]
    assert house.streams.stream(TRAINING, second).folder.name == "algo-2"
    with pytest.raises(NotFoundError):
        house.streams.stream(TRAINING, first.replace("algo-1", "algo-3"))


def test_a_group_is_there_once_it_has_a_job(house: House) -> None:
    assert house.streams.groups() == []
    with pytest.raises(NotFoundError, match="The specified log group does not exist"):
        house.streams.streams(TRAINING)
    house.job("a", written=False)
    assert [group.name for group in house.streams.groups()] == [TRAINING]
    assert house.names(TRAINING) == []
    with pytest.raises(NotFoundError, match="log group"):
        house.streams.streams("/aws/sagemaker/Endpoints/x")


def test_groups_are_found_by_their_beginning(house: House) -> None:
    house.job("a")
    house.job("b", PROCESSING_JOB)
    house.call("scale", "scale-1")
    house.call("clean", "clean-1")
    house.call("clean", "clean-2")

    def names(prefix: str) -> list[str]:
        return [group.name for group in house.streams.groups(prefix)]

    assert names("") == ["/aws/lambda/clean", "/aws/lambda/scale", PROCESSING, TRAINING]
    assert names("/aws/lambda/c") == ["/aws/lambda/clean"]
    assert names("/aws/sagemaker/T") == [TRAINING]
    assert names("/other") == []


def test_the_streams_of_a_job_are_found_by_its_name(house: House) -> None:
    first, second = house.job("train"), house.job("train-2")
    house.job("train", PROCESSING_JOB)
    house.job("untrained", written=False)
    assert house.names(TRAINING) == [second, first]
    assert house.names(TRAINING, "train/") == [first]
    assert house.names(TRAINING, "train-") == [second]
    assert house.names(TRAINING, "TRAIN") == []
    assert house.names(TRAINING, "train/algo-2") == []
    assert house.names(TRAINING, "nobody/") == []
    assert house.streams.stream(TRAINING, first).folder == house.folder / TRAINING_JOB / "train"


@pytest.mark.parametrize("name", ["train", "train/", "train/algo-1-1", "/", "nobody/algo-1-1", ""])
def test_a_stream_that_is_not_there(house: House, name: str) -> None:
    house.job("train")
    with pytest.raises(NotFoundError, match="The specified log stream does not exist"):
        house.streams.stream(TRAINING, name)


def test_a_log_that_was_cleared_away_is_no_stream(house: House) -> None:
    name = house.job("train")
    (house.folder / TRAINING_JOB / "train" / "log").unlink()
    assert house.names(TRAINING) == []
    with pytest.raises(NotFoundError, match="log stream"):
        house.streams.stream(TRAINING, name)


def test_each_call_of_a_function_is_a_stream(house: House) -> None:
    house.call("scale", "scale-1")
    house.call("scale", "a-step-of-a-pipeline")
    house.call("scale", "scale-3", written=False)
    house.call("clean", "scale-2")
    assert house.names("/aws/lambda/scale") == ["a-step-of-a-pipeline", "scale-1"]
    assert house.names("/aws/lambda/scale", "scale") == ["scale-1"]
    assert house.streams.stream("/aws/lambda/scale", "scale-1").folder.name == "scale-1"
    with pytest.raises(NotFoundError, match="log stream"):
        house.streams.stream("/aws/lambda/scale", "scale-2")
    with pytest.raises(NotFoundError, match="log group"):
        house.streams.stream("/aws/lambda/none", "scale-2")
