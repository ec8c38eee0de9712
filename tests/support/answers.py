"""Whether a handler's answer keeps the service's model: SDK 3 raises where a required member is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from stepmill.aws.protocol.checks import Check, Checks
from stepmill.aws.service import Answer, Call, Handler, Service
from stepmill.core.service_documents import service_document

_BINDING = re.compile("must not be null|enum value set|must have one of")


@cache
def _check(service: str, operation: str) -> Check | None:
    document = service_document(service)
    output = document.operations[operation].output
    return Checks(document).of(output) if output else None


def breaches(service: str, operation: str, answer: Mapping[str, object]) -> list[str]:
    """Return what of an answer breaks the model: required members that are missing, values of no enum.

    Patterns and lengths are not held against it: they are AWS's, and things here may have other names.
    """
    check = _check(service, operation)
    problems = check(answer) if check else ()
    return [str(problem) for problem in problems if _BINDING.search(problem.constraint)]


def checked(service: Service) -> Service:
    """Return a service whose answers are held against its model before they are sent."""
    handlers = {name: _checked(service.name, name, handler) for name, handler in service.handlers.items()}
    return replace(service, handlers=handlers)


def _checked(service: str, operation: str, handler: Handler) -> Handler:
    def handle(call: Call) -> Answer:
        answer = handler(call)
        found = breaches(service, operation, answer or {}) if isinstance(answer, Mapping | None) else []
        assert not found, f"{service} {operation} answers against its model: {found}"
        return answer

    return handle
