"""What is noted of jobs and feature groups: once, and found again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.endpoint import JobIdentity
from stepmill.core.errors import StorageError
from stepmill.jobs.functions.calls import CALL_KIND
from stepmill.jobs.lineage import touches as module
from stepmill.jobs.lineage.touches import TOUCH_KIND, GroupTouches, Way, touches_of, written_by
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB
from support.keeping import Keeping, keeping

JOB = JobIdentity(TRAINING_JOB, "fit", "0123456789abcdef")
ARN = "arn:aws:sagemaker:us-west-2:123456789012:feature-group/shells"
SPELLED = {"shells": "Shells", "Shells": "Shells", ARN: "Shells", "orders": "orders"}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


class House:
    """Touches of a process, who counts what it asks and tells."""

    def __init__(self, kept: Keeping) -> None:
        self.records = kept.records
        self.looked: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.touches = GroupTouches(kept.records, self._look, lambda *job: self.told.append(job))

    def _look(self, group: str) -> str:
        self.looked.append(group)
        return SPELLED.get(group, "")

    def noted(self, job: JobIdentity = JOB) -> list[tuple[str, str]]:
        return [(one.group, str(one.way)) for one in touches_of(self.records, job)]


@pytest.fixture
def house(kept: Keeping) -> House:
    return House(kept)


def test_a_group_is_noted_once_for_each_way(house: House) -> None:
    for _ in range(3):
        house.touches.saw(JOB, ["Shells"], Way.WRITTEN)
    assert house.noted() == [("Shells", "written")]
    # Nobody is asked again.
    assert house.looked == ["Shells"]
    assert house.told == [(TRAINING_JOB, "fit")]
    house.touches.saw(JOB, ["Shells", "orders"], Way.READ)
    assert sorted(house.noted()) == [("Shells", "read"), ("Shells", "written"), ("orders", "read")]


def test_it_is_one_group_however_it_is_named(house: House) -> None:
    house.touches.saw(JOB, ["shells", "Shells", ARN], Way.READ)
    assert house.noted() == [("Shells", "read")]
    assert house.told == [(TRAINING_JOB, "fit")]


def test_another_process_finds_that_it_is_noted(house: House, kept: Keeping) -> None:
    house.touches.saw(JOB, ["Shells"], Way.READ)
    (first,) = touches_of(kept.records, JOB)
    other = House(kept)
    other.touches.saw(JOB, ["Shells"], Way.READ)
    assert touches_of(kept.records, JOB) == [first]
    assert other.told == []


def test_jobs_are_told_apart(house: House) -> None:
    others = [
        JobIdentity(PROCESSING_JOB, "fit", JOB.task),
        JobIdentity(TRAINING_JOB, "fit-2", JOB.task),
        JobIdentity(TRAINING_JOB, "fit", "another"),
    ]
    house.touches.saw(JOB, ["Shells"], Way.READ)
    assert [house.noted(one) for one in others] == [[], [], []]


def test_what_jobs_of_a_name_have_written_is_found(house: House, kept: Keeping) -> None:
    house.touches.saw(JOB, ["Shells"], Way.WRITTEN)
    house.touches.saw(JobIdentity(TRAINING_JOB, "fit", "another"), ["orders", "Shells"], Way.WRITTEN)
    house.touches.saw(JobIdentity(TRAINING_JOB, "fit-2", "x"), ["orders"], Way.WRITTEN)
    house.touches.saw(JobIdentity(PROCESSING_JOB, "fit", "x"), ["orders"], Way.WRITTEN)
    house.touches.saw(JobIdentity(PROCESSING_JOB, "asks", "x"), ["orders"], Way.READ)
    assert set(written_by(kept.records, TRAINING_JOB, "fit")) == {"Shells", "orders"}
    assert written_by(kept.records, PROCESSING_JOB, "asks") == []


def test_what_has_no_lineage_and_what_is_not_there_is_not_noted(house: House, kept: Keeping) -> None:
    house.touches.saw(JobIdentity(CALL_KIND, "call", "task"), ["Shells"], Way.READ)
    house.touches.saw(JOB, ["missing", ""], Way.READ)
    assert kept.records.list(TOUCH_KIND).records == ()


def test_what_could_not_be_noted_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as failing, caplog.at_level(logging.WARNING):
        failing.setattr(house.records, "create", full)
        house.touches.saw(JOB, ["Shells", "orders"], Way.WRITTEN)
    assert "fit has written the group Shells cannot be noted" in caplog.text
    house.touches.saw(JOB, ["Shells"], Way.WRITTEN)
    assert house.noted() == [("Shells", "written")]


def test_what_is_remembered_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 2)
    for group in ("Shells", "orders", "shells", "Shells"):
        house.touches.saw(JOB, [group], Way.READ)
    assert sorted(house.noted()) == [("Shells", "read"), ("orders", "read")]
    assert len(house.looked) == 4
