"""Refusals of what is for no service that is offered: in the form that its client is likely to read.

The models of services that are not offered are not read: some are large, and whoever asks is not known yet.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import msgspec

from stepmill.aws.errors import ApiError, text_of
from stepmill.aws.wire import Request, Response

_XML_SERVICES = frozenset({"s3", "s3control", "cloudfront", "route53"})
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def refusal_of_unknown(request: Request, service: str, error: ApiError, request_id: str) -> Response:
    """Return the answer to a request of a service that is not offered: XML or JSON."""
    text = text_of(error)
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if is_form or service in _XML_SERVICES:
        body = (
            f"{_XML}<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(text)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(error.status, (("Content-Type", "text/xml"),), body.encode("utf-8", "replace"))
    headers = (
        ("Content-Type", "application/x-amz-json-1.1"),
        ("x-amzn-ErrorType", error.code),
        ("x-amzn-RequestId", request_id),
    )
    return Response(error.status, headers, msgspec.json.encode({"__type": error.code, "message": text}))
