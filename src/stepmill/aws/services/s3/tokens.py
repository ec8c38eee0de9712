"""Continuation tokens: the last name of a page, in a form that no client takes apart."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode

from stepmill.aws.errors import ApiError


def token_of(name: str) -> str:
    """Return the token of the page after a name.

    Example:
        >>> token_of("raw/a.csv")
        'cmF3L2EuY3N2'
    """
    return urlsafe_b64encode(name.encode()).decode()


def read_token(token: str) -> str:
    """Return the name of a token; empty for none.

    Raises:
        ApiError: If it is no token.
    """
    try:
        return b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ApiError(
            "InvalidArgument", "The continuation token provided is incorrect", where="continuation-token"
        ) from error
