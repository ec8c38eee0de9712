"""Buckets for tests of S3: the real client, and the errors that it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from support.wire import Wire


@dataclass(frozen=True)
class Bucket:
    """A bucket of its own for a test, and the client that asks for it.

    Args:
        name: Its name.
        client: boto3's.
        wire: The server.
    """

    name: str
    client: Any
    wire: Wire

    def put(self, key: str, body: bytes = b"", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return answer

    def get(self, key: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_object(Bucket=self.name, Key=key, **more)
        return answer

    def read(self, key: str, **more: Any) -> bytes:
        body: bytes = self.get(key, **more)["Body"].read()
        return body

    def head(self, key: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.head_object(Bucket=self.name, Key=key, **more)
        return answer

    def list(self, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.list_objects_v2(Bucket=self.name, **more)
        return answer

    def keys(self, **more: Any) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, **more)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def call(self, operation: str, **more: Any) -> dict[str, Any]:
        """Ask any operation of this bucket."""
        answer: dict[str, Any] = getattr(self.client, operation)(Bucket=self.name, **more)
        return answer


def new_bucket(wire: Wire, **config: Any) -> Bucket:
    """Make a bucket of a name that no test has had."""
    client = wire.client("s3", **config)
    name = f"test-{uuid4().hex[:20]}"
    client.create_bucket(Bucket=name)
    return Bucket(name, client, wire)


def refused(ask: Callable[[], object]) -> tuple[int, str]:
    """Return status and code of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        ask()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def error_of(ask: Callable[[], object]) -> dict[str, Any]:
    """Return all that is told of the error that a call is answered with."""
    with pytest.raises(ClientError) as caught:
        ask()
    told: Any = caught.value.response["Error"]
    return dict(told)
