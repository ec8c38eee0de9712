"""What makes a state fail, on its way from where it is found to who retries or catches it."""

from __future__ import annotations

RUNTIME = "States.Runtime"
QUERY_EVALUATION = "States.QueryEvaluationError"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
DATA_LIMIT = "States.DataLimitExceeded"
NO_CHOICE = "States.NoChoiceMatched"
TASK_FAILED = "States.TaskFailed"
BRANCH_FAILED = "States.BranchFailed"
ALL = "States.ALL"
TOLERANCE = "States.ExceedToleratedFailureThreshold"
READER_FAILED = "States.ItemReaderFailed"
WRITER_FAILED = "States.ResultWriterFailed"


class StateFailure(Exception):  # noqa: N818  (a state that fails is an everyday outcome, caught here)
    """A state failed.

    Args:
        error: Name of the error; ``None``: a Fail state named none.
        cause: For a human; ``None``: the same.
        location: Of a JSONata expression that could not be evaluated: the field; else empty.
        is_found_here: Whether the cause is to say which state it was.
        is_heartbeat: Whether a sign of life was missing: ``States.HeartbeatTimeout`` takes it too.
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None = None,
        *,
        location: str = "",
        is_found_here: bool = False,
        is_heartbeat: bool = False,
    ) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
        self.location = location
        self.is_found_here = is_found_here
        self.is_heartbeat = is_heartbeat

    @property
    def is_fatal(self) -> bool:
        """Whether nobody may retry or catch it."""
        return self.error == RUNTIME

    def placed(self, state: str, entered: int) -> StateFailure:
        """Return the failure with a cause that says in which state it was, as AWS says it."""
        if not self.is_found_here:
            return self
        where = f"An error occurred while executing the state '{state}' (entered at the event id #{entered})."
        return StateFailure(
            self.error,
            f"{where} {self.cause}",
            location=self.location,
            is_heartbeat=self.is_heartbeat,
        )

    @property
    def output(self) -> dict[str, str]:
        """The error output that a catcher gives on."""
        found = {"Error": self.error, "Cause": self.cause}
        return {name: text for name, text in found.items() if text is not None}


def runtime_failure(cause: str) -> StateFailure:
    """Return the failure of a state that cannot be executed: nobody may catch it."""
    return StateFailure(RUNTIME, cause, is_found_here=True)


def query_failure(cause: str, location: str) -> StateFailure:
    """Return the failure of a JSONata expression in a field."""
    return StateFailure(QUERY_EVALUATION, cause, location=location, is_found_here=True)


def matches(errors: tuple[str, ...], failure: StateFailure) -> bool:
    """Return whether a retrier or catcher that lists these names takes a failure.

    Source: Amazon States Language, "Errors"; the service, for ``States.DataLimitExceeded``.
    """
    if failure.is_fatal:
        return False
    name = failure.error
    is_timeout = name in (TIMEOUT, HEARTBEAT_TIMEOUT)
    for error in errors:
        if error in (ALL, name):
            return True
        if error == TASK_FAILED and not is_timeout:
            return True
        if error == TIMEOUT and is_timeout:
            return True
        if error == HEARTBEAT_TIMEOUT and failure.is_heartbeat:
            return True
    return False
