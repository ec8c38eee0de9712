"""Does a job from its task to its final report: stage, run, follow, collect.

Each stage can be repeated. A record is made first; what was staged is noted in the job's folder when
it is complete; compute picks up what runs; outputs are stored before the record says that the job has
ended. So the same task, handed over again after a crash at any instant, goes on where it was.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Generic

import msgspec

from stepmill.catalog.job_components import experiment_config
from stepmill.compute.logs import tail_log
from stepmill.compute.spec import Ending, JobEnded, JobEvent, JobSpec
from stepmill.compute.supervision.files import make_new
from stepmill.compute.supervision.layout import clear_away
from stepmill.core.errors import (
    ComputeClosedError,
    ConflictError,
    InvalidInputError,
    StepmillError,
    StorageFullError,
    UnsupportedError,
)
from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStarted, TaskStopped, TaskSucceeded
from stepmill.images.catalog import ResolvedImage
from stepmill.images.environments import Progress, told_of_downloads
from stepmill.jobs import attempts, failures
from stepmill.jobs.access import Access, Visitor, access_of
from stepmill.jobs.admission import Admitted, admit
from stepmill.jobs.capacity import Capacity, time_to_interruption
from stepmill.jobs.contract import job_environment
from stepmill.jobs.failures import (
    Outcome,
    blame_of,
    cause_text,
    full_disk_told,
    outcome_of,
    waited_too_long,
)
from stepmill.jobs.host_folders import host_folders
from stepmill.jobs.interruptions import Interruptions
from stepmill.jobs.kinds import Collected, JobKind, R, Workplace, can_be_warm, read_small_file
from stepmill.jobs.later import Later
from stepmill.jobs.outputs import Delivery, deliver
from stepmill.jobs.packages import Kept, kept_for
from stepmill.jobs.peers import names_of, run_together, stop_together
from stepmill.jobs.places import outputs_of_all, workplaces
from stepmill.jobs.records import JobRecords, JobState, describe, state_of
from stepmill.jobs.requests.common import check_job_name
from stepmill.jobs.requests.data import Output
from stepmill.jobs.services import JobServices
from stepmill.jobs.staging import Staged, check_groups, check_paths, stage, unstage
from stepmill.jobs.synchroniser import Synchroniser
from stepmill.jobs.usage import usage_in
from stepmill.storage.failures import translated_disk_errors
from stepmill.storage.records import Record

# So many of the log's last lines go with a failure.
LOG_TAIL_LINES = 20
LONGEST_TAIL_LINE = 1000
# Collecting waits for the disk; more at a time would not make it faster.
_COLLECTORS = 4
# A failure file is cut to fit the reason anyway.
_FAILURE_BYTES = 8192
# Compute's file that says that a job was begun.
_SPEC = "spec.json"
_STOPPED = Outcome(JobStatus.STOPPED, "Stopped")


@dataclass(frozen=True)
class _Job(Generic[R]):
    task: Task
    request: R
    place: Workplace
    report: Report
    metadata: JsonObject
    notes: tuple[str, ...] = ()
    python: str = ""
    attempt: int = 0


class JobHandler(Generic[R]):
    """The handler of one kind of job. See ``core.tasks.TaskHandler``.

    Args:
        services: What to work with.
        kind: In what this kind of job differs from others.
    """

    def __init__(self, services: JobServices, kind: JobKind[R]) -> None:
        self._services = services
        self._kind = kind
        self._records = JobRecords(services.records, kind.record_kind)
        self._synchroniser = Synchroniser(services.objects)
        # Jobs that were asked to stop, maybe before they were started.
        self._stopping: set[str] = set()
        # What running jobs have entered, but their records do not tell yet.
        self._begun: dict[str, Callable[[JobState], JobState]] = {}
        self._changing = threading.Lock()
        self._capacity = Capacity(services.clock)
        self._later = Later(f"later-{kind.record_kind}")
        self._collectors = ThreadPoolExecutor(_COLLECTORS, thread_name_prefix=f"collect-{kind.record_kind}")

    def folder(self, name: str) -> Path:
        """Return the folder of a job: its log is there."""
        return self._services.folder / self._kind.record_kind / name

    def check(self, document: Json) -> Admitted:
        """Check a request. See ``admission.admit``."""
        return admit(self._kind, self._services, document)

    def start(self, task: Task, report: Report) -> None:
        """Begin the task's job, or pick it up; report how it goes."""
        try:
            request = self._kind.read(task.payload, self._services.project)
            name = check_job_name(task.name or request.name, f"{self._kind.member}Name")
            arn = self._services.arns.sagemaker(self._kind.record_kind, name)
            record = self._records.open(name, request.document, self._first_state(task, arn, request.notes))
        except (InvalidInputError, UnsupportedError, ConflictError) as error:
            report(TaskFailed(task.id, failures.CLIENT_ERROR, str(error)))
            return
        place = Workplace(name, arn, self.folder(name))
        job = _Job(task, request, place, report, {self._kind.member: {"Arn": arn}})
        state = state_of(record)
        if state.status.is_final:
            self._report_end(job, record)
            return
        job = replace(job, notes=state.notes, attempt=len(state.attempts))
        if state.resumes_at is not None:
            if state.stop_requested:
                self._stopping.add(name)
            self._await_capacity(job, state)
            return
        begun = (place.folder / _SPEC).exists()
        if state.stop_requested:
            self._stopping.add(name)
            if not begun:
                self._end(job, _STOPPED, Collected())
                return
        if not begun:
            self._note_staging(name, state)
        self._begin(job)

    def _begin(self, job: _Job[R]) -> None:
        try:
            self._launch(job)
        except ComputeClosedError:
            return  # the next engine picks the job up
        except (StepmillError, OSError) as error:
            self._fail(job, error)

    def _note_staging(self, name: str, state: JobState) -> None:
        """Enter a phase that a job which had to wait for its turn is not in yet."""
        now = self._services.clock.now()
        if not state.has_entered("Downloading"):
            self._change(name, lambda state: state.entered("Downloading", now))

    def stop(self, task: Task) -> None:
        """Ask the task's job to end: SIGTERM, and SIGKILL after its grace time."""
        payload = task.payload if isinstance(task.payload, Mapping) else {}
        name = task.name or str(payload.get(f"{self._kind.member}Name", ""))
        record = self._records.find(name) if name else None
        if record is None or state_of(record).status.is_final:
            return
        self._stopping.add(name)
        self._change(name, self._asked_to_stop)
        stop_together(self._services.compute, self.folder(name))
        self._capacity.now(_waiting_key(name, len(state_of(record).attempts)))

    def close(self) -> None:
        """Wait for jobs that are being collected; leave running ones alone."""
        if self._services.packages is not None:
            self._services.packages.close()
        self._synchroniser.close()
        self._capacity.close()
        self._collectors.shutdown()
        self._later.close()

    def _first_state(self, task: Task, arn: str, notes: Sequence[str]) -> JobState:
        state = JobState(task.id, arn, task.execution_arn, task.step).with_notes(*notes)
        now = self._services.clock.now()
        return state.entered("Starting", now).entered("Downloading", now)

    def _asked_to_stop(self, state: JobState) -> JobState:
        state = msgspec.structs.replace(state, stop_requested=True, status=JobStatus.STOPPING)
        return state.entered("Stopping", self._services.clock.now())

    # Stage and run

    def _launch(self, job: _Job[R]) -> None:
        services, place = self._services, job.place
        begun = (place.folder / _SPEC).exists()
        if not begun:
            # Whoever asked for what cannot be done need not wait for an environment to be built.
            self._kind.command(job.request, services.images.offer(job.request.image, job.request.needs))
        image = services.images.resolve(job.request.image, self._progress(job), job.request.needs)
        command = self._kind.command(job.request, image)
        check_paths(self._kind, job.request, place, services.private)
        if not begun:
            check_groups(job.request, services.has_group)
        places = workplaces(job.request, place)
        staged = [
            stage(self._kind, job.request, each, services.objects, services.project, services.private)
            for each in places
        ]
        # All hosts have the same code.
        kept = None if begun else self._kept_packages(job, image, (places[0], staged[0]))
        access = access_of(job.request, services.door, self._visitor(job))
        notes = (*job.notes, *image.notes, *(note for one in staged for note in one.notes), *access.notes)
        job = replace(job, notes=notes, python="" if image.oci_image else str(image.python))
        job.report(TaskStarted(job.task.id, job.metadata, job.notes))
        if place.name in self._stopping and not begun:
            self._end(job, _STOPPED, Collected())
            return
        for each in places:
            self._synchroniser.watch(each.job_id, each.ml, self._continuous(job), begun=begun)
        specs = [
            self._spec(job, image, command, (each, own), access)
            for each, own in zip(places, staged, strict=True)
        ]
        if kept is not None and services.packages is not None:
            specs = [services.packages.shown(spec, kept) for spec in specs]
        names = names_of(places)
        run_together(
            services.compute, [replace(spec, names=names) for spec in specs], partial(self._on_event, job)
        )
        services.note(self._kind.record_kind, place.name)
        # While the job starts, this process has nothing else to do for it.
        self._later.hurry()
        # Whoever asked before the job was started found nothing to stop.
        if place.name in self._stopping or (begun and self._is_being_interrupted(job)):
            stop_together(services.compute, place.folder)

    def _is_being_interrupted(self, job: _Job[R]) -> bool:
        """Say whether somebody wanted a job interrupted, and was killed before he could ask it to end."""
        return job.request.spot and state_of(self._records.get(job.place.name)).interrupting

    def _kept_packages(
        self, job: _Job[R], image: ResolvedImage, laid_out: tuple[Workplace, Staged]
    ) -> Kept | None:
        if not job.request.network:  # as in SageMaker, where pip then finds no index
            return None
        place, staged = laid_out
        shown = {mount.target: mount.source for mount in staged.mounts}
        return kept_for(
            self._services.packages,
            self._kind.requirements(job.request, place, shown),
            job.request.environment,
            image,
            self._services.isolation,
            self._progress(job),
        )

    def _progress(self, job: _Job[R]) -> Progress:
        return told_of_downloads(lambda line: job.report(TaskStarted(job.task.id, job.metadata, (line,))))

    def _visitor(self, job: _Job[R]) -> Visitor:
        request, place = job.request, job.place
        return Visitor.of(
            self._kind.record_kind,
            place.name,
            job.task.id,
            role=request.role,
            session=place.name,
            folder=place.folder,
            lasts=request.longest_wait or request.timeout,
        )

    def _spec(
        self,
        job: _Job[R],
        image: ResolvedImage,
        command: tuple[str, ...],
        host: tuple[Workplace, Staged],
        access: Access,
    ) -> JobSpec:
        services, request = self._services, job.request
        place, staged = host
        given = {**self._kind.environment(request, place), **request.environment}
        if (experiment := experiment_config(request.document, place.name).experiment) and access.is_there:
            # MLflow's client logs into the experiment of the pipeline, if the script names no other one.
            given.setdefault("MLFLOW_EXPERIMENT_NAME", experiment)
        return JobSpec(
            job_id=place.job_id,
            folder=place.folder,
            command=command,
            environment=access.environment(job_environment(services.arns, given)),
            python=image.python,
            mounts=(*staged.mounts, *access.mounts),
            oci_image=image.oci_image,
            warm=services.warm and can_be_warm(command, image),
            source=self._kind.source(request, place),
            resources=services.resources,
            network=request.network,
            loopback=access.is_there,
            timeout=self._time_left(job, services.clock.now()).timeout,
            grace=services.spot.grace if request.spot else JobSpec.grace,
            isolation=image.engine or services.isolation,
            log_limit_bytes=services.log_limit_bytes,
            remarks=tuple(f"Stepmill: {line}." for line in image.differences if self._kind.logs_versions),
        )

    def _time_left(self, job: _Job[R], now: datetime) -> attempts.TimeLeft:
        if job.attempt == 0 and job.request.longest_wait is None:
            return attempts.TimeLeft(job.request.timeout)
        return attempts.time_left(job.request, state_of(self._records.get(job.place.name)), now)

    # Follow

    def _on_event(self, job: _Job[R], event: JobEvent) -> None:
        if isinstance(event, JobEnded):
            # Collecting may take long; the thread that reports ends is not ours to keep.
            with suppress(RuntimeError):  # closed: the next engine picks the job up
                future = self._collectors.submit(self._finish, job, event)
                future.add_done_callback(partial(self._after_finish, job))
            return
        now = self._services.clock.now()

        def running(state: JobState) -> JobState:
            state = msgspec.structs.replace(
                state, isolation=event.isolation, warm=event.warm, started_at=state.started_at or now
            ).with_notes(*job.notes, *event.notes)
            return state if state.stop_requested else state.entered("Training", now)

        # A short job has ended before that is written; then it is written with the end.
        self._begun[job.place.name] = running
        self._later.put(partial(self._note_begun, job.place.name))
        self._leave_to_chance(job, now)
        if event.notes:
            job.report(TaskStarted(job.task.id, job.metadata, event.notes))

    def _note_begun(self, name: str) -> None:
        if name in self._begun:
            # It is written with the end then, or not at all: the disk may have become full since.
            with suppress(StorageFullError):
                self._change(name, lambda state: state)

    def _change(self, name: str, change: Callable[[JobState], JobState]) -> Record:
        """Change how a job stands, after what was not written yet."""
        with self._changing:
            return self._changed(name, change)

    def _changed(self, name: str, change: Callable[[JobState], JobState]) -> Record:
        begun = self._begun.get(name)
        record = self._records.change(name, lambda state: change(begun(state) if begun else state))
        self._begun.pop(name, None)
        return record

    def _after_finish(self, job: _Job[R], future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            self._fail(job, error)

    # Begin again

    def _leave_to_chance(self, job: _Job[R], now: datetime) -> None:
        """Have a job on spot capacity interrupted when its time has come."""
        if not job.request.spot:
            return
        name = job.place.name
        if (after := time_to_interruption(self._services.spot, name, job.attempt)) is not None:
            key = _chance_key(name, job.attempt)
            self._capacity.at(key, now + after, partial(self._interrupt, name))

    def _interrupt(self, name: str) -> None:
        services = self._services
        # It may have ended meanwhile, or be about to.
        with suppress(StepmillError):
            Interruptions(services.records, services.compute, self.folder(name).parent).interrupt(name)

    def _why_again(self, job: _Job[R], ended: JobEnded) -> str:
        if not job.request.spot and not job.request.retries:
            return ""
        return attempts.why_again(job.request, state_of(self._records.get(job.place.name)), ended)

    def _pause(self, job: _Job[R], ended: JobEnded, then: str) -> None:
        """Store what is kept of an attempt that was interrupted, and let the job wait for the next one."""
        services, place = self._services, job.place
        self._capacity.forget(_chance_key(place.name, job.attempt))
        with translated_disk_errors():
            deliver(self._files(job, None), services.objects)
        now = services.clock.now()
        resumes_at = now + services.spot.capacity_wait if then == attempts.INTERRUPTED else now
        line = attempts.remark(job.request, then, job.attempt)
        record = self._change(
            place.name,
            lambda state: attempts.paused(state, ended, then, now, resumes_at).with_notes(*job.notes, line),
        )
        job.report(TaskStarted(job.task.id, job.metadata, (line,)))
        job = replace(job, attempt=job.attempt + 1, notes=(*job.notes, line))
        for each in workplaces(job.request, place):
            make_new(each.folder)
        self._await_capacity(job, state_of(record))

    def _await_capacity(self, job: _Job[R], state: JobState) -> None:
        """Let a job be begun again when it has waited, be it that it has to end then."""
        until = attempts.end_of_waiting(job.request, state)
        moment = state.resumes_at or self._services.clock.now()
        key = _waiting_key(job.place.name, job.attempt)
        self._capacity.at(key, min(moment, until or moment), partial(self._go_on, job))
        # Whoever asked it to stop before that found nothing to wake.
        if job.place.name in self._stopping:
            self._capacity.now(key)

    def _go_on(self, job: _Job[R]) -> None:
        name, now = job.place.name, self._services.clock.now()
        try:
            state = state_of(self._records.get(name))
            until = attempts.end_of_waiting(job.request, state)
            if state.stop_requested:
                self._end(job, _STOPPED, Collected())
            elif until is not None and now >= until:
                self._end(job, waited_too_long(job.request.longest_wait), Collected())
            else:
                for each in workplaces(job.request, job.place):
                    make_new(each.folder)
                    unstage(each)
                self._change(name, lambda state: attempts.resumed(state, now))
                self._begin(job)
        except (StepmillError, OSError) as error:
            self._fail(job, error)

    # Collect

    def _finish(self, job: _Job[R], ended: JobEnded) -> None:
        place = job.place
        places = workplaces(job.request, place)
        problem = "; ".join(filter(None, [self._synchroniser.finish(each.job_id) for each in places]))
        # The host whose end is the job's.
        telling = next((each for each in places if each.job_id == ended.job_id), place)
        failure = read_small_file(telling.ml / "output" / "failure", _FAILURE_BYTES)
        if then := self._why_again(job, ended):
            self._pause(job, ended, then)
            return
        tail = [line[-LONGEST_TAIL_LINE:] for line in tail_log(telling.folder, LOG_TAIL_LINES)]
        outcome = outcome_of(
            ended,
            failure=failure,
            log_tail=tail,
            timeout=job.request.timeout,
            host=telling.host.name if len(places) > 1 else "",
        )
        if ended.ending is Ending.TIMED_OUT and self._time_left(job, ended.started_at).is_wait:
            outcome = waited_too_long(job.request.longest_wait)
        outcome = full_disk_told(outcome, shutil.disk_usage(place.folder).free)
        if self._kind.phases:
            now = self._services.clock.now()
            # A phase is no reason to lose sight of how the job ended.
            with suppress(StorageFullError):
                self._change(place.name, lambda state: state.entered("Uploading", now))
        with translated_disk_errors():
            collected = self._kind.collect(
                job.request,
                place,
                succeeded=outcome.status is JobStatus.COMPLETED,
                stopped=outcome.status is JobStatus.STOPPED,
            )
            deliver([*self._files(job, outcome), *collected.deliveries], self._services.objects)
        notes = (f"while the job ran, its output could not be stored: {problem}",) if problem else ()
        self._end(job, outcome, collected, ended=ended, tail=tail, notes=notes)

    def _continuous(self, job: _Job[R]) -> list[Output]:
        return [o for o in self._kind.outputs(job.request, job.place) if o.continuous and o.destination]

    def _files(self, job: _Job[R], outcome: Outcome | None) -> list[Delivery]:
        """Return the files of the outputs; of a failed job only those that are kept while it runs.

        Args:
            job: Whose.
            outcome: How it ended; ``None``: it goes on later.
        """
        is_good = outcome is not None and outcome.status is not JobStatus.FAILED
        outputs = self._kind.outputs(job.request, job.place)
        kept = [each for each in outputs if each.continuous or is_good]
        return outputs_of_all(workplaces(job.request, job.place), kept)

    def _end(
        self,
        job: _Job[R],
        outcome: Outcome,
        collected: Collected,
        *,
        ended: JobEnded | None = None,
        tail: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        now = self._services.clock.now()

        def final(state: JobState) -> JobState:
            return msgspec.structs.replace(
                state.entered(outcome.secondary, now).with_notes(*job.notes, *collected.notes, *notes),
                status=outcome.status,
                started_at=ended.started_at if ended and not state.attempts else state.started_at,
                attempts=attempts.all_attempts(state, ended, now),
                resumes_at=None,
                python=job.python,
                ended_at=now,
                exit_code=ended.exit_code if ended else None,
                error=outcome.error,
                reason=outcome.reason,
                log_tail=tuple(tail) if outcome.error else (),
                exit_message=collected.exit_message,
                model=collected.model,
                metrics=collected.metrics,
                usage=usage_in(job.place.folder),
                spot_share=self._services.spot_share(job.request.document) if job.request.spot else 1.0,
            )

        record = self._write_end(job.place, final)
        self._stopping.discard(job.place.name)
        self._capacity.forget(_chance_key(job.place.name, job.attempt))
        self._report_end(job, record)
        self._services.note(record.kind, record.name)
        self._later.put(partial(self._tidy_up_after, record, job.place, keep=bool(outcome.error)))

    def _write_end(self, place: Workplace, final: Callable[[JobState], JobState]) -> Record:
        try:
            return self._change_to_end(place.name, final)
        except StorageFullError:
            # What the job wrote may be all that fills the disk. Its outputs are stored by now, or refused.
            self._tidy_up(place, keep=False)
            return self._change_to_end(place.name, final)

    def _change_to_end(self, name: str, final: Callable[[JobState], JobState]) -> Record:
        """Write the end of a job, and in the same transaction what experiments keep of it."""
        tracker = self._services.tracker
        with self._changing:
            if tracker is None:
                return self._changed(name, final)
            with self._services.records.transaction():
                record = self._changed(name, final)
                tracker.track(record)
        return record

    def _fail(self, job: _Job[R], error: BaseException) -> None:
        """End a job that could not be staged, started or collected."""
        name, word = blame_of(error)
        reason = f"{word}: {error}"[: failures.LONGEST_REASON]
        for each in workplaces(job.request, job.place):
            self._synchroniser.finish(each.job_id)
        try:
            self._end(job, Outcome(JobStatus.FAILED, "Failed", name, reason), Collected())
        except StepmillError:
            # The disk may be too full even for the record; the execution is to know all the same.
            job.report(TaskFailed(job.task.id, name, reason, job.metadata))

    def _report_end(self, job: _Job[R], record: Record) -> None:
        state = state_of(record)
        if state.status is JobStatus.COMPLETED:
            job.report(TaskSucceeded(job.task.id, describe(record), job.metadata))
        elif state.error:
            cause = cause_text(state.reason, state.log_tail)
            job.report(TaskFailed(job.task.id, state.error, cause, job.metadata, describe(record)))
        else:
            job.report(TaskStopped(job.task.id, state.reason, job.metadata, describe(record)))

    def _tidy_up_after(self, ended: Record, place: Workplace, *, keep: bool) -> None:
        # Meanwhile it may have been deleted, and its name and folder be another job's.
        now = self._records.find(ended.name)
        if now is not None and now.created_at == ended.created_at:
            self._tidy_up(place, keep=keep)

    def _tidy_up(self, place: Workplace, *, keep: bool) -> None:
        """Remove what is not needed any more; of a failed job what it wrote is kept to be looked at."""
        hosts = [replace(place, folder=folder) for _, folder in host_folders(place.folder)]
        inputs = [each.inputs for each in hosts]
        written = [] if keep else [each.ml for each in hosts]
        for folder in (*inputs, place.collected, *written):
            # A job can nest folders deeper than Python's stack. What stays is left to `stepmill gc`.
            with suppress(OSError, RecursionError):
                clear_away(folder)


def _waiting_key(name: str, attempt: int) -> str:
    # Of each attempt: the last one may still be under way when this one is put on the agenda.
    return f"{name}/wait/{attempt}"


def _chance_key(name: str, attempt: int) -> str:
    return f"{name}/chance/{attempt}"
