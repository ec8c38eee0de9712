"""What a request says of its signature: by whom, when, over what. Read, not yet believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from stepmill.aws.auth.canonical import ALGORITHM, TERMINATOR
from stepmill.aws.auth.refusals import Refusals
from stepmill.aws.wire import Request
from stepmill.core.clock import aware

# S3 API reference, "Authenticating Requests: Using Query Parameters": seven days.
LONGEST_PRESIGNED = timedelta(days=7)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_HEADER = re.compile(r"\s*([A-Za-z]+)\s*=\s*([^,\s]+)\s*(?:,|$)")
_MOMENT_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_MOMENT = "%Y%m%dT%H%M%SZ"
_MOST_PARAMETERS = 1000


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature of version 4, as a request states it.

    Args:
        access_key: Id of the key.
        day: ``20260131``.
        region: As signed.
        service: As signed: ``sagemaker``, ``s3``.
        signed_headers: In lower case, sorted.
        signature: 64 hexadecimal digits.
        moment: When it was signed; aware.
        moment_text: As it was signed.
        payload: Digest of the body, or the word in its place; empty if the request does not say.
        token: Session token; empty if there is none.
        expires_after: Of a presigned request: how long it holds.
    """

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    moment: datetime
    moment_text: str
    payload: str
    token: str
    expires_after: timedelta | None = None

    @property
    def scope(self) -> str:
        """What the signing key is for."""
        return f"{self.day}/{self.region}/{self.service}/{TERMINATOR}"


def parameters_of(query: str) -> dict[str, str]:
    """Return the parameters of a query, decoded; of one given twice the last."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
    except ValueError:
        return {}


def claim_of_header(request: Request, refusals: Refusals) -> Claim:
    """Read the ``Authorization`` header.

    Raises:
        ApiError: If it is not one of Signature Version 4, or incomplete.
    """
    text = request.headers.get("authorization", "")
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        raise refusals.malformed(f"Unsupported authorization type {algorithm[:40]!r}; use {ALGORITHM}.")
    parts = {match[1]: match[2] for match in _HEADER.finditer(rest)}
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if name not in parts]
    if missing:
        raise refusals.malformed(
            "".join(f"Authorization header requires '{name}' parameter. " for name in missing).strip()
        )
    moment, moment_text = _moment(request.headers, refusals)
    return _claim(
        parts["Credential"], parts["SignedHeaders"], parts["Signature"], moment, moment_text,
        request.headers.get("x-amz-content-sha256", ""),
        request.headers.get("x-amz-security-token", ""), refusals,
    )  # fmt: skip


def claim_of_query(request: Request, refusals: Refusals) -> Claim:
    """Read the parameters of a presigned request of version 4.

    Raises:
        ApiError: If they are not all there, or hold for longer than seven days.
    """
    given = parameters_of(request.query)
    needed = (
        "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature",
    )  # fmt: skip
    missing = [name for name in needed if not given.get(name)]
    if missing or given["X-Amz-Algorithm"] != ALGORITHM:
        raise refusals.malformed_query(f"Query-string authentication requires {', '.join(needed)}.")
    seconds = given.get("X-Amz-Expires", "")
    is_number = seconds.isascii() and seconds.isdecimal() and len(seconds) < len("9" * 10)
    if not is_number or not timedelta(0) <= timedelta(seconds=int(seconds)) <= LONGEST_PRESIGNED:
        raise refusals.malformed_query("X-Amz-Expires must be between 0 and 604800 seconds.")
    moment = _read_moment(given["X-Amz-Date"], refusals)
    payload = request.headers.get("x-amz-content-sha256") or given.get("X-Amz-Content-Sha256", "")
    return _claim(
        given["X-Amz-Credential"], given["X-Amz-SignedHeaders"], given["X-Amz-Signature"], moment,
        given["X-Amz-Date"], payload, given.get("X-Amz-Security-Token", ""), refusals,
        timedelta(seconds=int(seconds)),
    )  # fmt: skip


def _claim(
    credential: str,
    signed_headers: str,
    signature: str,
    moment: datetime,
    moment_text: str,
    payload: str,
    token: str,
    refusals: Refusals,
    expires_after: timedelta | None = None,
) -> Claim:
    parts = credential.rsplit("/", 4)
    if len(parts) != len(("key", "day", "region", "service", TERMINATOR)) or parts[4] != TERMINATOR:
        raise refusals.malformed(
            "Credential must be KEY/DATE/REGION/SERVICE/aws4_request, not " + repr(credential[:100]) + "."
        )
    key, day, region, service, _ = parts
    if not _SIGNATURE.fullmatch(signature):
        raise refusals.malformed("Signature must have 64 hexadecimal digits.")
    if day != moment.strftime("%Y%m%d"):
        raise refusals.mismatch(f"Date in Credential scope does not match the request: {day[:20]!r}.")
    names = tuple(sorted(set(signed_headers.lower().split(";"))))
    if "host" not in names:
        raise refusals.mismatch("'Host' must be a signed header.")
    return Claim(
        key, day, region, service, names, signature, moment, moment_text, payload, token, expires_after
    )


def _moment(headers: Mapping[str, str], refusals: Refusals) -> tuple[datetime, str]:
    if text := headers.get("x-amz-date"):
        return _read_moment(text, refusals), text
    text = headers.get("date", "")
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return _read_moment(text, refusals), text
    moment = aware(found).astimezone(UTC)
    return moment, moment.strftime(_MOMENT)


def _read_moment(text: str, refusals: Refusals) -> datetime:
    try:
        # A tenth of what strptime takes; it alone would take other forms, too.
        return datetime.fromisoformat(text if _MOMENT_FORM.fullmatch(text) else "")
    except ValueError:
        raise refusals.malformed(
            "The request has no date: X-Amz-Date must be there, as 20260131T235959Z."
        ) from None
