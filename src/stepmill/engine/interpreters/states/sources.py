"""Where the items of a Map Run come from, and how they are put into batches: computed when it begins."""

from __future__ import annotations

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.engine.interpreters.states.evaluation import Scope, unexpected_type
from stepmill.engine.interpreters.states.failure import runtime_failure
from stepmill.engine.interpreters.states.frames import SourceFrame
from stepmill.engine.interpreters.states.plan import PlannedState
from stepmill.engine.interpreters.states.tolerance import whole_number
from stepmill.language.states.definition import ItemReader, MapState


def source_of(planned: PlannedState, scope: Scope, *, reads: bool) -> SourceFrame:
    """Return the source of a Map Run.

    Args:
        planned: The Map.
        scope: What its fields see.
        reads: Whether its items are read.

    Raises:
        StateFailure: If a field cannot be computed, or gives what it may not.
    """
    state = planned.state
    if not isinstance(state, MapState):
        raise IllegalTransitionError(f"State {state.name!r} is no Map.")
    payload: JsonObject = {}
    if reads and state.reader is not None:
        payload = _payload(planned, scope, state.reader)
    batcher = state.batcher
    if batcher is None:
        return SourceFrame(payload)
    return SourceFrame(
        payload,
        most_items=whole_number(planned, scope, "MaxItemsPerBatch", batcher.max_items) or 0,
        most_bytes=whole_number(planned, scope, "MaxInputBytesPerBatch", batcher.max_bytes) or 0,
        batch_input=planned.givens["BatchInput"](scope) if "BatchInput" in planned.givens else None,
        has_batch_input="BatchInput" in planned.givens,
    )


def _payload(planned: PlannedState, scope: Scope, reader: ItemReader) -> JsonObject:
    written = reader.config or {}
    config = {key: value for key, value in written.items() if key != "MaxItemsPath"}
    if "MaxItems" in planned.givens:
        config["MaxItems"] = _max_items(planned, scope, written)
    arguments = planned.givens["ItemReader"](scope) if "ItemReader" in planned.givens else {}
    return {"resource": reader.resource, "arguments": arguments, "config": config}


def _max_items(planned: PlannedState, scope: Scope, written: JsonObject) -> Json:
    value = planned.givens["MaxItems"](scope)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if planned.state.uses_jsonata:
        raise unexpected_type(written.get("MaxItems"), "ItemReader/ReaderConfig/MaxItems", "number", value)
    text = value if isinstance(value, str) else write_json(value)
    raise runtime_failure(
        f'The MaxItemsPath field refers to value "{text}" which is not a valid integer: '
        f"{written.get('MaxItemsPath')}"
    )
