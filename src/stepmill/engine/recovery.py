"""Bringing an execution into memory, from nothing or from what an engine before left."""

from __future__ import annotations

from functools import partial

from stepmill.engine.driven import Driven
from stepmill.engine.frame_cache import FrameCache
from stepmill.engine.plans import Plans
from stepmill.storage.executions import ExecutionStore, NewExecution, StoredExecution


def take_new(new: NewExecution, plans: Plans) -> Driven:
    """Return an execution that was just created, without reading what cannot be there."""
    stored = StoredExecution(
        id=new.id,
        pipeline=new.pipeline,
        status=new.status,
        owner=new.owner,
        created_at=new.created_at,
        modified_at=new.created_at,
        position=0,
        details=new.details,
    )
    return Driven(stored, new.owner, plans.of(new.details.definition), FrameCache((), _nothing))


def take_over(stored: StoredExecution, store: ExecutionStore, plans: Plans) -> Driven:
    """Return an execution as it was last committed. Its owner must be the caller already.

    What an engine before had begun and not committed is done again: its tasks are among those that
    are returned, its timers too, and the events that it had not taken in still lie in the inbox.

    Raises:
        DefinitionError: If this version of Stepmill refuses its definition.
        StorageError: If the store fails.
    """
    frames = FrameCache(store.frame_names(stored.id), partial(store.frame, stored.id))
    plan = plans.of(stored.details.definition)
    return Driven(stored, stored.owner, plan, frames, store.tasks(stored.id), store.timers(stored.id))


def _nothing(_name: str) -> str | None:
    return None
