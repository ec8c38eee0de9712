from __future__ import annotations

import pytest

from stepmill.engine.endings import Ending, Endings
from stepmill.storage.executions import ExecutionChange
from support.executions import NOON

CHANGE = ExecutionChange("abc", "me", 0, 1, "SUCCEEDED", NOON, ends=True)


def test_whoever_listens_is_told_once() -> None:
    endings = Endings()
    told: list[Ending] = []
    endings.listen("abc", told.append)
    endings.listen("other", told.append)
    endings.tell(CHANGE)
    endings.tell(CHANGE)
    assert told == [Ending("abc", CHANGE)]


def test_whoever_listens_no_more_is_not_told() -> None:
    endings = Endings()
    told: list[Ending] = []
    endings.listen("abc", told.append)
    assert endings.forget("abc")
    endings.tell(CHANGE)
    assert told == []
    assert not endings.forget("abc")


def test_a_listener_that_fails_does_not_end_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    endings = Endings()

    def fail(_ending: Ending) -> None:
        raise ZeroDivisionError("a bug")

    endings.listen("abc", fail)
    endings.tell(CHANGE)
    assert "a bug" in caplog.text


def test_those_who_listen_to_all_are_told_of_each() -> None:
    endings = Endings()
    told: list[Ending] = []
    endings.listen_to_all(told.append)
    endings.tell(CHANGE)
    endings.tell(CHANGE)
    assert len(told) == 2
