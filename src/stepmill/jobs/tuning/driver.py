"""Drives one tuning job: begins its trials, follows them, and ends.

A trial is written, with the record of its training job, before anything of it is begun; its end is written
before the next decision. So whoever goes on after a crash finds every trial, and hands each that has not
ended over to the training jobs' handler again, whose key is the task's id: none is begun twice, none is lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Protocol

import msgspec

from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.clock import Clock
from stepmill.core.errors import ConflictError, StepmillError, StorageError
from stepmill.core.json import JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Report, Task, TaskFailed, TaskReport, TaskStarted
from stepmill.core.workers import WorkerPool
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, state_of
from stepmill.jobs.tuning.deciding import Decision, End, decide
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.proposals import Known, Proposer
from stepmill.jobs.tuning.records import TrialRecords
from stepmill.jobs.tuning.training_requests import training_request
from stepmill.jobs.tuning.trials import Trial
from stepmill.jobs.tuning.watching import TrialWatch
from stepmill.storage.records import RecordStore

TRAINING_RESOURCE = "sagemaker:createTrainingJob"
# So often another name is looked for where the one of a trial is taken.
_MOST_NAMES = 5

_log = logging.getLogger(__name__)


class TrainingJobs(Protocol):
    """Does the training jobs."""

    def start(self, task: Task, report: Report) -> None:
        """Begin a job, or pick it up. See ``core.tasks.TaskHandler``."""
        ...

    def stop(self, task: Task) -> None:
        """Ask a job to end."""
        ...


@dataclass(frozen=True)
class Desk:
    """What drivers work with.

    Args:
        records: Where jobs and trials are kept.
        training: Does the training jobs.
        training_arn: Name of a training job -> its ARN.
        watch: Makes what reads the values that a trial prints.
        clock: Tells the time.
        starters: Threads on which training jobs are begun: that may take as long as an environment is built.
        drivers: Threads on which decisions are made.
    """

    records: RecordStore
    training: TrainingJobs
    training_arn: Callable[[str], str]
    watch: Callable[[Plan, Trial], TrialWatch]
    clock: Clock
    starters: WorkerPool
    drivers: WorkerPool


@dataclass(frozen=True)
class Subject:
    """The tuning job that is driven.

    Args:
        task: That it does.
        name: Of the job.
        arn: Of the job.
        plan: What it is to do.
        seed: Of chance.
        created_at: When it was taken.
        known: Results of its parents.
    """

    task: Task
    name: str
    arn: str
    plan: Plan
    seed: int
    created_at: datetime
    known: Sequence[Known] = ()


@dataclass
class _Followed:
    """A trial that this process follows: as it stands, and whether it was asked to stop."""

    trial: Trial
    asked_to_stop: bool = False
    watch: TrialWatch | None = None


@dataclass
class TuningDriver:
    """Drives a tuning job in this process. Safe to share between threads.

    Args:
        desk: What to work with.
        subject: The job.
        ended: Told how it has ended, once.
        is_stopping: Whether it was asked to stop.
    """

    desk: Desk
    subject: Subject
    ended: Callable[[End], None]
    is_stopping: bool = False
    _followed: dict[int, _Followed] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _proposers: dict[int, Proposer] = field(default_factory=dict)
    _is_over: bool = False
    _is_closed: bool = False

    def begin(self) -> None:
        """Go on with the trials that there are, and begin more."""
        with self._lock:
            for trial in TrialRecords(self.desk.records).of(self.subject.name):
                self._followed[trial.number] = self._follow(trial)
            for followed in self._followed.values():
                if not followed.trial.status.is_final:
                    self._start(followed.trial)
        self._go_on()

    def stop(self) -> None:
        """Begin nothing more, and ask what runs to end."""
        self.is_stopping = True
        self._hurry()

    def close(self) -> None:
        """Decide nothing more in this process. Waits for a decision that is being carried out."""
        with self._lock:
            self._is_closed = self._is_over = True

    def trials(self) -> list[Trial]:
        """Return the trials as they stand, by number."""
        with self._lock:
            return [followed.trial for _, followed in sorted(self._followed.items())]

    def look(self) -> bool:
        """Look at the trials that run and at the time; return whether the job is over."""
        with self._lock:
            if self._is_over:
                return True
            if self.subject.plan.watches and not self.is_stopping:
                self._look_at_trials()
            self._go_on()
            return self._is_over

    # ---- decide --------------------------------------------------------------------------------

    def _hurry(self) -> None:
        self.desk.drivers.submit(self._go_on)

    def _go_on(self) -> None:
        """Do what is to be done next. An error ends the job: nobody would come back to it."""
        with self._lock:
            if self._is_over:
                return
            try:
                self._carry_out(self._decide())
            except StorageError as error:
                # Room may be made: the next look tries again. Nothing was begun that is not written.
                _log.warning("The tuning job %r waits, nothing is lost: %s", self.subject.name, error)
            except Exception as error:  # noqa: BLE001  (whatever it is, whoever waits is to hear of it)
                if not isinstance(error, StepmillError):
                    _log.error("The tuning job %r cannot go on.", self.subject.name, exc_info=error)
                self.is_stopping = True
                self._stop_trials()
                self._end(End(JobStatus.FAILED, f"InternalServerError: {error}"))

    def _decide(self) -> Decision:
        return decide(
            self.subject.plan,
            self.trials(),
            created_at=self.subject.created_at,
            now=self.desk.clock.now(),
            is_stopping=self.is_stopping,
        )

    def _carry_out(self, decision: Decision) -> None:
        if decision.stop:
            self._stop_trials()
        for _ in range(decision.begin):
            trial = self._open(len(self._followed) + 1)
            self._followed[trial.number] = self._follow(trial)
            self._start(trial)
        if decision.end is not None:
            self._end(decision.end)

    def _end(self, end: End) -> None:
        self.ended(end)
        self._is_over = True

    def _stop_trials(self) -> None:
        for followed in self._followed.values():
            if not followed.trial.status.is_final:
                self._stop_trial(followed)

    def _stop_trial(self, followed: _Followed) -> None:
        if not followed.asked_to_stop:
            followed.asked_to_stop = True
            self.desk.training.stop(self._task(followed.trial, {}))

    # ---- trials --------------------------------------------------------------------------------

    def _open(self, number: int) -> Trial:
        """Propose a trial and write it down, with the record of its training job."""
        plan, desk = self.subject.plan, self.desk
        index, place = plan.slot(number)
        if index not in self._proposers:
            self._proposers[index] = Proposer(plan, index, self.subject.seed, self.subject.known)
        tuned = self._proposers[index].propose(number, place, self.trials())
        for attempt in range(_MOST_NAMES):
            name = self._name(number, attempt)
            trial = Trial(number, name, index, tuned, desk.clock.now())
            try:
                with desk.records.transaction():
                    self._write(trial)
            except ConflictError:
                continue
            return trial
        raise ConflictError(f"There are training jobs of the names of trial {number} already.")

    def _write(self, trial: Trial) -> None:
        desk, task = self.desk, self.subject.task
        arn = desk.training_arn(trial.name)
        state = JobState(self._task_id(trial), arn, task.execution_arn, task.step, self.subject.arn)
        request = self._request(trial)
        JobRecords(desk.records, TRAINING_JOB).open(
            trial.name, request, state.entered("Starting", trial.created_at)
        )
        TrialRecords(desk.records).add(self.subject.name, trial)
        # Source: API reference, CreateHyperParameterTuningJob: its tags are those of its training jobs, too.
        tags = read_tags(self.subject.plan.document.get("Tags"))
        if tags:
            Tags(desk.records).set(arn, tags)

    def _name(self, number: int, attempt: int) -> str:
        salt = f"{self.subject.task.id}/{number}" + (f"/{attempt}" if attempt else "")
        return f"{self.subject.name}-{number:03}-{sha256(salt.encode()).hexdigest()[:8]}"

    def _task_id(self, trial: Trial) -> str:
        return f"{self.subject.task.id}/trial/{trial.number}"

    def _request(self, trial: Trial) -> JsonObject:
        definition = self.subject.plan.definitions[trial.definition]
        request = training_request(definition, trial.name, trial.tuned)
        experiment = self.subject.task.extra.get("ExperimentConfig")
        return {**request, "ExperimentConfig": experiment} if experiment else request

    def _task(self, trial: Trial, payload: JsonObject) -> Task:
        task = self.subject.task
        return Task(
            self._task_id(trial),
            TRAINING_RESOURCE,
            payload,
            task.execution_arn,
            task.pipeline,
            task.step,
            trial.name,
        )

    def _start(self, trial: Trial) -> None:
        report = partial(self._hear, trial.number)

        def start() -> None:
            try:
                self.desk.training.start(self._task(trial, self._request(trial)), report)
            except Exception as error:  # noqa: BLE001  (whatever it is, it is this trial's failure)
                _log.error("The trial %r could not be begun.", trial.name, exc_info=error)
                report(TaskFailed(self._task_id(trial), "SageMaker.JOB_INTERNAL_ERROR", str(error)))

        self.desk.starters.submit(start)

    def _hear(self, number: int, report: TaskReport) -> None:
        if not isinstance(report, TaskStarted):
            self.desk.drivers.submit(partial(self._take_end, number, report))

    def _take_end(self, number: int, report: TaskReport) -> None:
        """Write how a trial has ended, and go on."""
        with self._lock:
            followed = self._followed[number]
            if followed.trial.status.is_final or self._is_closed:
                return
            trial = self._ended(followed, report)
            try:
                TrialRecords(self.desk.records).put(trial)
            except StepmillError as error:
                # The training job's record tells the same to whoever comes next.
                _log.warning("The end of the trial %r cannot be written: %s", trial.name, error)
            followed.trial, followed.watch = trial, None
            self._go_on()

    def _ended(self, followed: _Followed, report: TaskReport) -> Trial:
        trial = followed.trial
        record = JobRecords(self.desk.records, TRAINING_JOB).find(trial.name)
        state = state_of(record) if record is not None else None
        if state is None or not state.status.is_final:
            reason = str(getattr(report, "cause", ""))
            error = str(getattr(report, "error", ""))
            return msgspec.structs.replace(
                trial, status=JobStatus.FAILED, error=error, reason=reason, ended_at=self.desk.clock.now()
            )
        metric = self.subject.plan.definitions[trial.definition].objective.metric
        values = {found.name: found.last.value for found in state.metrics}
        series = tuple(followed.watch.finish()) if followed.watch is not None else ()
        return msgspec.structs.replace(
            trial,
            status=state.status,
            objective=values.get(metric),
            series=series,
            started_at=state.started_at,
            ended_at=state.ended_at,
            error=state.error,
            reason=state.reason,
        )

    # ---- watch ---------------------------------------------------------------------------------

    def _follow(self, trial: Trial) -> _Followed:
        plan = self.subject.plan
        watches = plan.watches and not trial.status.is_final
        return _Followed(trial, watch=self.desk.watch(plan, trial) if watches else None)

    def _look_at_trials(self) -> None:
        series, completed = self._series(), self._completed()
        for number, followed in self._followed.items():
            if followed.watch is None or followed.asked_to_stop:
                continue
            others: Mapping[int, Sequence[float]] = {
                other: values for other, values in series.items() if other != number
            }
            if followed.watch.look(self.subject.plan, followed.trial, others, completed):
                self._stop_trial(followed)

    def _series(self) -> dict[int, Sequence[float]]:
        return {
            number: followed.watch.values if followed.watch is not None else followed.trial.series
            for number, followed in self._followed.items()
        }

    def _completed(self) -> list[Sequence[float]]:
        return [
            followed.trial.series
            for followed in self._followed.values()
            if followed.trial.status is JobStatus.COMPLETED
        ]
