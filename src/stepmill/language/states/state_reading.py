"""Reads one state: its type, its fields, what they may hold.

Source: Amazon States Language specification, "States" and the sections of their types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.language.states.choices import read_rule
from stepmill.language.states.codes import Code
from stepmill.language.states.definition import (
    ABSENT,
    Absent,
    Branch,
    ChoiceState,
    ExecutionType,
    FailState,
    Given,
    MapState,
    ParallelState,
    PassState,
    ProcessorMode,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from stepmill.language.states.entry import Entry
from stepmill.language.states.handling import MOST_SECONDS, read_catchers, read_retriers
from stepmill.language.states.map_reading import (
    DISTRIBUTED_ONLY,
    MOST_ITEMS,
    read_batcher,
    read_label,
    read_mode,
    read_reader,
    read_writer,
)
from stepmill.language.states.resources import parse_resource
from stepmill.language.states.timestamps import is_timestamp

ReadBranch: TypeAlias = Callable[[Entry], Branch]
# Fields that several types share, by the names that the types of definition.py give them.
Shared: TypeAlias = dict[str, Any]


def read_pass(entry: Entry, shared: Shared, _read_branch: ReadBranch) -> PassState:
    """Read a Pass state."""
    entry.queries.static_result(entry.fields.get("Result"), entry.place / "Result")
    return PassState(
        **shared,
        parameters=ABSENT if entry.uses_jsonata else entry.template("Parameters"),
        result=entry.fields["Result"] if "Result" in entry else ABSENT,
        result_path="$" if entry.uses_jsonata else entry.reference_path("ResultPath"),
    )


def read_succeed(_entry: Entry, shared: Shared, _read_branch: ReadBranch) -> SucceedState:
    """Read a Succeed state."""
    return SucceedState(**shared)


def read_fail(entry: Entry, shared: Shared, _read_branch: ReadBranch) -> FailState:
    """Read a Fail state."""
    return FailState(**shared, error=_told(entry, "Error"), cause=_told(entry, "Cause"))


def _told(entry: Entry, name: str) -> Given | None:
    by_path = f"{name}Path"
    if not entry.uses_jsonata:
        entry.exclusive(name, by_path)
        if by_path in entry:
            return Given(path=entry.path(by_path, functions=True) or "$")
    if name not in entry:
        return None
    value = entry.text(name)
    if entry.uses_jsonata and value.startswith("{%"):
        entry.queries.expression(value, entry.place / name)
    elif not entry.uses_jsonata and value.startswith(("$.", "$$.")):
        message = f"The value of '{name}' looks like a path, but the field's name does not end with 'Path'"
        entry.collector.add(Code.NO_PATH, entry.place / name, message, f"Use {by_path}.")
    return Given(value)


def read_wait(entry: Entry, shared: Shared, _read_branch: ReadBranch) -> WaitState:
    """Read a Wait state."""
    names = ["Seconds", "Timestamp"]
    if not entry.uses_jsonata:
        names = ["SecondsPath", "Seconds", "TimestampPath", "Timestamp"]
    present = [name for name in names if name in entry]
    if len(present) > 1:
        entry.exclusive(*names)
        return WaitState(**shared)
    if not present:
        entry.one_of(*names)
    timestamp = None
    if "Timestamp" in entry:
        timestamp = Given(entry.text("Timestamp"))
        _check_timestamp(entry, entry.text("Timestamp"))
    elif "TimestampPath" in entry and not entry.uses_jsonata:
        timestamp = Given(path=entry.path("TimestampPath") or "$")
    has_seconds = "Seconds" in entry or "SecondsPath" in entry
    seconds = entry.given_number("Seconds", 0, MOST_SECONDS) if has_seconds else None
    return WaitState(**shared, seconds=seconds, timestamp=timestamp)


def _check_timestamp(entry: Entry, text: str) -> None:
    if entry.uses_jsonata and text.startswith("{%"):
        entry.queries.expression(text, entry.place / "Timestamp")
    elif not is_timestamp(text):
        message = "String does not match RFC3339 timestamp"
        entry.wrong("Timestamp", message, "Write 2016-03-14T01:59:00Z.")


def read_choice(entry: Entry, shared: Shared, _read_branch: ReadBranch) -> ChoiceState:
    """Read a Choice state."""
    default = entry.text("Default") if "Default" in entry else None
    rules = tuple(read_rule(below) for below in entry.entries("Choices", at_least=1))
    return ChoiceState(**shared, choices=rules, default=default)


def read_task(entry: Entry, shared: Shared, _read_branch: ReadBranch) -> TaskState:
    """Read a Task state."""
    resource = entry.text("Resource")
    if "Resource" in entry:
        _check_resource(entry, resource)
    timeout = entry.given_number("TimeoutSeconds", 1, MOST_SECONDS)
    heartbeat = entry.given_number("HeartbeatSeconds", 1, MOST_SECONDS)
    if _is_too_slow(timeout, heartbeat):
        message = "HeartbeatSeconds must be smaller than TimeoutSeconds"
        entry.collector.schema(entry.place, message, "Make the heartbeat shorter.")
    return TaskState(
        **shared,
        **_work(entry),
        resource=resource,
        timeout=timeout,
        heartbeat=heartbeat,
        credentials=_role(entry),
    )


def _is_too_slow(timeout: Given | None, heartbeat: Given | None) -> bool:
    if not (timeout and heartbeat and isinstance(timeout.value, int) and isinstance(heartbeat.value, int)):
        return False
    return heartbeat.value >= timeout.value


def _check_resource(entry: Entry, text: str) -> None:
    try:
        resource = parse_resource(text)
    except InvalidInputError as error:
        known = text.startswith("arn:") and ":states:::" in text
        entry.wrong("Resource", error.what if known else "Value is not a valid resource ARN", error.mend)
        return
    entry.queries.resource(resource, entry.place / "Resource")


def _role(entry: Entry) -> JsonObject | None:
    if "Credentials" not in entry:
        return None
    credentials = entry.below("Credentials")
    place = entry.place / "Credentials"
    if ":activity:" in entry.text("Resource"):
        message = "The field 'Credentials' is not supported for activities"
        entry.collector.schema(place, message, "Remove it.")
    elif "RoleArn" not in credentials and (entry.uses_jsonata or "RoleArn.$" not in credentials):
        entry.collector.schema(place, "The field 'RoleArn' is required but was missing", "Add RoleArn.")
    entry.template("Credentials", objects_only=True)
    return credentials.fields


def read_parallel(entry: Entry, shared: Shared, read_branch: ReadBranch) -> ParallelState:
    """Read a Parallel state and its branches."""
    branches = tuple(read_branch(below) for below in entry.entries("Branches", at_least=1))
    return ParallelState(**shared, **_work(entry), branches=branches)


def read_map(entry: Entry, shared: Shared, read_branch: ReadBranch) -> MapState:
    """Read a Map state and its processor."""
    entry.exclusive("ItemProcessor", "Iterator")
    entry.exclusive("ItemSelector", "Parameters")
    is_legacy = "Iterator" in entry and "ItemProcessor" not in entry
    field = "Iterator" if is_legacy else "ItemProcessor"
    processor = Branch(start_at="", states={})
    mode, kind = ProcessorMode.INLINE, ExecutionType.STANDARD
    if field not in entry:
        entry.one_of("ItemProcessor", "Iterator")
    else:
        below = entry.below(field)
        mode, kind = read_mode(below)
        entry.queries.mode(mode, below.place / "ProcessorConfig")
        processor = read_branch(below)
    if mode is ProcessorMode.INLINE:
        for name in DISTRIBUTED_ONLY:
            if name in entry:
                entry.unsupported(name)
    work = _work(entry)
    legacy_selector = work.pop("arguments")
    selector = entry.template("ItemSelector") if "ItemSelector" in entry else legacy_selector
    return MapState(
        **shared,
        **work,
        processor=processor,
        mode=mode,
        execution_type=kind,
        is_legacy=is_legacy,
        items_path="$" if entry.uses_jsonata else entry.path("ItemsPath"),
        items=_items(entry),
        item_selector=selector,
        max_concurrency=entry.given_number("MaxConcurrency", 0, MOST_ITEMS),
        reader=read_reader(entry),
        batcher=read_batcher(entry),
        writer=read_writer(entry),
        tolerated_failures=entry.given_number("ToleratedFailureCount", 0, MOST_ITEMS),
        tolerated_percentage=entry.given_number("ToleratedFailurePercentage", 0, 100, whole=False),
        label=read_label(entry),
    )


def _items(entry: Entry) -> Any:
    value = entry.template("Items") if entry.uses_jsonata else ABSENT
    is_text = isinstance(value, str) and value.startswith("{%")
    if value is not ABSENT and not is_text and not isinstance(value, list | dict):
        entry.expected("Items", "Array")
    return value


def _work(entry: Entry) -> dict[str, Any]:
    """Read what Task, Parallel and Map share."""
    json_path = not entry.uses_jsonata
    arguments: Any = ABSENT
    if json_path:
        arguments = entry.template("Parameters")
    elif "Arguments" in entry:
        arguments = entry.template("Arguments")
    selector: Any | Absent = entry.template("ResultSelector") if json_path else ABSENT
    return {
        "arguments": arguments,
        "result_selector": selector,
        "result_path": entry.reference_path("ResultPath") if json_path else "$",
        "retry": read_retriers(entry),
        "catch": read_catchers(entry),
    }


READERS: dict[str, Callable[[Entry, Shared, ReadBranch], State]] = {
    "Pass": read_pass,
    "Succeed": read_succeed,
    "Fail": read_fail,
    "Wait": read_wait,
    "Choice": read_choice,
    "Task": read_task,
    "Parallel": read_parallel,
    "Map": read_map,
}
