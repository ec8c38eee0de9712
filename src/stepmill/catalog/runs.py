"""Runs, as people compare them: an execution, a job, a run of an SDK, all in one shape. Pure.

A run of an SDK and a job are trial components; an execution's run is what its jobs took, gave and measured.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar

from stepmill.catalog.packages import part
from stepmill.catalog.trial_components import extra_of
from stepmill.core.clock import aware
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.storage.records import Record
from stepmill.storage.series import SeriesSummary

Value: TypeAlias = str | float | int | bool | None
_T = TypeVar("_T")


class RunKind(StrEnum):
    """What a run is of."""

    EXECUTION = "execution"
    JOB = "job"
    SDK = "run"
    MLFLOW = "mlflow"


@dataclass(frozen=True)
class Measured:
    """A metric of a run.

    Args:
        component: Name of the trial component that has its series.
        metric: Name of the series there.
        summary: What all its points say.
    """

    component: str
    metric: str
    summary: SeriesSummary


@dataclass(frozen=True)
class Run:
    """A run.

    Args:
        name: By which it is asked for: a trial component's, an execution's id.
        kind: What it is of.
        title: For humans.
        experiment: Name of its experiment; may be empty.
        status: How it stands, as its kind spells it.
        created_at: Aware, UTC.
        started_at: ``None`` if it has not, or nobody said.
        ended_at: The same.
        reason: Why it failed; may be empty.
        parameters: Name -> value.
        metrics: Name -> metric.
        tags: Name -> value.
        inputs: Name -> address of what it took.
        outputs: Name -> address of what it gave; of a state machine's execution also what it said at its end.
        code: Name -> address of the code.
        environments: Name of a step -> digest of the packages; of a job's run the name is empty.
        machine: What is known of it.
        execution: ARN of the execution that it is part of; may be empty.
    """

    name: str
    kind: RunKind
    title: str
    experiment: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Json] = field(default_factory=dict)
    execution: str = ""

    @property
    def duration(self) -> timedelta | None:
        """From its start to its end, if it has both."""
        return self.ended_at - self.started_at if self.started_at and self.ended_at else None

    def last(self, metric: str) -> float | None:
        """Return the last value of a metric; ``None`` if it has none."""
        found = self.metrics.get(metric)
        return None if found is None else found.summary.last


def is_hidden(record: Record) -> bool:
    """Return whether a trial component is one that its owner has deleted and may restore."""
    return part(extra_of(record), "mlflow").get("stage") == "deleted"


def run_of_component(record: Record, experiment: str, summaries: Mapping[str, SeriesSummary]) -> Run:
    """Return the run that a trial component is.

    Args:
        record: Of the component.
        experiment: Name of its experiment; may be empty.
        summaries: Of its metrics.
    """
    request, extra = part(record.body, "request"), extra_of(record)
    job, mlflow = part(extra, "job"), part(extra, "mlflow")
    status = part(request, "Status")
    environment = str(job.get("environment") or "")
    code = {name: str(uri) for name, uri in part(job, "code").items()}
    taken = _addresses(part(request, "InputArtifacts"))
    return Run(
        name=str(request["TrialComponentName"]),
        kind=RunKind.MLFLOW if mlflow else RunKind.JOB if job else RunKind.SDK,
        title=str(request.get("DisplayName") or request["TrialComponentName"]),
        experiment=experiment,
        status=str(status.get("PrimaryStatus") or ""),
        created_at=record.created_at,
        started_at=_moment(request.get("StartTime")),
        ended_at=_moment(request.get("EndTime")),
        reason=str(status.get("Message") or ""),
        parameters={name: _parameter(one) for name, one in part(request, "Parameters").items()},
        metrics={name: Measured(record.name, name, one) for name, one in summaries.items()},
        tags={name: str(value) for name, value in part(mlflow, "tags").items()},
        inputs={name: uri for name, uri in taken.items() if uri not in code.values()},
        outputs=_addresses(part(request, "OutputArtifacts")),
        code=code,
        environments={"": environment} if environment else {},
        machine=part(job, "machine"),
        execution=str(job.get("execution") or ""),
    )


def step_of(record: Record) -> str:
    """Return the name of the step whose job a trial component records; may be empty."""
    return str(part(extra_of(record), "job").get("step") or "")


def run_of_execution(run: Run, members: Sequence[tuple[str, Run]]) -> Run:
    """Return an execution's run with what its jobs took, gave and measured.

    What two jobs have by the same name is told with the step before it.

    Args:
        run: Of the execution as a whole.
        members: (label, run) of each job or run in it; the label is that of its step.
    """
    outputs = _joined([(label, one.outputs) for label, one in members])
    made = tuple(uri for uri in outputs.values() if uri)
    taken = _joined([(label, one.inputs) for label, one in members])
    return replace(
        run,
        metrics=_joined([(label, one.metrics) for label, one in members]),
        # What one step hands to the next is no input of the whole.
        inputs={name: uri for name, uri in taken.items() if not uri.startswith(made)},
        outputs={**run.outputs, **outputs},
        code=_joined([(label, one.code) for label, one in members]),
        environments={label: one.environments[""] for label, one in members if "" in one.environments},
        machine=next((one.machine for _, one in members if one.machine), {}),
    )


def differences(
    runs: Sequence[Run], packages: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, tuple[Value, ...]]]:
    """Return what runs do not have in common: section -> name -> the value in each, or ``None``.

    Args:
        runs: At least two.
        packages: Digest of an environment -> name -> version.
    """
    sections: dict[str, list[Mapping[str, Value]]] = {
        "parameters": [one.parameters for one in runs],
        "metrics": [{name: found.summary.last for name, found in one.metrics.items()} for one in runs],
        "code": [dict(one.code) for one in runs],
        "data": [dict(one.inputs) for one in runs],
        "environment": [_packages(one, packages) for one in runs],
        "machine": [{name: _text(value) for name, value in one.machine.items()} for one in runs],
        "tags": [dict(one.tags) for one in runs],
    }
    found: dict[str, dict[str, tuple[Value, ...]]] = {}
    for section, sides in sections.items():
        names = dict.fromkeys(name for side in sides for name in side)
        rows = {name: tuple(side.get(name) for side in sides) for name in names}
        unlike = {name: values for name, values in rows.items() if not _are_alike(values)}
        if unlike:
            found[section] = unlike
    return found


def head_of(run: Run) -> dict[str, str]:
    """Return what tells runs apart, name -> text."""
    return {
        "run": run.name,
        "kind": str(run.kind),
        "title": run.title,
        "experiment": run.experiment,
        "status": run.status,
    }


def rows_of(runs: Sequence[Run]) -> list[dict[str, Value | datetime]]:
    """Return a row for each run, all with the same columns; ``param.x``, ``metric.x``, ``tag.x`` are some."""
    rows = [_row(run) for run in runs]
    columns = dict.fromkeys([*_FIRST_COLUMNS, *sorted(name for row in rows for name in row)])
    return [{name: row.get(name) for name in columns} for row in rows]


_FIRST_COLUMNS = (
    "run", "kind", "title", "experiment", "status", "created_at", "started_at", "ended_at", "seconds",
)  # fmt: skip


def _row(run: Run) -> dict[str, Value | datetime]:
    return {
        **head_of(run),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": run.duration.total_seconds() if run.duration else None,
        **{f"param.{name}": value for name, value in run.parameters.items()},
        **{f"metric.{name}": found.summary.last for name, found in run.metrics.items()},
        **{f"tag.{name}": value for name, value in run.tags.items()},
    }


def _joined(parts: Sequence[tuple[str, Mapping[str, _T]]]) -> dict[str, _T]:
    """Return all entries; those whose name several parts have with the part's label before it."""
    counts = Counter(name for _, entries in parts for name in entries)
    joined: dict[str, _T] = {}
    for label, entries in parts:
        for name, value in entries.items():
            joined[name if counts[name] == 1 else f"{label}/{name}"] = value
    return joined


def _packages(run: Run, packages: Mapping[str, Mapping[str, str]]) -> dict[str, Value]:
    lists = [packages.get(digest, {}) for digest in dict.fromkeys(run.environments.values())]
    return {name: version for one in lists for name, version in one.items()}


def _are_alike(values: Sequence[Value]) -> bool:
    first = values[0]
    if isinstance(first, float) and math.isnan(first):
        return all(isinstance(value, float) and math.isnan(value) for value in values)
    return all(value == first for value in values)


def _parameter(entry: Json) -> Value:
    if not isinstance(entry, Mapping):
        return None
    value = entry.get("NumberValue", entry.get("StringValue"))
    return value if isinstance(value, str | int | float) else None


def _addresses(artifacts: JsonObject) -> dict[str, str]:
    return {name: str(one["Value"]) for name, one in artifacts.items() if isinstance(one, Mapping)}


def _text(value: Json) -> Value:
    return value if isinstance(value, str | int | float) else write_json(value)


def _moment(value: Json) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return aware(moment)
