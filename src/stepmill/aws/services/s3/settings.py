"""What is set for buckets, as far as it can be told without setting it: the answers of one never touched.

What would change how a bucket behaves is not offered, and so not in the service. The exceptions say what is
so anyway: nobody gets in without a key, and the owner owns everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.names import bucket_of, owner_of, require_bucket, uri_of
from stepmill.platform import Platform

# Operation -> error of S3 for a bucket that has none of it.
_NOT_SET: Mapping[str, tuple[str, str]] = {
    "GetBucketCors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "GetBucketEncryption": (
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found",
    ),
    "GetBucketLifecycleConfiguration": (
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    ),
    "GetBucketPolicy": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "GetBucketPolicyStatus": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "GetBucketReplication": (
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    "GetBucketWebsite": (
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    ),
    "GetObjectLockConfiguration": (
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
}
_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
# Operation -> answer that is the same for all buckets.
_THE_SAME: Mapping[str, Mapping[str, Any]] = {
    "GetBucketAccelerateConfiguration": {},
    "GetBucketLogging": {},
    "GetBucketOwnershipControls": {"OwnershipControls": _OWNERSHIP},
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "GetBucketVersioning": {},
    "GetPublicAccessBlock": {"PublicAccessBlockConfiguration": _BLOCKED},
}


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects
    owner = owner_of(platform.settings.account)
    grantee = {**owner, "Type": "CanonicalUser"}
    acl = {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}

    def get_object_acl(call: Call) -> dict[str, Any]:
        store.head(uri_of(call.parameters))
        return acl

    def put_public_access_block(call: Call) -> None:
        require_bucket(store, bucket_of(call.parameters))
        _check_same(call.parameters["PublicAccessBlockConfiguration"], _BLOCKED, "Access without a key")

    def put_bucket_ownership_controls(call: Call) -> None:
        require_bucket(store, bucket_of(call.parameters))
        _check_same(call.parameters["OwnershipControls"], _OWNERSHIP, "Another owner than the bucket's")

    def answering(answer: Mapping[str, Any]) -> Handler:
        def handler(call: Call) -> Mapping[str, Any]:
            require_bucket(store, bucket_of(call.parameters))
            return answer

        return handler

    def refusing(code: str, text: str) -> Handler:
        def handler(call: Call) -> None:
            bucket = bucket_of(call.parameters)
            require_bucket(store, bucket)
            raise ApiError(code, text, status=404, members={"BucketName": bucket})

        return handler

    return {
        **{name: refusing(code, text) for name, (code, text) in _NOT_SET.items()},
        **{name: answering(answer) for name, answer in _THE_SAME.items()},
        "GetBucketAcl": answering(acl),
        "GetObjectAcl": get_object_acl,
        "PutPublicAccessBlock": put_public_access_block,
        "PutBucketOwnershipControls": put_bucket_ownership_controls,
    }


def _check_same(given: Mapping[str, Any], so: Mapping[str, Any], what: str) -> None:
    if given != so:
        raise ApiError("NotImplemented", f"{what} is not offered.", status=501)
