"""Streams of bytes as files."""

from __future__ import annotations

import io
from collections.abc import Iterator


class ChunkFile(io.RawIOBase):
    """A file to read from, made of an iterator of bytes. It may give less than was asked for.

    Example:
        >>> ChunkFile(iter([b"ab", b"c"])).read(1)
        b'a'
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return true."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; all that is left if it is negative; nothing at the end."""
        if size < 0:
            whole = bytes(self._rest) + b"".join(self._chunks)
            self._rest = memoryview(b"")
            return whole
        while size and not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)
