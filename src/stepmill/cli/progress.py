"""How far an execution is, put together from its history, event by event. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stepmill.core.json import Json, JsonObject

# What a step is that has no status of its own yet, or never will.
WAITING = "Waiting"
NOT_TAKEN = "NotTaken"
LONGEST_BRIEF = 200
# What programs begin the line with in which they name an error: pip, Python, many others.
_ERROR_LINE = re.compile(r"(?:ERROR|Error|error|fatal|[\w.]+(?:Error|Exception)): ")

_STATUS_OF = {
    "StepStarted": "Executing",
    "StepRunning": "Executing",
    "StepRetryScheduled": "Executing",
    "StepStopping": "Stopping",
    "StepStopped": "Stopped",
    "StepFailed": "Failed",
    "StepSucceeded": "Succeeded",
    "StepSkipped": NOT_TAKEN,
    "StepReused": "Succeeded",
}
_ENDED = frozenset({"Stopped", "Failed", "Succeeded"})


@dataclass(frozen=True)
class StepLine:
    """What one line says about a step.

    Args:
        name: The step.
        type: Its type, as in the definition.
        status: A ``StepStatus``, ``Waiting`` or ``NotTaken``.
        after: Steps that it waits for.
        started_at: Of its first attempt.
        ended_at: Once it has ended.
        attempt: 1 for the first.
        reused: ``cached`` or ``reused``, if it did not run; else empty.
        reason: Why it failed.
        remarks: What those said who did the work: why the cache missed, which isolation a job has.
        facts: Results worth a look: metrics, the outcome of a condition, the version of a model.
        repeats: Of a child of a ForEach, the step of its body that it repeats; else empty.
    """

    name: str
    type: str = ""
    status: str = WAITING
    after: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    reused: str = ""
    reason: str = ""
    remarks: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    repeats: str = ""

    def took(self, now: datetime) -> timedelta | None:
        """Return how long the step has been running, or ran."""
        return (self.ended_at or now) - self.started_at if self.started_at else None

    @property
    def is_running(self) -> bool:
        """Whether it has started and not ended."""
        return self.status in ("Starting", "Executing", "Stopping")


@dataclass
class Progress:
    """Lines by step, in the order of the definition; children of a ForEach come as they start."""

    lines: dict[str, StepLine] = field(default_factory=dict)
    status: str = "Executing"
    reason: str = ""

    @classmethod
    def of(cls, lines: Sequence[StepLine]) -> Progress:
        """Return the progress of an execution of which nothing has been heard yet."""
        return cls({line.name: line for line in lines})

    def apply(self, what: str, step: str, at: datetime, body: JsonObject) -> None:
        """Take in one event of the history."""
        if not step:
            if what.startswith("Execution"):
                self.status = {"Started": "Executing", "Retried": "Executing"}.get(what[9:], what[9:])
                self.reason = str(body.get("reason", ""))
            return
        line = self.lines.get(step) or self._child(step)
        self.lines[step] = _after_event(line, what, at, body)

    def note(self, step: str, text: str) -> None:
        """Take in how far a step is that takes long."""
        if step in self.lines:
            self.lines[step] = replace(self.lines[step], facts=(text,))

    def shown(self) -> dict[str, StepLine]:
        """Return the lines worth showing: a step of a ForEach's body only until it has children."""
        repeated = {line.repeats for line in self.lines.values()}
        return {name: line for name, line in self.lines.items() if name not in repeated}

    def count(self) -> Mapping[str, int]:
        """Return how many of the steps that are shown have each status."""
        counts: dict[str, int] = {}
        for line in self.shown().values():
            counts[line.status] = counts.get(line.status, 0) + 1
        return counts

    def _child(self, name: str) -> StepLine:
        """Return the line of a child of a ForEach, of which nothing was known: ``<body step>-<index>``."""
        body, _, index = name.rpartition("-")
        if body not in self.lines:
            return StepLine(name)
        # What a body step waits for is the loop itself, or another step of the body.
        loops = {line.name for line in self.lines.values() if line.type == "ForEach"}
        after = tuple(need if need in loops else f"{need}-{index}" for need in self.lines[body].after)
        return StepLine(name, after=after, repeats=body)


