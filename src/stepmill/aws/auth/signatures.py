"""Checks the signature of every request, and that its body is what was signed."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from stepmill.aws.admission import Admitted
from stepmill.aws.auth import sigv2
from stepmill.aws.auth.canonical import (
    canonical_path,
    canonical_queries,
    canonical_request,
    signature,
    signing_key,
    string_to_sign,
)
from stepmill.aws.auth.chunked import ChunkedBody, ChunkSigner
from stepmill.aws.auth.claims import UNSIGNED_PAYLOAD, Claim, claim_of_header, claim_of_query, parameters_of
from stepmill.aws.auth.refusals import JSON, QUERY, S3, Refusals, refusals_of
from stepmill.aws.errors import ApiError
from stepmill.aws.service import Caller
from stepmill.aws.wire import BodyStream, Request
from stepmill.core.clock import Clock
from stepmill.core.endpoint import AccessKey

# S3 API reference, RequestTimeTooSkewed: fifteen minutes.
LARGEST_SKEW = timedelta(minutes=15)

_STREAMING = "STREAMING-"
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_CHUNKED = frozenset({_SIGNED_CHUNKS, f"{_SIGNED_CHUNKS}-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
_DIGEST_LETTERS = 64
# Headers that a client cannot sign, or that say what is signed anyway.
_NEED_NOT_BE_SIGNED = frozenset({"x-amz-content-sha256"})


class Keys(Protocol):
    """Knows the keys of this installation."""

    def find(self, access_key: str, token: str) -> AccessKey | None:
        """Return the key of that id, if there is one that holds.

        Args:
            access_key: Its public half.
            token: Session token that came with it; may be empty. Whether it is that of the key is checked
                by whoever asks.
        """
        ...


class SignatureCheck:
    """Admits requests that one of this installation's keys has signed. Safe to share between threads.

    Args:
        keys: Knows the keys.
        clock: Tells the time.
    """

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        # A day's keys are few, and each costs four digests.
        self._signing_key = lru_cache(maxsize=256)(signing_key)

    def admit(self, request: Request, path: str) -> Admitted:
        """Return whose a request is, with its body decoded.

        Args:
            request: As it was sent.
            path: Its path with the bucket first, however that was addressed.

        Raises:
            ApiError: If it is not signed, or wrongly, or too long ago, or by a key that is not known, or if
                its body is not what was signed.
        """
        if "authorization" in request.headers:
            return self._admit_v4(request, is_presigned=False)
        if "X-Amz-Signature=" in request.query:
            return self._admit_v4(request, is_presigned=True)
        if sigv2.is_presigned_v2(request):
            return self._admit_v2(request, path)
        raise _family(request).missing()

    def _admit_v2(self, request: Request, path: str) -> Admitted:
        token = parameters_of(request.query).get("x-amz-security-token", "")
        key = self._key(sigv2.access_key_of(request), token, S3)
        sigv2.check(request, key.secret, self._clock.now(), path)
        self._check_session(key, token, S3)
        return Admitted(Caller(key.id, key.name, key.job), _decoded(request, UNSIGNED_PAYLOAD, None), "s3")

    def _admit_v4(self, request: Request, *, is_presigned: bool) -> Admitted:
        refusals = _family(request)
        claim = (claim_of_query if is_presigned else claim_of_header)(request, refusals)
        refusals = refusals_of(claim.service)
        key = self._key(claim.access_key, claim.token, refusals)
        payload = _payload_of(request, claim, is_presigned=is_presigned)
        signing = self._signing_key(key.secret, claim.day, claim.region, claim.service)
        leave_out = ("X-Amz-Signature",) if is_presigned else ()
        if not any(
            self._is_signed(request, claim, signing, query, payload)
            for query in canonical_queries(request.query, leave_out)
        ):
            raise refusals.mismatch()
        self._check_time(claim, refusals)
        _check_headers(request, claim, refusals)
        self._check_session(key, claim.token, refusals)
        signer = None
        if payload.startswith(_SIGNED_CHUNKS):
            signer = ChunkSigner(signing, claim.moment_text, claim.scope, claim.signature)
        return Admitted(Caller(key.id, key.name, key.job), _decoded(request, payload, signer), claim.service)

    def _key(self, access_key: str, token: str, refusals: Refusals) -> AccessKey:
        key = self._keys.find(access_key, token)
        if key is None:
            raise refusals.unknown(access_key)
        return key

    def _check_session(self, key: AccessKey, given: str, refusals: Refusals) -> None:
        # A token beside a key that needs none is left over in the environment of the one who calls.
        if key.token and not hmac.compare_digest(key.token.encode(), given.encode()):
            raise refusals.wrong_token()
        if key.expires_at is not None and self._clock.now() >= key.expires_at:
            raise refusals.expired_token()

    def _is_signed(self, request: Request, claim: Claim, signing: bytes, query: str, payload: str) -> bool:
        path = canonical_path(request.path, claim.service)
        text = canonical_request(request.method, path, query, request.headers, claim.signed_headers, payload)
        expected = signature(signing, string_to_sign(claim.moment_text, claim.scope, text))
        return hmac.compare_digest(expected, claim.signature)

    def _check_time(self, claim: Claim, refusals: Refusals) -> None:
        now = self._clock.now()
        if claim.expires_after is None:
            if abs(now - claim.moment) > LARGEST_SKEW:
                raise refusals.skewed(_shown(claim.moment), _shown(now))
            return
        if claim.moment - now > LARGEST_SKEW:
            raise refusals.skewed(_shown(claim.moment), _shown(now))
        if now > claim.moment + claim.expires_after:
            raise refusals.expired()


class _DigestedStream:
    """A stream whose digest is that which was signed, or an error at its end."""

    def __init__(self, source: BodyStream, expected: str) -> None:
        self._source = source
        self.sha256 = expected.lower()
        self.trailers: Mapping[str, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        digest = sha256()
        for piece in self._source:
            digest.update(piece)
            yield piece
        _check_digest(digest.hexdigest(), self.sha256)


def _family(request: Request) -> Refusals:
    """Return the errors that a client reads whose service is not known yet."""
    if "x-amz-target" in request.headers:
        return JSON
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return QUERY
    credential = request.headers.get("authorization", "") or request.query
    return S3 if "%2Fs3%2F" in credential or "/s3/" in credential or not credential else JSON


def _payload_of(request: Request, claim: Claim, *, is_presigned: bool) -> str:
    """Return what stands for the body in the canonical request."""
    if claim.payload:
        return claim.payload
    if claim.service.startswith("s3"):
        if is_presigned:
            return UNSIGNED_PAYLOAD
        raise ApiError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    return sha256(request.body).hexdigest()


def _check_headers(request: Request, claim: Claim, refusals: Refusals) -> None:
    """Hold that nobody added headers that change what is done: `x-amz-target`, say, names the call."""
    added = [
        name
        for name in request.headers
        if name.startswith("x-amz-") and name not in claim.signed_headers and name not in _NEED_NOT_BE_SIGNED
    ]
    if added:
        raise refusals.unsigned_headers(", ".join(sorted(added)))


def _decoded(request: Request, payload: str, signer: ChunkSigner | None) -> Request:
    """Return the request with its body as the client meant it; what streams is checked while it is read."""
    is_chunked = payload in _CHUNKED
    if payload.startswith(_STREAMING) and not is_chunked:
        raise ApiError("NotImplemented", f"The payload {payload[:60]!r} is not offered.", status=501)
    source: BodyStream | None = request.stream
    if is_chunked:
        body = ChunkedBody(source if source is not None else (request.body,), _decoded_size(request), signer)
        if source is not None:
            return replace(request, stream=body)
        return replace(request, body=b"".join(body))
    if payload == UNSIGNED_PAYLOAD:
        return request
    if len(payload) != _DIGEST_LETTERS:
        raise ApiError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-..., or a valid sha256 value.",
        )
    if source is not None:
        return replace(request, stream=_DigestedStream(source, payload))
    _check_digest(sha256(request.body).hexdigest(), payload)
    return request


def _decoded_size(request: Request) -> int | None:
    text = request.headers.get("x-amz-decoded-content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len("9" * 16) else None


def _check_digest(actual: str, expected: str) -> None:
    if actual != expected.lower():
        raise ApiError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
