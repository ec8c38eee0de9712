"""Events for functions: taken durably, tried again, and picked up by whoever opens the home next."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.compute.spec import Ending
from stepmill.core.json import Json, read_json
from stepmill.jobs.functions.calls import FunctionCalls, FunctionSurroundings
from stepmill.jobs.functions.events import EVENT_KIND, FunctionEvents
from stepmill.jobs.functions.function import Configuration
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.objects.uri import S3Uri
from support.cli import eventually
from support.keeping import ARNS, Keeping, keeping
from support.plain_compute import PlainCompute, log_tail

# Writes what it was called with, and as which request, to a file; fails as often as the event says.
CODE = """
import json, os

def handler(event, context):
    with open(event["file"], "a") as file:
        file.write(json.dumps([context.aws_request_id, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]) + "\\n")
    with open(event["file"]) as file:
        if len(file.readlines()) <= event.get("fails", 0):
            raise ValueError("not yet")
"""


class Home:
    """What outlives a process, and the events of the process that has it open."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.compute = PlainCompute()
        self.functions = FunctionRegistry(kept.records, kept.objects, S3Uri("code", "functions"), ARNS)
        self.versions = FunctionVersions(self.functions, kept.records, ARNS)
        self.file = kept.folder / "calls"
        self.events: FunctionEvents = self.open()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", CODE)
        self.functions.create("write", packed.getvalue(), Configuration("app.handler"))

    def open(self, **more: Any) -> FunctionEvents:
        around = FunctionSurroundings(self.kept.folder / "jobs", ARNS)
        calls = FunctionCalls(self.kept.objects, self.kept.records, self.compute, around, log_tail)
        self.events = FunctionEvents(self.versions, calls, self.kept.records, self.kept.clock, **more)
        return self.events

    def submit(self, qualifier: str = "", **event: Json) -> str:
        return self.events.submit("write", qualifier, {"file": str(self.file), **event})

    @property
    def calls(self) -> list[Any]:
        return [read_json(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    @property
    def left(self) -> list[str]:
        return [record.name for record in self.kept.records.list(EVENT_KIND).records]

    def until_calls(self, count: int) -> None:
        eventually(lambda: len(self.calls) >= count, f"call {count}")

    def until_nothing_is_left(self) -> None:
        eventually(lambda: not self.left, "the end of all events")

    def until_put_off(self, attempt: int) -> None:
        def is_put_off() -> bool:
            records = self.kept.records.list(EVENT_KIND).records
            return bool(records) and records[0].body["attempt"] == attempt

        eventually(is_put_off, f"attempt {attempt}")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with keeping(tmp_path) as kept:
        home = Home(kept)
        yield home
        home.events.close()


def test_an_event_is_delivered_once_and_is_gone_then(home: Home) -> None:
    request = home.submit()
    home.until_nothing_is_left()
    assert [call[0] for call in home.calls] == [request]


def test_many_events_are_all_delivered_and_no_more_at_once_than_may_be(home: Home) -> None:
    home.open(most_at_once=2)
    requests = {home.submit() for _ in range(12)}
    home.until_nothing_is_left()
    assert {call[0] for call in home.calls} == requests
    assert len(home.calls) == 12


def test_a_function_that_fails_is_tried_again_after_one_minute_and_after_two(home: Home) -> None:
    request = home.submit(fails=3)  # lines in the file, one of which is the other event's
    home.until_put_off(1)
    home.kept.clock.advance(timedelta(seconds=59))
    home.submit()  # wakes the thread, which finds that it is not yet time for the other one
    home.until_calls(2)
    home.until_put_off(1)
    home.kept.clock.advance(timedelta(seconds=1))
    wake(home)
    home.until_put_off(2)
    home.kept.clock.advance(timedelta(minutes=2))
    wake(home)
    home.until_nothing_is_left()
    mine = [call for call in home.calls if call[0] == request]
    assert len(mine) == 3
    assert len({job for _, job in mine}) == 3


def test_after_three_attempts_an_event_is_dropped(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.open(retry_delays=(timedelta(0), timedelta(0)))
    home.submit(fails=99)
    home.until_nothing_is_left()
    assert len(home.calls) == 3
    assert "write failed 3 times with an event, which is dropped" in caplog.text


def test_what_was_not_delivered_is_found_by_the_next_who_opens_the_home(home: Home) -> None:
    home.events.close()
    requests = {home.submit() for _ in range(3)}
    assert home.calls == []
    assert len(home.left) == 3
    assert home.open().resume() == 3
    home.until_nothing_is_left()
    assert {call[0] for call in home.calls} == requests
    assert home.open().resume() == 0


def test_a_call_that_was_under_way_is_picked_up_and_not_made_again(home: Home) -> None:
    """The event is still there, but its job has run: as after a kill between the two."""
    home.submit()
    home.until_nothing_is_left()
    body = {"function": "write", "qualifier": "", "event": {"file": str(home.file)}, "attempt": 0, "due": ""}
    home.kept.records.create(EVENT_KIND, home.calls[0][0], body)
    assert home.open().resume() == 1
    home.until_nothing_is_left()
    assert len(home.calls) == 1


def test_the_wait_for_the_next_attempt_outlives_the_process(home: Home) -> None:
    home.submit(fails=1)
    home.until_put_off(1)
    home.events.close()
    home.open().resume()
    home.submit(fails=0)
    home.until_calls(2)
    eventually(lambda: len(home.left) == 1, "the end of the second event")
    home.kept.clock.advance(timedelta(minutes=1))
    wake(home)
    home.until_nothing_is_left()


@pytest.mark.parametrize("ending", [Ending.LOST, Ending.NOT_STARTED, Ending.TIMED_OUT])
def test_a_call_that_did_not_end_well_is_made_again(home: Home, ending: Ending) -> None:
    home.compute.ending = ending
    home.open(retry_delays=(timedelta(seconds=1),))
    home.submit()
    home.until_put_off(1)
    home.compute.ending = None
    home.kept.clock.advance(timedelta(seconds=1))
    wake(home)
    home.until_nothing_is_left()


def test_an_event_of_a_function_that_is_gone_is_dropped(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.events.close()
    home.submit()
    home.submit("prod")
    home.functions.delete("write")
    home.open().resume()
    home.until_nothing_is_left()
    assert home.calls == []
    assert "its function is gone" in caplog.text


def test_the_alias_is_looked_up_when_the_turn_comes(home: Home) -> None:
    home.versions.publish("write")
    home.versions.create_alias("write", "prod", "1")
    home.submit("prod")
    home.until_nothing_is_left()
    assert home.compute.specs[-1].environment["AWS_LAMBDA_FUNCTION_VERSION"] == "1"


def test_a_compute_that_raises_costs_an_attempt_and_nothing_else(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    run: Callable[..., None] = home.compute.run
    monkeypatch.setattr(home.compute, "run", broken)
    home.submit()
    home.until_put_off(1)
    monkeypatch.setattr(home.compute, "run", run)
    home.submit()
    home.until_calls(1)


def wake(home: Home) -> None:
    """Let the thread look at the clock: it sleeps by the machine's, and this one is advanced by hand."""
    home.events._agenda.look()
