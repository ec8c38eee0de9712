"""Calls of functions: each is a job of its own, in the sandbox of jobs, forked warm where that can be.

Source: AWS Lambda developer guide, "Using Lambda environment variables".
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from stepmill.compute.spec import Compute, JobEnded, JobEvent, JobRunning, JobSpec, Mount, Resources
from stepmill.core.arns import Arns
from stepmill.core.errors import ConflictError, StepmillError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.core.settings import Isolation
from stepmill.jobs.access import Access, Door, NoDoor, Visitor, access_by
from stepmill.jobs.functions import runner
from stepmill.jobs.functions.code import unpack_code
from stepmill.jobs.functions.function import Function
from stepmill.jobs.functions.outcome import Answered, NotCarriedOut, Outcome, outcome_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

# Calls, by the name of their job: which task and which function.
CALL_KIND = "function-call"

# Lambda: a function has so long to be imported, before the time of the call runs.
LONGEST_IMPORT = timedelta(seconds=10)

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
        door: Tells where this installation answers AWS's clients, and gives each call its key.
        isolation: How calls are kept apart.
        warm: Whether they may be forked from a warm parent.
        log_limit_bytes: How much of a log's head, and of its tail, is kept.
        python: The interpreter they run in.
    """

    jobs: Path
    arns: Arns
    door: Door = field(default_factory=NoDoor)
    isolation: Isolation = Isolation.AUTO
    warm: bool = True
    log_limit_bytes: int = 64 * 1024 * 1024
    python: Path = field(default_factory=lambda: Path(sys.executable))


@dataclass(frozen=True)
class FunctionCall:
    """One call of a function.

    Args:
        id: Whoever asks again with the same one means the same call.
        function: Which.
        event: What it is called with.
        job: Name of its job; empty: one made of the id.
        request_id: What the function sees as its request; empty: one made of the id.
        step: The step that calls it; may be empty.
        execution_arn: The execution that calls it; may be empty.
        client_context: What the caller says about itself.
    """

    id: str
    function: Function
    event: Json
    job: str = ""
    request_id: str = ""
    step: str = ""
    execution_arn: str = ""
    client_context: Json = None

    @property
    def job_name(self) -> str:
        """The name of its job."""
        return self.job or call_name(self.id, self.function.name)

    @property
    def request(self) -> str:
        """What the function sees as its request."""
        return self.request_id or request_id(self.id)


@dataclass(frozen=True)
class CallEnded:
    """A call is over.

    Args:
        outcome: What became of it.
        folder: Of its job; the log is there.
    """

    outcome: Outcome
    folder: Path


CallEvent: TypeAlias = JobRunning | CallEnded


