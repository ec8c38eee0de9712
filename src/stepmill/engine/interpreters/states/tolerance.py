"""How many failures a Map bears, and how many iterations it runs at once."""

from __future__ import annotations

from stepmill.core.json import Json, write_json
from stepmill.engine.interpreters.states.evaluation import Scope, unexpected_type
from stepmill.engine.interpreters.states.failure import StateFailure, query_failure, runtime_failure
from stepmill.engine.interpreters.states.frames import MapRunFrame
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.language.states.definition import Given, MapState

_PERCENT = 100


def whole_number(planned: PlannedState, scope: Scope, field: str, given: Given | None) -> int | None:
    """Return the integer that a field of a Map gives; ``None`` if it has none.

    Raises:
        StateFailure: If it gives something else.
    """
    if field not in planned.givens or given is None:
        return None
    value = planned.givens[field](scope)
    if isinstance(value, float) and value.is_integer() and planned.state.uses_jsonata:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refused(planned, field, given, value, "integer")
    return value


def concurrency(planned: PlannedState, scope: Scope) -> int:
    """Return MaxConcurrency; 0: no limit.

    Raises:
        StateFailure: If it is no integer, or negative.
    """
    state = planned.state
    given = state.max_concurrency if isinstance(state, MapState) else None
    value = whole_number(planned, scope, "MaxConcurrency", given)
    if value is not None and value < 0 and given is not None:
        raise _refused(planned, "MaxConcurrency", given, value, "integer")
    return value or 0


def tolerance(planned: PlannedState, scope: Scope) -> tuple[int | None, float | None]:
    """Return ToleratedFailureCount and ToleratedFailurePercentage; ``None``: not given.

    Raises:
        StateFailure: If they are out of their ranges.
    """
    state = planned.state
    if not isinstance(state, MapState):
        return None, None
    count = whole_number(planned, scope, "ToleratedFailureCount", state.tolerated_failures)
    if count is not None and count < 0:
        raise _failure(planned, "ToleratedFailureCount", "ToleratedFailureCount cannot be negative.")
    percentage: float | None = None
    given = state.tolerated_percentage
    if given is not None:
        value = planned.givens["ToleratedFailurePercentage"](scope)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refused(planned, "ToleratedFailurePercentage", given, value, "float")
        if not 0 <= value <= _PERCENT:
            raise _failure(
                planned,
                "ToleratedFailurePercentage",
                "ToleratedFailurePercentage must be between 0 and 100.",
            )
        percentage = float(value)
    return count, percentage


def _refused(planned: PlannedState, field: str, given: Given, value: Json, wanted: str) -> StateFailure:
    text = value if isinstance(value, str) else write_json(value)
    if planned.state.uses_jsonata:
        return unexpected_type(given.value, field, "number", value)
    return runtime_failure(
        f'The {field}Path field refers to value "{text}" which is not a valid {wanted}: {given.path}'
    )


def _failure(planned: PlannedState, field: str, cause: str) -> StateFailure:
    return query_failure(cause, field) if planned.state.uses_jsonata else runtime_failure(cause)


def is_exceeded(run: MapRunFrame) -> bool:
    """Return whether more items of a Map Run have failed than it bears.

    The percentage is one of all items, so it counts once all are known, or none can be left to be borne.
    """
    failed = run.items.failed + run.items.timed_out + run.items.aborted
    if run.tolerated_count is None and run.tolerated_percentage is None:
        return failed > 0
    if run.tolerated_count is not None and failed > run.tolerated_count:
        return True
    if run.tolerated_percentage is None or not run.is_complete:
        return False
    return failed * _PERCENT > run.tolerated_percentage * run.items.total
