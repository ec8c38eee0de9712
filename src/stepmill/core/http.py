"""An HTTP request and its answer, as the doors see them: values, no sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from stepmill.core.errors import StepmillError


class BodyStream(Protocol):
    """The body of a request that is too large for memory, as it comes in. Read on a worker thread, once."""

    @property
    def sha256(self) -> str:
        """The digest, in hexadecimal, that is held against the bytes at their end; empty if none is."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """What followed the bytes, by name in lower case; complete when they have been read to their end."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes of the content: transfer and ``aws-chunked`` encodings are undone, digests checked.

        Raises:
            StepmillError: If the client goes away, sends more or less than it said, or its digest is another.
        """
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request.

    Args:
        method: ``GET``, in upper case.
        path: As it was sent: percent-encoded, without the query.
        query: As it was sent, without the ``?``; may be empty.
        headers: By name in lower case; values of a repeated header joined by ``,``.
        body: All of it; empty while ``stream`` has it.
        stream: The body of an operation that takes it piece by piece.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: BodyStream | None = None


@dataclass(frozen=True, slots=True)
class FileRange:
    """Bytes of a file, to be sent without passing through memory. The file is open at the path's time of use.

    Args:
        path: The file. It is never changed; it may be unlinked once the answer has begun.
        start: Of the first byte.
        size_bytes: How many.
    """

    path: Path
    start: int
    size_bytes: int


Body: TypeAlias = bytes | Iterable[bytes] | FileRange


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request.

    Args:
        status: The HTTP status.
        headers: In order; names may repeat. ``Content-Length`` is added by whoever sends, where it is known.
        body: What is sent. An iterable is sent piece by piece (chunked, or with a given Content-Length).
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = b""


class Door(Protocol):
    """One more door behind the address of AWS's services: it answers what is for it, by itself.

    Called on worker threads, but for ``takes`` and ``most_bytes``.
    """

    def takes(self, head: Request) -> bool:
        """Return whether a request is for it, by its head alone."""
        ...

    def most_bytes(self, head: Request) -> int | None:
        """Return how long the body may be that is read first; ``None``: ``answer`` has it as a stream."""
        ...

    def answer(self, request: Request, request_id: str) -> Response:
        """Answer a request. No error is raised: each is an answer, too."""
        ...

    def refuse(self, head: Request, error: StepmillError, status: int) -> Response:
        """Return the answer to a request that cannot be read."""
        ...
