"""Looking at runs of executions, of jobs and of SDKs: a few questions, however many there are."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

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
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.engine.summaries import ExecutionSummary
from stepmill.engine.whole_runs import WholeRuns, is_of_machine
from stepmill.jobs.surroundings import ENVIRONMENT_KIND
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection
from stepmill.storage.series import SeriesPoint

_PAGE = 1000
# So many runs are seldom more than what a table shows.
_FEW = 100


@dataclass(frozen=True)
class NewestRuns:
    """Some runs.

    Args:
        runs: The newest first.
        has_more: Whether there are older ones.
    """

    runs: Sequence[Run]
    has_more: bool


class Runs:
    """Reads runs. Safe to share between threads.

    Args:
        records: Where trial components are kept.
        components: The trial components.
        wholes: Looks at executions.
    """

    def __init__(self, records: RecordStore, components: TrialComponents, wholes: WholeRuns) -> None:
        self._records = records
        self._components = components
        self._wholes = wholes

    def list(self, *, experiment: str = "", jobs: bool = False) -> Sequence[Run]:
        """Return runs, the newest first.

        Args:
            experiment: Only those of this one; its case does not matter.
            jobs: The jobs of executions, too, each as a run.
        """
        records = list(self._visible(experiment, jobs=True))
        trials = self._trials(records)
        made = self._made(records, trials)
        wholes = self._wholes_of(records, trials) if experiment else self._wholes.newest()
        executions = list(self._with_members(wholes, records, made, trials))
        if experiment:
            executions = [one for one in executions if _is_in(one, experiment)]
        listed = [run for run in made.values() if jobs or run.kind is not RunKind.JOB or not run.execution]
        return sorted([*executions, *listed], key=_age, reverse=True)

    def newest(self, limit: int, *, experiment: str = "", jobs: bool = False) -> NewestRuns:
        """Return the first of what ``list`` gives; what comes after them is not read.

        Args:
            limit: At most so many.
            experiment: As for ``list``.
            jobs: The same.
        """
        visible: Iterator[Record]
        if experiment:
            records = list(self._visible(experiment, jobs=True))
            wholes = sorted(self._wholes_of(records, self._trials(records)), key=_age, reverse=True)
            visible = (one for one in records if jobs or not one.parent)
            executions = (one for one in map(self._of_whole, wholes) if _is_in(one, experiment))
        else:
            visible = self._visible("", jobs=jobs)
            executions = (self._of_whole(one) for one in self._wholes.newest())
        merged: Iterator[Record | Run] = heapq.merge(visible, executions, key=_created, reverse=True)
        chosen = list(islice(merged, limit + 1))
        records = [one for one in chosen[:limit] if isinstance(one, Record)]
        made = self._made(records, self._trials(records))
        runs = [made[one.name] if isinstance(one, Record) else one for one in chosen[:limit]]
        return NewestRuns(sorted(runs, key=_age, reverse=True), has_more=len(chosen) > limit)

    def get(self, reference: str, execution: ExecutionSummary | MachineExecution | None = None) -> Run:
        """Return a run.

        Args:
            reference: Name or ARN of a trial component, or a title that only one has.
            execution: That it means instead, if it is one.

        Raises:
            NotFoundError: If there is none.
            ConflictError: If several have that title.
        """
        if isinstance(execution, MachineExecution):
            return self._of_whole(self._wholes.of_machine(execution, with_output=True))
        if execution is not None:
            return self._of_whole(self._wholes.of_pipeline(execution))
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

    def _visible(self, experiment: str, *, jobs: bool) -> Iterator[Record]:
        """Yield trial components, the newest first; without ``jobs`` not those of executions' jobs."""
        group = in_experiment(experiment) if experiment else None
        parent, size = (None, LARGEST_PAGE) if jobs else ("", _FEW)
        chosen = Selection(group_parent=group, parent=parent, descending=True, limit=size)
        return (one for one in chosen.all(self._records, COMPONENT.kind) if not is_hidden(one))

    def _wholes_of(self, records: Sequence[Record], trials: Mapping[str, Sequence[Record]]) -> Iterator[Run]:
        """Yield the executions whose jobs these may be."""
        return self._wholes.named(dict.fromkeys(key for one in records for key in _keys(one, trials)))

    def _with_members(
        self,
        executions: Iterable[Run],
        records: Sequence[Record],
        made: Mapping[str, Run],
        trials: Mapping[str, Sequence[Record]],
    ) -> Iterator[Run]:
        by_execution: dict[str, dict[str, Record]] = defaultdict(dict)
        for record in records:
            for key in _keys(record, trials):
                by_execution[key][record.name] = record
        for whole in executions:
            members = {**by_execution[whole.execution], **by_execution[_trial_of(whole)]}
            yield _run(whole, list(members.values()), made)

    def _of_whole(self, whole: Run) -> Run:
        below = [Selection(parent=whole.execution, limit=_PAGE)]
        if trial := _trial_of(whole):
            below.append(Selection(group=in_trial(trial), limit=_PAGE))
        found = {one.name: one for chosen in below for one in chosen.all(self._records, COMPONENT.kind)}
        records = [one for one in found.values() if not is_hidden(one)]
        return _run(whole, records, self._made(records, self._trials(records)))

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


def _keys(record: Record, trials: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Yield what may name the executions of a trial component: an ARN, and the names of its trials."""
    if record.parent:
        yield record.parent
    yield from (trial.name for trial in trials.get(record.name, ()))


def _trial_of(whole: Run) -> str:
    """Return the name of the trial that an execution's jobs are put into; empty if into none."""
    return "" if is_of_machine(whole.execution) else whole.name.lower()


def _is_in(run: Run, experiment: str) -> bool:
    return run.experiment.lower() == experiment.lower()


def _created(one: Record | Run) -> datetime:
    return one.created_at


def _age(run: Run) -> tuple[datetime, str]:
    return run.created_at, run.name


def _run(whole: Run, records: Sequence[Record], made: Mapping[str, Run]) -> Run:
    members = [(step_of(record) or made[record.name].title, made[record.name]) for record in records]
    members.sort(key=lambda member: member[1].created_at)
    experiment = next((one.experiment for _, one in members if one.experiment), "")
    return run_of_execution(replace(whole, experiment=experiment), members)
