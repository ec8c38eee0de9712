"""Calls about many things tell of each that failed, and do the rest."""

from __future__ import annotations

import pytest

from stepmill.aws.services.glue.batches import done_each
from stepmill.catalog.dynamodb.tokens import OtherRequestError
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError
from stepmill.storage.objects.info import BucketNotFoundError


def test_those_that_failed_are_told_in_their_order_and_the_others_are_done() -> None:
    done: list[str] = []
    faults = {"b": NotFoundError("no b"), "d": ConflictError("a d is there")}

    def do(name: str) -> None:
        if name in faults:
            raise faults[name]
        done.append(name)

    assert done_each("abcd", do, lambda name: {"TableName": name}) == {
        "Errors": [
            {
                "TableName": "b",
                "ErrorDetail": {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "no b"},
            },
            {
                "TableName": "d",
                "ErrorDetail": {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "a d is there"},
            },
        ]
    }
    assert done == ["a", "c"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BucketNotFoundError("gone"), "EntityNotFoundException"),
        (OtherRequestError("other"), "AlreadyExistsException"),
    ],
)
def test_an_error_of_a_kind_of_these_is_told_as_they_are(error: Exception, code: str) -> None:
    def do(_: int) -> None:
        raise error

    [told] = done_each([1], do, lambda one: {"n": one})["Errors"]
    assert told["ErrorDetail"]["ErrorCode"] == code


def test_any_other_error_is_the_whole_calls() -> None:
    def do(_: int) -> None:
        raise InvalidInputError("not a name")

    with pytest.raises(InvalidInputError):
        done_each([1, 2], do, lambda one: {"n": one})
