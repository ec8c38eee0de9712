"""What a request is refused for, and what keeps a model from being served."""

from __future__ import annotations

BAD_REQUEST = 400
NOT_ACCEPTABLE = 406
UNSUPPORTED_MEDIA_TYPE = 415
SERVER_ERROR = 500
_STATUSES = range(200, 600)


class SetupError(Exception):
    """The model cannot be served: its code, its libraries or the model itself cannot be loaded."""


class RequestError(ValueError):
    """A request is refused. An algorithm may raise any ``ValueError`` with a ``status`` of its own.

    Args:
        message: Why.
        status: Of the answer.
    """

    def __init__(self, message: str, status: int = BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


def status_of(error: BaseException) -> int:
    """Return the status that an error of a handler is answered with.

    Example:
        >>> status_of(RequestError("no", 415)), status_of(KeyError("x"))
        (415, 500)
    """
    status = getattr(error, "status", None) if isinstance(error, ValueError) else None
    return status if isinstance(status, int) and status in _STATUSES else SERVER_ERROR
