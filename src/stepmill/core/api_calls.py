"""Calls of AWS's operations from the inside: what a Task state asks for, answered by whoever answers clients.

Below the door nobody knows a wire format; so the door gives the code below an ``ApiCalls``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from stepmill.core.errors import StepmillError
from stepmill.core.json import JsonObject


class Spelling(Enum):
    """How values are shown that JSON has no form for; two SDKs are behind Step Functions."""

    # Moments as milliseconds since 1970, as the integrations that Step Functions has optimised show them.
    OPTIMIZED = auto()
    # Moments as ISO 8601 text, as ``aws-sdk`` integrations show them.
    SDK = auto()


class ApiCallError(StepmillError):
    """A service has refused a call.

    Args:
        code: The service's name of the error: ``ConditionalCheckFailedException``, ``NoSuchKey``.
        message: In the service's words.
        status: The HTTP status that a client would see.
        request_id: Of the call.
        is_modelled: Whether the service's model has that error; SDKs then have an exception for it.
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, request_id: str = "", is_modelled: bool = True
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.is_modelled = is_modelled


class WrongParametersError(StepmillError):
    """A call cannot even be made: its parameters are not those of the operation.

    Args:
        problems: Each as Step Functions tells it: ``The field "X" is not supported by Step Functions``.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class ApiResponse:
    """What an operation answered.

    Args:
        members: As JSON, every member's name with a capital: ``{"MessageId": ...}``.
        request_id: Of the call.
        headers: What a client would see beside it.
    """

    members: JsonObject
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiCalls(Protocol):
    """Calls operations as a client would, without HTTP. Safe to share between threads.

    Services are named as botocore names them (``stepfunctions``), operations as the API reference does
    (``StartExecution``).
    """

    def operations(self, service: str) -> frozenset[str]:
        """Return the operations of a service that are offered; none of one that is not."""
        ...

    def problems(self, service: str, operation: str, parameters: JsonObject) -> Sequence[str]:
        """Return what keeps parameters from being those of an operation, in Step Functions' words."""
        ...

    def members(self, service: str, operation: str, parameters: JsonObject) -> dict[str, Any]:
        """Return parameters as a client would give them: names as the model has them.

        Raises:
            WrongParametersError: If they are not those of the operation.
            ApiCallError: If one breaks what the model demands.
        """
        ...

    def call(
        self,
        service: str,
        operation: str,
        parameters: JsonObject,
        *,
        spelling: Spelling = Spelling.OPTIMIZED,
        caller: str = "",
        idempotency: str = "",
    ) -> ApiResponse:
        """Have an operation answered.

        Args:
            service: Whose.
            operation: Which.
            parameters: As a Task state has them.
            spelling: How the answer is shown.
            caller: On whose behalf; for what records who did it.
            idempotency: The same text means the same call, where the service has no names to tell by.

        Raises:
            WrongParametersError: If the parameters are not those of the operation.
            ApiCallError: If the service refuses.
        """
        ...

    def shown(
        self,
        service: str,
        operation: str,
        answer: Mapping[str, Any],
        spelling: Spelling = Spelling.OPTIMIZED,
    ) -> JsonObject:
        """Return the members of an operation's answer as Step Functions shows them."""
        ...
