"""What fails a state while its fields are computed: the error's name and its cause, as AWS words them."""

from __future__ import annotations

from stepmill.core.errors import StepmillError

QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"


class EvaluationError(StepmillError):
    """A field of a state could not be computed.

    Args:
        error: Name of the error: ``States.QueryEvaluationError``, ``States.Runtime`` ...
        cause: What happened, without the sentence that names the state and the event.
        location: The field, in the state: ``Arguments/Input/name``, ``Choices[0]/Condition``.
    """

    def __init__(self, error: str, cause: str, *, location: str = "") -> None:
        self.error = error
        self.cause = cause
        self.location = location
        super().__init__(cause, where=location)