class FunctionCalls:
    """Calls functions.

    Args:
        objects: Where their code lies.
        records: Where calls are kept.
        compute: Runs them.
        surroundings: What calls have in common.
        log_tail: Returns the last lines of the log in a job's folder.
    """

    def __init__(
        self,
        objects: ObjectStore,
        records: RecordStore,
        compute: Compute,
        surroundings: FunctionSurroundings,
        log_tail: Callable[[Path], Sequence[str]],
    ) -> None:
        self._objects = objects
        self._records = records
        self._compute = compute
        self._surroundings = surroundings
        self._log_tail = log_tail

    def run(self, call: FunctionCall, hear: Callable[[CallEvent], None]) -> None:
        """Call the function, or pick up the call that was begun.

        Returns at once; ``hear`` gets at most one ``JobRunning`` and exactly one ``CallEnded``, from any
        thread.

        Raises:
            StepmillError: If the call cannot be begun; ``hear`` gets nothing.
        """
        folder = self._prepare(call)
        self._compute.run(self._spec(call, folder), lambda event: self._pass_on(call, folder, event, hear))

    def _prepare(self, call: FunctionCall) -> Path:
        """Lay the call out in its job's folder; what an earlier start laid out stays as it is."""
        job = call.job_name
        folder = self._surroundings.jobs / job
        laid_out = folder / "function"
        if (laid_out / "call.json").exists():
            return folder
        body: JsonObject = {"task": call.id, "function": call.function.name, "step": call.step}
        try:
            self._records.create(CALL_KIND, job, body, parent=call.execution_arn)
        except ConflictError:
            if self._records.get(CALL_KIND, job).body.get("task") != call.id:
                raise
        unfinished = folder / "function.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        unpack_code(self._objects.read_bytes(call.function.code), unfinished / "task")
        shutil.copyfile(runner.__file__, unfinished / "runner.py")
        (unfinished / "call.json").write_text(write_json(_document(call)))
        unfinished.rename(laid_out)
        return folder

    def _spec(self, call: FunctionCall, folder: Path) -> JobSpec:
        around = self._surroundings
        access = self._access(call, folder)
        laid_out = folder / "function"
        function = call.function
        module = function.handler.rpartition(".")[0].replace(".", "/")
        return JobSpec(
            job_id=call.job_name,
            folder=folder,
            command=("python3", f"{_INSIDE}/runner.py"),
            environment=access.environment(_variables(call, around.arns)),
            python=around.python,
            mounts=(
                Mount(laid_out, _INSIDE),
                Mount(laid_out / "task", _TASK_ROOT, read_only=True),
                *access.mounts,
            ),
            loopback=access.is_there,
            warm=around.warm and around.python == Path(sys.executable),
            source=laid_out / "task" / f"{module}.py",
            resources=Resources(memory_bytes=function.memory_mb * _MEGABYTE or None),
            timeout=function.timeout + LONGEST_IMPORT,
            # Lambda gives a function no time to say goodbye.
            grace=timedelta(seconds=1),
            isolation=around.isolation,
            log_limit_bytes=around.log_limit_bytes,
        )

    def _access(self, call: FunctionCall, folder: Path) -> Access:
        visitor = Visitor.of(
            CALL_KIND,
            call.job_name,
            call.id,
            role=call.function.configuration.role,
            session=call.function.name,
            folder=folder,
            lasts=call.function.timeout + LONGEST_IMPORT,
        )
        return access_by(self._surroundings.door, visitor)

    def _pass_on(
        self, call: FunctionCall, folder: Path, event: JobEvent, hear: Callable[[CallEvent], None]
    ) -> None:
        hear(event if isinstance(event, JobRunning) else CallEnded(self._end(call, folder, event), folder))

    def _end(self, call: FunctionCall, folder: Path, ended: JobEnded) -> Outcome:
        try:
            outcome = outcome_of(call.function, folder / "function", ended)
            status = "Completed" if isinstance(outcome, Answered) else "Failed"
            self._records.update(CALL_KIND, call.job_name, lambda record: replace(record, status=status))
            # The code lies in the store; a copy for each call would only fill the disk.
            shutil.rmtree(folder / "function" / "task", ignore_errors=True)
        except (StepmillError, OSError) as error:
            return NotCarriedOut(f"The end of the call could not be read: {error}")
        return outcome

    def log_of(self, ended: CallEnded) -> Sequence[str]:
        """Return the last lines of a call's log."""
        return self._log_tail(ended.folder)


def call_name(call_id: str, function: str) -> str:
    """Return the name of the job that a call of a function is: at most 63 letters, digits, hyphens."""
    readable = function.replace("_", "-").strip("-")[:_LONGEST_FUNCTION_PART] or "function"
    return f"{readable}-{sha256(call_id.encode()).hexdigest()[:16]}"


def request_id(call_id: str) -> str:
    """Return the request id of a call, in the form of a UUID; the same for the same call."""
    text = sha256(call_id.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def _document(call: FunctionCall) -> JsonObject:
    """Return what the runner reads in the job."""
    function = call.function
    return {
        "event": call.event,
        "handler": function.handler,
        "function_name": function.name,
        "function_version": function.qualifier,
        "function_arn": function.arn,
        "memory_limit_in_mb": str(_memory_mb(function)),
        "request_id": call.request,
        "log_group": f"/aws/lambda/{function.name}",
        "log_stream": call.job_name,
        "timeout_seconds": function.timeout.total_seconds(),
        "client_context": call.client_context,
    }


def _variables(call: FunctionCall, arns: Arns) -> dict[str, str]:
    function = call.function
    return {
        "AWS_REGION": arns.region,
        "AWS_DEFAULT_REGION": arns.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.qualifier,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(_memory_mb(function)),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": call.job_name,
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
