"""Versions of models side by side: what differs first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stepmill.catalog.model_reports.directions import Change, change_between
from stepmill.catalog.model_reports.parts import Metric, Report, shown_number
from stepmill.catalog.packages import model_data_of
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, object_of, objects_of, write_json

# Beside one another, more can be neither shown nor read.
MOST_VERSIONS = 20
_BASELINE = "Drift baseline"


@dataclass(frozen=True)
class Origin:
    """What made a version, as far as it is known.

    Args:
        pipeline: Whose execution registered it.
        execution: ARN of that execution.
        step: That registered it.
        job: Name of the training job that made its model data.
        parameters: Hyperparameters of that job.
        data: Channel of that job -> address.
        image: Of that job.
        code: What that job ran: its program, its source.
    """

    pipeline: str = ""
    execution: str = ""
    step: str = ""
    job: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """What is compared.

    Args:
        name: ``churn/3``.
        described: What DescribeModelPackage answers.
        reports: Its reports.
        digests: Address -> digest of its model data.
        origin: What made it.
    """

    name: str
    described: JsonObject
    reports: Sequence[Report] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = Origin()


@dataclass(frozen=True)
class Row:
    """One property of all versions that are compared.

    Args:
        section: ``Metrics``, ``Parameters``, ``Data``, ``Images``, ``Code``, ``Review``, ``Metadata``.
        name: Of the property.
        values: Of each version; ``None`` where it has none.
        shown: The same as texts; empty where it has none.
        changes: Of a metric: what each value is beside the first version's; else empty. ``None`` where
            there is nothing to compare.
    """

    section: str
    name: str
    values: tuple[Json, ...]
    shown: tuple[str, ...]
    changes: tuple[Change | None, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether not all versions have the same value."""
        return any(value != self.values[0] for value in self.values)


@dataclass(frozen=True)
class Comparison:
    """Versions beside one another.

    Args:
        versions: Their names.
        rows: All properties that any of them has, section by section.
        problems: Reports that could not be read: (version, title, why).
    """

    versions: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[tuple[str, str, str], ...] = ()

    @property
    def differences(self) -> tuple[Row, ...]:
        """What differs."""
        return tuple(row for row in self.rows if row.differs)

    @property
    def common(self) -> tuple[Row, ...]:
        """What all have."""
        return tuple(row for row in self.rows if not row.differs)

    def document(self) -> JsonObject:
        """Return it as JSON."""
        return {
            "versions": list(self.versions),
            "differences": [_row_document(row) for row in self.differences],
            "same": [_row_document(row) for row in self.common],
            "problems": [
                {"version": version, "report": title, "problem": why} for version, title, why in self.problems
            ],
        }


def compare(versions: Sequence[Version]) -> Comparison:
    """Return versions beside one another; metrics are held against those of the first.

    Raises:
        InvalidInputError: If there are fewer than two, or more than ``MOST_VERSIONS``.
    """
    if not 2 <= len(versions) <= MOST_VERSIONS:
        raise InvalidInputError(
            f"2 to {MOST_VERSIONS} versions can be compared, not {len(versions)}.",
            mend="Name them, such as churn/1 churn/2.",
        )
    rows = [*_metric_rows(versions)]
    for section, properties_of in _SECTIONS:
        columns = [properties_of(version) for version in versions]
        for name in dict.fromkeys(name for column in columns for name in column):
            values = tuple(column.get(name) for column in columns)
            if any(value is not None for value in values):
                rows.append(Row(section, name, values, tuple(_shown(value) for value in values)))
    problems = tuple(
        (version.name, report.title, report.problem)
        for version in versions
        for report in version.reports
        if report.problem
    )
    return Comparison(tuple(version.name for version in versions), tuple(rows), problems)


def metrics_of(version: Version) -> dict[str, Metric]:
    """Return the metrics of a version by name; the first report that has one counts."""
    found: dict[str, Metric] = {}
    for report in version.reports:
        if not report.title.startswith(_BASELINE):
            for metric in report.metrics:
                found.setdefault(metric.name, metric)
    return found


