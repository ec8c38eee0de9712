"""What is signed of a request, as Signature Version 4 writes it. Pure.

Source: IAM user guide, "Create a signed AWS API request"; S3 API reference, "Authenticating Requests".
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = sha256(b"").hexdigest()
TERMINATOR = "aws4_request"


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """Return the key of a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """Return the signature of a text, in lower-case hexadecimal."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def string_to_sign(moment: str, scope: str, canonical_request: str) -> str:
    """Return what is signed: algorithm, moment, scope, and the digest of the canonical request."""
    hashed = sha256(canonical_request.encode()).hexdigest()
    return f"{ALGORITHM}\n{moment}\n{scope}\n{hashed}"


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: Sequence[str], payload: str
) -> str:
    """Return the canonical request.

    Args:
        method: ``GET``.
        path: As ``canonical_path`` gives it.
        query: As one of ``canonical_queries`` gives it.
        headers: By name in lower case.
        signed: Names of the signed ones, sorted.
        payload: Digest of the body, or the word that stands for it.
    """
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed)
    return f"{method}\n{path}\n{query}\n{lines}\n{';'.join(signed)}\n{payload}"


def canonical_path(path: str, service: str) -> str:
    """Return a path as it is signed: that of S3 as it was sent, others without dots and encoded once more.

    Example:
        >>> canonical_path("/2015-03-31/functions/a%3Ab", "lambda")
        '/2015-03-31/functions/a%253Ab'
    """
    if service.startswith("s3"):
        return path
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    normal = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(normal, safe="/~")


def canonical_queries(query: str, leave_out: Collection[str] = ()) -> tuple[str, str]:
    """Return a query as it is signed, in the two ways in which clients write it.

    Args:
        query: As it was sent.
        leave_out: Parameters that are not signed: the signature itself.

    Returns:
        As it was sent, and encoded anew; both sorted. Most clients send what they sign, some do not.
    """
    pairs = [part.partition("=") for part in query.split("&") if part]
    kept = [(name, value) for name, _, value in pairs if name not in leave_out]
    anew = [(_encoded_anew(name), _encoded_anew(value)) for name, value in kept]
    return _joined(kept), _joined(anew)


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded_anew(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")
