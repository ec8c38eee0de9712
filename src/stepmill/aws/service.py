"""What a service is to the door: handlers by operation. Everything wire is done before and after them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from stepmill.aws.wire import Request, Response
from stepmill.core.endpoint import JobIdentity

# Of calls from the inside: the same value means the same call, where nothing else tells. No client can send
# it, for a name with a colon is none in HTTP.
IDEMPOTENCY_HEADER = ":idempotency"


_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose signature a call bears.

    Args:
        access_key: Id of the key.
        name: What the key is called: ``default``; of a job's ``ROLE/JOB``.
        job: The job that calls, if one does: it may do what its role and its inputs need.
    """

    access_key: str
    name: str
    job: JobIdentity | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation: authenticated, parsed, and checked against the service's model.

    Args:
        operation: ``CreateTrainingJob``.
        parameters: Members as a botocore client takes them: moments are aware ``datetime``, blobs ``bytes``.
        caller: Who calls.
        request: As it came, for what no model says (user agent, raw headers, a streamed body).
        request_id: Told in the answer and in the log.
    """

    operation: str
    parameters: Mapping[str, Any]
    caller: Caller
    request: Request
    request_id: str = ""


# The answer's members by name, as a botocore client gives them; a moment may also be ISO 8601 text or epoch
# seconds. ``None`` for operations without output. A whole ``Response`` where no model says what is sent.
Answer: TypeAlias = Mapping[str, Any] | Response | None
Handler: TypeAlias = Callable[[Call], Answer]
# Whether there is nothing left to wait for, given the call and its answer.
IsSettled: TypeAlias = Callable[[Call, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Service:
    """A service that is offered. Handlers run on worker threads and may raise any StepmillError.

    Args:
        name: As botocore names its model: ``sagemaker``, ``s3``, ``logs``.
        handlers: Operation -> who answers it. What is not in it is refused by name.
        waits: Operation -> whether its answer is settled: waiting clients are held until it is.
        patience: Operation in ``waits`` -> for how long its caller says that it wants to wait, whoever it
            is. Of others it is found out.
        streams: Operations whose request body is given as ``Request.stream``.
    """

    name: str
    handlers: Mapping[str, Handler]
    waits: Mapping[str, IsSettled] = field(default_factory=dict)
    patience: Mapping[str, Callable[[Call], timedelta]] = field(default_factory=dict)
    streams: frozenset[str] = frozenset()


def joined(parts: Iterable[Mapping[str, _V]]) -> dict[str, _V]:
    """Return what the modules of a service say of their operations, in one.

    Raises:
        ValueError: If two say something of the same operation.
    """
    whole: dict[str, _V] = {}
    for part in parts:
        if twice := whole.keys() & part.keys():
            raise ValueError(f"{sorted(twice)} are answered by two modules.")
        whole |= part
    return whole
