"""Bodies that are sent piece by piece, read beside the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Iterator

from stepmill.aws.wire import FileRange

# One system call each for so much: less, and the calls cost more than the copying.
_PIECE_BYTES = 1024 * 1024


async def pieces_of(body: Iterable[bytes] | FileRange) -> AsyncGenerator[bytes, None]:
    """Return the pieces of a body; what it comes from is open when this returns.

    Raises:
        OSError: If it is a file that cannot be opened.
    """
    if isinstance(body, FileRange):
        descriptor = await asyncio.to_thread(os.open, body.path, os.O_RDONLY | os.O_CLOEXEC)
        return _file_pieces(descriptor, body.start, body.size_bytes)
    return _iterated(iter(body))


async def _file_pieces(descriptor: int, start: int, size_bytes: int) -> AsyncGenerator[bytes, None]:
    end = start + size_bytes
    try:
        while start < end:
            piece = await asyncio.to_thread(os.pread, descriptor, min(_PIECE_BYTES, end - start), start)
            if not piece:
                raise OSError("A stored file is shorter than it was.")
            start += len(piece)
            yield piece
    finally:
        os.close(descriptor)


async def _iterated(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        while piece := await asyncio.to_thread(_next, pieces):
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            await asyncio.to_thread(close)


def _next(pieces: Iterator[bytes]) -> bytes:
    """Return the next piece that is not empty; empty at the end."""
    return next((piece for piece in pieces if piece), b"")
