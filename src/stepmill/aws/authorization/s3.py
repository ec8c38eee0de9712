"""What a call of S3 does: actions are seldom called like operations, and a copy is two.

Source: S3 user guide, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.services.s3.names import copy_source
from stepmill.storage.objects.uri import S3Uri

# Those on a bucket or all of them, where the name is not that of the operation.
_OF_BUCKETS = {
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_OF_OBJECTS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadObject": "GetObject",
    "ListParts": "ListMultipartUploadParts",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
# A version of an object is something else to read or remove than the newest.
_WITH_VERSIONS = frozenset(
    {
        "DeleteObject",
        "DeleteObjectTagging",
        "GetObject",
        "GetObjectAcl",
        "GetObjectTagging",
        "PutObjectTagging",
    }
)
_TAGS = "PutObjectTagging"


def acts_of(operation: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the actions, without ``s3:``, and the ARNs of what each is on.

    Raises:
        ApiError: If what is to be copied cannot be read.
    """
    bucket = f"arn:aws:s3:::{parameters.get('Bucket', '')}"
    if operation == "ListBuckets":
        return [("ListAllMyBuckets", "*")]
    if operation == "DeleteObjects":
        named = parameters.get("Delete", {}).get("Objects", ())
        return [
            (_versioned("DeleteObject", one.get("VersionId")), f"{bucket}/{one['Key']}") for one in named
        ] or [("DeleteObject", f"{bucket}/*")]
    if "Key" not in parameters:
        return [(_OF_BUCKETS.get(operation, operation), bucket)]
    own = f"{bucket}/{parameters['Key']}"
    acts = [(_versioned(_OF_OBJECTS.get(operation, operation), parameters.get("VersionId")), own)]
    if operation == "GetObjectAttributes":
        acts.append(("GetObject", own))
    if acts[0][0] == "PutObject":
        acts += [(action, own) for member, action in _BESIDE.items() if parameters.get(member)]
    if source := parameters.get("CopySource"):
        acts.append(("GetObject", _arn(copy_source(source))))
    return acts


# What else a write may set.
_BESIDE = {"Tagging": _TAGS, "ACL": "PutObjectAcl"}


def _versioned(action: str, version: object) -> str:
    if not version or action not in _WITH_VERSIONS:
        return action
    for kind in ("Tagging", "Acl"):
        if action.endswith(kind):
            return f"{action.removesuffix(kind)}Version{kind}"
    return f"{action}Version"


def _arn(uri: S3Uri) -> str:
    return f"arn:aws:s3:::{uri.bucket}/{uri.key}"