def shown_metric(metric: Metric) -> str:
    """Return a metric's value as text.

    Example:
        >>> shown_metric(Metric("mse", 2.5, deviation=0.25))
        '2.5 ± 0.25'
    """
    deviation = f" ± {shown_number(metric.deviation)}" if metric.deviation else ""
    return shown_number(metric.value) + deviation


def _metric_rows(versions: Sequence[Version]) -> Iterator[Row]:
    columns = [metrics_of(version) for version in versions]
    for name in dict.fromkeys(name for column in columns for name in column):
        metrics = [column.get(name) for column in columns]
        first = metrics[0]
        changes = tuple(
            None
            if index == 0 or first is None or metric is None
            else change_between(name, first.value, metric.value)
            for index, metric in enumerate(metrics)
        )
        values = tuple(metric.value if metric else None for metric in metrics)
        shown = tuple(shown_metric(metric) if metric else "" for metric in metrics)
        yield Row("Metrics", name, values, shown, changes)


def _parameters(version: Version) -> Mapping[str, Json]:
    return version.origin.parameters


def _data(version: Version) -> Mapping[str, Json]:
    found: dict[str, Json] = {f"channel {name}": uri for name, uri in version.origin.data.items()}
    addresses = [uri for one in _containers(version) for _, uri, _ in model_data_of(one)]
    for index, uri in enumerate(addresses):
        which = f" {index + 1}" if len(addresses) > 1 else ""
        found[f"model data{which}"] = uri
        found[f"content of model data{which}"] = version.digests.get(uri)
    return found


def _images(version: Version) -> Mapping[str, Json]:
    images = [one.get("Image") for one in _containers(version)]
    found: dict[str, Json] = {"training": version.origin.image or None}
    for index, image in enumerate(images):
        found[f"inference{f' {index + 1}' if len(images) > 1 else ''}"] = image
    return {name: image for name, image in found.items() if image}


def _code(version: Version) -> Mapping[str, Json]:
    properties = object_of(version.described.get("MetadataProperties"))
    named = {"CommitId": "commit", "Repository": "repository"}
    environments = [object_of(one.get("Environment")) for one in _containers(version)]
    inference = {
        name: environment[variable]
        for environment in environments[:1]
        for variable, name in _INFERENCE_CODE.items()
        if environment.get(variable)
    }
    return {
        **version.origin.code,
        **inference,
        **{name: properties[member] for member, name in named.items() if properties.get(member)},
    }


def _review(version: Version) -> Mapping[str, Json]:
    stage = object_of(version.described.get("ModelLifeCycle"))
    return {
        "approval": version.described.get("ModelApprovalStatus"),
        "reason": version.described.get("ApprovalDescription"),
        "stage": f"{stage.get('Stage')}: {stage.get('StageStatus')}" if stage else None,
        "created": version.described.get("CreationTime"),
    }


def _metadata(version: Version) -> Mapping[str, Json]:
    described, origin = version.described, version.origin
    return {
        "description": described.get("ModelPackageDescription"),
        **{name: described.get(member) for member, name in _DESCRIBED.items() if described.get(member)},
        "pipeline": origin.pipeline or None,
        "execution": origin.execution or None,
        "training job": origin.job or None,
        **object_of(described.get("CustomerMetadataProperties")),
    }


_INFERENCE_CODE = {"SAGEMAKER_PROGRAM": "inference program", "SAGEMAKER_SUBMIT_DIRECTORY": "inference source"}
_DESCRIBED = {"Domain": "domain", "Task": "task", "SourceUri": "source", "SamplePayloadUrl": "sample payload"}
_SECTIONS: tuple[tuple[str, Callable[[Version], Mapping[str, Json]]], ...] = (
    ("Parameters", _parameters),
    ("Data", _data),
    ("Images", _images),
    ("Code", _code),
    ("Review", _review),
    ("Metadata", _metadata),
)


def _containers(version: Version) -> list[JsonObject]:
    return objects_of(object_of(version.described.get("InferenceSpecification")).get("Containers"))


def _shown(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else write_json(value)


def _row_document(row: Row) -> JsonObject:
    document: dict[str, Json] = {"section": row.section, "name": row.name, "values": list(row.values)}
    if row.changes:
        document["changes"] = [str(change) if change else None for change in row.changes]
    return document
