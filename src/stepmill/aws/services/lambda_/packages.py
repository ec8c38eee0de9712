"""The zip of a function: in the request, or an object.

Source: AWS Lambda developer guide, "Lambda quotas": 50 MB zipped by upload, 250 MB unzipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.aws.services.lambda_.configuration import INVALID
from stepmill.core.errors import NotFoundError, UnsupportedError
from stepmill.jobs.functions.code import LARGEST_CODE_BYTES
from stepmill.jobs.functions.function import Function
from stepmill.platform import Platform
from stepmill.storage.objects.uri import S3Uri

LARGEST_UPLOAD_BYTES = 50 * 1024 * 1024
# As long as AWS's links to code are good.
_LINK_SECONDS = 600

_REFUSED = ("ImageUri", "S3ObjectVersion", "SourceKMSKeyArn")


def package_of(platform: Platform, given: Mapping[str, Any], operation: str) -> bytes:
    """Return the zip that a request brings or points to.

    Args:
        platform: Has the objects.
        given: ``Code`` of CreateFunction, or the parameters of UpdateFunctionCode.
        operation: Told in errors.

    Raises:
        ApiError: If there is none, or it is too large.
        UnsupportedError: If the code is to come from elsewhere.
    """
    for name in _REFUSED:
        if given.get(name):
            raise UnsupportedError(f"{name} of a function's code is not offered.", where=name)
    if given.get("S3ObjectStorageMode", "COPY") != "COPY":
        raise UnsupportedError("Code that stays where it is is not offered.", where="S3ObjectStorageMode")
    zipped = given.get("ZipFile")
    if zipped:
        if given.get("S3Bucket") or given.get("S3Key"):
            raise ApiError(
                INVALID, "Please do not provide other FunctionCode parameters when providing a ZipFile."
            )
        if len(zipped) > LARGEST_UPLOAD_BYTES:
            raise ApiError(
                "RequestEntityTooLargeException",
                f"The zip must be smaller than {LARGEST_UPLOAD_BYTES} bytes for the {operation} operation.",
                status=413,
                mend="Put it into a bucket and give S3Bucket and S3Key.",
            )
        return bytes(zipped)
    if not given.get("S3Bucket") or not given.get("S3Key"):
        raise ApiError(INVALID, "Please provide a source for function code.")
    return _object(platform, S3Uri(given["S3Bucket"], given["S3Key"]))


def _object(platform: Platform, uri: S3Uri) -> bytes:
    try:
        if platform.objects.head(uri).size_bytes > LARGEST_CODE_BYTES:
            raise ApiError(INVALID, f"Unzipped size must be smaller than {LARGEST_CODE_BYTES} bytes")
        return platform.objects.read_bytes(uri)
    except NotFoundError as error:
        raise ApiError(
            INVALID,
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
            "S3 Error Message: The specified key does not exist.",
            where=str(uri),
        ) from error


def link_to_code(platform: Platform, call: Call, function: Function) -> str:
    """Return a presigned address of a function's code, good for ten minutes; empty if none can be made."""
    key = platform.keys.find(call.caller.access_key)
    host = call.request.headers.get("host", "")
    if key is None or not host:
        return ""
    # A tenth of a server's start, for what few clients ask.
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("GET", f"http://{host}/{function.code.bucket}/{function.code.key}")
    auth = S3SigV4QueryAuth(Credentials(key.id, key.secret), "s3", platform.settings.region, _LINK_SECONDS)
    auth.add_auth(request)
    return str(request.url)
