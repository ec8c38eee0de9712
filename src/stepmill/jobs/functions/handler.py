"""The handler of Lambda steps: ``lambda:invoke``. A call is a job of its own.

Source: developer guide, "Lambda step"; AWS Lambda developer guide, "Using Lambda environment variables".
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from stepmill.compute.spec import Compute, Ending, JobEnded, JobEvent, JobRunning, JobSpec, Mount, Resources
from stepmill.core.arns import Arns
from stepmill.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StepmillError,
    UnsupportedError,
)
from stepmill.core.json import JsonObject, write_json
from stepmill.core.settings import Isolation
from stepmill.core.tasks import Report, Task, TaskFailed, TaskReport, TaskStarted, TaskSucceeded
from stepmill.jobs.functions import runner
from stepmill.jobs.functions.answer import outputs_of, raised, read_answer
from stepmill.jobs.functions.code import unpack_code
from stepmill.jobs.functions.registry import LATEST, Function, FunctionRegistry, parse_reference
from stepmill.jobs.output_parameters import as_wire_list, read_declared
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

# Calls, by the name of their job: which task and which function.
CALL_KIND = "function-call"

CLIENT_ERROR = "ClientError"
SERVICE_FAULT = "Step.SERVICE_FAULT"

_INSIDE = "/opt/ml/function"
_TASK_ROOT = "/var/task"
_LONGEST_FUNCTION_PART = 40
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class FunctionSurroundings:
    """What calls of functions have in common.

    Args:
        jobs: Folder of the jobs' folders.
        arns: Tells region and account.
        environment: Variables of every call: where this installation's endpoint is, and so on.
        isolation: How calls are kept apart.
        warm: Whether they may be forked from a warm parent.
        log_limit_bytes: How much of a log's head, and of its tail, is kept.
        python: The interpreter they run in.
    """

    jobs: Path
    arns: Arns
    environment: Mapping[str, str] = field(default_factory=dict)
    isolation: Isolation = Isolation.AUTO
    warm: bool = True
    log_limit_bytes: int = 64 * 1024 * 1024
    python: Path = field(default_factory=lambda: Path(sys.executable))


class FunctionHandler:
    """Calls functions.

    Args:
        functions: Which functions there are.
        objects: Where their code lies.
        records: Where calls are kept.
        compute: Runs them.
        surroundings: What calls have in common.
        log_tail: Returns the last lines of the log in a job's folder.
    """

    def __init__(
        self,
        functions: FunctionRegistry,
        objects: ObjectStore,
        records: RecordStore,
        compute: Compute,
        surroundings: FunctionSurroundings,
        log_tail: Callable[[Path], Sequence[str]],
    ) -> None:
        self._functions = functions
        self._objects = objects
        self._records = records
        self._compute = compute
        self._surroundings = surroundings
        self._log_tail = log_tail

    def start(self, task: Task, report: Report) -> None:
        """Call the function, or pick up the call that was begun."""
        try:
            reference = task.extra.get("FunctionArn")
            name, qualifier = parse_reference(reference)
            function = self._functions.get(name)
            read_declared(task.extra.get("OutputParameters"))
            job = task.name or call_name(task.id, name)
            folder = self._prepare(task, function, job)
            spec = self._spec(function, job, folder)
            notes = _qualifier_notes(name, qualifier)
            self._compute.run(spec, lambda event: self._hear(task, function, spec, notes, event, report))
        except (InvalidInputError, NotFoundError, UnsupportedError) as error:
            report(TaskFailed(task.id, CLIENT_ERROR, str(error)))

    def stop(self, task: Task) -> None:
        """Do nothing: SageMaker waits for a function, up to its timeout, when an execution is stopped."""

    def _prepare(self, task: Task, function: Function, job: str) -> Path:
        """Lay the call out in its job's folder; what an earlier start laid out stays as it is."""
        folder = self._surroundings.jobs / job
        call = folder / "function"
        if (call / "call.json").exists():
            return folder
        body: JsonObject = {"task": task.id, "function": function.name, "step": task.step}
        try:
            self._records.create(CALL_KIND, job, body, parent=task.execution_arn)
        except ConflictError:
            if self._records.get(CALL_KIND, job).body.get("task") != task.id:
                raise
        unfinished = folder / "function.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        unpack_code(self._objects.read_bytes(function.code), unfinished / "task")
        shutil.copyfile(runner.__file__, unfinished / "runner.py")
        document = self._call_document(task, function, job)
        (unfinished / "call.json").write_text(write_json(document))
        unfinished.rename(call)
        return folder

    def _call_document(self, task: Task, function: Function, job: str) -> JsonObject:
        return {
            "event": task.payload,
            "handler": function.handler,
            "function_name": function.name,
            "function_arn": function.arn,
            "memory_limit_in_mb": str(_memory_mb(function)),
            "request_id": request_id(task.id),
            "log_group": f"/aws/lambda/{function.name}",
            "log_stream": job,
            "timeout_seconds": function.timeout.total_seconds(),
        }

    def _spec(self, function: Function, job: str, folder: Path) -> JobSpec:
        around = self._surroundings
        call = folder / "function"
        return JobSpec(
            job_id=job,
            folder=folder,
            command=("python3", f"{_INSIDE}/runner.py"),
            environment={**around.environment, **_variables(function, job, around.arns)},
            python=around.python,
            mounts=(Mount(call, _INSIDE), Mount(call / "task", _TASK_ROOT, read_only=True)),
            warm=around.warm and around.python == Path(sys.executable),
            resources=Resources(memory_bytes=function.memory_mb * _MEGABYTE or None),
            timeout=function.timeout,
            # Lambda gives a function no time to say goodbye.
            grace=timedelta(seconds=1),
            isolation=around.isolation,
            log_limit_bytes=around.log_limit_bytes,
        )

    def _hear(
        self,
        task: Task,
        function: Function,
        spec: JobSpec,
        notes: tuple[str, ...],
        event: JobEvent,
        report: Report,
    ) -> None:
        if isinstance(event, JobRunning):
            metadata: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": []}}
            report(TaskStarted(task.id, metadata, (*notes, *event.notes)))
            return
        try:
            final = self._final(task, function, spec, event)
            self._mark(spec.job_id, final)
            # The code lies in the store; a copy for each call would only fill the disk.
            shutil.rmtree(spec.folder / "function" / "task", ignore_errors=True)
        except (StepmillError, OSError) as error:
            final = TaskFailed(task.id, SERVICE_FAULT, f"The end of the call could not be read: {error}")
        report(final)

    def _mark(self, job: str, final: TaskReport) -> None:
        status = "Completed" if isinstance(final, TaskSucceeded) else "Failed"
        self._records.update(CALL_KIND, job, lambda record: replace(record, status=status))

    def _final(self, task: Task, function: Function, spec: JobSpec, ended: JobEnded) -> TaskReport:
        metadata: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": []}}
        if failure := self._failure_of_job(function, spec, ended):
            error, cause = failure
            return TaskFailed(task.id, error, cause, metadata)
        try:
            answer = read_answer(spec.folder / "function" / "result.json")
            if "error" in answer:
                return TaskFailed(task.id, CLIENT_ERROR, raised(function.name, answer["error"]), metadata)
            declared = read_declared(task.extra.get("OutputParameters"))
            values = outputs_of(function.name, answer.get("result"), declared)
        except InvalidInputError as error:
            return TaskFailed(task.id, CLIENT_ERROR, str(error), metadata)
        shown: JsonObject = {"Lambda": {"Arn": function.arn, "OutputParameters": as_wire_list(values)}}
        return TaskSucceeded(task.id, {"OutputParameters": values}, shown)

    def _failure_of_job(self, function: Function, spec: JobSpec, ended: JobEnded) -> tuple[str, str] | None:
        """Return error and cause if the call ended without an answer of the function; else ``None``."""
        log = self._log(spec.folder)
        match ended.ending:
            case Ending.TIMED_OUT:
                seconds = function.timeout.total_seconds()
                return CLIENT_ERROR, f"{function.name}: Task timed out after {seconds:.2f} seconds{log}"
            case Ending.OUT_OF_MEMORY:
                return CLIENT_ERROR, f"{function.name}: Runtime exited with error: out of memory{log}"
            case Ending.LOST | Ending.NOT_STARTED:
                return SERVICE_FAULT, f"The call of {function.name} was not carried out: {ended.message}{log}"
            case Ending.STOPPED:
                return CLIENT_ERROR, f"The call of {function.name} was stopped{log}"
        if (spec.folder / "function" / "result.json").exists():
            return None
        ending = f"Runtime exited with error: exit status {ended.exit_code}"
        return CLIENT_ERROR, f"{function.name}: Runtime.ExitError: {ending}{log}"

    def _log(self, folder: Path) -> str:
        lines = self._log_tail(folder)
        return "\n" + "\n".join(lines) if lines else ""


def call_name(task_id: str, function: str) -> str:
    """Return the name of the job that a task's call of a function is: at most 63 letters, digits, hyphens."""
    readable = function.replace("_", "-").strip("-")[:_LONGEST_FUNCTION_PART] or "function"
    return f"{readable}-{sha256(task_id.encode()).hexdigest()[:16]}"


def request_id(task_id: str) -> str:
    """Return the request id of a task's call, in the form of a UUID; the same for the same task."""
    text = sha256(task_id.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def _variables(function: Function, job: str, arns: Arns) -> dict[str, str]:
    return {
        "AWS_REGION": arns.region,
        "AWS_DEFAULT_REGION": arns.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": LATEST,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(_memory_mb(function)),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": job,
        "LAMBDA_TASK_ROOT": _TASK_ROOT,
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        **function.environment,
    }


def _memory_mb(function: Function) -> int:
    """Return what the function may use: its limit, or all that the machine has."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
    return function.memory_mb or machine


def _qualifier_notes(name: str, qualifier: str) -> tuple[str, ...]:
    if qualifier in ("", LATEST):
        return ()
    return (f"versions and aliases are not kept apart: {name}:{qualifier} runs the newest code of {name}",)
