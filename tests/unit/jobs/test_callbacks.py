from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.queues import Queues
from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError, WrongStateError
from stepmill.core.json import Json
from stepmill.core.tasks import Task, TaskFailed, TaskStarted, TaskSucceeded
from stepmill.jobs import callbacks as callbacks_module
from stepmill.jobs.callbacks import CallbackHandler, Callbacks, token_of
from support.keeping import EXECUTION, Keeping, Reports, a_task, keeping, run_task

QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/ask"
OUTPUTS: Json = [
    {"OutputName": "approved", "OutputType": "Boolean"},
    {"OutputName": "rate", "OutputType": "Float"},
]


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def callbacks(kept: Keeping) -> Callbacks:
    return Callbacks(kept.records, Queues(kept.records, kept.clock))


def waiting_task(task_id: str = "abcdefghijkl/Ask/1", outputs: Json = OUTPUTS, queue: Json = QUEUE) -> Task:
    extra = {"SqsQueueUrl": queue, "OutputParameters": outputs}
    return a_task("callback", {"question": 1}, task_id=task_id, step="Ask", extra=extra)


def started(reports: Reports) -> str:
    """Return the token of a callback that waits."""
    (report,) = reports.all
    assert isinstance(report, TaskStarted)
    callback = report.metadata["Callback"]
    assert isinstance(callback, dict)
    assert callback["SqsQueueUrl"] == QUEUE
    assert callback["OutputParameters"] == []
    return str(callback["CallbackToken"])


def test_a_message_goes_out_and_the_step_waits(callbacks: Callbacks) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    assert re.fullmatch(r"[A-Za-z0-9]{10}", token)
    assert callbacks.messages(QUEUE) == [
        {"token": token, "pipelineExecutionArn": EXECUTION, "arguments": {"question": 1}}
    ]
    (waiting,) = callbacks.waiting()
    assert (waiting.token, waiting.step, waiting.execution_arn, waiting.queue_url) == (
        token, "Ask", EXECUTION, QUEUE,
    )  # fmt: skip
    assert waiting.outputs == {"approved": "Boolean", "rate": "Float"}
    assert waiting.arguments == {"question": 1}
    assert not waiting.stopping


def test_handed_over_again_nothing_is_sent_twice(callbacks: Callbacks) -> None:
    handler = CallbackHandler(callbacks)
    assert started(run_task(handler, waiting_task())) == started(run_task(handler, waiting_task()))
    assert len(callbacks.messages(QUEUE)) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [1, 2])
def test_killed_at_any_write_one_message_goes_out(
    kept: Keeping, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    real, calls = kept.records.create, []

    def killing(*arguments: object, **named: object) -> object:
        calls.append(arguments)
        if len(calls) == call:
            if after:
                real(*arguments, **named)  # type: ignore[arg-type]
            raise Killed
        return real(*arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(kept.records, "create", killing)
        with pytest.raises(Killed):
            run_task(
                CallbackHandler(Callbacks(kept.records, Queues(kept.records, kept.clock))), waiting_task()
            )
    callbacks = Callbacks(kept.records, Queues(kept.records, kept.clock))
    started(run_task(CallbackHandler(callbacks), waiting_task()))
    assert len(callbacks.messages(QUEUE)) == len(callbacks.waiting()) == 1


def test_answered_nobody_is_asked_any_more(kept: Keeping) -> None:
    queues = Queues(kept.records, kept.clock)
    callbacks, other = Callbacks(kept.records, queues), waiting_task("other")
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    rest = started(run_task(CallbackHandler(callbacks), other))
    queues.create("ask", {}, {})
    assert callbacks.is_received(QUEUE)
    callbacks.fail(token)
    (message,) = queues.receive("ask", most=10)
    assert rest in message.body
    callbacks.fail(rest)
    assert queues.counts("ask").in_flight == 1, "whoever has received it deletes it"


def test_a_message_that_was_deleted_is_not_sent_again(kept: Keeping) -> None:
    queues = Queues(kept.records, kept.clock)
    callbacks = Callbacks(kept.records, queues)
    queues.create("ask", {}, {})
    reports = run_task(CallbackHandler(callbacks), waiting_task())
    (message,) = queues.receive("ask")
    queues.delete_message("ask", message.receipt)
    assert started(run_task(CallbackHandler(callbacks), waiting_task())) == started(reports)
    assert queues.peek("ask") == []


def test_where_nobody_receives_the_step_says_so(kept: Keeping) -> None:
    queues = Queues(kept.records, kept.clock)
    handler = CallbackHandler(Callbacks(kept.records, queues))
    (report,) = run_task(handler, waiting_task()).all
    assert isinstance(report, TaskStarted)
    assert "no queue 'ask' here" in report.notes[0]
    queues.create("ask", {}, {})
    (report,) = run_task(handler, waiting_task("two")).all
    assert isinstance(report, TaskStarted)
    assert report.notes == ()
    elsewhere = waiting_task("three", queue="https://example.com/mine")
    (report,) = run_task(handler, elsewhere).all
    assert isinstance(report, TaskStarted)
    assert "https://example.com/mine" in report.notes[0]


def test_success_brings_typed_outputs(callbacks: Callbacks) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    answer = callbacks.succeed(token, {"approved": "true", "rate": "0.5"})
    assert answer.execution_arn == EXECUTION
    assert answer.report == TaskSucceeded(
        "abcdefghijkl/Ask/1",
        {"OutputParameters": {"approved": True, "rate": 0.5}},
        {
            "Callback": {
                "CallbackToken": token,
                "SqsQueueUrl": QUEUE,
                "OutputParameters": [{"Name": "approved", "Value": "true"}, {"Name": "rate", "Value": "0.5"}],
            }
        },
    )
    assert callbacks.waiting() == []


def test_failure_brings_its_reason(callbacks: Callbacks) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    report = callbacks.fail(token, "nobody was there").report
    assert isinstance(report, TaskFailed)
    assert (report.error, report.cause) == ("ClientError", "nobody was there")
    other = started(run_task(CallbackHandler(callbacks), waiting_task("other")))
    assert isinstance(empty := callbacks.fail(other).report, TaskFailed)
    assert empty.cause


def test_an_answer_whose_event_was_lost_is_reported_when_handed_over_again(callbacks: Callbacks) -> None:
    handler = CallbackHandler(callbacks)
    token = started(run_task(handler, waiting_task()))
    answer = callbacks.succeed(token, {"approved": True, "rate": 1})
    again = run_task(handler, waiting_task())
    assert again.all == [answer.report]
    assert callbacks.messages(QUEUE) == []


def test_a_token_takes_one_answer(callbacks: Callbacks) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    callbacks.fail(token, "no")
    for answer in (
        lambda: callbacks.fail(token),
        lambda: callbacks.succeed(token, {"approved": 1, "rate": 1}),
    ):
        with pytest.raises((WrongStateError, InvalidInputError)):
            answer()
    with pytest.raises(WrongStateError, match="answered already: it failed"):
        callbacks.succeed(token, {"approved": True, "rate": 1})


def test_of_many_answers_at_once_one_is_taken(callbacks: Callbacks) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))

    def answer(number: int) -> bool:
        try:
            callbacks.fail(token, str(number))
        except WrongStateError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(answer, range(16))) == 1


