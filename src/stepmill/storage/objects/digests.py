"""Digests of objects: the ETag, the checksums that clients ask for, and how those of parts make a whole's.

Source: Amazon S3 user guide, "Checking object integrity": composite and full-object checksums.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest, md5, sha1, sha256, sha512
from typing import BinaryIO, Protocol

# Less is hashed before a thread has begun.
_WORTH_A_THREAD_BYTES = 512 * 1024
_MD5 = re.compile(r"[0-9a-f]{32}")


class Checksum(StrEnum):
    """An algorithm that clients may ask for."""

    CRC32 = "CRC32"
    CRC32C = "CRC32C"
    CRC64NVME = "CRC64NVME"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"
    MD5 = "MD5"


@dataclass(frozen=True)
class _Polynomial:
    """Of a CRC, with its bits reflected: the lowest stands for the greatest power."""

    value: int
    bits: int


_POLYNOMIALS: Mapping[Checksum, _Polynomial] = {
    Checksum.CRC32: _Polynomial(0xEDB88320, 32),
    Checksum.CRC32C: _Polynomial(0x82F63B78, 32),
    Checksum.CRC64NVME: _Polynomial(0x9A6C9329AC4BC9B5, 64),
}


def sha256_of(file: BinaryIO, passed: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of what is left of a file, in lower-case hexadecimal, reading piece by piece.

    Args:
        file: Opened for reading bytes.
        passed: Is told of each piece how many bytes it had; what it raises ends the reading.
    """
    read = file if passed is None else _Told(file, passed)
    return file_digest(read, "sha256").hexdigest()  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Told:
    """A file that tells of what is read, as far as ``file_digest`` needs one."""

    file: BinaryIO
    passed: Callable[[int], None]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        size = int(self.file.readinto(buffer))  # type: ignore[attr-defined]
        self.passed(size)
        return size


class _Algorithm(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, checksum: Checksum) -> None:
        self._compute = _crc_function(checksum)
        self._size_bytes = _POLYNOMIALS[checksum].bits // 8
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._compute(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size_bytes)


def _crc_function(checksum: Checksum) -> Callable[[bytes, int], int]:
    if checksum is Checksum.CRC32:
        return zlib.crc32
    from awscrt import checksums  # 0.1 s and 8 MB, for what few clients ask

    by_name: dict[Checksum, Callable[[bytes, int], int]] = {
        Checksum.CRC32C: checksums.crc32c,
        Checksum.CRC64NVME: checksums.crc64nvme,
    }
    return by_name[checksum]


def _algorithm(checksum: Checksum) -> _Algorithm:
    match checksum:
        case Checksum.SHA1:
            return sha1(usedforsecurity=False)
        case Checksum.SHA256:
            return sha256()
        case Checksum.SHA512:
            return sha512()
        case Checksum.MD5:
            return md5(usedforsecurity=False)
        case _:
            return _Crc(checksum)


class _Beside:
    """An algorithm that takes in large chunks on a thread of its own, while others are at work."""

    def __init__(self, algorithm: _Algorithm) -> None:
        self._algorithm = algorithm
        self._thread: ThreadPoolExecutor | None = None
        self._chunk: Future[None] | None = None

    def update(self, data: bytes, /) -> None:
        self._finish_chunk()
        if len(data) < _WORTH_A_THREAD_BYTES:
            self._algorithm.update(data)
            return
        if self._thread is None:
            # It ends with this object: nobody need remember to end it where an upload breaks off.
            self._thread = ThreadPoolExecutor(1, "digest")
        self._chunk = self._thread.submit(self._algorithm.update, data)

    def digest(self) -> bytes:
        self._finish_chunk()
        return self._algorithm.digest()

    def _finish_chunk(self) -> None:
        if self._chunk is not None:
            self._chunk.result()
            self._chunk = None


