"""How Athena refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.catalog.sql.faults import QueryError
from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError, WrongStateError

_CODE = "InvalidRequestException"


def refused(error: StepmillError, code: str = "INVALID_INPUT") -> ApiError:
    """Return an error as Athena tells it.

    Args:
        error: Of ours.
        code: Athena's own code in it.
    """
    return ApiError(_CODE, error.what, members={"AthenaErrorCode": code})


def as_athena(handler: Callable[[Call], dict[str, Any]]) -> Handler:
    """Return a handler whose errors are Athena's."""

    @wraps(handler)
    def handle(call: Call) -> dict[str, Any]:
        try:
            return handler(call)
        except QueryError as error:
            raise refused(error, "MALFORMED_QUERY") from error
        except (InvalidInputError, NotFoundError, WrongStateError) as error:
            raise refused(error) from error

    return handle
