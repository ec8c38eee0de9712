"""Looking at runs of executions, of jobs and of SDKs: a few questions, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stepmill.catalog.entities import COMPONENT, TRIAL
from stepmill.catalog.runs import (
    Run,
    RunKind,
    Value,
    is_hidden,
    run_of_component,
    run_of_execution,
    step_of,
)
from stepmill.catalog.trial_components import TrialComponents, in_experiment, in_trial
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.engine.reading import ExecutionReader
from stepmill.engine.summaries import ExecutionSummary
from stepmill.jobs.surroundings import ENVIRONMENT_KIND
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection
from stepmill.storage.series import SeriesPoint

_PAGE = 1000


class Runs:
    """Reads runs. Safe to share between threads.

    Args:
        records: Where trial components are kept.
        components: The trial components.
        executions: Looks at executions.
    """

    def __init__(
        self, records: RecordStore, components: TrialComponents, executions: ExecutionReader
    ) -> None:
        self._records = records
        self._components = components
        self._executions = executions

    def list(self, *, experiment: str = "", jobs: bool = False) -> Sequence[Run]:
        """Return runs, the newest first.

        Args:
            experiment: Only those of this one; its case does not matter.
            jobs: The jobs of executions, too, each as a run.
        """
        group = in_experiment(experiment) if experiment else None
        chosen = Selection(group_parent=group, limit=LARGEST_PAGE)
        records = [one for one in chosen.all(self._records, COMPONENT.kind) if not is_hidden(one)]
        trials = self._trials(records)
        made = self._made(records, trials)
        executions = list(self._with_members(self._all_executions(), records, made, trials))
        if experiment:
            executions = [one for one in executions if one.experiment.lower() == experiment.lower()]
        listed = [run for run in made.values() if jobs or run.kind is not RunKind.JOB or not run.execution]
        return sorted([*executions, *listed], key=lambda run: (run.created_at, run.name), reverse=True)

    def get(self, reference: str, execution: ExecutionSummary | None = None) -> Run:
        """Return a run.

        Args:
            reference: Name or ARN of a trial component, or a title that only one has.
            execution: That it means instead, if it is one.

        Raises:
            NotFoundError: If there is none.
            ConflictError: If several have that title.
        """
        if execution is not None:
            return self._of_execution(execution)
        try:
            name = str(self._components.describe(reference)["TrialComponentName"]).lower()
        except NotFoundError:
            return self._titled(reference)
        records = self._records.find_all(COMPONENT.kind, [name])
        return self._made(records, self._trials(records))[name]

    def points(self, run: Run, metric: str) -> Iterator[SeriesPoint]:
        """Yield the values of a metric of a run in the order in which they came.

        Raises:
            NotFoundError: If it has no such metric.
        """
        found = run.metrics.get(metric)
        if found is None:
            known = ", ".join(sorted(run.metrics)) or "it has none"
            raise NotFoundError(
                f"The run {run.name!r} has no metric {metric!r}.", mend=f"Its metrics: {known}."
            )
        return self._components.metrics.points(found.component, found.metric)

    def packages(self, runs: Iterable[Run]) -> Mapping[str, Mapping[str, str]]:
        """Return digest -> name -> version of what was installed where runs ran."""
        digests = sorted({digest for run in runs for digest in run.environments.values()})
        found: dict[str, Mapping[str, str]] = {}
        for record in self._records.find_all(ENVIRONMENT_KIND, digests):
            kept = record.body["packages"]
            if isinstance(kept, Mapping):
                found[record.name] = {name: str(version) for name, version in kept.items()}
        return found

    # ---- how they are put together ---------------------------------------------------------------

    def _trials(self, records: Sequence[Record]) -> Mapping[str, Sequence[Record]]:
        """Return name of a component -> the records of its trials."""
        pairs = self._components.memberships([record.name for record in records])
        kept = {one.name: one for one in self._records.find_all(TRIAL.kind, [trial for _, trial in pairs])}
        found: dict[str, tuple[Record, ...]] = defaultdict(tuple)
        for component, trial in pairs:
            if trial in kept:
                found[component] += (kept[trial],)
        return found

    def _made(self, records: Sequence[Record], trials: Mapping[str, Sequence[Record]]) -> dict[str, Run]:
        summaries = self._components.metrics.summaries_of([record.name for record in records])
        return {
            record.name: run_of_component(
                record,
                next((_experiment(trial) for trial in trials.get(record.name, ())), ""),
                summaries.get(record.name, {}),
            )
            for record in records
        }

    def _all_executions(self) -> Iterator[ExecutionSummary]:
        after: str | None = None
        while True:
            page = self._executions.find(limit=_PAGE, after=after)
            yield from page.executions
            after = page.next_token
            if after is None:
                return

    def _with_members(
        self,
        executions: Iterable[ExecutionSummary],
        records: Sequence[Record],
        made: Mapping[str, Run],
        trials: Mapping[str, Sequence[Record]],
    ) -> Iterator[Run]:
        by_execution: dict[str, dict[str, Record]] = defaultdict(dict)
        for record in records:
            for key in (record.parent, *(trial.name for trial in trials.get(record.name, ()))):
                if key:
                    by_execution[key][record.name] = record
        for execution in executions:
            members = {**by_execution[execution.arn], **by_execution[execution.id.lower()]}
            yield _run(execution, list(members.values()), made)

    def _of_execution(self, execution: ExecutionSummary) -> Run:
        below = (
            Selection(parent=execution.arn, limit=_PAGE),
            Selection(group=in_trial(execution.id), limit=_PAGE),
        )
        found = {one.name: one for chosen in below for one in chosen.all(self._records, COMPONENT.kind)}
        records = [one for one in found.values() if not is_hidden(one)]
        return _run(execution, records, self._made(records, self._trials(records)))

    def _titled(self, title: str) -> Run:
        found = [run for run in self.list(jobs=True) if run.title == title]
        if len(found) > 1:
            names = ", ".join(run.name for run in found[:5])
            raise ConflictError(f"{len(found)} runs are called {title!r}.", mend=f"Give a name: {names}.")
        if not found:
            raise NotFoundError(f"There is no run {title!r}.", mend="`stepmill runs list` shows them.")
        return found[0]


def sort_key(run: Run, by: str) -> tuple[bool, Value]:
    """Return what a run is sorted by: a metric, or a parameter; runs without it come first."""
    value = run.last(by)
    if value is None:
        value = _number(run.parameters.get(by))
    return (value is not None and value == value, 0.0 if value is None or value != value else value)


def _number(value: Value) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _experiment(trial: Record) -> str:
    request = trial.body.get("request")
    named = request.get("ExperimentName") if isinstance(request, Mapping) else None
    return str(named or trial.parent)


def _run(execution: ExecutionSummary, records: Sequence[Record], made: Mapping[str, Run]) -> Run:
    members = [(step_of(record) or made[record.name].title, made[record.name]) for record in records]
    members.sort(key=lambda member: member[1].created_at)
    whole = Run(
        name=execution.id,
        kind=RunKind.EXECUTION,
        title=execution.display_name or execution.pipeline,
        experiment=next((one.experiment for _, one in members if one.experiment), ""),
        status=str(execution.status),
        created_at=execution.created_at,
        started_at=execution.created_at,
        ended_at=execution.modified_at if execution.status.is_final else None,
        reason=execution.failure_reason,
        parameters={
            name: value
            for name, value in execution.parameters.items()
            if isinstance(value, str | int | float)
        },
        execution=execution.arn,
    )
    return run_of_execution(whole, members)