class Hashing:
    """Computes digests while bytes pass by. Give it what is worth knowing; nothing else is computed.

    Args:
        checksums: Beside the MD5, which is the ETag.
        sha256: The bytes' SHA-256 in hexadecimal, if whoever gives them sees to it that it is this one.

    Example:
        >>> hashing = Hashing([Checksum.CRC32])
        >>> hashing.update(b"data")
        >>> hashing.etag, hashing.values()
        ('8d777f385d3dfec8815d20f7496026dc', {<Checksum.CRC32: 'CRC32'>: 'rfPzYw=='})
    """

    def __init__(self, checksums: Iterable[Checksum] = (), *, sha256: str = "") -> None:
        # It takes longer than all that is done otherwise with the bytes.
        self._md5 = _Beside(md5(usedforsecurity=False))
        self._algorithms = {checksum: _algorithm(checksum) for checksum in checksums}
        self._sha256 = sha256

    def update(self, chunk: bytes) -> None:
        """Take these bytes in."""
        self._md5.update(chunk)
        for algorithm in self._algorithms.values():
            algorithm.update(chunk)

    @property
    def etag(self) -> str:
        """The MD5 of the bytes so far, in hexadecimal."""
        return self._md5.digest().hex()

    @property
    def sha256(self) -> str:
        """Their SHA-256 in hexadecimal; empty if it is not known."""
        computed = self._algorithms.get(Checksum.SHA256)
        return computed.digest().hex() if computed is not None else self._sha256

    def values(self) -> dict[Checksum, str]:
        """Return the checksums of the bytes so far, in base64."""
        return {
            checksum: b64encode(algorithm.digest()).decode()
            for checksum, algorithm in self._algorithms.items()
        }


def opaque_etag(blob: str) -> str:
    """Return the ETag of bytes whose MD5 nobody has computed: no other blob's, and the same for ever.

    With a hyphen, as S3's own where they are no MD5: clients do not compare those with the content.
    """
    return f"{md5(blob.encode(), usedforsecurity=False).hexdigest()}-1"


def etag_of_parts(etags: Sequence[str]) -> str:
    """Return the ETag of an object that was put in parts.

    Example:
        >>> etag_of_parts(["8d777f385d3dfec8815d20f7496026dc"])
        '2068bfdec27f4616282c1124300f0ae6-1'
    """
    # Of a part that is a copy, the ETag may be no MD5: its letters then count.
    joined = b"".join(bytes.fromhex(etag) if _MD5.fullmatch(etag) else etag.encode() for etag in etags)
    return f"{md5(joined, usedforsecurity=False).hexdigest()}-{len(etags)}"


def composite_checksum(checksum: Checksum, values: Sequence[str]) -> str:
    """Return the checksum of the parts' checksums, and their number: ``4/xQwA==-2``."""
    algorithm = _algorithm(checksum)
    for value in values:
        algorithm.update(b64decode(value))
    return f"{b64encode(algorithm.digest()).decode()}-{len(values)}"


def is_checksum(checksum: Checksum, value: str) -> bool:
    """Return whether a text can be such a checksum, in base64."""
    try:
        return len(b64decode(value, validate=True)) == len(_algorithm(checksum).digest())
    except ValueError:
        return False


def has_full_object(checksum: Checksum) -> bool:
    """Return whether the whole's checksum can be told from those of its parts."""
    return checksum in _POLYNOMIALS


def full_object_checksum(checksum: Checksum, parts: Iterable[tuple[str, int]]) -> str:
    """Return the checksum of the whole, in base64, from those of its parts without reading a byte again.

    Args:
        checksum: A CRC.
        parts: Checksum in base64 and length in bytes of each, in order.

    Source:
        zlib, ``crc32_combine``: over the field of two elements, a CRC followed by n zero bytes is that
        CRC times x to the power of 8n.
    """
    polynomial = _POLYNOMIALS[checksum]
    shifts: dict[int, int] = {}  # parts mostly have the same length
    whole = 0
    for value, size_bytes in parts:
        if size_bytes not in shifts:
            shifts[size_bytes] = _power_of_x(8 * size_bytes, polynomial)
        whole = _product(shifts[size_bytes], whole, polynomial) ^ int.from_bytes(b64decode(value))
    return b64encode(whole.to_bytes(polynomial.bits // 8)).decode()


def _power_of_x(exponent: int, polynomial: _Polynomial) -> int:
    one = 1 << (polynomial.bits - 1)
    power, square = one, one >> 1
    while exponent:
        if exponent & 1:
            power = _product(power, square, polynomial)
        square = _product(square, square, polynomial)
        exponent >>= 1
    return power


def _product(one: int, other: int, polynomial: _Polynomial) -> int:
    product = 0
    for bit in range(polynomial.bits - 1, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = (other >> 1) ^ polynomial.value if other & 1 else other >> 1
    return product
