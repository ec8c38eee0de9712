"""Bringing an execution into memory, from nothing or from what an engine before left."""

from __future__ import annotations

from stepmill.engine.driven import Driven
from stepmill.engine.frame_cache import FrameCache
from stepmill.engine.languages import Language
from stepmill.storage.executions import ExecutionStore, LoadedExecution, NewExecution, StoredExecution


def take_new(new: NewExecution, language: Language) -> Driven:
    """Return an execution that was just created, without reading what cannot be there."""
    frames = FrameCache((), _nothing, language)
    return Driven(as_stored(new), new.owner, language, language.plan(new.details, new.definition), frames)


def as_stored(new: NewExecution) -> StoredExecution:
    """Return a new execution as it is stored at first."""
    return StoredExecution(
        id=new.id,
        language=new.language,
        pipeline=new.pipeline,
        status=new.status,
        owner=new.owner,
        created_at=new.created_at,
        modified_at=new.created_at,
        position=0,
        details=new.details,
    )


def take_over(loaded: LoadedExecution, store: ExecutionStore, language: Language) -> Driven:
    """Return an execution as it was last committed. Its owner must be the caller already.

    What an engine before had begun and not committed is done again: its tasks are among those that
    are returned, its timers too, and the events that it had not taken in still lie in the inbox.

    Raises:
        DefinitionError: If this version of Stepmill refuses its definition.
        StorageError: If the store fails.
    """
    stored = loaded.stored
    texts = dict(loaded.texts)

    def load(name: str) -> str | None:
        # Once only: a frame that was dropped from memory has changed since.
        return texts.pop(name, None) or store.frame(stored.id, name)

    frames = FrameCache(loaded.frames, load, language)
    plan = language.plan(stored.details)
    return Driven(stored, stored.owner, language, plan, frames, loaded.tasks, loaded.timers)


def _nothing(_name: str) -> str | None:
    return None
