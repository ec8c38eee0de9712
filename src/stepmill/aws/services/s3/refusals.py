"""What a call may not ask for, since it would be promised and not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError

# Headers that would change what is done, each with what does not matter after all.
_NOT_OFFERED: Mapping[str, tuple[object, ...]] = {
    "AnnotationDirective": ("COPY",),
    "BucketNamespace": ("global",),
    "CopySourceSSECustomerAlgorithm": (),
    "CopySourceSSECustomerKey": (),
    "IfMatchLastModifiedTime": (),
    "IfMatchSize": (),
    "MFA": (),
    "ObjectLockEnabledForBucket": (False,),
    "ObjectLockEventHold": (),
    "ObjectLockLegalHoldStatus": ("OFF",),
    "ObjectLockMode": (),
    "ObjectLockRetainUntilDate": (),
    "SSECustomerAlgorithm": (),
    "SSECustomerKey": (),
    "WebsiteRedirectLocation": (),
    "WriteOffsetBytes": (),
}
_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
# As in every bucket of AWS since 2023: these two say no more than that the owner owns it.
_EMPTY_ACLS = (None, "private", "bucket-owner-full-control")


def refuse_what_is_not_offered(parameters: Mapping[str, Any], account: str) -> None:
    """Refuse a call that asks for more than is done here.

    Args:
        parameters: Of the call.
        account: Owner of all buckets.

    Raises:
        ApiError: If it does.
    """
    for name in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
        if parameters.get(name, account) != account:
            raise ApiError(
                "AccessDenied", "Access Denied: the bucket has another owner.", status=403, where=name
            )
    for name, harmless in _NOT_OFFERED.items():
        if name in parameters and parameters[name] not in harmless:
            raise ApiError(
                "NotImplemented",
                f"You asked for functionality that is not offered: {name}.",
                status=501,
                mend="Leave it out.",
            )
    has_grants = any(name in parameters for name in _GRANTS)
    if has_grants or parameters.get("ACL") not in _EMPTY_ACLS:
        raise ApiError("AccessControlListNotSupported", "The bucket does not allow ACLs")
