"""ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.s3.attributes import MOST_BUCKET_TAGS, tags_of_set
from stepmill.aws.services.s3.names import bucket_of, owner_of
from stepmill.aws.services.s3.tokens import read_token, token_of
from stepmill.core.errors import ConflictError
from stepmill.platform import Platform

TAGS, LOCATION = "tags", "location"

_FIRST_REGION = "us-east-1"
_MOST_BUCKETS = 10_000


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return who answers the operations."""
    buckets = _Buckets(platform)
    return {
        "ListBuckets": buckets.list,
        "CreateBucket": buckets.create,
        "HeadBucket": buckets.head,
        "DeleteBucket": buckets.delete,
        "GetBucketLocation": buckets.location,
    }


class _Buckets:
    def __init__(self, platform: Platform) -> None:
        self._store = platform.objects
        self._default_region = platform.settings.region
        self._owner = owner_of(platform.settings.account)

    def list(self, call: Call) -> dict[str, Any]:
        prefix, wanted = call.parameters.get("Prefix", ""), call.parameters.get("BucketRegion")
        most = call.parameters.get("MaxBuckets", _MOST_BUCKETS)
        after = read_token(call.parameters.get("ContinuationToken", ""))
        found = [
            (info, self._region(info.name))
            for info in self._store.buckets()
            if info.name > after and info.name.startswith(prefix)
        ]
        found = [(info, region) for info, region in found if wanted in (None, region)]
        page = found[:most]
        return {
            "Buckets": [
                {"Name": info.name, "CreationDate": info.created_at, "BucketRegion": region}
                for info, region in page
            ],
            "Owner": self._owner,
            "ContinuationToken": token_of(page[-1][0].name) if len(found) > most else None,
            "Prefix": call.parameters.get("Prefix"),
        }

    def create(self, call: Call) -> dict[str, Any]:
        name = bucket_of(call.parameters)
        _check_ownership(call.parameters)
        given: Mapping[str, Any] = call.parameters.get("CreateBucketConfiguration", {})
        if "Location" in given or "Bucket" in given:
            raise ApiError("NotImplemented", "Directory buckets are not offered.", status=501)
        constraint = given.get("LocationConstraint", "")
        tags = tags_of_set({"TagSet": given.get("Tags", [])}, most=MOST_BUCKET_TAGS)
        try:
            self._store.create_bucket(name)
        except ConflictError as error:
            # There, and only there, making a bucket again is no error, and changes nothing.
            if not constraint and self._region(name) == _FIRST_REGION:
                return {"Location": f"/{name}"}
            raise ApiError(
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
                status=409,
                members={"BucketName": name},
            ) from error
        if constraint:
            self._store.change_bucket_setting(name, LOCATION, {"Region": constraint})
        if tags:
            self._store.change_bucket_setting(name, TAGS, tags)
        return {"Location": f"/{name}"}

    def head(self, call: Call) -> dict[str, Any]:
        name = bucket_of(call.parameters)
        return {"BucketRegion": self._region(name), "AccessPointAlias": False}

    def delete(self, call: Call) -> None:
        self._store.delete_bucket(bucket_of(call.parameters))

    def location(self, call: Call) -> dict[str, Any]:
        region = self._region(bucket_of(call.parameters))
        return {"LocationConstraint": None if region == _FIRST_REGION else region}

    def _region(self, bucket: str) -> str:
        location = self._store.bucket_setting(bucket, LOCATION) or {}
        return str(location.get("Region") or self._default_region)


def _check_ownership(parameters: Mapping[str, Any]) -> None:
    if parameters.get("ObjectOwnership", "BucketOwnerEnforced") != "BucketOwnerEnforced":
        raise ApiError(
            "NotImplemented",
            "Buckets whose objects have other owners are not offered.",
            status=501,
            where="ObjectOwnership",
        )