@pytest.mark.parametrize(
    ("outputs", "word"),
    [
        ({}, "'approved' is missing"),
        ({"approved": "true"}, "'rate' is missing"),
        ({"approved": "maybe", "rate": 1}, "which is no Boolean"),
        ({"approved": True, "rate": 1, "more": 1}, "'more' was not declared"),
    ],
)
def test_outputs_other_than_declared_change_nothing(
    callbacks: Callbacks, outputs: dict[str, Json], word: str
) -> None:
    token = started(run_task(CallbackHandler(callbacks), waiting_task()))
    with pytest.raises(InvalidInputError, match=word):
        callbacks.succeed(token, outputs)
    assert len(callbacks.waiting()) == 1


@pytest.mark.parametrize("token", ["", "unknown", "a/b", "x" * 600])
def test_an_unknown_token_is_not_found(callbacks: Callbacks, token: str) -> None:
    with pytest.raises(StepmillError) as caught:
        callbacks.succeed(token, {})
    assert isinstance(caught.value, NotFoundError)
    with pytest.raises(NotFoundError, match="No step waits for the token"):
        callbacks.fail(token)


def test_a_stop_sends_a_second_message_once_and_waits_on(callbacks: Callbacks) -> None:
    handler, task = CallbackHandler(callbacks), waiting_task()
    reports = run_task(handler, task)
    handler.stop(task)
    handler.stop(task)
    messages = callbacks.messages(QUEUE)
    assert [message.get("status") for message in messages] == [None, "Stopping"]
    assert {message["token"] for message in messages} == {started(reports)}
    assert callbacks.waiting()[0].stopping
    callbacks.succeed(started(reports), {"approved": True, "rate": 1})
    handler.stop(task)
    assert callbacks.messages(QUEUE) == []


def test_stopping_what_never_began_does_nothing(callbacks: Callbacks) -> None:
    CallbackHandler(callbacks).stop(waiting_task())
    assert callbacks.messages(QUEUE) == []


@pytest.mark.parametrize("queue", [None, "", 3, "x" * 1000])
def test_a_step_without_a_queue_fails(callbacks: Callbacks, queue: Json) -> None:
    failed = run_task(CallbackHandler(callbacks), waiting_task(queue=queue)).failed
    assert failed.error == "ClientError"
    assert "queue" in failed.cause
    assert run_task(CallbackHandler(callbacks), waiting_task(outputs="x")).failed


def test_a_token_that_another_task_has_is_passed_over(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks_module, "token_of", lambda _task, attempt=0: f"token{attempt:05}")
    handler = CallbackHandler(callbacks)
    assert started(run_task(handler, waiting_task("one"))) == "token00000"
    assert started(run_task(handler, waiting_task("two"))) == "token00001"
    assert started(run_task(handler, waiting_task("two"))) == "token00001"
    callbacks.fail("token00001", "second")
    assert [one.token for one in callbacks.waiting()] == ["token00000"]


def test_callbacks_of_one_execution_and_many_pages(callbacks: Callbacks) -> None:
    handler = CallbackHandler(callbacks)
    for number in range(130):
        run_task(handler, waiting_task(f"task{number}"))
    assert len(callbacks.waiting()) == len(callbacks.waiting(EXECUTION)) == 130
    assert len(callbacks.messages(QUEUE)) == 130
    assert callbacks.waiting("another") == []


@given(st.text(max_size=40), st.integers(0, 9))
def test_tokens_are_ten_alphanumerics_and_always_the_same(task_id: str, attempt: int) -> None:
    token = token_of(task_id, attempt)
    assert re.fullmatch(r"[A-Za-z0-9]{10}", token)
    assert token == token_of(task_id, attempt)
    assert token != token_of(f"{task_id}x", attempt)
