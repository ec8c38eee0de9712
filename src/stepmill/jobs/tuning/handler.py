"""Tuning jobs: the handler of ``sagemaker:createHyperParameterTuningJob``.

Source: API reference, CreateHyperParameterTuningJob, StopHyperParameterTuningJob.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from stepmill.core.errors import ConflictError, InvalidInputError, UnsupportedError
from stepmill.core.json import Json, object_of
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.core.workers import WorkerPool
from stepmill.jobs import failures
from stepmill.jobs.admission import Admitted
from stepmill.jobs.handler import JobHandler
from stepmill.jobs.integrations.watching import Watching
from stepmill.jobs.live_metrics import LiveMetric, objective_definitions
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, state_of
from stepmill.jobs.requests.training import TrainingRequest, read_training_request
from stepmill.jobs.services import JobServices
from stepmill.jobs.tuning.admission import admit_tuning
from stepmill.jobs.tuning.deciding import End
from stepmill.jobs.tuning.driver import Desk, Subject, TuningDriver
from stepmill.jobs.tuning.parents import best_of_parents, known_of_parents
from stepmill.jobs.tuning.plan import Plan
from stepmill.jobs.tuning.records import (
    TUNING_JOB,
    TrialRecords,
    describe_tuning,
    plan_of,
    seed_of,
    step_output,
)
from stepmill.jobs.tuning.request import check_tuning_job_name, read_tuning_request
from stepmill.jobs.tuning.training_requests import training_request
from stepmill.jobs.tuning.trials import Trial
from stepmill.jobs.tuning.watching import TrialWatch
from stepmill.storage.records import Record

RESOURCE = "sagemaker:createHyperParameterTuningJob"

_STARTERS = 8
_DRIVERS = 2


class TuningHandler:
    """The handler of tuning jobs. See ``core.tasks.TaskHandler``.

    Args:
        services: What to work with.
        training: Does the training jobs.
    """

    record_kind = TUNING_JOB

    def __init__(self, services: JobServices, training: JobHandler[TrainingRequest]) -> None:
        self._services = services
        self._training = training
        self._records = JobRecords(services.records, TUNING_JOB)
        self._starters = WorkerPool("stepmill-trials", _STARTERS)
        self._drivers = WorkerPool("stepmill-tuning", _DRIVERS)
        self._watching = Watching()
        self._lock = threading.Lock()
        self._driven: dict[str, TuningDriver] = {}

    def folder(self, name: str) -> Path:
        """Return where the folder of a tuning job would be. There is none: trials have their own."""
        return self._services.folder / TUNING_JOB / name

    def check(self, document: Json) -> Admitted:
        """Check a request. See ``admission.admit_tuning``."""
        services = self._services
        return admit_tuning(document, self._training, services.records, services.arns, services.project)

    def start(self, task: Task, report: Report) -> None:
        """Begin the task's job, or pick it up; report how it ends."""
        services = self._services
        try:
            plan = read_tuning_request(task.payload)
            name = check_tuning_job_name(task.name or plan.name)
            arn = services.arns.sagemaker(TUNING_JOB, name)
            if self._records.find(name) is None:
                self.check({**plan.document, "HyperParameterTuningJobName": name})
            state = JobState(task.id, arn, task.execution_arn, task.step)
            record = self._records.open(name, plan.document, state)
        except (InvalidInputError, UnsupportedError, ConflictError) as error:
            report(TaskFailed(task.id, failures.CLIENT_ERROR, str(error)))
            return
        if state_of(record).status.is_final:
            self._report_end(task, record, report)
            return
        report(TaskStarted(task.id, _metadata(arn), state_of(record).notes))
        driver = self._driver(task, record, plan, report)
        with self._lock:
            self._driven[name] = driver
        driver.begin()
        # For what trials print, for the time, and in case that the store was full for a while.
        self._watching.watch(driver.look)

    def stop(self, task: Task) -> None:
        """Ask the task's job to end: its training jobs are stopped."""
        name = task.name or str(object_of(task.payload).get("HyperParameterTuningJobName", ""))
        record = self._records.find(name) if name else None
        if record is None or state_of(record).status.is_final:
            return
        self._records.change(record.name, _asked_to_stop)
        with self._lock:
            driver = self._driven.get(record.name)
        if driver is not None:
            driver.stop()

    def close(self) -> None:
        """Begin nothing more. Training jobs that run go on, and are picked up with the tuning job."""
        self._drivers.close()
        self._starters.close()
        with self._lock:
            driven = list(self._driven.values())
        for driver in driven:
            driver.close()
        self._watching.close()

    # ---- inside --------------------------------------------------------------------------------

    def _driver(self, task: Task, record: Record, plan: Plan, report: Report) -> TuningDriver:
        services, state = self._services, state_of(record)
        desk = Desk(
            records=services.records,
            training=self._training,
            training_arn=partial(services.arns.sagemaker, TRAINING_JOB),
            watch=self._watch,
            clock=services.clock,
            starters=self._starters,
            drivers=self._drivers,
        )
        subject = Subject(
            task=task,
            name=record.name,
            arn=state.arn,
            plan=plan,
            seed=seed_of(record, plan),
            created_at=record.created_at,
            known=known_of_parents(services.records, plan),
        )
        ended = partial(self._end, task, record.name, report)
        return TuningDriver(desk, subject, ended, is_stopping=state.stop_requested)

    def _watch(self, plan: Plan, trial: Trial) -> TrialWatch:
        definition = plan.definitions[trial.definition]
        document = training_request(definition, trial.name, trial.tuned)
        metrics = read_training_request(document, self._services.project).metrics
        found = objective_definitions(metrics, definition.objective.metric)
        return TrialWatch(LiveMetric(self._training.folder(trial.name), found))

    def _end(self, task: Task, name: str, report: Report, end: End) -> None:
        now = self._services.clock.now()

        def final(state: JobState) -> JobState:
            state = state.with_notes(*([end.remark] if end.remark else []))
            reason = end.reason[: failures.LONGEST_REASON]
            return msgspec.structs.replace(state, status=end.status, reason=reason, ended_at=now)

        record = self._records.change(name, final)
        with self._lock:
            self._driven.pop(name, None)
        self._report_end(task, record, report)

    def _report_end(self, task: Task, record: Record, report: Report) -> None:
        services, state, plan = self._services, state_of(record), plan_of(record)
        trials = TrialRecords(services.records).of(record.name)
        described = describe_tuning(
            record,
            plan,
            trials,
            services.arns,
            now=services.clock.now(),
            best_before=best_of_parents(services.records, plan),
        )
        output = step_output(described, plan, trials, services.arns)
        metadata = _metadata(state.arn)
        if state.notes:
            report(TaskStarted(task.id, metadata, state.notes))
        if state.status is JobStatus.COMPLETED:
            report(TaskSucceeded(task.id, output, metadata))
        elif state.status is JobStatus.STOPPED:
            report(TaskStopped(task.id, state.reason, metadata, output))
        else:
            cause = _cause(state.reason, trials)
            report(TaskFailed(task.id, failures.ALGORITHM_ERROR, cause, metadata, output))


def _metadata(arn: str) -> dict[str, Any]:
    return {"TuningJob": {"Arn": arn}}


def _asked_to_stop(state: JobState) -> JobState:
    return msgspec.structs.replace(state, stop_requested=True, status=JobStatus.STOPPING)


def _cause(reason: str, trials: list[Trial]) -> str:
    """Return for a human why a tuning job failed: what SageMaker says, and how its first trial failed."""
    failed = next((trial for trial in trials if trial.reason), None)
    return f"{reason}\n{failed.name} failed: {failed.reason}" if failed is not None else reason
