"""What optimised integrations show beside the members of an answer: how the call went over HTTP.

Nothing went over HTTP here; what is shown is what a client of the service would have seen.

Source: Step Functions developer guide, "Manipulating input and output", examples of ``ResultSelector``.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from stepmill.core.api_calls import ApiResponse
from stepmill.core.json import Json, JsonObject, write_json

_TYPES = {
    "batch": "application/json",
    "dynamodb": "application/x-amz-json-1.0",
    "lambda": "application/json",
    "sns": "text/xml",
    "sqs": "application/x-amz-json-1.0",
    "stepfunctions": "application/x-amz-json-1.0",
}
_USUAL_TYPE = "application/x-amz-json-1.1"


def with_metadata(service: str, response: ApiResponse, at: datetime, size: int | None = None) -> JsonObject:
    """Return the members of an answer with ``SdkHttpMetadata`` and ``SdkResponseMetadata``, sorted by name.

    Args:
        service: As botocore names it.
        response: The answer.
        at: When.
        size: Length of its body in bytes, if it is not that of the members.
    """
    length = len(write_json(response.members).encode()) if size is None else size
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": _TYPES.get(service, _USUAL_TYPE),
        "Date": format_datetime(at, usegmt=True),
        "x-amzn-RequestId": response.request_id,
        **response.headers,
    }
    every: dict[str, Json] = {name: [value] for name, value in headers.items()}
    one: dict[str, Json] = dict(headers)
    shown: dict[str, Json] = {
        **response.members,
        "SdkHttpMetadata": {"AllHttpHeaders": every, "HttpHeaders": one, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": response.request_id},
    }
    return {name: shown[name] for name in sorted(shown)}
