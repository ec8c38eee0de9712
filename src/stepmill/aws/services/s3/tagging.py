"""Tags of objects and buckets, put, read and deleted apart from them."""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import MOST_BUCKET_TAGS, tag_set, tags_of_set
from stepmill.aws.services.s3.buckets import TAGS
from stepmill.aws.services.s3.names import bucket_of, uri_of
from stepmill.platform import Platform


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    store = platform.objects

    def get_object_tagging(call: Call) -> dict[str, Any]:
        return tag_set(store.head(uri_of(call.parameters)).attributes.tags)

    def put_object_tagging(call: Call) -> dict[str, Any]:
        store.change_tags(uri_of(call.parameters), tags_of_set(call.parameters["Tagging"]))
        return {}

    def delete_object_tagging(call: Call) -> dict[str, Any]:
        store.change_tags(uri_of(call.parameters), {})
        return {}

    def get_bucket_tagging(call: Call) -> dict[str, Any]:
        bucket = bucket_of(call.parameters)
        tags = store.bucket_setting(bucket, TAGS)
        if not tags:
            members = {"BucketName": bucket}
            raise ApiError("NoSuchTagSet", "The TagSet does not exist", status=404, members=members)
        return tag_set({key: str(value) for key, value in tags.items()})

    def put_bucket_tagging(call: Call) -> None:
        tags = tags_of_set(call.parameters["Tagging"], most=MOST_BUCKET_TAGS)
        store.change_bucket_setting(bucket_of(call.parameters), TAGS, tags)

    def delete_bucket_tagging(call: Call) -> None:
        store.change_bucket_setting(bucket_of(call.parameters), TAGS, None)

    return {
        "GetBucketTagging": get_bucket_tagging,
        "PutBucketTagging": put_bucket_tagging,
        "DeleteBucketTagging": delete_bucket_tagging,
        "GetObjectTagging": get_object_tagging,
        "PutObjectTagging": put_object_tagging,
        "DeleteObjectTagging": delete_object_tagging,
    }
