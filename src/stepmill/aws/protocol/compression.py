"""Requests whose bodies clients compress: large ones of operations that say they may be."""

from __future__ import annotations

import zlib

from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.wire import Request

# What a body may unfold to: many times what any client sends, and harmless in memory.
MOST_BYTES = 16 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def plain_body(request: Request) -> bytes:
    """Return the body of a request, decompressed if its last encoding is gzip.

    Raises:
        Unreadable: If it is not gzip, not whole, or unfolds to more than ``MOST_BYTES``.
    """
    encodings = request.headers.get("content-encoding", "")
    if encodings.rpartition(",")[2].strip().lower() != "gzip" or not request.body:
        return request.body
    unfolding = zlib.decompressobj(_GZIP)
    try:
        body = unfolding.decompress(request.body, MOST_BYTES + 1)
    except zlib.error as error:
        raise Unreadable("The body is not compressed as its header says") from error
    if len(body) > MOST_BYTES or not unfolding.eof:
        raise Unreadable(f"The body is cut off, or unfolds to more than {MOST_BYTES} bytes")
    return body
