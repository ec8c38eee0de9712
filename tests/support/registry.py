"""What tests of the registry's wire share: data to register, names of their own, refusals."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepmill.storage.objects.uri import S3Uri
from support.wire import Wire

_numbers = itertools.count(1)


def own_name(base: str) -> str:
    """Return a name that no other test of this process uses."""
    return f"{base}-{next(_numbers)}"


def put_model_data(wire: Wire) -> str:
    """Store an archive that models can be made of, and return its address."""
    uri = S3Uri.parse("s3://registry-tests/model.tar.gz")
    wire.platform.objects.create_bucket(uri.bucket, exist_ok=True)
    wire.platform.objects.put_bytes(uri, b"weights")
    return str(uri)


class Refused:
    """How a call was refused."""

    code = ""
    message = ""


def refused(call: Callable[..., Any], **parameters: Any) -> Refused:
    """Make a call that must be refused, and return how."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = Refused()
    error.code = caught.value.response["Error"]["Code"]
    error.message = caught.value.response["Error"]["Message"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error


def pages(call: Callable[..., Any], member: str, **parameters: Any) -> Iterator[list[Any]]:
    """Yield what each page of a listing holds."""
    answer = call(**parameters)
    yield answer[member]
    while "NextToken" in answer:
        answer = call(**parameters, NextToken=answer["NextToken"])
        yield answer[member]
