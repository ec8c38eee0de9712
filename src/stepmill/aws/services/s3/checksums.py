"""Digests on the wire: those that come with a body are held against it, those that are known are told."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.wire import BodyStream, Request
from stepmill.storage.objects.digests import Checksum, Hashing, is_checksum

# S3 user guide, "Amazon S3 multipart upload limits" and "Uploading objects": in one piece, 5 GiB.
LARGEST_PIECE_BYTES = 5 * 1024**3

_HEADER = "x-amz-checksum-"
_MD5_BYTES = 16
# They say of which kind a checksum is, or which one is wanted.
_NO_VALUES = frozenset({f"{_HEADER}type", f"{_HEADER}algorithm", f"{_HEADER}mode"})


@dataclass(frozen=True)
class Expected:
    """What a client says of its body.

    Args:
        md5: In hexadecimal; empty if it does not say.
        checksum: Which it gives; ``None`` if none.
        value: That one, in base64; empty if it follows the body.
    """

    md5: str = ""
    checksum: Checksum | None = None
    value: str = ""

    def verify(self, hashing: Hashing, trailers: Mapping[str, str]) -> None:
        """Hold the digests of a body against it.

        Raises:
            ApiError: If one is another, or did not follow.
        """
        if self.md5 and self.md5 != hashing.etag:
            raise ApiError("BadDigest", "The Content-MD5 you specified did not match what we received.")
        if self.checksum is None:
            return
        value = self.value or trailers.get(f"{_HEADER}{self.checksum.lower()}", "")
        if not is_checksum(self.checksum, value):
            raise _invalid(f"Value for {_HEADER}{self.checksum.lower()} header is invalid.")
        if hashing.values()[self.checksum] != value:
            raise ApiError(
                "BadDigest", f"The {self.checksum} you specified did not match the calculated checksum."
            )


class CheckedBody:
    """A body that is held against what its client says of it, at its end. Read once.

    Args:
        request: Whose it is.
        more: Another checksum that is worth knowing.
    """

    def __init__(self, request: Request, more: Checksum | None = None) -> None:
        self._expected = expected_of(request.headers)
        self._body: BodyStream | Sequence[bytes] = request.stream or (request.body,)
        wanted = {checksum for checksum in (self._expected.checksum, more) if checksum is not None}
        self.hashing = Hashing(wanted, sha256="" if request.stream is None else request.stream.sha256)
        self._trailers: Mapping[str, str] = {} if request.stream is None else request.stream.trailers
        _check_size(request.headers)

    @property
    def checksum(self) -> Checksum | None:
        """Which checksum the client gives."""
        return self._expected.checksum

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes.

        Raises:
            ApiError: If there are too many of them, or a digest is another.
        """
        left = LARGEST_PIECE_BYTES
        for piece in self._body:
            left -= len(piece)
            if left < 0:
                raise _too_large()
            yield piece
        self._expected.verify(self.hashing, self._trailers)


def verify_whole(request: Request) -> None:
    """Hold the body of a call that has all of it against what its client says of it.

    Raises:
        ApiError: If a digest is another.
    """
    expected = expected_of(request.headers)
    if expected != Expected():
        hashing = Hashing([] if expected.checksum is None else [expected.checksum])
        hashing.update(request.body)
        expected.verify(hashing, {})


def expected_of(headers: Mapping[str, str]) -> Expected:
    """Return what a client says of its body.

    Raises:
        ApiError: If it says it wrongly, or more than one checksum.
    """
    following = (name.strip().lower() for name in headers.get("x-amz-trailer", "").split(","))
    names = {name for name in (*headers, *following) if name.startswith(_HEADER)} - _NO_VALUES
    found = [checksum_of(name.removeprefix(_HEADER)) for name in names]
    if len(found) > 1:
        raise _invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if not found:
        if "x-amz-sdk-checksum-algorithm" in headers:
            raise _invalid(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found."
            )
        return Expected(_md5_of(headers))
    (name,) = names
    value = headers.get(name, "")
    if name in headers and not is_checksum(found[0], value):
        raise _invalid(f"Value for {name} header is invalid.")
    return Expected(_md5_of(headers), found[0], value)


def checksum_of(name: str) -> Checksum:
    """Return the algorithm of a name.

    Raises:
        ApiError: If it is not offered.
    """
    try:
        return Checksum(name.upper())
    except ValueError as error:
        raise ApiError(
            "NotImplemented",
            f"The checksum {name[:40]!r} is not offered.",
            status=501,
            mend=f"Take one of {', '.join(Checksum)}.",
        ) from error


def wanted_checksum(parameters: Mapping[str, Any]) -> Checksum | None:
    """Return the ``ChecksumAlgorithm`` of a call, if it has one."""
    name = parameters.get("ChecksumAlgorithm")
    return checksum_of(name) if name else None


def shown(checksums: Mapping[Checksum, str]) -> dict[str, str]:
    """Return checksums as members of an answer, with their type: of the whole, or of the parts'."""
    if not checksums:
        return {}
    members = {f"Checksum{checksum}": value for checksum, value in checksums.items()}
    return {**members, "ChecksumType": type_of(checksums)}


def type_of(checksums: Mapping[Checksum, str]) -> str:
    """Return the type of an object's checksums."""
    return "COMPOSITE" if any("-" in value for value in checksums.values()) else "FULL_OBJECT"


def _md5_of(headers: Mapping[str, str]) -> str:
    text = headers.get("content-md5")
    if text is None:
        return ""
    try:
        digest = b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != _MD5_BYTES:
        raise ApiError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    return digest.hex()


def _check_size(headers: Mapping[str, str]) -> None:
    text = headers.get("x-amz-decoded-content-length") or headers.get("content-length", "")
    if text.isdecimal() and int(text) > LARGEST_PIECE_BYTES:
        raise _too_large()


def _too_large() -> ApiError:
    return ApiError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size.",
        mend="Put it in parts.",
        members={"MaxSizeAllowed": LARGEST_PIECE_BYTES},
    )


def _invalid(text: str) -> ApiError:
    return ApiError("InvalidRequest", text)
