"""The service S3, put together from the modules beside it."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.aws.errors import ApiError, code_of
from stepmill.aws.service import Answer, Call, Handler, Service
from stepmill.aws.services.s3 import (
    buckets,
    copying,
    listing,
    multipart,
    notifications,
    reading,
    settings,
    tagging,
    upload_listing,
    writing,
)
from stepmill.aws.services.s3.checksums import verify_whole
from stepmill.aws.services.s3.refusals import refuse_what_is_not_offered
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.platform import Platform

STREAMS = frozenset({"PutObject", "UploadPart"})

_END_OF_UPLOAD = "CompleteMultipartUpload"

# What programs know these errors by, also those that read the text.
_TEXTS = {
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchUpload": "The specified upload does not exist. The upload ID may be invalid, or the upload may "
    "have been aborted or completed.",
    "BucketNotEmpty": "The bucket you tried to delete is not empty",
    "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
}


def s3(platform: Platform) -> Service:
    """Return the service over a platform."""
    parts = (
        buckets,
        copying,
        listing,
        multipart,
        notifications,
        reading,
        settings,
        tagging,
        upload_listing,
        writing,
    )
    all_of_them = {name: handler for part in parts for name, handler in part.handlers(platform).items()}
    account = platform.settings.account
    return Service(
        "s3",
        {name: _guarded(handler, account) for name, handler in all_of_them.items()},
        streams=STREAMS,
    )


def _guarded(handler: Handler, account: str) -> Handler:
    """Return a handler that is asked only for what is offered, and tells its errors as S3 does."""

    def guarded(call: Call) -> Answer:
        try:
            refuse_what_is_not_offered(call.parameters, account)
            # At the end of an upload the headers tell of the object, not of the body.
            if call.request.stream is None and call.operation != _END_OF_UPLOAD:
                verify_whole(call.request)
            answer = handler(call)
        except StepmillError as error:
            raise _told(error, call) from error
        if isinstance(answer, Mapping):
            return {name: value for name, value in answer.items() if value is not None}
        return answer

    return guarded


def _told(error: StepmillError, call: Call) -> ApiError:
    code = code_of("s3", error)
    members: dict[str, object] = {"Resource": call.request.path}
    # Of a copy, the source may be what is missing; then the text says which.
    if isinstance(error, NotFoundError) and "CopySource" not in call.parameters:
        name = "Key" if code.code == "NoSuchKey" else "BucketName"
        members[name] = call.parameters.get("Key" if name == "Key" else "Bucket")
    if isinstance(error, ApiError):
        error.members = {**members, **error.members}
        return error
    text = _TEXTS.get(code.code, error.what)
    if "CopySource" in call.parameters and error.where:
        text = f"{text} (at {error.where})"
    return ApiError(code.code, text, status=code.status, members=members)
