"""Callback steps: a message goes out with a token, and whoever has the token answers.

A token is a hash of its task's id, and a message is kept under its token, so that a task that is
handed over again after a crash sends nothing twice. An answer is written down before it is handed
to the engine; if the process is killed in between, the task reports it when it is handed over again.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from stepmill.catalog.queue_records import Letter, queue_of_url
from stepmill.catalog.queues import Queues
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStarted, TaskSucceeded
from stepmill.jobs.output_parameters import as_wire_list, convert_all, read_declared
from stepmill.storage.records import Record, RecordStore

CALLBACK_KIND = "callback"

TOKEN_LENGTH = 10
_ALPHABET = string.ascii_letters + string.digits
# AWS: a queue's name has at most 80 characters; account, region and host come before it.
LONGEST_QUEUE_URL = 400


class CallbackStatus(StrEnum):
    """How a callback stands."""

    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class WaitingCallback:
    """A callback that nobody has answered.

    Args:
        token: By which it is answered.
        execution_arn: Whose step waits.
        step: Name of that step.
        queue_url: Where its message went.
        arguments: What the message carried.
        outputs: Name -> type of what the answer must give.
        stopping: Whether the execution has been asked to stop, and waits for the answer.
    """

    token: str
    execution_arn: str
    step: str
    queue_url: str
    arguments: Json
    outputs: Mapping[str, str]
    stopping: bool


@dataclass(frozen=True)
class CallbackAnswer:
    """What the engine must hear of an answer.

    Args:
        execution_arn: Which execution.
        report: The final report of its task.
        is_new: Whether it was given now, and not by the same request before.
    """

    execution_arn: str
    report: TaskSucceeded | TaskFailed
    is_new: bool = True


class Callbacks:
    """Keeps callbacks and their messages. Safe to share between threads and processes.

    Args:
        records: Where they are kept.
        queues: Where their messages go.
    """

    def __init__(self, records: RecordStore, queues: Queues) -> None:
        self._records = records
        self._queues = queues

    def open(self, task: Task) -> Record:
        """Make the callback of a task and send its message; the same task makes one and sends one.

        Raises:
            InvalidInputError: If the task names no queue, or declares its outputs wrongly.
        """
        queue = task.extra.get("SqsQueueUrl")
        if not isinstance(queue, str) or not 1 <= len(queue) <= LONGEST_QUEUE_URL:
            raise InvalidInputError(
                "The step names no queue.", where="SqsQueueUrl", mend="Give the URL of an SQS queue."
            )
        read_declared(task.extra.get("OutputParameters"))
        record = self._record_of(task)
        if record is None:
            body: JsonObject = {
                "task": task.id,
                "execution": task.execution_arn,
                "step": task.step,
                "queue": queue,
                "arguments": task.payload,
                "outputs": task.extra.get("OutputParameters"),
            }
            record = self._records.create(
                CALLBACK_KIND,
                self._free_token(task),
                body,
                parent=task.execution_arn,
                status=CallbackStatus.WAITING,
            )
        if record.status == CallbackStatus.WAITING:
            self._send(record, {})
        return record

    def ask_to_stop(self, task: Task) -> None:
        """Send the message that says so, once. Unknown or answered: do nothing."""
        record = self._record_of(task)
        if record is not None and record.status == CallbackStatus.WAITING:
            self._send(record, {"status": "Stopping"})
            self._records.update(
                CALLBACK_KIND, record.name, lambda old: replace(old, body={**old.body, "stopping": True})
            )

    def waiting(self, execution_arn: str | None = None) -> list[WaitingCallback]:
        """Return the callbacks that nobody has answered, the oldest first."""
        found: list[WaitingCallback] = []
        after: str | None = None
        while True:
            page = self._records.list(
                CALLBACK_KIND, parent=execution_arn, status=CallbackStatus.WAITING, after=after
            )
            found += [_waiting(record) for record in page.records]
            if page.next_token is None:
                return found
            after = page.next_token

    def messages(self, queue_url: str) -> list[JsonObject]:
        """Return what was sent to a queue, the oldest first."""
        sent = (read_json(message.body) for message in self._queues.peek(_queue_of(queue_url)))
        return [message for message in sent if isinstance(message, Mapping)]

    def is_received(self, queue_url: str) -> bool:
        """Return whether there is a queue here to receive the messages from that are sent to a URL."""
        return self._queues.exists(_queue_of(queue_url))

    def succeed(self, token: str, outputs: Mapping[str, Json], *, request: str = "") -> CallbackAnswer:
        """Take an answer.

        Args:
            token: Whose.
            outputs: Name -> value; texts are read by the declared type.
            request: Id of the request; the same request answers once, however often it comes.

        Raises:
            NotFoundError: If there is no such token.
            WrongStateError: If it has been answered.
            InvalidInputError: If the outputs are not those declared; nothing is changed then.
        """
        declared = read_declared(self._get(token).body.get("outputs"))
        values = convert_all(declared, outputs, exact=True)
        return self._answer(token, CallbackStatus.SUCCEEDED, {"values": values, "request": request})

    def fail(self, token: str, reason: str = "", *, request: str = "") -> CallbackAnswer:
        """Take the answer that it failed. ``request`` is as in ``succeed``.

        Raises:
            NotFoundError: If there is no such token.
            WrongStateError: If it has been answered.
        """
        return self._answer(token, CallbackStatus.FAILED, {"reason": reason, "request": request})

    def _answer(self, token: str, status: CallbackStatus, answer: JsonObject) -> CallbackAnswer:
        def take(record: Record) -> Record:
            if answer["request"] and _part(record.body, "answer").get("request") == answer["request"]:
                return record
            if record.status != CallbackStatus.WAITING:
                raise WrongStateError(
                    f"The callback {token!r} has been answered already: it {record.status}.",
                    mend="Each token takes one answer.",
                )
            return replace(record, status=status, body={**record.body, "answer": answer})

        before = self._get(token)
        with self._records.transaction():
            record = self._records.update(CALLBACK_KIND, token, take)
            # Who answered did not need them; a worker that comes later would be asked for nothing.
            for message in _part(record.body, "sent").values():
                self._queues.withdraw(str(message))
        report = answer_of(record)
        if report is None:
            raise WrongStateError(f"The callback {token!r} is not answered.")
        is_new = before.status == CallbackStatus.WAITING
        return CallbackAnswer(str(record.body["execution"]), report, is_new)

    def _get(self, token: str) -> Record:
        record = self._records.find(CALLBACK_KIND, token) if token else None
        if record is None:
            raise NotFoundError(
                f"No step waits for the token {token[:40]!r}.", mend="`stepmill callbacks list` shows them."
            )
        return record

    def _record_of(self, task: Task) -> Record | None:
        for attempt in range(TOKEN_LENGTH):
            record = self._records.find(CALLBACK_KIND, token_of(task.id, attempt))
            if record is None or record.body.get("task") == task.id:
                return record
        return None

    def _free_token(self, task: Task) -> str:
        tokens = (token_of(task.id, attempt) for attempt in range(TOKEN_LENGTH))
        for token in tokens:
            if self._records.find(CALLBACK_KIND, token) is None:
                return token
        raise ConflictError("Ten callback tokens in a row are taken.", where=task.id)

    def _send(self, record: Record, more: Mapping[str, str]) -> None:
        """Send a message, unless it was sent before: it may have been received and deleted since."""
        message: JsonObject = {
            "token": record.name,
            "pipelineExecutionArn": record.body["execution"],
            "arguments": record.body["arguments"],
            **more,
        }
        what = more.get("status", "asked")
        with self._records.transaction():
            body = self._records.get(CALLBACK_KIND, record.name).body
            before = _part(body, "sent")
            if what in before:
                return
            made = self._queues.send(_queue_of(str(body["queue"])), Letter(write_json(message)))
            sent: JsonObject = {**before, what: made.id}
            self._records.update(
                CALLBACK_KIND, record.name, lambda old: replace(old, body={**old.body, "sent": sent})
            )


class CallbackHandler:
    """Opens callbacks. Their answer comes through ``Callbacks``, not through here.

    Args:
        callbacks: Where they are kept.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    def start(self, task: Task, report: Report) -> None:
        """Send the message and report that the step waits; or report an answer that is there already."""
        try:
            record = self._callbacks.open(task)
        except InvalidInputError as error:
            report(TaskFailed(task.id, "ClientError", str(error)))
            return
        report(answer_of(record) or TaskStarted(task.id, _metadata(record), self._notes(record)))

    def stop(self, task: Task) -> None:
        """Tell the one who has the token; the step waits for the answer all the same, as in SageMaker."""
        self._callbacks.ask_to_stop(task)

    def _notes(self, record: Record) -> tuple[str, ...]:
        url = str(record.body["queue"])
        if self._callbacks.is_received(url):
            return ()
        name = queue_of_url(url) or url
        return (f"there is no queue {name!r} here: `stepmill callbacks list` shows the message",)


