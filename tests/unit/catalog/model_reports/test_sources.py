from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from stepmill.catalog.model_reports.sources import find_report, read_reports, report_sources
from stepmill.core.errors import InvalidInputError, NotFoundError
from support.keeping import Keeping, keeping
from support.model_reports import ANALYSIS, BINARY, DATA_STATISTICS, REGRESSION, put_reports


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


def a_source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def test_every_report_that_the_api_knows_is_found() -> None:
    operation = (
        botocore.session.get_session().get_service_model("sagemaker").operation_model("DescribeModelPackage")
    )
    answer: Any = operation.output_shape
    described: dict[str, Any] = {}
    paths = []
    for member in ("ModelMetrics", "DriftCheckBaselines"):
        for group, shape in answer.members[member].members.items():
            for name in shape.members:
                described.setdefault(member, {}).setdefault(group, {})[name] = a_source(
                    f"s3://b/{len(paths)}"
                )
                paths.append(f"{member}.{group}.{name}")
    found = list(report_sources(described))
    assert sorted(source.path for source in found) == sorted(paths)
    assert len({source.title for source in found}) == len(paths)


def test_titles_say_what_it_is() -> None:
    described: Any = {
        "ModelMetrics": {"Bias": {"PreTrainingReport": a_source("s3://b/1")}},
        "DriftCheckBaselines": {"Bias": {"PreTrainingConstraints": a_source("s3://b/2")}},
    }
    assert [(source.title, source.uri) for source in report_sources(described)] == [
        ("Bias: before training", "s3://b/1"),
        ("Drift baseline, bias: constraints before training", "s3://b/2"),
    ]


@pytest.mark.parametrize("wrong", [{}, {"ModelMetrics": {}}, {"ModelMetrics": {"Bias": {"Report": {}}}}])
def test_a_package_may_have_none(wrong: dict[str, Any]) -> None:
    assert list(report_sources(wrong)) == []


def test_one_that_cannot_be_read_hides_no_other(kept: Keeping) -> None:
    sources = put_reports(kept, quality=BINARY, data=DATA_STATISTICS, bias=ANALYSIS)
    kept.put("s3://bucket/broken.json", "{")
    described: Any = {
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": sources["quality"],
                "Constraints": a_source("s3://bucket/broken.json"),
            },
            "ModelDataQuality": {"Statistics": sources["data"], "Constraints": a_source("s3://bucket/none")},
            "Bias": {"Report": sources["bias"], "PostTrainingReport": a_source("s3://nowhere/x")},
            "Explainability": {"Report": a_source("https://example.com/report.json")},
        }
    }
    problems = {report.title: report.problem for report in read_reports(described, kept.objects)}
    assert problems["Model quality: statistics"] == ""
    assert problems["Data quality: statistics"] == ""
    assert problems["Bias: report"] == ""
    assert "not valid JSON" in problems["Model quality: constraints"]
    assert "There is no report at s3://bucket/none." in problems["Data quality: constraints"]
    assert "There is no report at s3://nowhere/x." in problems["Bias: after training"]
    assert "is not an S3 address" in problems["Explainability: report"]


@pytest.mark.parametrize("uri", ["s3://bucket/out", "s3://bucket/out/", "s3://bucket/out/analysis.json"])
def test_of_a_folder_the_report_in_it_is_read(kept: Keeping, uri: str) -> None:
    kept.put("s3://bucket/out/analysis.json", json.dumps(ANALYSIS))
    kept.put("s3://bucket/out/report.html", "<html>")
    found, content = find_report(uri, kept.objects)
    assert (str(found), json.loads(content)) == ("s3://bucket/out/analysis.json", ANALYSIS)


def test_a_folder_without_one_and_a_whole_bucket(kept: Keeping) -> None:
    kept.put("s3://bucket/out/report.html", "<html>")
    for uri in ("s3://bucket/out/", "s3://bucket"):
        with pytest.raises(NotFoundError, match="There is no report"):
            find_report(uri, kept.objects)


def test_what_is_too_large_is_refused(kept: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = put_reports(kept, quality=REGRESSION)
    monkeypatch.setattr("stepmill.catalog.model_reports.sources.LARGEST_REPORT_BYTES", 10)
    with pytest.raises(InvalidInputError):
        find_report(sources["quality"]["S3Uri"], kept.objects)
