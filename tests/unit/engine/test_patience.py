from __future__ import annotations

import logging
import threading

import pytest

from stepmill.core.errors import StorageError, StorageFullError
from stepmill.engine.patience import ClosedError, Patience


class _Failing:
    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error, self.calls = times, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "written"


def test_a_call_that_works_is_made_once() -> None:
    call = _Failing(0, StorageError("No."))
    assert Patience(threading.Event()).call(call) == "written"
    assert call.calls == 1


def test_a_failing_store_is_asked_again_and_each_failure_told() -> None:
    told: list[StorageError] = []
    call = _Failing(3, StorageFullError("Full."))
    assert Patience(threading.Event(), told.append, first_backoff_s=0.0).call(call) == "written"
    assert call.calls == 4
    assert [error.what for error in told] == ["Full."] * 3


def test_without_anyone_to_tell_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Patience(threading.Event(), first_backoff_s=0.0).call(_Failing(1, StorageFullError("Full.")))
    assert "Full." in caplog.text


def test_other_errors_rise() -> None:
    with pytest.raises(ZeroDivisionError):
        Patience(threading.Event()).call(_Failing(1, ZeroDivisionError()))


def test_closing_ends_the_wait() -> None:
    closing = threading.Event()
    call = _Failing(9, StorageFullError("Full."))
    with pytest.raises(ClosedError):
        Patience(closing, lambda _error: closing.set()).call(call)
    assert call.calls == 1
