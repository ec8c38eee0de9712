"""Definitions on the wire: checked before a machine is made of them, and on their own.

Source: Step Functions API reference, ``ValidateStateMachineDefinition``.
"""

from __future__ import annotations

from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.language.states.checking import Checked, MachineType
from stepmill.language.states.diagnostics import diagnostics, refusal
from stepmill.platform import Platform

_MOST_DIAGNOSTICS = 100


def handlers(platform: Platform) -> dict[str, Handler]:
    """Return the operation that checks a definition."""

    def validate(call: Call) -> dict[str, Any]:
        given = call.parameters
        checked = platform.check_machine(given["definition"], _type(given.get("type")))
        with_warnings = given.get("severity") == "WARNING"
        found = [each for each in diagnostics(checked.findings) if with_warnings or each.severity == "ERROR"]
        most = int(given.get("maxResults") or _MOST_DIAGNOSTICS)
        listed = [
            {
                "severity": each.severity,
                "code": each.code,
                "message": each.message,
                **({"location": each.location} if each.location else {}),
            }
            for each in found[:most]
        ]
        answer: dict[str, Any] = {"result": "FAIL" if checked.errors else "OK", "diagnostics": listed}
        return {**answer, "truncated": True} if len(found) > most else {**answer, "truncated": False}

    return {"ValidateStateMachineDefinition": validate}


def check_definition(platform: Platform, text: str, type_: str) -> Checked:
    """Refuse a definition that no machine can be made of.

    Raises:
        ApiError: If there is anything wrong with it, as AWS words it.
    """
    checked = platform.check_machine(text, _type(type_))
    if checked.errors:
        raise ApiError("InvalidDefinition", refusal(checked.findings))
    return checked


def _type(given: str | None) -> MachineType:
    return MachineType(given or MachineType.STANDARD)
