"""Looking at executions. Needs no engine, and disturbs none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json
from stepmill.core.statuses import PipelineExecutionStatus
from stepmill.engine.frame_cache import FrameCache, all_frames
from stepmill.engine.interpreters.pipelines.experiments import (
    ExperimentNames,
    StartedWith,
    experiment_names,
)
from stepmill.engine.interpreters.pipelines.listing import StepView, step_entries, step_notes, step_views
from stepmill.engine.interpreters.pipelines.plan import Plan
from stepmill.engine.interpreters.pipelines.selection import selection_from
from stepmill.engine.ownership import is_alive
from stepmill.engine.pipeline_language import PipelineLanguage
from stepmill.engine.plans import Plans
from stepmill.engine.summaries import ExecutionSummary, SummaryPage, summarize
from stepmill.storage.executions import (
    PIPELINES,
    ExecutionOrder,
    ExecutionStore,
    HistoryRecord,
    StoredExecution,
)

_HISTORY_PAGE = 1000


def stored_pipeline(store: ExecutionStore, execution: str) -> StoredExecution:
    """Return an execution of a pipeline.

    Raises:
        NotFoundError: If there is none of that id, or if it is one of a state machine.
    """
    stored = store.get(execution)
    if stored.language != PIPELINES:
        raise NotFoundError(f"There is no execution {execution!r} of a pipeline.", where=execution)
    return stored


class ExecutionReader:
    """Reads what is committed. Each method raises ``NotFoundError`` if there is no such execution.

    Args:
        store: Where executions are kept.
        plans: Of their definitions.
        locks: Folder of the engines' lock files.
    """

    def __init__(self, store: ExecutionStore, plans: Plans, locks: Path) -> None:
        self._store = store
        self._plans = plans
        self._language = PipelineLanguage(plans)
        self._locks = locks

    def describe(self, execution: str) -> ExecutionSummary:
        """Return how an execution stands as a whole."""
        return self._summary(self._stored(execution))

    def find(
        self,
        *,
        pipeline: str | None = None,
        statuses: Collection[PipelineExecutionStatus] | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        version: int | None = None,
        order: ExecutionOrder = ExecutionOrder.CREATED,
        ascending: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> SummaryPage:
        """List executions by time of creation, the newest first unless ``ascending``, or by id.

        ``after`` is the ``next_token`` of the page before.

        Raises:
            InvalidInputError: If the token is none of ours, or the limit not within 1 to 1000.
        """
        page = self._store.find(
            language=PIPELINES,
            pipeline=pipeline,
            statuses=statuses,
            created_after=created_after,
            created_before=created_before,
            version=version,
            order=order,
            ascending=ascending,
            limit=limit,
            after=after,
        )
        return SummaryPage(tuple(self._summary(row) for row in page.executions), page.next_token)

    def newest_of_versions(self, pipeline: str) -> dict[int, str]:
        """Return the id of the newest execution of each version of a pipeline that has been run."""
        return self._store.newest_of_versions(pipeline)

    def last_starts(self, pipelines: Iterable[str]) -> dict[str, datetime]:
        """Return when each of these pipelines was started last; one that never was is left out."""
        return self._store.last_starts(pipelines)

    def experiment(self, execution: ExecutionSummary, pipeline_arn: str) -> ExperimentNames | None:
        """Return the experiment and the trial that an execution belongs to; ``None`` if to none."""
        started = StartedWith(
            execution.id,
            execution.arn,
            execution.pipeline,
            pipeline_arn,
            execution.created_at,
            execution.parameters,
        )
        return experiment_names(self._plans.of(execution.definition).definition, started)

    def steps(self, execution: str) -> list[dict[str, Json]]:
        """Return the entries of ListPipelineExecutionSteps, in the order in which the steps started."""
        return step_entries(*self._plan_and_frames(execution))

    def step_notes(self, execution: str) -> dict[str, tuple[str, ...]]:
        """Return the remarks on each step that has any: why the cache missed, which isolation a job had."""
        return step_notes(*self._plan_and_frames(execution))

    def step_views(self, execution: str) -> list[StepView]:
        """Return all steps in the order of the definition, those that have not started too."""
        return step_views(*self._plan_and_frames(execution))

    def history(
        self, execution: str, *, after_position: int = 0, limit: int = _HISTORY_PAGE
    ) -> list[HistoryRecord]:
        """Return the next history records after a position, in order."""
        self._stored(execution)
        return self._store.history(execution, after_position=after_position, limit=limit)

    def whole_history(self, execution: str) -> Iterator[HistoryRecord]:
        """Yield all history records, in order."""
        page = self.history(execution)
        while page:
            yield from page
            page = self.history(execution, after_position=page[-1].position)

    def definition(self, execution: str) -> str:
        """Return the text of the document that an execution runs."""
        return self._store.definition(self._stored(execution).details.definition)

    def plan(self, execution: str) -> Plan:
        """Return the plan that an execution follows."""
        return self._plans.of(self._stored(execution).details.definition)

    def selection_from(self, definition: str, first: str, source: str) -> tuple[str, ...]:
        """Return the steps that a selective execution runs that begins with one, and goes on to the end.

        Args:
            definition: Text of the document to run.
            first: Name of the step to begin with.
            source: Id of the execution whose results are taken over.

        Raises:
            DefinitionError: If the document is not a definition without faults.
            InvalidInputError: If it has no such step.
        """
        _digest, plan = self._plans.read(definition)
        _plan, frames = self._plan_and_frames(source)
        return selection_from(plan, first, frames)

    def _stored(self, execution: str) -> StoredExecution:
        return stored_pipeline(self._store, execution)

    def _plan_and_frames(self, execution: str) -> tuple[Plan, FrameCache]:
        return self.plan(execution), all_frames(self._store, execution, self._language)

    def _summary(self, stored: StoredExecution) -> ExecutionSummary:
        while True:
            is_owner_alive = is_alive(self._locks, stored.owner)
            if is_owner_alive or not stored.owner:
                return summarize(stored, is_owner_alive=is_owner_alive)
            # Its owner may have written the end just before it went.
            again = self._store.get(stored.id)
            if again.owner == stored.owner:
                return summarize(again, is_owner_alive=False)
            stored = again
