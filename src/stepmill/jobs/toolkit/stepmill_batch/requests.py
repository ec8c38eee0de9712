"""Makes requests of the records of an object: one for each, or as many together as fit a payload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from . import splitting
from .errors import Lines, ObjectError
from .processing import JSON, Processing, lines_of
from .splitting import Record


@dataclass(frozen=True)
class Request:
    """What is sent at a time.

    Args:
        body: Its bytes; empty of a stream.
        lines: Which records of the object they are; ``None``: the whole object.
        records: The records as they stand in the object, if the answer is joined or filtered.
        stream: Opens what is read while it is sent; ``None``: ``body`` is all.
    """

    body: bytes
    lines: Lines | None = None
    records: tuple[bytes, ...] = ()
    stream: Callable[[], IO[bytes]] | None = None


@dataclass(frozen=True)
class Cutting:
    """How objects become requests.

    Args:
        split: ``None``, ``Line``, ``RecordIO`` or ``TFRecord``.
        is_single: Whether each record is sent by itself.
        limit_bytes: Of a payload; 0: objects are streamed whole, and not cut.
        content_type: Of the data.
        processing: Filters and join; ``None``: there are none.
    """

    split: str
    is_single: bool
    limit_bytes: int
    content_type: str = ""
    processing: Processing | None = None

    def requests(self, source: IO[bytes]) -> Iterator[Request]:
        """Return the requests of an object, one after the other, as it is read.

        Raises:
            ObjectError: If it cannot be split, or a record is too large.
        """
        if self.processing is not None:
            return self._processed(source, self.processing)
        if self.split == "Line":
            return self._single_lines(source) if self.is_single else _blocks(source, self.limit_bytes)
        if self.split == "RecordIO":
            return self._binary(splitting.recordio(source, self.limit_bytes))
        if self.split == "TFRecord":
            return self._binary(splitting.tfrecord(source, self.limit_bytes))
        return iter([Request(splitting.whole(source, self.limit_bytes))])

    def _single_lines(self, source: IO[bytes]) -> Iterator[Request]:
        for number, line in splitting.lines(source, self.limit_bytes):
            yield Request(line, Lines(number, number))

    def _binary(self, records: Iterator[Record]) -> Iterator[Request]:
        if self.is_single:
            # Padding is removed where a record goes alone, and kept where several go together.
            for number, record in enumerate(records, start=1):
                yield Request(record.bare, Lines(number, number, "record"))
            return
        batch: list[bytes] = []
        size, first, number = 0, 1, 0
        for number, record in enumerate(records, start=1):
            if len(record.framed) > self.limit_bytes:
                raise ObjectError(f"{splitting.TOO_MUCH}: record {number} has {len(record.framed)} bytes.")
            if batch and size + len(record.framed) > self.limit_bytes:
                yield Request(b"".join(batch), Lines(first, number - 1, "record"))
                batch, size, first = [], 0, number
            batch.append(record.framed)
            size += len(record.framed)
        if batch:
            yield Request(b"".join(batch), Lines(first, number, "record"))

    def _processed(self, source: IO[bytes], processing: Processing) -> Iterator[Request]:
        if self.split == "None" and self.content_type == JSON:
            record = splitting.whole(source, self.limit_bytes)
            yield Request(processing.sent(record), None, (record,))
            return
        if self.split == "None":
            record = splitting.whole(source, self.limit_bytes)
            lines = lines_of(record)
            yield Request(b"\n".join(map(processing.sent, lines)), None, tuple(lines))
            return
        yield from self._filtered_lines(source, processing.sent)

    def _filtered_lines(self, source: IO[bytes], sent: Callable[[bytes], bytes]) -> Iterator[Request]:
        records: list[bytes] = []
        bodies: list[bytes] = []
        size, first, last = 0, 1, 0
        for number, line in splitting.lines(source, self.limit_bytes):
            try:
                body = sent(line)
            except ObjectError as error:
                raise ObjectError(f"line {number}: {error}") from error
            if bodies and (self.is_single or size + len(body) + 1 > self.limit_bytes):
                yield Request(b"\n".join(bodies), Lines(first, last), tuple(records))
                records, bodies, size = [], [], 0
            if not bodies:
                first = number
            records.append(line)
            bodies.append(body)
            size += len(body) + 1
            last = number
        if bodies:
            yield Request(b"\n".join(bodies), Lines(first, last), tuple(records))


def _blocks(source: IO[bytes], limit_bytes: int) -> Iterator[Request]:
    """Return as many whole lines at a time as fit, without looking at each of them."""
    rest, first = b"", 1
    while True:
        # A line is sent without its end, so one byte more may fit.
        data = rest + source.read(limit_bytes + 1 - len(rest))
        is_end = len(data) <= limit_bytes
        cut = len(data) if is_end else data.rfind(b"\n") + 1
        if not cut:
            if is_end:
                return
            raise ObjectError(f"{splitting.TOO_MUCH}: line {first} has more than {limit_bytes} bytes.")
        taken, rest = data[:cut], data[cut:]
        count = taken.count(b"\n") + (not taken.endswith(b"\n"))
        body = _without_empty_lines(taken)
        if body:
            yield Request(body, Lines(first, first + count - 1))
        if is_end:
            return
        first += count


def _without_empty_lines(data: bytes) -> bytes:
    body = data.strip(b"\r\n")
    if b"\n\n" in body or b"\n\r\n" in body:
        return b"\n".join(line for line in body.split(b"\n") if line.strip(b"\r"))
    return body
