"""Small machines for tests of the reader."""

from __future__ import annotations

import json
from typing import Any

from stepmill.core.findings import Finding
from stepmill.language.states.checking import Checked, check
from stepmill.language.states.definition import State

FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:Prepare"
CALL = "arn:aws:states:::sagemaker:createTrainingJob.sync"


def machine(states: dict[str, Any], **more: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states, **more})


def alone(**fields: Any) -> str:
    """A machine of one state; it ends unless its type cannot say so."""
    if fields["Type"] not in ("Choice", "Succeed", "Fail") and "Next" not in fields:
        fields.setdefault("End", True)
    states = {"A": fields}
    if fields["Type"] == "Choice":
        states["B"] = {"Type": "Succeed"}
    return machine(states)


def jsonata(**fields: Any) -> str:
    return alone(QueryLanguage="JSONata", **fields)


def state_of(text: str) -> State:
    checked = check(text)
    assert checked.findings == (), checked.findings
    assert checked.machine is not None
    return checked.machine.states["A"]


def only_finding(text: str | Checked) -> Finding:
    findings = (check(text) if isinstance(text, str) else text).findings
    assert len(findings) == 1, findings
    return findings[0]


def told(text: str) -> tuple[str, str]:
    """Place and message of the only finding."""
    finding = only_finding(text)
    return finding.path, finding.message
