"""Items of a Map Run become the inputs of its iterations: selected, and put into batches.

Source: developer guide, "ItemSelector (Map)" and "ItemBatcher (Map)".
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stepmill.core.errors import IllegalTransitionError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.engine.interpreters.states.context import item_of, scope_of
from stepmill.engine.interpreters.states.draft import Draft
from stepmill.engine.interpreters.states.frames import BranchFrame, MapRunFrame, SourceFrame
from stepmill.engine.interpreters.states.leaving import effective_input
from stepmill.engine.interpreters.states.plan import PlannedState


def take_items(
    draft: Draft,
    name: str,
    branch: BranchFrame,
    planned: PlannedState,
    items: Sequence[Json],
    *,
    is_last: bool,
) -> None:
    """Make iterations of items that were found.

    Args:
        draft: The advance.
        name: Of the branch that the Map is in.
        branch: Its frame.
        planned: The Map.
        items: The next ones.
        is_last: Whether there are no more.

    Raises:
        StateFailure: If what an iteration gets cannot be computed.
    """
    number = branch.scheduled
    run, source = draft.get(f"run/{number}"), draft.get(f"source/{number}")
    if not isinstance(run, MapRunFrame) or not isinstance(source, SourceFrame):
        raise IllegalTransitionError(f"There is no Map Run {number}.")
    values = []
    for offset, item in enumerate(items):
        about = item_of(source.seen + offset, item, is_pair=source.has_pairs)
        values.append(_selected(draft, name, branch, planned, about, item))
    source = replace(source, seen=source.seen + len(values))
    if source.most_items or source.most_bytes:
        inputs, rest = _batched(source, values, is_last=is_last)
        source = replace(source, batch=tuple(rest))
    else:
        inputs = values
    draft.append_items(str(number), run.iterations.total, inputs)
    draft.put(f"source/{number}", source)
    run = replace(
        run,
        is_complete=is_last,
        items=replace(run.items, total=run.items.total + len(values)),
        iterations=replace(run.iterations, total=run.iterations.total + len(inputs)),
    )
    draft.put(f"run/{number}", run)


def _selected(
    draft: Draft, name: str, branch: BranchFrame, planned: PlannedState, about: JsonObject, item: Json
) -> Json:
    select = planned.givens.get("ItemSelector")
    if select is None:
        return item
    scope = scope_of(draft, name, branch, branch.input, item=about)
    if not planned.state.uses_jsonata:
        scope.document = effective_input(planned, branch, scope)
    return select(scope)


def _batched(source: SourceFrame, values: Sequence[Json], *, is_last: bool) -> tuple[list[Json], list[Json]]:
    """Return the batches that are full, and the items that are left over."""
    inputs: list[Json] = []
    batch = list(source.batch)
    empty = len(write_json(_batch(source, [])).encode())
    size = empty + sum(_size(item) for item in batch)
    for value in values:
        more = _size(value) if source.most_bytes else 0
        is_full = source.most_items and len(batch) >= source.most_items
        # The commas between items count too: one less than there are items.
        is_heavy = source.most_bytes and size + more + len(batch) > source.most_bytes
        if batch and (is_full or is_heavy):
            inputs.append(_batch(source, batch))
            batch, size = [], empty
        batch.append(value)
        size += more
    if batch and is_last:
        inputs.append(_batch(source, batch))
        batch = []
    return inputs, batch


def _size(value: Json) -> int:
    return len(write_json(value).encode())


def _batch(source: SourceFrame, items: Sequence[Json]) -> Json:
    if source.has_batch_input:
        return {"BatchInput": source.batch_input, "Items": items}
    return {"Items": items}
