"""What each protocol does for the codec: find the operation, read a request, write an answer or an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stepmill.aws.wire import Request, Response
from stepmill.core.service_documents import RawShape, Reference, ServiceDocument


@dataclass(frozen=True, slots=True)
class ToldError:
    """An error, as the model of its service knows it.

    Args:
        code: As the query protocol and XML tell it.
        name: Of its shape, as the JSON protocols tell it; the code if the model has no such shape.
        message: One sentence.
        status: The HTTP status.
        members: Further members.
        shape: Its shape; ``None`` if the model has none.
        request_id: Told with it.
    """

    code: str
    name: str
    message: str
    status: int
    members: Mapping[str, object]
    shape: RawShape | None
    request_id: str

    def body(self, write: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None) -> dict[str, Any]:
        """Return what a JSON body tells: the message, under the shape's name for it, and the members.

        Args:
            write: Writes the members of the shape; ``None`` if there is none.
        """
        known = self.shape.members if self.shape else {}
        name = next((member for member in known if member.lower() == "message"), "message")
        return {name: self.message, **(write(self.members) if write else self.members)}

    @property
    def fault(self) -> str:
        """Whose fault it is: ``Sender`` or ``Receiver``."""
        return "Sender" if self.status < 500 else "Receiver"


class Dialect(Protocol):
    """One service in one protocol. Any of its readers may raise ``Unreadable``."""

    def operation_of(self, request: Request) -> str:
        """Return the name of the operation asked for, known or not; empty if none is named."""
        ...

    def parse(self, operation: str, request: Request) -> dict[str, Any]:
        """Return the parameters of a request."""
        ...

    def answer(self, operation: str, answer: Mapping[str, Any], request_id: str) -> Response:
        """Return the response of an answer."""
        ...

    def error(self, error: ToldError) -> Response:
        """Return the response of an error."""
        ...


def members_of(document: ServiceDocument, reference: Reference | None) -> Mapping[str, Reference]:
    """Return the members of an operation's input or output; none if it has none."""
    return document.shape(reference.shape).members if reference else {}
