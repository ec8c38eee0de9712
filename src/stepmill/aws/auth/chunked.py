r"""The ``aws-chunked`` encoding of bodies, undone while they come in, with its signatures and its trailer.

::

    10000[;chunk-signature=<64 hex>]\r\n <65536 bytes> \r\n ...
    0[;chunk-signature=<64 hex>]\r\n
    x-amz-checksum-crc32:AAAAAA==\r\n [x-amz-trailer-signature:<64 hex>\r\n] \r\n

Source: S3 API reference, "Signature calculations: Transferring payload in multiple chunks",
and "with trailing headers".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

from stepmill.aws.auth.canonical import EMPTY_SHA256, signature
from stepmill.aws.errors import ApiError

TRAILER_SIGNATURE = "x-amz-trailer-signature"

_LONGEST_LINE = 1024
_MOST_TRAILERS = 16
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?")


class ChunkSigner:
    """Checks the signatures of chunks, each of which covers the one before.

    Args:
        key: The signing key.
        moment: As it was signed.
        scope: Of the key.
        seed: Signature of the request's head.
    """

    def __init__(self, key: bytes, moment: str, scope: str, seed: str) -> None:
        self._key = key
        self._head = f"{moment}\n{scope}\n"
        self._previous = seed

    def check_chunk(self, given: str, digest: str) -> None:
        """Hold a chunk's signature against its digest.

        Raises:
            ApiError: If it is another.
        """
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{self._head}{self._previous}\n{EMPTY_SHA256}\n{digest}"
        self._check(given, text)

    def check_trailer(self, given: str, trailer: bytes) -> None:
        """Hold the trailer's signature against its lines.

        Raises:
            ApiError: If it is another.
        """
        digest = sha256(trailer).hexdigest()
        self._check(given, f"AWS4-HMAC-SHA256-TRAILER\n{self._head}{self._previous}\n{digest}")

    def _check(self, given: str, text: str) -> None:
        expected = signature(self._key, text)
        if not hmac.compare_digest(expected, given):
            raise ApiError(
                "SignatureDoesNotMatch",
                "The signature of a chunk does not match: what came is not what was signed.",
                status=403,
            )
        self._previous = expected


class ChunkedBody:
    """The content of an ``aws-chunked`` body. Read once.

    Args:
        source: The body as it comes in.
        size_bytes: Of the content, as the head says; ``None`` if it does not.
        signer: Checks the signatures; ``None`` if the chunks are not signed.
    """

    def __init__(self, source: Iterable[bytes], size_bytes: int | None, signer: ChunkSigner | None) -> None:
        self._lines = _Incoming(iter(source))
        self._size_bytes = size_bytes
        self._signer = signer
        # By name in lower case; complete when the body has been read to its end.
        self.trailers: dict[str, str] = {}
        # Chunks may be signed, but nobody says what all of them are.
        self.sha256 = ""

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes of the content.

        Raises:
            ApiError: If it is not encoded so, a signature is wrong, or it is longer or shorter than said.
        """
        total = 0
        while True:
            size, given = self._chunk_head()
            digest = sha256()
            for piece in self._lines.take(size):
                if self._signer is not None:
                    digest.update(piece)
                total += len(piece)
                if self._size_bytes is not None and total > self._size_bytes:
                    raise _incomplete(f"more than the {self._size_bytes} bytes that were announced")
                yield piece
            if self._signer is not None:
                self._signer.check_chunk(given, digest.hexdigest())
            if size == 0:
                break
            if self._lines.line(_LONGEST_LINE):
                raise _incomplete("a chunk that is longer than it says")
        if self._size_bytes is not None and total != self._size_bytes:
            raise _incomplete(f"{total} of the {self._size_bytes} bytes that were announced")
        self._read_trailers()

    def _chunk_head(self) -> tuple[int, str]:
        match = _CHUNK.fullmatch(self._lines.line(_LONGEST_LINE))
        if match is None:
            raise _incomplete("no chunk where one must begin")
        if self._signer is not None and match[2] is None:
            raise ApiError("SignatureDoesNotMatch", "A chunk is not signed.", status=403)
        return int(match[1], 16), (match[2] or b"").decode()

    def _read_trailers(self) -> None:
        signed = b""
        while line := self._lines.line(_LONGEST_LINE, may_end=True):
            name, colon, value = line.partition(b":")
            key = name.decode("latin-1").strip().lower()
            if not colon or key in self.trailers or len(self.trailers) >= _MOST_TRAILERS:
                raise _incomplete("a trailer that cannot be read")
            if key != TRAILER_SIGNATURE:
                signed += key.encode("latin-1") + b":" + value.strip() + b"\n"
            self.trailers[key] = value.decode("latin-1").strip()
        given = self.trailers.pop(TRAILER_SIGNATURE, "")
        if self._signer is not None and (self.trailers or given):
            self._signer.check_trailer(given, signed)


class _Incoming:
    """Lines and counted bytes of a stream of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def line(self, longest: int, *, may_end: bool = False) -> bytes:
        """Return the bytes up to the next line end; if it may, the end of all counts as an empty line."""
        while b"\r\n" not in self._rest:
            piece = b"" if len(self._rest) > longest else next(self._pieces, b"")
            if not piece:
                if may_end and not self._rest:
                    return b""
                raise _incomplete("the end of the body where a line must be")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\r\n")
        if len(line) > longest:
            raise _incomplete("a line that is too long")
        return line

    def take(self, size: int) -> Iterator[bytes]:
        """Give the next so many bytes, as they come in."""
        while size > 0:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                raise _incomplete("the end of the body within a chunk")
            taken, self._rest = piece[:size], piece[size:]
            size -= len(taken)
            yield taken


def _incomplete(found: str) -> ApiError:
    return ApiError(
        "IncompleteBody", f"The request body is not encoded as aws-chunked: it has {found}.", status=400
    )
