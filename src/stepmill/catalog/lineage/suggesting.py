"""What people may have meant who named something that lineage does not know."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from stepmill.catalog.packages import part
from stepmill.storage.lineage import Entity, EntitySelection, LineageKind, LineageStore

_MOST_SUGGESTED = 5
# So many of the newest of each kind are compared: enough to find a slip of the fingers in today's work.
_LOOK_BACK = 500
_LONGEST = 200


def suggestion(store: LineageStore, text: str) -> str:
    """Return what to name instead of a text that names nothing: what contains it, or is spelled alike.

    Args:
        store: Holds what there is.
        text: What was named.
    """
    text = text.strip()[:_LONGEST]
    found = [_called(one) for one in store.like(text, limit=_MOST_SUGGESTED)] if text else []
    if not found:
        # Of those that are spelled the same the first: steps before addresses, the newest before others.
        names: dict[str, str] = {}
        for name in _names(store):
            if len(name) <= _LONGEST:
                names.setdefault(name.lower(), name)
        found = [names[one] for one in get_close_matches(text.lower(), names, _MOST_SUGGESTED, 0.7)]
    if found:
        return f"Did you mean {', '.join(dict.fromkeys(found))}?"
    if not store.page(EntitySelection(LineageKind.COMPONENT, limit=1))[0]:
        return "Nothing has been recorded here yet: run a pipeline or a job first."
    return "Name an ARN, GROUP/VERSION, an address, a path, a job, a step or an execution."


def _names(store: LineageStore) -> Iterator[str]:
    for kind in (LineageKind.COMPONENT, LineageKind.ARTIFACT, LineageKind.CONTEXT):
        for entity in store.page(EntitySelection(kind, limit=_LOOK_BACK))[0]:
            if step := part(entity.body, "Properties").get("StepName"):
                yield str(step)
            yield _called(entity)
            # The name of a group, the id of an execution.
            yield entity.source_uri.rpartition("/")[2]


def _called(entity: Entity) -> str:
    if entity.kind in (LineageKind.ARTIFACT, LineageKind.CONTEXT) and entity.source_uri.startswith("arn:"):
        return entity.source_uri.partition("/")[2] or entity.source_uri
    return entity.name or entity.source_uri
