from __future__ import annotations

import pytest
from hypothesis import given

from stepmill.aws.errors import ApiError
from stepmill.aws.services.s3.tokens import read_token, token_of
from stepmill.testing import object_keys


@given(object_keys())
def test_a_token_is_read_as_it_was_written(key: str) -> None:
    token = token_of(key)
    assert token.isascii()
    assert read_token(token) == key


@pytest.mark.parametrize("token", ["a", "!!!!", "/w==", "_w==", "ä", "YQ", "Y Q="])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_token(token)
    assert caught.value.code == "InvalidArgument"
