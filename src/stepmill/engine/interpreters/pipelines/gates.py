"""Gates set anew, by what has happened so far: for a selective execution, and after a retry."""

from __future__ import annotations

from collections.abc import Mapping

from stepmill.core.json import Json
from stepmill.core.statuses import StepStatus
from stepmill.engine.interpreters.pipelines.draft import Draft, gate_key
from stepmill.engine.interpreters.pipelines.endings import outcomes_of
from stepmill.engine.interpreters.pipelines.frames import GateFrame
from stepmill.engine.interpreters.pipelines.plan import Need
from stepmill.language.pipelines.definition import Branch


def set_gates(draft: Draft) -> None:
    """Set every gate outside of ForEach bodies, and open those whose needs are met."""
    for gate in draft.plan.gates.values():
        if gate.loop:
            continue
        missing = sum(not _is_met(draft, need) for need in gate.needs)
        if gate.needs:
            draft.put(gate_key(gate.name, -1), GateFrame(missing))
        if not missing:
            draft.opened.append((gate.name, -1))


def _is_met(draft: Draft, need: Need) -> bool:
    step, outcome = need
    output = draft.output(step)
    document: Json = output.document if output else None
    selected = draft.inputs.selected
    if selected is None or step in selected:
        frame = draft.step(step)
        return frame is not None and outcome in outcomes_of(frame.status, document)
    # What is not selected has all happened already; only a condition may have chosen otherwise.
    if isinstance(outcome, Branch) and isinstance(document, Mapping) and "Outcome" in document:
        return outcome in outcomes_of(StepStatus.SUCCEEDED, document)
    return True
