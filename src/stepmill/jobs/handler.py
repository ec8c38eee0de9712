"""Does a job from its task to its final report: stage, run, follow, collect.

Each stage can be repeated. A record is made first; what was staged is noted in the job's folder when
it is complete; compute picks up what runs; outputs are stored before the record says that the job has
ended. So the same task, handed over again after a crash at any instant, goes on where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Generic

import msgspec

from stepmill.compute.logs import tail_log
from stepmill.compute.spec import Ending, JobEnded, JobEvent
from stepmill.core.errors import (
    ComputeClosedError,
    ConflictError,
    InvalidInputError,
    StepmillError,
    StorageFullError,
    UnsupportedError,
)
from stepmill.core.json import Json
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import Report, Task, TaskFailed, TaskStarted
from stepmill.jobs import attempts, failures
from stepmill.jobs.access import access_of
from stepmill.jobs.admission import Admitted, admit
from stepmill.jobs.failures import (
    Outcome,
    blame_of,
    full_disk_told,
    outcome_of,
    waited_too_long,
)
from stepmill.jobs.job import Job, report_end
from stepmill.jobs.kinds import Collected, JobKind, R, Workplace, read_small_file
from stepmill.jobs.later import Later
from stepmill.jobs.outputs import deliver
from stepmill.jobs.peers import names_of, programs_of, run_together, stop_together
from stepmill.jobs.places import kept_files, workplaces
from stepmill.jobs.records import JobRecords, JobState, state_of
from stepmill.jobs.requests.common import check_job_name
from stepmill.jobs.requests.data import Output
from stepmill.jobs.resumption import STOPPED, Driver, Resumption
from stepmill.jobs.services import JobServices
from stepmill.jobs.specs import downloads_of, kept_packages, spec_of, visitor_of
from stepmill.jobs.staging import check_groups, check_paths, stage
from stepmill.jobs.standing import Standing
from stepmill.jobs.synchroniser import Synchroniser
from stepmill.jobs.tidying import tidy_up
from stepmill.jobs.turns import Turns
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
_NOTHING = Collected()


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
        self._later = Later(f"later-{kind.record_kind}")
        self._standing = Standing(services.records, kind.record_kind, self._later, services.tracker)
        driver = Driver(self._begin, self._end, self._fail, self._stopping)
        self._resumption = Resumption(services, kind, self._standing, driver)
        self._turns = Turns(services, kind, self._standing, driver)
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
        job = Job(task, request, place, report, {self._kind.member: {"Arn": arn}}, record.created_at)
        state = state_of(record)
        if state.status.is_final:
            report_end(job, record)
            return
        job = replace(job, notes=state.notes, attempt=len(state.attempts))
        if state.resumes_at is not None:
            if state.stop_requested:
                self._stopping.add(name)
            self._resumption.wait(job, state)
            return
        begun = (place.folder / _SPEC).exists()
        if state.stop_requested:
            self._stopping.add(name)
            if not begun:
                self._end(job, STOPPED)
                return
        if not begun:
            self._note_staging(name, state)
        self._begin(job)

    def _begin(self, job: Job[R]) -> None:
        try:
            if (turn := self._turns.take(job, runs=(job.place.folder / _SPEC).exists())) is not None:
                self._launch(turn)
        except ComputeClosedError:
            return  # the next engine picks the job up
        except (StepmillError, OSError) as error:
            self._fail(job, error)

    def _note_staging(self, name: str, state: JobState) -> None:
        """Enter a phase that a job which had to wait for its turn is not in yet."""
        now = self._services.clock.now()
        if not state.has_entered("Downloading"):
            self._standing.change(name, lambda state: state.entered("Downloading", now))

    def stop(self, task: Task) -> None:
        """Ask the task's job to end: SIGTERM, and SIGKILL after its grace time."""
        payload = task.payload if isinstance(task.payload, Mapping) else {}
        name = task.name or str(payload.get(f"{self._kind.member}Name", ""))
        record = self._records.find(name) if name else None
        if record is None or state_of(record).status.is_final:
            return
        self._stopping.add(name)
        self._standing.change(name, self._asked_to_stop)
        stop_together(self._services.compute, self.folder(name))
        self._resumption.wake(name, state_of(record))
        self._turns.wake(name)

    def close(self) -> None:
        """Wait for jobs that are being collected; leave running ones alone."""
        if self._services.packages is not None:
            self._services.packages.close()
        self._synchroniser.close()
        self._resumption.close()
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

    def _launch(self, job: Job[R]) -> None:
        services, place = self._services, job.place
        begun = (place.folder / _SPEC).exists()
        if not begun:
            # Whoever asked for what cannot be done need not wait for an environment to be built.
            self._kind.command(job.request, services.images.offer(job.request.image, job.request.needs))
        progress = partial(downloads_of, job, self._standing)
        image = services.images.resolve(job.request.image, progress(), job.request.needs)
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
        first = places[0], staged[0]
        kept = None if begun else kept_packages(services, self._kind, job, image, first, progress())
        access = access_of(job.request, services.door, visitor_of(self._kind, job))
        notes = (*job.notes, *image.notes, *(note for one in staged for note in one.notes), *access.notes)
        job = replace(job, notes=notes, python="" if image.oci_image else str(image.python))
        job.report(TaskStarted(job.task.id, job.metadata, job.notes))
        if place.name in self._stopping and not begun:
            self._end(job, STOPPED)
            return
        for each in places:
            self._synchroniser.watch(each.job_id, each.ml, self._continuous(job), begun=begun)
        timeout = self._resumption.time_left(job, services.clock.now()).timeout
        specs = [
            spec_of(services, self._kind, job, image, command, host, access)
            for host in zip(places, staged, strict=True)
        ]
        if kept is not None and services.packages is not None:
            specs = [services.packages.shown(spec, kept) for spec in specs]
        specs = self._turns.equipped(job, specs)
        names, programs = names_of(places), programs_of(places)
        run_together(
            services.compute,
            [replace(spec, names=names, programs=programs, timeout=timeout) for spec in specs],
            partial(self._on_event, job),
            share_failure=self._kind.hosts_work_together,
        )
        services.note(self._kind.record_kind, place.name)
        # While the job starts, this process has nothing else to do for it.
        self._later.hurry()
        # Whoever asked before the job was started found nothing to stop.
        if place.name in self._stopping or (begun and self._resumption.is_being_interrupted(job)):
            stop_together(services.compute, place.folder)

    # Follow

    def _on_event(self, job: Job[R], event: JobEvent) -> None:
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
        self._standing.begun(job.place.name, running)
        self._resumption.leave_to_chance(job, now)
        if event.notes:
            job.report(TaskStarted(job.task.id, job.metadata, event.notes))

    def _after_finish(self, job: Job[R], future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            self._fail(job, error)

    # Collect

    def _finish(self, job: Job[R], ended: JobEnded) -> None:
        place = job.place
        places = workplaces(job.request, place)
        problem = "; ".join(filter(None, [self._synchroniser.finish(each.job_id) for each in places]))
        # The host whose end is the job's.
        telling = next((each for each in places if each.job_id == ended.job_id), place)
        failure = read_small_file(telling.ml / "output" / "failure", _FAILURE_BYTES)
        if then := self._resumption.why_again(job, ended):
            self._turns.give_back(job)
            self._resumption.pause(job, ended, then)
            return
        tail = [line[-LONGEST_TAIL_LINE:] for line in tail_log(telling.folder, LOG_TAIL_LINES)]
        outcome = outcome_of(
            ended,
            failure=failure,
            log_tail=tail,
            timeout=job.request.timeout,
            host=telling.host.name if len(places) > 1 else "",
            memory=self._turns.memory_of(telling.host),
        )
        if ended.ending is Ending.TIMED_OUT and self._resumption.time_left(job, ended.started_at).is_wait:
            outcome = waited_too_long(job.request.longest_wait)
        outcome = full_disk_told(outcome, shutil.disk_usage(place.folder).free)
        if self._kind.phases:
            now = self._services.clock.now()
            # A phase is no reason to lose sight of how the job ended.
            with suppress(StorageFullError):
                self._standing.change(place.name, lambda state: state.entered("Uploading", now))
        with translated_disk_errors():
            collected = self._kind.collect(
                job.request,
                place,
                succeeded=outcome.status is JobStatus.COMPLETED,
                stopped=outcome.status is JobStatus.STOPPED,
            )
            files = kept_files(self._kind, job.request, place, is_good=outcome.status is not JobStatus.FAILED)
            deliver([*files, *collected.deliveries], self._services.objects)
        notes = (f"while the job ran, its output could not be stored: {problem}",) if problem else ()
        self._end(job, outcome, collected, ended=ended, tail=tail, notes=notes)

    def _continuous(self, job: Job[R]) -> list[Output]:
        return [o for o in self._kind.outputs(job.request, job.place) if o.continuous and o.destination]

    def _end(
        self,
        job: Job[R],
        outcome: Outcome,
        collected: Collected = _NOTHING,
        *,
        ended: JobEnded | None = None,
        tail: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        pooled = self._turns.keep(job, ended)
        now = self._services.clock.now()

        def final(state: JobState) -> JobState:
            return msgspec.structs.replace(
                pooled(state)
                .entered(outcome.secondary, now)
                .with_notes(*job.notes, *collected.notes, *notes),
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
        self._resumption.forget(job)
        report_end(job, record)
        self._services.note(record.kind, record.name)
        self._later.put(partial(self._tidy_up_after, record, job.place, keep=bool(outcome.error)))

    def _write_end(self, place: Workplace, final: Callable[[JobState], JobState]) -> Record:
        try:
            return self._standing.end(place.name, final)
        except StorageFullError:
            # What the job wrote may be all that fills the disk. Its outputs are stored by now, or refused.
            tidy_up(place, keep=False)
            return self._standing.end(place.name, final)

    def _fail(self, job: Job[R], error: BaseException) -> None:
        """End a job that could not be staged, started or collected."""
        name, word = blame_of(error)
        reason = f"{word}: {error}"[: failures.LONGEST_REASON]
        for each in workplaces(job.request, job.place):
            self._synchroniser.finish(each.job_id)
        try:
            self._end(job, Outcome(JobStatus.FAILED, "Failed", name, reason))
        except StepmillError:
            # The disk may be too full even for the record; the execution is to know all the same.
            job.report(TaskFailed(job.task.id, name, reason, job.metadata))

    def _tidy_up_after(self, ended: Record, place: Workplace, *, keep: bool) -> None:
        # Meanwhile it may have been deleted, and its name and folder be another job's.
        now = self._records.find(ended.name)
        if now is not None and now.created_at == ended.created_at:
            tidy_up(place, keep=keep)
