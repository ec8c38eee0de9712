"""What goes wrong in a program of a built-in algorithm.

Source: developer guide, "Common data formats for inference"; the XGBoost container's ``serve.py`` for the
statuses: 204 an empty body, 400 a bad value, 406 an answer's type, 415 a request's type.
"""

from __future__ import annotations


class CustomerError(Exception):
    """The data or a hyperparameter cannot be taken: whoever asked for the job can mend it."""


class RequestError(ValueError):
    """A request cannot be answered.

    Args:
        message: One sentence.
    """

    status = 400


class EmptyRequestError(RequestError):
    """There is nothing in the request."""

    status = 204


class NotAcceptableError(RequestError):
    """The answer cannot be given in the type that is asked for."""

    status = 406


class UnsupportedContentError(RequestError):
    """A request of that type cannot be read."""

    status = 415
