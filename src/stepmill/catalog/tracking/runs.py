"""Runs as MLflow's clients see them: every one is a trial component in a trial of its experiment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stepmill.catalog.entities import COMPONENT, TRIAL, Entities
from stepmill.catalog.experiments import Experiments
from stepmill.catalog.packages import part
from stepmill.catalog.tags import Tags
from stepmill.catalog.tracking.components import (
    RUN_NAME,
    moment_text,
    newest_metrics,
    own_of,
    param_text,
    param_value,
    run_of,
    status_document,
    with_own,
)
from stepmill.catalog.tracking.experiments import TrackedExperiments, tracked_experiment
from stepmill.catalog.tracking.limits import LONGEST_PARAM, LONGEST_TAG, check_key, check_length
from stepmill.catalog.tracking.run_names import made_up_name
from stepmill.catalog.tracking.values import (
    RunStatus,
    Stage,
    TrackedExperiment,
    TrackedMetric,
    TrackedRun,
    moment_of,
)
from stepmill.catalog.trial_components import in_experiment
from stepmill.core.arns import Arns
from stepmill.core.clock import Clock
from stepmill.core.errors import InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json, JsonObject
from stepmill.storage.records import LARGEST_PAGE, Record, RecordStore, Selection
from stepmill.storage.series import SeriesPoint

# The SDK's Run puts its components into the trial of this name.
_GROUP = "Default-Run-Group-{}"
_LONGEST_TRIAL = 120


@dataclass(frozen=True)
class NewRun:
    """A run to be made.

    Args:
        experiment_id: Of its experiment.
        name: For humans; empty: one is made up.
        user_id: Who runs it; may be empty.
        start_ms: Milliseconds since 1970; 0: now.
        tags: Key -> value.
        trial: Name of the trial that it belongs to, if that is one of the experiment's; may be empty.
        maker: The job that makes it, as text; empty: the owner does.
    """

    experiment_id: str
    name: str = ""
    user_id: str = ""
    start_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    trial: str = ""
    maker: str = ""


@dataclass(frozen=True)
class Logged:
    """What a run has to say, all at once.

    Args:
        metrics: In the order in which they were measured.
        params: Key -> value.
        tags: Key -> value.
    """

    metrics: Sequence[TrackedMetric] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class TrackedRuns:
    """Runs as MLflow's clients see them. Safe to share between threads.

    Args:
        experiments: The catalog that keeps trial components.
        tracked: Its experiments by MLflow's ids.
        records: Where both are kept.
        arns: Builds ARNs.
        tags: Keeps tags of SageMaker's API.
        clock: Tells the time.
    """

    def __init__(
        self,
        experiments: Experiments,
        tracked: TrackedExperiments,
        records: RecordStore,
        arns: Arns,
        tags: Tags,
        clock: Clock,
    ) -> None:
        self._experiments = experiments
        self._metrics = experiments.components.metrics
        self._tracked = tracked
        self._records = records
        self._components = Entities(COMPONENT, records, arns, tags)
        self._trials = Entities(TRIAL, records, arns, tags)
        self._clock = clock

    def create(self, new: NewRun) -> TrackedRun:
        """Make a run that is running.

        Raises:
            InvalidInputError: If MLflow would refuse a tag or the moment.
            NotFoundError: If there is no such experiment.
            WrongStateError: If the experiment is deleted.
        """
        _check_tags(new.tags)
        tagged = new.tags.get(RUN_NAME, "")
        if new.name and tagged and new.name != tagged:
            raise InvalidInputError(
                f"Both 'run_name' argument and '{RUN_NAME}' tag are specified, but with different values."
            )
        name = new.name or tagged or made_up_name()
        check_length(name, LONGEST_TAG, "run_name")
        started = moment_of(new.start_ms) if new.start_ms else self._clock.now()
        run_id = secrets.token_hex(16)
        with self._records.transaction():
            experiment = self._tracked.active(new.experiment_id)
            request: JsonObject = {
                "TrialComponentName": run_id,
                "DisplayName": name,
                "Status": status_document(RunStatus.RUNNING),
                "StartTime": moment_text(started),
                "Parameters": {},
                "InputArtifacts": {},
                "OutputArtifacts": {},
            }
            own: JsonObject = {
                "experiment": experiment.key,
                "user_id": new.user_id,
                "tags": {**new.tags, RUN_NAME: name},
                "artifact_uri": _artifact_uri(experiment, run_id),
                "maker": new.maker,
            }
            self._experiments.components.create(request, extra={"mlflow": own})
            self._put_into_trial(run_id, experiment, new.trial)
        return self.get(run_id)

    def get(self, run_id: str) -> TrackedRun:
        """Return a run with the newest value of each metric.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._record(run_id)
        run = self._run(record, self._experiment_of(record))
        return run.with_metrics(newest_metrics(self._metrics.summaries(record.name)))

    def maker(self, run_id: str) -> str:
        """Return the job that made a run; empty if none did.

        Raises:
            NotFoundError: If there is no such run.
        """
        return str(own_of(self._record(run_id)).get("maker") or "")

    def within(self, experiment_id: str, *, with_metrics: bool = True) -> list[TrackedRun]:
        """Return all runs of an experiment, deleted ones too.

        Args:
            experiment_id: Of the experiment.
            with_metrics: Whether each has the newest value of each metric: half of the work.

        Raises:
            NotFoundError: If there is no such experiment.
        """
        experiment = self._tracked.get(experiment_id)
        chosen = Selection(group_parent=in_experiment(experiment.key), limit=LARGEST_PAGE)
        runs = [self._run(record, experiment) for record in chosen.all(self._records, COMPONENT.kind)]
        return self.with_metrics(runs) if with_metrics else runs

    def with_metrics(self, runs: Sequence[TrackedRun]) -> list[TrackedRun]:
        """Return runs with the newest value of each metric."""
        # Series are kept by the name of the record: an id of SageMaker's without its case.
        summaries = self._metrics.summaries_of([run.id.lower() for run in runs])
        return [run.with_metrics(newest_metrics(summaries.get(run.id.lower(), {}))) for run in runs]

    def update(
        self, run_id: str, *, status: RunStatus | None = None, end_ms: int | None = None, name: str = ""
    ) -> TrackedRun:
        """Change how a run stands, its end, its name; what is not given stays.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is deleted.
            InvalidInputError: If that is no moment, or no name.
        """
        check_length(name, LONGEST_TAG, "run_name")
        document: dict[str, Json] = {}
        if status is not None:
            document["Status"] = status_document(status)
        if end_ms is not None:
            document["EndTime"] = moment_text(moment_of(end_ms))
        if name:
            document["DisplayName"] = name

        def changed(record: Record) -> Record:
            own: dict[str, Json] = {"status": status.value} if status is not None else {}
            if name:
                own["tags"] = {**part(own_of(record), "tags"), RUN_NAME: name}
            return with_own(record, own, document)

        self._change(run_id, changed)
        return self.get(run_id)

    def set_stage(self, run_id: str, stage: Stage) -> None:
        """Delete or restore a run.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._record(run_id)
        self._components.update(record.name, lambda old: with_own(old, {"stage": stage.value}))

    def log(self, run_id: str, logged: Logged) -> None:
        """Keep what a run says: all of it, or after an error none.

        What is said again, word for word, is kept once: a client whose connection broke says it again.

        Raises:
            NotFoundError: If there is no such run.
            WrongStateError: If it is deleted.
            InvalidInputError: If MLflow would refuse some of it; if a parameter has another value already.
        """
        points = _points(logged.metrics)
        for key, value in logged.params.items():
            check_key(key, "params")
            check_length(value, LONGEST_PARAM, f"params.{key[:80]}")
        _check_tags(logged.tags)
        with self._records.transaction():
            record = self._active(run_id)
            if logged.params or logged.tags:
                self._components.update(record.name, lambda old: _told(old, logged))
            if points:
                self._metrics.put(record.name, self._unheard(record.name, points))

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            NotFoundError: If there is no such run or tag.
            WrongStateError: If the run is deleted.
        """

        def changed(record: Record) -> Record:
            tags = part(own_of(record), "tags")
            if key not in tags:
                raise NotFoundError(f"No tag with name: {key[:LONGEST_TAG]} in run with id {run_id}")
            return with_own(record, {"tags": {name: value for name, value in tags.items() if name != key}})

        self._change(run_id, changed)

    def change_own(
        self,
        run_id: str,
        change: Callable[[JsonObject], Mapping[str, Json]],
        artifacts: Mapping[str, JsonObject] | None = None,
        member: str = "InputArtifacts",
    ) -> None:
        """Replace members of what only MLflow knows by what ``change`` makes of it.

        Args:
            run_id: Which run.
            change: Is given all that MLflow knows.
            artifacts: Entries that the component's document gets.
            member: Into which member of the document.

        Raises:
            NotFoundError: If there is none.
            WrongStateError: If it is deleted.
        """

        def changed(record: Record) -> Record:
            entries = {**part(part(record.body, "request"), member), **(artifacts or {})}
            return with_own(record, change(own_of(record)), {member: entries} if artifacts else None)

        self._change(run_id, changed)

    def history(
        self, run_id: str, key: str, *, start: int = 0, limit: int | None = None
    ) -> Iterable[TrackedMetric]:
        """Return the values of a metric in the order in which they came; none if there is no such metric.

        Raises:
            NotFoundError: If there is no such run.
        """
        record = self._record(run_id)
        for point in self._metrics.points(record.name, key, start=start, limit=limit):
            yield TrackedMetric(key, point.value, int(point.at.timestamp() * 1000), point.step or 0)

    # ---- inside ----------------------------------------------------------------------------------

    def _put_into_trial(self, run_id: str, experiment: TrackedExperiment, trial: str) -> None:
        found = self._trials.find(trial) if 0 < len(trial) <= _LONGEST_TRIAL else None
        if trial and found is None and len(trial) <= _LONGEST_TRIAL:
            self._experiments.open(experiment.key, trial)
            found = self._trials.find(trial)
        if found is None or found.parent != experiment.key:
            trial = _GROUP.format(experiment.key)[:_LONGEST_TRIAL].rstrip("-")
            self._experiments.open(experiment.key, trial)
        self._experiments.components.associate(run_id, trial)

    def _unheard(
        self, name: str, points: Mapping[str, Sequence[SeriesPoint]]
    ) -> Mapping[str, Sequence[SeriesPoint]]:
        """Return the points without those that were the last to come already."""
        left: dict[str, Sequence[SeriesPoint]] = {}
        summaries = self._metrics.summaries_of([name], list(points)).get(name, {})
        for metric, new in points.items():
            known = summaries.get(metric)
            if known is not None and known.count >= len(new) and _is_like(new[-1], known.last, known.last_at):
                start = known.count - len(new)
                before = list(self._metrics.points(name, metric, start=start, limit=len(new)))
                if all(_is_same(one, other) for one, other in zip(new, before, strict=True)):
                    continue
            left[metric] = new
        return left

    def _run(self, record: Record, experiment: TrackedExperiment | None) -> TrackedRun:
        if experiment is None:
            return run_of(record, "", "")
        return run_of(record, experiment.id, _artifact_uri(experiment, record.name))

    def _experiment_of(self, record: Record) -> TrackedExperiment | None:
        key = str(own_of(record).get("experiment") or "")
        if not key:
            trials = self._experiments.components.trials_of(record.name)
            key = trials[0].parent if trials else ""
        found = self._records.find("experiment", key) if key else None
        return tracked_experiment(found) if found else None

    def _record(self, run_id: str) -> Record:
        record = self._components.find(run_id) if run_id else None
        if record is None:
            raise NotFoundError(f"Run with id={run_id[:256]} not found")
        return record

    def _active(self, run_id: str) -> Record:
        record = self._record(run_id)
        _check_active(record)
        return record

    def _change(self, run_id: str, change: Callable[[Record], Record]) -> None:
        def changed(record: Record) -> Record:
            _check_active(record)
            return change(record)

        self._components.update(self._record(run_id).name, changed)


