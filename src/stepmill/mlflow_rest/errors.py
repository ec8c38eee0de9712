"""MLflow's error codes in one table: what an error of Stepmill's is called to MLflow's clients.

Source: ``mlflow.exceptions``: the status of each code; its clients try 429 and 500 again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.core.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    StorageFullError,
    UnsupportedError,
    WrongStateError,
)
from stepmill.core.http import Response
from stepmill.core.json import write_json

INVALID = "INVALID_PARAMETER_VALUE"
ABSENT = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"
INTERNAL = "INTERNAL_ERROR"
NO_ENDPOINT = "ENDPOINT_NOT_FOUND"
UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "PERMISSION_DENIED"
NOT_OFFERED = "NOT_IMPLEMENTED"

_STATUSES: Mapping[str, int] = {
    INVALID: 400,
    EXISTS: 400,
    "BAD_REQUEST": 400,
    UNAUTHENTICATED: 401,
    FORBIDDEN: 403,
    ABSENT: 404,
    NO_ENDPOINT: 404,
    "RESOURCE_EXHAUSTED": 429,
    INTERNAL: 500,
    NOT_OFFERED: 501,
}
_CODES: tuple[tuple[type[StepmillError], str], ...] = (
    (DefinitionError, INVALID),
    (InvalidInputError, INVALID),
    (WrongStateError, INVALID),
    (NotFoundError, ABSENT),
    (ConflictError, EXISTS),
    (UnsupportedError, NOT_OFFERED),
    (StorageFullError, "RESOURCE_EXHAUSTED"),
)
_JSON = (("Content-Type", "application/json"),)


class MlflowError(StepmillError):
    """An error whose code to MLflow's clients is known.

    Args:
        code: ``INVALID_PARAMETER_VALUE``.
        what: One sentence.
        where: The place; may be empty.
        mend: What to do about it; may be empty.
    """

    def __init__(self, code: str, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, mend=mend)
        self.code = code


@dataclass(frozen=True, slots=True)
class Told:
    """How an error is told: its code and HTTP status."""

    code: str
    status: int


def told(error: StepmillError) -> Told:
    """Return how an error is told.

    Example:
        >>> told(NotFoundError("There is no such run."))
        Told(code='RESOURCE_DOES_NOT_EXIST', status=404)
    """
    if isinstance(error, MlflowError):
        return Told(error.code, _STATUSES[error.code])
    code = next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL)
    return Told(code, _STATUSES[code])


def error_response(code: str, text: str, *, status: int = 0) -> Response:
    """Return an error as MLflow's clients read it.

    Args:
        code: ``INVALID_PARAMETER_VALUE``.
        text: What is wrong, and how to mend it.
        status: The HTTP status; 0: that of the code.
    """
    status = status or _STATUSES[code]
    # No WWW-Authenticate: a browser would ask for a key, keep it, and send it along for any page.
    return Response(status, _JSON, write_json({"error_code": code, "message": text}).encode())
