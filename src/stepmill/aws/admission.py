"""What the door asks of whoever checks signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stepmill.aws.service import Call, Caller
from stepmill.aws.wire import Request


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request whose signature is good.

    Args:
        caller: Whose it is.
        request: With the body as the operation takes it: transfer encodings undone; what comes as a stream
            is checked against its digest while it is read.
        scope: The service that it was signed for, as clients sign it; empty: nobody looked.
    """

    caller: Caller
    request: Request
    scope: str = ""


class Admission(Protocol):
    """Checks signatures. Called on worker threads."""

    def admit(self, request: Request, path: str) -> Admitted:
        """Return whose a request is.

        Args:
            request: As it was sent: path, query, headers and body are what was signed.
            path: Its path with the bucket first, however that was addressed.

        Raises:
            ApiError: If it is not signed, or wrongly, or too long ago, or by a key that is not known.
        """
        ...


class Permissions(Protocol):
    """Checks what a caller may do. Called on worker threads."""

    def check(self, service: str, call: Call) -> None:
        """Hold that a call may be answered.

        Args:
            service: As botocore names it.
            call: Whose caller is known, and whose parameters are checked against the model.

        Raises:
            ApiError: If its caller may not do that.
        """
        ...

    def check_missing(self, service: str, call: Call) -> None:
        """Hold that a caller may learn that what it asked for is not there.

        Args:
            service: As botocore names it.
            call: Which found nothing.

        Raises:
            ApiError: If it may not.
        """
        ...


class Witness(Protocol):
    """Hears of what jobs have done. Called on worker threads, before the answer is sent."""

    def saw(self, service: str, call: Call, answer: Mapping[str, Any]) -> None:
        """Hear of a call of a job that was answered without an error. It must be quick.

        Args:
            service: As botocore names it.
            call: Whose caller is a job.
            answer: Members of the answer.
        """
        ...
