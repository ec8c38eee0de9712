"""Which reports a model package has, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepmill.catalog.model_reports.cards import card_reports
from stepmill.catalog.model_reports.parts import Report
from stepmill.catalog.model_reports.reading import LARGEST_REPORT_BYTES, read_report
from stepmill.core.errors import NotFoundError, StepmillError
from stepmill.core.json import JsonObject, object_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.objects.uri import S3Uri

# Member -> what it is called -> its members, with what those are called.
_METRICS = {
    "ModelQuality": ("Model quality", {"Statistics": "statistics", "Constraints": "constraints"}),
    "ModelDataQuality": ("Data quality", {"Statistics": "statistics", "Constraints": "constraints"}),
    "Bias": (
        "Bias",
        {"Report": "report", "PreTrainingReport": "before training", "PostTrainingReport": "after training"},
    ),
    "Explainability": ("Explainability", {"Report": "report"}),
}
_BASELINES = {
    **_METRICS,
    "Bias": (
        "Bias",
        {
            "ConfigFile": "configuration",
            "PreTrainingConstraints": "constraints before training",
            "PostTrainingConstraints": "constraints after training",
        },
    ),
    "Explainability": ("Explainability", {"Constraints": "constraints", "ConfigFile": "configuration"}),
}
# What jobs leave in the folder that they were told to write their report to.
_USUAL_NAMES = ("analysis.json", "statistics.json", "constraints.json", "evaluation.json")


@dataclass(frozen=True)
class ReportSource:
    """Where a report of a model package lies.

    Args:
        title: ``Model quality: statistics``.
        path: Its place in the package: ``ModelMetrics.ModelQuality.Statistics``.
        uri: Its address.
    """

    title: str
    path: str
    uri: str


def report_sources(described: JsonObject) -> Iterator[ReportSource]:
    """Yield where the reports of a package lie, those of the baselines of drift after its own.

    Args:
        described: What DescribeModelPackage answers.
    """
    for member, prefix, groups in (
        ("ModelMetrics", "", _METRICS),
        ("DriftCheckBaselines", "Drift baseline, ", _BASELINES),
    ):
        given = object_of(described.get(member))
        for group, (title, members) in groups.items():
            for name, what in members.items():
                uri = object_of(object_of(given.get(group)).get(name)).get("S3Uri")
                if isinstance(uri, str) and uri:
                    heading = f"{prefix}{title.lower() if prefix else title}: {what}"
                    yield ReportSource(heading, f"{member}.{group}.{name}", uri)


def read_reports(described: JsonObject, objects: ObjectStore) -> list[Report]:
    """Return the reports of a package, and the evaluations in its card.

    One that cannot be read says why, and the others are there.

    Args:
        described: What DescribeModelPackage answers.
        objects: Where they lie.
    """
    reports = []
    for source in report_sources(described):
        try:
            uri, content = find_report(source.uri, objects)
        except StepmillError as error:
            reports.append(Report(source.title, source.uri, problem=str(error)))
        else:
            reports.append(read_report(source.title, str(uri), content))
    return [*reports, *card_reports(described)]


def find_report(uri: str, objects: ObjectStore) -> tuple[S3Uri, bytes]:
    """Return where a report lies and its bytes; of a folder the report in it.

    Raises:
        NotFoundError: If there is none.
        InvalidInputError: If that is no address, or it is larger than ``LARGEST_REPORT_BYTES``.
    """
    address = S3Uri.parse(uri)
    folder = address.key if address.key.endswith("/") else f"{address.key}/"
    candidates = [S3Uri(address.bucket, folder + name) for name in _USUAL_NAMES]
    if address.key and not address.key.endswith("/"):
        candidates.insert(0, address)
    for candidate in candidates:
        try:
            return candidate, objects.read_bytes(candidate, limit_bytes=LARGEST_REPORT_BYTES)
        except NotFoundError:
            continue
    raise NotFoundError(
        f"There is no report at {uri}.",
        mend="Check the address in the request that registered the version, and that the report was kept.",
    )
