"""Addresses of objects, and the rules that S3 sets for their parts.

Source: Amazon S3 user guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError
from stepmill.storage.texts import check_text

LONGEST_KEY_BYTES = 1024

_SCHEME = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LIKE_AN_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_LAST_BEFORE_SURROGATES, _FIRST_AFTER_SURROGATES = 0xD7FF, 0xE000
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True, order=True)
class S3Uri:
    """The address of an object, or of all objects whose keys begin with ``key``.

    Args:
        bucket: Name of the bucket, within S3's rules.
        key: At most 1,024 bytes of UTF-8. Any character may occur, ``..`` and ``//`` mean nothing.
            Empty for the whole bucket.

    Raises:
        InvalidInputError: If S3 would not take the bucket's name or the key.

    Example:
        >>> S3Uri.parse("s3://data/raw").joined("2024", "a.csv")
        S3Uri(bucket='data', key='raw/2024/a.csv')
    """

    bucket: str
    key: str = ""

    def __post_init__(self) -> None:
        check_bucket_name(self.bucket)
        _check_key(self.key)

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Read ``s3://bucket/key``. Nothing is decoded: a ``%20`` in it is three characters of the key.

        Raises:
            InvalidInputError: If it is no such address.
        """
        if not text.startswith(_SCHEME):
            raise InvalidInputError(
                f"{text[:100]!r} is not an S3 address.", mend="Write it as s3://bucket/key, in lower case."
            )
        bucket, _, key = text.removeprefix(_SCHEME).partition("/")
        return cls(bucket, key)

    def joined(self, *parts: str) -> S3Uri:
        """Return the address below this one: this key and the parts, with one ``/`` put between each two.

        A ``/`` that is there already at a joint is not doubled; empty parts are passed over.
        """
        key = self.key
        for part in parts:
            if part:
                key = part if not key else f"{key.removesuffix('/')}/{part.removeprefix('/')}"
        return S3Uri(self.bucket, key)

    @property
    def name(self) -> str:
        """What follows the last ``/`` of the key; empty if the key ends with one."""
        return self.key.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.key}"


def check_bucket_name(name: str) -> None:
    """Hold a bucket's name against S3's rules.

    Raises:
        InvalidInputError: If S3 would refuse the name.
    """
    if (
        not _BUCKET.fullmatch(name)
        or ".." in name
        or _LIKE_AN_ADDRESS.fullmatch(name)
        or name.startswith(_RESERVED_STARTS)
        or name.endswith(_RESERVED_ENDS)
    ):
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a bucket.",
            mend="Take 3 to 63 lower-case letters, digits, hyphens and single dots, with a letter or digit "
            "at both ends and none of S3's reserved beginnings and endings.",
        )


def end_of_prefix(prefix: str) -> str | None:
    """Return the least string that is greater than all that begin with ``prefix``.

    Strings are ordered by code points, which is also the order of their UTF-8 bytes.

    Returns:
        The bound; ``None`` if there is none, because nothing sorts after them.

    Example:
        >>> end_of_prefix("raw/")
        'raw0'
    """
    head = prefix.rstrip(chr(_LAST_CODE_POINT))
    if not head:
        return None
    last = ord(head[-1])
    following = _FIRST_AFTER_SURROGATES if last == _LAST_BEFORE_SURROGATES else last + 1
    return head[:-1] + chr(following)


def _check_key(key: str) -> None:
    check_text(key)
    size = len(key.encode())
    if size > LONGEST_KEY_BYTES:
        raise InvalidInputError(
            f"The key {key[:100]!r}... has {size} bytes; S3 takes {LONGEST_KEY_BYTES}.", mend="Shorten it."
        )
