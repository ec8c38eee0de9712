"""Reads what any step may have beside its arguments: dependencies, cache, retries, files, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json
from stepmill.language.pipelines.codes import Code
from stepmill.language.pipelines.definition import (
    DEFAULT_BACKOFF_RATE,
    DEFAULT_RETRY_ATTEMPTS,
    CacheConfig,
    Dependency,
    OutputParameter,
    ParameterType,
    PropertyFile,
    RetryPolicy,
    StepType,
    Trigger,
)
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.durations import parse_duration
from stepmill.language.pipelines.places import Place, show
from stepmill.language.pipelines.step_types import STEP_KINDS

_Kind = TypeVar("_Kind", bound=StrEnum)

# Source: AWS developer guide, "Retry policy for pipeline steps"; sagemaker SDK, RetryPolicy.
LONGEST_INTERVAL_SECONDS = 43_200
MOST_ATTEMPTS = 20
LONGEST_EXPIRY_MINUTES = 14_400
# Source: botocore, CallbackStepMetadata.OutputParameters, maximum.
MOST_OUTPUT_PARAMETERS = 50

_STEP_EXCEPTIONS = ("Step.SERVICE_FAULT", "Step.THROTTLING")
_JOB_EXCEPTIONS = ("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT")
_EMR_EXCEPTION = "Emr.RESOURCE_LIMIT"
_EXCEPTIONS = (*_STEP_EXCEPTIONS, *_JOB_EXCEPTIONS, _EMR_EXCEPTION)
_POLICY_KEYS = ("ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin")


def read_depends_on(draft: Draft, value: Json, place: Place) -> tuple[Dependency, ...]:
    """Read DependsOn: names, or objects of Step and Trigger."""
    read = [
        _dependency(draft, item, place / index) for index, item in enumerate(draft.expect_list(value, place))
    ]
    return tuple(each for each in read if each)


def _dependency(draft: Draft, value: Json, place: Place) -> Dependency | None:
    if isinstance(value, str):
        return Dependency(value)
    entry = draft.expect_object(value, place)
    if not isinstance(value, Mapping) or not draft.keys(entry, ("Step", "Trigger"), ("Step",), place):
        return None
    name = draft.expect_text(entry["Step"], place / "Step")
    trigger = choose(draft, Trigger, entry.get("Trigger", Trigger.COMPLETED), place / "Trigger")
    return Dependency(name, trigger or Trigger.COMPLETED) if name else None


def read_cache(draft: Draft, value: Json, place: Place) -> CacheConfig:
    """Read CacheConfig."""
    entry = draft.expect_object(value, place)
    draft.keys(entry, ("Enabled", "ExpireAfter"), (), place)
    enabled = entry.get("Enabled", False)
    if not isinstance(enabled, bool):
        draft.wrong(enabled, "True or false", place / "Enabled")
        enabled = False
    if "ExpireAfter" not in entry:
        return CacheConfig(enabled)
    text = draft.expect_text(entry["ExpireAfter"], place / "ExpireAfter")
    try:
        return CacheConfig(enabled, parse_duration(text) if text else None)
    except InvalidInputError as error:
        draft.collector.add(Code.BAD_DURATION, place / "ExpireAfter", error.what, error.mend)
        return CacheConfig(enabled)


def read_retry_policies(draft: Draft, value: Json, kind: StepType, place: Place) -> tuple[RetryPolicy, ...]:
    """Read RetryPolicies; ExceptionType is a list of names (SDKs) or a name (published schema)."""
    entries = draft.expect_list(value, place)
    read = [_policy(draft, item, kind, place / index) for index, item in enumerate(entries)]
    return tuple(each for each in read if each)


def _policy(draft: Draft, value: Json, kind: StepType, place: Place) -> RetryPolicy | None:
    entry = draft.expect_object(value, place)
    if not isinstance(value, Mapping) or not draft.keys(entry, _POLICY_KEYS, ("ExceptionType",), place):
        return None
    exceptions = _exceptions(draft, entry["ExceptionType"], kind, place / "ExceptionType")
    interval = _whole(draft, entry, "IntervalSeconds", (0, LONGEST_INTERVAL_SECONDS), place)
    attempts = _whole(draft, entry, "MaxAttempts", (1, MOST_ATTEMPTS), place)
    minutes = _whole(draft, entry, "ExpireAfterMin", (1, LONGEST_EXPIRY_MINUTES), place)
    if attempts is not None and minutes is not None:
        message = "MaxAttempts and ExpireAfterMin exclude each other."
        draft.collector.add(Code.BAD_RETRY_POLICY, place, message, "Take one of them out.")
    return RetryPolicy(
        exception_types=exceptions,
        interval=timedelta(seconds=1 if interval is None else interval),
        backoff_rate=_rate(draft, entry.get("BackoffRate"), place / "BackoffRate"),
        max_attempts=DEFAULT_RETRY_ATTEMPTS if attempts is None and minutes is None else attempts,
        expire_after=None if minutes is None else timedelta(minutes=minutes),
    )


def _exceptions(draft: Draft, value: Json, kind: StepType, place: Place) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else draft.expect_list(value, place)
    if isinstance(value, list) and not value:
        draft.collector.add(
            Code.BAD_RETRY_POLICY,
            place,
            "There is no exception type.",
            f"There are {', '.join(_EXCEPTIONS)}.",
        )
    known: list[str] = []
    for name in names:
        if not isinstance(name, str) or name not in _EXCEPTIONS:
            mend = draft.collector.nearest(name, _EXCEPTIONS) or f"There are {', '.join(_EXCEPTIONS)}."
            draft.collector.add(
                Code.BAD_RETRY_POLICY, place, f"There is no exception type {show(name)}.", mend
            )
            continue
        known.append(name)
        if not _can_meet(kind, name):
            draft.collector.add(Code.AWS_VALUE, place, f"A {kind} step never meets {name}.", "Take it out.")
    return tuple(known)


def _can_meet(kind: StepType, exception: str) -> bool:
    if exception in _STEP_EXCEPTIONS:
        return True
    if exception == _EMR_EXCEPTION:
        return kind in (StepType.EMR, StepType.EMR_SERVERLESS)
    if exception == "SageMaker.JOB_INTERNAL_ERROR" and kind in (StepType.TUNING, StepType.AUTO_ML):
        return False
    return STEP_KINDS[kind].job_exceptions


def _whole(
    draft: Draft, entry: Mapping[str, Json], key: str, bounds: tuple[int, int], place: Place
) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        draft.wrong(value, "A whole number", place / key)
        return None
    if not bounds[0] <= value <= bounds[1]:
        message = f"{key} is {show(value)}; it must be between {bounds[0]} and {bounds[1]}."
        draft.collector.add(Code.BAD_RETRY_POLICY, place / key, message)
        return None
    return value


def _rate(draft: Draft, value: Json, place: Place) -> float:
    if value is None:
        return DEFAULT_BACKOFF_RATE
    if not isinstance(value, int | float) or isinstance(value, bool):
        draft.wrong(value, "A number", place)
        return DEFAULT_BACKOFF_RATE
    # The comparison comes first: an integer of hundreds of digits does not fit into a float.
    if not 0 <= value <= 1_000 or not isfinite(value):
        message = f"BackoffRate is {show(value)}; it must be between 0 and 1000."
        draft.collector.add(Code.BAD_RETRY_POLICY, place, message)
        return DEFAULT_BACKOFF_RATE
    return float(value)


def read_property_files(draft: Draft, value: Json, place: Place) -> tuple[PropertyFile, ...]:
    """Read PropertyFiles."""
    keys = ("PropertyFileName", "OutputName", "FilePath")
    files: dict[str, PropertyFile] = {}
    for index, item in enumerate(draft.expect_list(value, place)):
        where = place / index
        entry = draft.expect_object(item, where)
        if not isinstance(item, Mapping) or not draft.keys(entry, keys, keys, where):
            continue
        name, output, path = (draft.expect_text(entry[key], where / key) for key in keys)
        if name in files:
            message = f"There is another property file {show(name)}."
            draft.collector.add(Code.DUPLICATE_NAME, where / "PropertyFileName", message)
        files[name] = PropertyFile(name, output, path)
    return tuple(files.values())


def read_outputs(draft: Draft, value: Json, place: Place) -> tuple[OutputParameter, ...]:
    """Read OutputParameters of a Lambda or Callback step."""
    keys = ("OutputName", "OutputType")
    outputs: dict[str, OutputParameter] = {}
    for index, item in enumerate(draft.expect_list(value, place)):
        where = place / index
        entry = draft.expect_object(item, where)
        if not isinstance(item, Mapping) or not draft.keys(entry, keys, ("OutputName",), where):
            continue
        name = draft.expect_text(entry["OutputName"], where / "OutputName")
        if name in outputs:
            message = f"There is another output {show(name)}."
            draft.collector.add(Code.DUPLICATE_NAME, where / "OutputName", message)
        kind = choose(draft, ParameterType, entry.get("OutputType", "String"), where / "OutputType")
        outputs[name] = OutputParameter(name, kind or ParameterType.STRING)
    if len(outputs) > MOST_OUTPUT_PARAMETERS:
        message = f"There are {len(outputs)} outputs; AWS allows {MOST_OUTPUT_PARAMETERS}."
        draft.collector.add(Code.AWS_LIMIT, place, message)
    return tuple(outputs.values())


def choose(draft: Draft, kind: type[_Kind], value: Json, place: Place) -> _Kind | None:
    """Return the member of an enum that a text names; ``None``, with a finding, if there is none."""
    known = [str(member) for member in kind]
    if isinstance(value, str) and value in known:
        return kind(value)
    mend = draft.collector.nearest(value, known) or f"There are {', '.join(known)}."
    draft.collector.add(Code.UNKNOWN_VALUE, place, f"{show(value)} is not allowed here.", mend)
    return None
