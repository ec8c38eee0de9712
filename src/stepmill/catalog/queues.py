"""Queues of messages: whoever receives one has it alone for a while, and deletes it, or it comes again.

A message's place in its queue is the second from which it can be received: a receipt moves it there and
back, so the next to be received are found without looking at the others.
"""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from stepmill.catalog.queue_attributes import (
    check_attributes,
    check_name,
    number_of,
    redrive_of,
    retention_of,
)
from stepmill.catalog.queue_records import (
    MESSAGE_KIND,
    QUEUE_KIND,
    Counts,
    Letter,
    Message,
    Queue,
    read_message,
    read_queue,
    read_receipt,
    second_after,
    second_of,
    write_receipt,
)
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, NotFoundError, WrongStateError
from stepmill.core.json import JsonObject
from stepmill.storage.records import Record, RecordStore, SortBy

_PAGE = 1000
_COUNTER_BITS, _RANDOM_BITS = 14, 48
_VERSION_7, _VARIANT = 7, 0b10


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A part of the list of queues; ``next_token`` is ``None`` on the last page."""

    queues: tuple[Queue, ...]
    next_token: str | None


_Said: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]
_Change: TypeAlias = Callable[[Queue], _Said]


class Queues:
    """Keeps queues and their messages. Safe to share between threads and processes.

    Messages may be sent to a name before there is a queue of it; they are in it from its creation on.

    Args:
        records: Where they are kept.
        clock: Tells the time.
    """

    def __init__(self, records: RecordStore, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._counter = itertools.count(secrets.randbits(_COUNTER_BITS))

    # ---- queues --------------------------------------------------------------------------------

    def create(self, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
        """Make a queue; one that is there already with these attributes is as good.

        Raises:
            InvalidInputError: If SQS would refuse the name or an attribute.
            UnsupportedError: If it is to be a FIFO queue.
            ConflictError: If there is one with other attributes.
        """
        check_name(name)
        checked = check_attributes(attributes)
        body: JsonObject = {"attributes": checked, "tags": dict(tags)}
        with self._records.transaction():
            record = self._records.find(QUEUE_KIND, name)
            if record is None:
                return read_queue(self._records.create(QUEUE_KIND, name, body))
        found = read_queue(record)
        wrong = [each for each, text in checked.items() if found.attributes.get(each, "") != text]
        if wrong:
            raise ConflictError(
                f"A queue {name!r} already exists with a different value for {', '.join(wrong)}.",
                mend="Ask for it as it is, or set its attributes.",
            )
        return found

    def get(self, name: str) -> Queue:
        """Return a queue.

        Raises:
            NotFoundError: If there is none of that name.
        """
        return read_queue(self._record(name))

    def exists(self, name: str) -> bool:
        """Return whether there is a queue of that name."""
        return bool(name) and self._records.find(QUEUE_KIND, name) is not None

    def page(self, prefix: str = "", *, limit: int = _PAGE, after: str | None = None) -> QueuePage:
        """Return a part of the list of queues, by name.

        Raises:
            InvalidInputError: If the token or the limit is not one.
        """
        page = self._records.list(
            QUEUE_KIND, name_prefix=prefix, sort_by=SortBy.NAME, limit=limit, after=after
        )
        return QueuePage(tuple(read_queue(record) for record in page.records), page.next_token)

    def set_attributes(self, name: str, attributes: Mapping[str, str]) -> None:
        """Say something else of a queue.

        Raises:
            NotFoundError: If there is none of that name.
            InvalidInputError: If SQS would refuse an attribute.
            UnsupportedError: If one is of FIFO queues.
        """
        checked = check_attributes(attributes)
        self._change(name, lambda queue: ({**queue.attributes, **checked}, queue.tags))

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Give a queue tags.

        Raises:
            NotFoundError: If there is none of that name.
        """
        self._change(name, lambda queue: (queue.attributes, {**queue.tags, **tags}))

    def untag(self, name: str, keys: list[str]) -> None:
        """Take tags from a queue.

        Raises:
            NotFoundError: If there is none of that name.
        """

        def without(queue: Queue) -> _Said:
            return queue.attributes, {key: text for key, text in queue.tags.items() if key not in keys}

        self._change(name, without)

    def delete(self, name: str) -> None:
        """Remove a queue and its messages.

        Raises:
            NotFoundError: If there is none of that name.
        """
        with self._records.transaction():
            self._record(name)
            self._clear(name)
            self._records.delete(QUEUE_KIND, name)

    def purge(self, name: str) -> None:
        """Remove all messages of a queue.

        Raises:
            NotFoundError: If there is none of that name.
        """
        with self._records.transaction():
            self._record(name)
            self._clear(name)

    # ---- messages ------------------------------------------------------------------------------

    def send(self, name: str, letter: Letter) -> Message:
        """Put a message into a queue, or where a queue of that name will be.

        Raises:
            ConflictError: If there is one of its id.
        """
        record = self._records.find(QUEUE_KIND, name)
        delay = letter.delay
        if delay is None:
            said = read_queue(record).attributes if record else {}
            delay = timedelta(seconds=number_of(said, "DelaySeconds"))
        now = self._clock.now()
        body: JsonObject = {"text": letter.body, "attributes": letter.attributes, "sender": letter.sender}
        made = self._records.create(
            MESSAGE_KIND,
            letter.id or self._new_id(now),
            body,
            parent=name,
            number=second_after(now, delay),
        )
        return read_message(made)

    def receive(self, name: str, *, most: int = 1, visibility: timedelta | None = None) -> list[Message]:
        """Take messages, those that have waited longest first; nobody else gets them for a while.

        Args:
            name: Of the queue.
            most: At most so many.
            visibility: For how long; ``None``: as the queue says.

        Raises:
            NotFoundError: If there is no such queue.
        """
        attributes = self.get(name).attributes
        if visibility is None:
            visibility = timedelta(seconds=number_of(attributes, "VisibilityTimeout"))
        now = self._clock.now()
        # Most looks find nothing; those keep nobody from writing.
        if next(self._due(name, now, 1), None) is None:
            return []
        taken: list[Message] = []
        with self._records.transaction():
            redrive = redrive_of(attributes)
            for record in self._due(name, now, most):
                if any(record.name == message.id for message in taken):
                    continue  # taken for no time at all, so that it is due again
                if record.created_at + retention_of(attributes) <= now:
                    self._records.delete(MESSAGE_KIND, record.name)
                elif redrive and read_message(record).receives >= redrive.most_receives:
                    self._move(record, redrive.target, now)
                else:
                    taken.append(self._take(record, second_after(now, visibility), now))
                if len(taken) >= most:
                    break
        return taken

    def delete_message(self, name: str, receipt: str) -> None:
        """Remove a message that was received; one that was received again since, or has gone, is let be.

        Raises:
            NotFoundError: If there is no such queue.
            InvalidInputError: If that is no receipt.
        """
        self._record(name)
        identifier, receives = read_receipt(receipt)
        with self._records.transaction():
            record = self._records.find(MESSAGE_KIND, identifier)
            if record is not None and record.parent == name and read_message(record).receives == receives:
                self._records.delete(MESSAGE_KIND, identifier)

    def withdraw(self, identifier: str) -> None:
        """Remove a message that nobody has received yet; of any other nothing is done."""
        with self._records.transaction():
            record = self._records.find(MESSAGE_KIND, identifier)
            if record is not None and read_message(record).receives == 0:
                self._records.delete(MESSAGE_KIND, identifier)

    def change_visibility(self, name: str, receipt: str, visibility: timedelta) -> None:
        """Let a message that was received come again after another time, counted from now.

        Raises:
            NotFoundError: If there is no such queue.
            InvalidInputError: If that is no receipt.
            WrongStateError: If nobody has the message, or somebody else does.
        """
        self._record(name)
        identifier, receives = read_receipt(receipt)
        now = self._clock.now()
        with self._records.transaction():
            record = self._records.find(MESSAGE_KIND, identifier)
            has_it = record is not None and record.parent == name and record.number > second_of(now)
            if record is None or not has_it or read_message(record).receives != receives:
                raise WrongStateError(
                    "The message is not in flight: its time is over, or it was deleted.",
                    where="ReceiptHandle",
                    mend="Receive it again.",
                )
            number = second_after(now, visibility)
            self._records.update(MESSAGE_KIND, identifier, lambda old: replace(old, number=number))

    def peek(self, name: str) -> list[Message]:
        """Return all messages sent to a name, the oldest first, and leave them there."""
        found = [read_message(record) for record in self._messages(name)]
        return sorted(found, key=lambda message: message.sent_at)

    def counts(self, name: str) -> Counts:
        """Return how many messages a queue has."""
        now = second_of(self._clock.now())
        visible = in_flight = delayed = 0
        for record in self._messages(name):
            if record.number <= now:
                visible += 1
            elif record.body.get("receives"):
                in_flight += 1
            else:
                delayed += 1
        return Counts(visible, in_flight, delayed)

    # ---- inside --------------------------------------------------------------------------------

    def _record(self, name: str) -> Record:
        record = self._records.find(QUEUE_KIND, name) if name else None
        if record is None:
            raise NotFoundError("The specified queue does not exist.", where=name, mend="Create it first.")
        return record

    def _change(self, name: str, change: _Change) -> None:
        def changed(record: Record) -> Record:
            attributes, tags = change(read_queue(record))
            return replace(record, body={"attributes": dict(attributes), "tags": dict(tags)})

        self._record(name)
        self._records.update(QUEUE_KIND, name, changed)

    def _clear(self, name: str) -> None:
        while found := self._records.list(MESSAGE_KIND, parent=name, limit=_PAGE).records:
            for record in found:
                self._records.delete(MESSAGE_KIND, record.name)

    def _messages(self, name: str) -> Iterator[Record]:
        """Yield the messages of a queue, those that can be received first."""
        after: str | None = None
        while True:
            page = self._records.list(
                MESSAGE_KIND, parent=name, sort_by=SortBy.NUMBER, limit=_PAGE, after=after
            )
            yield from page.records
            if page.next_token is None:
                return
            after = page.next_token

    def _due(self, name: str, now: datetime, most: int) -> Iterator[Record]:
        after: str | None = None
        while True:
            page = self._records.list(
                MESSAGE_KIND, parent=name, sort_by=SortBy.NUMBER, limit=most, after=after
            )
            for record in page.records:
                if record.number > second_of(now):
                    return
                yield record
            if page.next_token is None:
                return
            after = page.next_token

    def _take(self, record: Record, number: int, now: datetime) -> Message:
        receives = read_message(record).receives + 1
        first = record.body.get("first") or now.isoformat()
        body: JsonObject = {**record.body, "receives": receives, "first": first}
        taken = self._records.update(
            MESSAGE_KIND, record.name, lambda old: replace(old, number=number, body=body)
        )
        return replace(read_message(taken), receipt=write_receipt(record.name, receives))

    def _move(self, record: Record, target: str, now: datetime) -> None:
        body: JsonObject = {**record.body, "moved_from": record.parent, "receives": 0, "first": None}
        self._records.update(
            MESSAGE_KIND,
            record.name,
            lambda old: replace(old, parent=target, number=second_of(now), body=body),
        )

    def _new_id(self, now: datetime) -> str:
        """Return an id that sorts by time: what was sent in one second is received in its order."""
        micros = int(now.timestamp() * 1_000_000)
        milliseconds, rest = divmod(micros, 1000)
        counted = next(self._counter) % (1 << _COUNTER_BITS)
        value = (milliseconds << 16) | (_VERSION_7 << 12) | rest
        value = (value << 2) | _VARIANT
        value = (value << _COUNTER_BITS) | counted
        return str(uuid.UUID(int=(value << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)))