def _told(record: Record, logged: Logged) -> Record:
    """Return a run's record with parameters and tags added."""
    kept = part(part(record.body, "request"), "Parameters")
    for key, value in logged.params.items():
        if key in kept and (old := param_text(kept[key])) != value:
            raise InvalidInputError(
                f"Changing param values is not allowed. Param with key={key!r} was already logged with "
                f"value={old!r} for run ID={record.name!r}. Attempted logging new value {value!r}."
            )
    document: dict[str, Json] = {}
    if logged.params:
        document["Parameters"] = {**kept, **{key: param_value(value) for key, value in logged.params.items()}}
    own: dict[str, Json] = {}
    if logged.tags:
        own["tags"] = {**part(own_of(record), "tags"), **logged.tags}
        if name := logged.tags.get(RUN_NAME):
            document["DisplayName"] = name
    return with_own(record, own, document)


def _points(metrics: Sequence[TrackedMetric]) -> dict[str, list[SeriesPoint]]:
    points: dict[str, list[SeriesPoint]] = {}
    for metric in metrics:
        series = points.get(metric.key)
        if series is None:
            check_key(metric.key, "metrics")
            series = points[metric.key] = []
        point = SeriesPoint(moment_of(metric.timestamp_ms), metric.value, metric.step)
        if not series or not _is_same(series[-1], point):
            series.append(point)
    return points


def _is_same(one: SeriesPoint, other: SeriesPoint) -> bool:
    return one.step == other.step and _is_like(one, other.value, other.at)


def _is_like(point: SeriesPoint, value: float, at: datetime) -> bool:
    # Not a number is equal to nothing, and yet the same.
    return point.at == at and (point.value == value or (point.value != point.value and value != value))


def _check_tags(tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        check_key(key, "tags")
        check_length(value, LONGEST_TAG, f"tags.{key[:80]}")


def _check_active(record: Record) -> None:
    if own_of(record).get("stage") == Stage.DELETED:
        raise WrongStateError(
            f"The run {record.name} must be in the 'active' state. Current state is {Stage.DELETED}."
        )


def _artifact_uri(experiment: TrackedExperiment, run_id: str) -> str:
    return f"{experiment.artifact_location.rstrip('/')}/{run_id}/artifacts"
