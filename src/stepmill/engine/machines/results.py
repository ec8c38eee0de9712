"""The handler that writes what the executions of a Map Run gave: ``stepmill:writeResults``.

The payload is ``{"mapRunArn", "resource", "arguments", "config"}``. With a resource, files are written into a
bucket, with a manifest that names them; without one the results are the task's output.

Source: developer guide, "ResultWriter"; the files that it describes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, read_json, write_json
from stepmill.core.statuses import StateMachineExecutionStatus as Status
from stepmill.core.tasks import Report, Task, TaskFailed, TaskSucceeded
from stepmill.engine.machines.control import why_not_redrivable
from stepmill.engine.machines.reading import MachineExecutionReader
from stepmill.engine.machines.summaries import MachineExecution
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

RESOURCE = "stepmill:writeResults"
FAILED = "States.ResultWriterFailed"

# A file lies in memory until it is written. The service's are of up to 5 GB.
LARGEST_FILE = 64 * 1024 * 1024
_PAGE = 500
_INCLUDED = {"Included": True}
_KINDS = {Status.SUCCEEDED: "SUCCEEDED", Status.FAILED: "FAILED", Status.TIMED_OUT: "FAILED"}


class ResultWriter:
    """Writes results. See ``core.tasks.TaskHandler``.

    Args:
        executions: Reads the executions of Map Runs.
        objects: Where files are written.
    """

    def __init__(self, executions: MachineExecutionReader, objects: ObjectStore) -> None:
        self._executions = executions
        self._objects = objects

    def start(self, task: Task, report: Report) -> None:
        """Write, and report where; written again after a crash, it is the same."""
        payload = task.payload
        assert isinstance(payload, Mapping)
        map_run = str(payload["mapRunArn"])
        config = payload.get("config")
        config = config if isinstance(config, Mapping) else {}
        if not payload.get("resource"):
            found = sorted(self._results(map_run), key=lambda each: each[0].details.map_index)
            report(TaskSucceeded(task.id, [_shown(*each) for each in found]))
            return
        try:
            report(TaskSucceeded(task.id, self._write(map_run, payload.get("arguments"), config)))
        except (InvalidInputError, NotFoundError) as error:
            report(TaskFailed(task.id, FAILED, str(error)))

    def stop(self, task: Task) -> None:
        """Do nothing: writing ends by itself."""

    # ---- inside -----------------------------------------------------------------------------

    def _write(self, map_run: str, arguments: Json, config: JsonObject) -> JsonObject:
        arguments = arguments if isinstance(arguments, Mapping) else {}
        bucket, prefix = arguments.get("Bucket"), arguments.get("Prefix")
        if not isinstance(bucket, str) or not bucket:
            raise InvalidInputError("The ResultWriter has no Bucket.", where="ResultWriter")
        folder = f"{str(prefix).rstrip('/')}/" if prefix else ""
        folder += map_run.rpartition(":")[2]
        transformation = str(config.get("Transformation") or "NONE")
        lines = config.get("OutputType") == "JSONL"
        files = {
            kind: _Files(self._objects, S3Uri(bucket, f"{folder}/{kind}"), lines)
            for kind in ("FAILED", "PENDING", "SUCCEEDED")
        }
        for execution, given, output in self._results(map_run):
            kind = _KINDS.get(execution.status, "PENDING")
            for value in _transformed(_shown(execution, given, output), output, kind, transformation):
                files[kind].add(value)
        manifest = {
            "DestinationBucket": bucket,
            "MapRunArn": map_run,
            "ResultFiles": {kind: written.close() for kind, written in files.items()},
        }
        key = f"{folder}/manifest.json"
        self._objects.put_bytes(S3Uri(bucket, key), write_json(manifest).encode())
        return {"MapRunArn": map_run, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}

    def _results(self, map_run: str) -> Iterator[tuple[MachineExecution, str, str | None]]:
        """Give each execution with its input and output; of those that were begun anew the last one."""
        newest: dict[str, int] = {}
        for execution in self._children(map_run):
            count = execution.details.redrive_count
            newest[execution.details.name] = max(count, newest.get(execution.details.name, 0))
        for execution in self._children(map_run):
            if execution.details.redrive_count == newest.get(execution.details.name):
                reader = self._executions
                yield execution, reader.input(execution.id), reader.output(execution.id)

    def _children(self, map_run: str) -> Iterator[MachineExecution]:
        after: str | None = None
        while True:
            page = self._executions.find(map_run=map_run, ascending=True, limit=_PAGE, after=after)
            yield from page.executions
            after = page.next_token
            if after is None:
                return


@dataclass
class _Files:
    """Files of one kind: ``SUCCEEDED_0.json``, ``SUCCEEDED_1.json`` ...

    Args:
        objects: Where they are written.
        head: Address, without number and suffix.
        lines: Whether each value is a line of its own.
    """

    objects: ObjectStore
    head: S3Uri
    lines: bool

    def __post_init__(self) -> None:
        self._values: list[str] = []
        self._size = 0
        self._written: list[Json] = []

    def add(self, value: Json) -> None:
        """Add a value; a file that is full is written."""
        text = write_json(value)
        if self._size + len(text) > LARGEST_FILE:
            self._flush()
        self._values.append(text)
        self._size += len(text)

    def close(self) -> list[Json]:
        """Write the last file; return what the manifest says of all of them."""
        if self._values:
            self._flush()
        return self._written

    def _flush(self) -> None:
        suffix = "jsonl" if self.lines else "json"
        key = f"{self.head.key}_{len(self._written)}.{suffix}"
        text = "\n".join(self._values) if self.lines else f"[{','.join(self._values)}]"
        data = text.encode()
        self.objects.put_bytes(S3Uri(self.head.bucket, key), data)
        self._written.append({"Key": key, "Size": len(data)})
        self._values, self._size = [], 0


def _transformed(shown: JsonObject, output: str | None, kind: str, transformation: str) -> Iterator[Json]:
    """Give what is written of an execution; one that failed is written as it is."""
    if kind != "SUCCEEDED" or output is None or transformation == "NONE":
        yield shown
        return
    value = read_json(output)
    if transformation == "FLATTEN" and isinstance(value, list):
        yield from value
    else:
        yield value


def _shown(execution: MachineExecution, given: str, output: str | None) -> JsonObject:
    details = execution.details
    reason = None if details.is_express else why_not_redrivable(execution)
    members: dict[str, Json] = {
        "Cause": details.cause,
        "Error": details.error,
        "ExecutionArn": execution.arn,
        "Input": given,
        "InputDetails": _INCLUDED,
        "Name": details.name,
        "Output": output,
        "OutputDetails": None if output is None else _INCLUDED,
        "RedriveCount": details.redrive_count,
        "RedriveStatus": "NOT_REDRIVABLE" if reason or details.is_express else "REDRIVABLE_BY_MAP_RUN",
        "RedriveStatusReason": reason,
        "StartDate": _moment(execution.started_at),
        "StateMachineArn": details.machine_arn,
        "Status": execution.status.value,
        "StopDate": _moment(details.stopped_at) if details.stopped_at else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