def _after_event(line: StepLine, what: str, at: datetime, body: JsonObject) -> StepLine:
    if what == "StepCacheHit":
        return replace(line, reused="cached")
    status = _STATUS_OF.get(what, line.status)
    changed = replace(line, status=status)
    if what == "StepStarted":
        attempt = body.get("attempt")
        is_first = line.status in (WAITING, NOT_TAKEN) or line.status in _ENDED
        changed = replace(
            changed,
            type=str(body.get("type") or line.type),
            started_at=at if is_first else line.started_at,
            ended_at=None,
            reason="",
            attempt=attempt if isinstance(attempt, int) else line.attempt + 1,
        )
    elif what == "StepReused":
        changed = replace(changed, reused="reused")
    if status in _ENDED:
        changed = replace(changed, ended_at=at)
    if reason := body.get("reason"):
        changed = replace(changed, reason=str(reason))
    if notes := body.get("notes"):
        changed = replace(changed, remarks=(*line.remarks, *_texts(notes)))
    if metadata := body.get("metadata"):
        changed = replace(changed, facts=facts_of(metadata) or line.facts)
    return changed


def facts_of(metadata: Json) -> tuple[str, ...]:
    """Return what a step's metadata says that is worth a look.

    Example:
        >>> facts_of({"Condition": {"Outcome": "True"}})
        ('True',)
        >>> facts_of({"RegisterModel": {"Arn": "arn:aws:sagemaker:r:1:model-package/diabetes/3"}})
        ('diabetes/3',)
    """
    if not isinstance(metadata, Mapping):
        return ()
    facts: list[str] = []
    for kind, details in metadata.items():
        if not isinstance(details, Mapping):
            continue
        if kind == "Condition":
            facts.append(str(details.get("Outcome", "")))
        elif kind == "RegisterModel":
            facts.append(str(details.get("Arn", "")).partition(":model-package/")[2])
        elif kind == "Callback":
            facts.append(f"token {details.get('CallbackToken', '')}")
    return tuple(fact for fact in facts if fact)


def brief(reason: str) -> str:
    r"""Return a reason on one line: its first, or, if there is a traceback in it, the error that it tells of.

    Example:
        >>> brief("AlgorithmError: Traceback (most recent call last):\n  File ...\nValueError: no")
        'AlgorithmError: ValueError: no'
        >>> brief("ClientError: no such file\nLast lines of the log:\n  ...")
        'ClientError: no such file'
        >>> brief("ClientError: There is no function 'f'. Add it in stepmill.toml:\n    [functions.f]")
        "ClientError: There is no function 'f'."
        >>> brief("AlgorithmError: Collecting numpie\nERROR: No matching distribution\nhint: see above")
        'AlgorithmError: ERROR: No matching distribution'
    """
    lines = reason.partition("\nLast lines of the log:")[0].splitlines() or [""]
    word, colon, _ = lines[0].partition(": ")
    # The training toolkit's failure file tells the error in its third line, before the traceback.
    for line in lines:
        if colon and line.startswith('ErrorMessage "'):
            said = line[14:].rstrip('"')
            return f"{word}: {said}"[:LONGEST_BRIEF]
    if colon and any("Traceback (most recent" in line for line in lines[:-1]):
        return f"{word}: {lines[-1].strip()}"[:LONGEST_BRIEF]
    told = [line for line in lines[1:] if _ERROR_LINE.match(line)]
    if colon and told:
        return f"{word}: {told[-1]}"[:LONGEST_BRIEF]
    # A sentence that ends with a colon goes on in lines that are not shown here.
    first = lines[0] if not lines[0].endswith(":") or len(lines) == 1 else _without_last_sentence(lines[0])
    return first[:LONGEST_BRIEF]


def _without_last_sentence(line: str) -> str:
    kept = max(line.rfind(end) for end in (". ", ") "))
    return line[: kept + 1] if kept > 0 else line


def _texts(value: Json) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, Sequence) else ()