def token_of(task_id: str, attempt: int = 0) -> str:
    """Return the token of a task: ten letters and digits.

    Args:
        task_id: Whose.
        attempt: Counts the tokens that were found taken by another task.
    """
    number = int.from_bytes(sha256(f"{attempt}/{task_id}".encode()).digest())
    letters = []
    for _ in range(TOKEN_LENGTH):
        number, position = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[position])
    return "".join(letters)


def _queue_of(url: str) -> str:
    """Return under which name messages to a URL are kept."""
    return queue_of_url(url) or url


def answer_of(record: Record) -> TaskSucceeded | TaskFailed | None:
    """Return the final report that the record of a callback stands for; ``None`` while it waits."""
    task_id, answer = str(record.body["task"]), _part(record.body, "answer")
    match record.status:
        case CallbackStatus.SUCCEEDED:
            return TaskSucceeded(task_id, {"OutputParameters": _part(answer, "values")}, _metadata(record))
        case CallbackStatus.FAILED:
            reason = str(answer.get("reason") or "The callback was answered with a failure.")
            return TaskFailed(task_id, "ClientError", reason, _metadata(record))
        case _:
            return None


def _metadata(record: Record) -> JsonObject:
    values = _part(_part(record.body, "answer"), "values")
    callback: JsonObject = {
        "CallbackToken": record.name,
        "SqsQueueUrl": record.body["queue"],
        "OutputParameters": as_wire_list(values),
    }
    return {"Callback": callback}


def _waiting(record: Record) -> WaitingCallback:
    body = record.body
    declared = read_declared(body.get("outputs"))
    return WaitingCallback(
        token=record.name,
        execution_arn=str(body["execution"]),
        step=str(body["step"]),
        queue_url=str(body["queue"]),
        arguments=body["arguments"],
        outputs={parameter.name: str(parameter.type) for parameter in declared},
        stopping=bool(body.get("stopping")),
    )


def _part(body: JsonObject, key: str) -> JsonObject:
    found = body.get(key)
    return found if isinstance(found, Mapping) else {}
