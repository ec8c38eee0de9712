from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import NotFoundError
from stepmill.jobs.cache_keys import JobKeys
from stepmill.jobs.checks.cache_key import CheckKeys
from stepmill.jobs.checks.clarify_keys import ClarifyKeys
from stepmill.jobs.checks.step import RESOURCE, CheckHandler
from support.keeping import BUCKET, Keeping, a_task, keeping

FOLDER = f"s3://{BUCKET}"
REQUEST = {
    "AppSpecification": {"ImageUri": "python:3"},
    "ProcessingInputs": [{"InputName": "data", "S3Input": {"S3Uri": f"{FOLDER}/data.csv"}}],
}


class Nobody:
    """Does no jobs."""

    def start(self, *_: Any) -> None:
        raise AssertionError("nothing is to be started")

    stop = start


def _no_shadows() -> Any:
    raise AssertionError("no model is to be looked for")


class Case:
    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        handler = CheckHandler(Nobody(), kept.records, kept.registry, kept.objects, kept.folder)
        jobs = JobKeys(kept.contents, kept.objects, kept.folder, lambda _image: {})
        self.keys = CheckKeys(ClarifyKeys(jobs, kept.contents, _no_shadows, kept.folder), handler)
        for name in ("data.csv", "constraints.json", "statistics.json"):
            kept.put(f"{FOLDER}/{name}", name)

    def key(self, **changes: Any) -> str:
        extra = {
            "CheckType": "DATA_QUALITY",
            "SuppliedBaselineConstraints": f"{FOLDER}/constraints.json",
            "SuppliedBaselineStatistics": f"{FOLDER}/statistics.json",
            **changes,
        }
        return self.keys(a_task(RESOURCE, REQUEST, name="check-1", extra=extra)).digest


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        yield Case(kept)


def test_the_same_check_has_the_same_key(case: Case) -> None:
    assert case.key() == case.key()
    # It says so, or it says nothing.
    assert case.key(ModelPackageGroupName=None) == case.key()


@pytest.mark.parametrize(
    "change",
    [
        {"SkipCheck": True},
        {"RegisterNewBaseline": True},
        {"FailOnViolation": False},
        {"ModelPackageGroupName": "churn"},
        {"CheckType": "MODEL_QUALITY"},
    ],
)
def test_what_is_asked_for_is_in_the_key(case: Case, change: dict[str, Any]) -> None:
    assert case.key(**change) != case.key()


@pytest.mark.parametrize("name", ["data.csv", "constraints.json", "statistics.json"])
def test_what_the_data_and_the_baseline_hold_is_in_the_key(case: Case, name: str) -> None:
    before = case.key()
    case.kept.put(f"{FOLDER}/{name}", "other")
    assert case.key() != before


def test_without_a_baseline_there_is_no_key(case: Case) -> None:
    with pytest.raises(NotFoundError, match="no previous baseline"):
        case.key(SuppliedBaselineConstraints=None)
