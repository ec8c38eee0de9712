"""The table of check steps: against what data is held, what fails, and which baseline is handed on.

The jobs are a stand-in that stores the reports it is told to; the stores are real.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.json import JsonObject, object_of, objects_of
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskHeartbeat,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)
from stepmill.engine.interpreters.pipelines.plan import RESOURCES
from stepmill.jobs.checks.preparing import STEP_MODEL
from stepmill.jobs.checks.step import CLARIFY_RESOURCE, RESOURCE, CheckHandler
from stepmill.jobs.records import PROCESSING_JOB, JobRecords, JobState
from stepmill.language.pipelines.definition import StepType
from stepmill.storage.objects.uri import S3Uri
from support.keeping import BUCKET, EXECUTION, Keeping, Reports, a_task, keeping

OUT = f"s3://{BUCKET}/reports"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:processing-job/check-1"
NEW = (f"{OUT}/constraints.json", f"{OUT}/statistics.json")
OLD = (f"s3://{BUCKET}/old/constraints.json", f"s3://{BUCKET}/old/statistics.json")
APPROVED = (f"s3://{BUCKET}/approved/constraints.json", f"s3://{BUCKET}/approved/statistics.json")
VIOLATION = {
    "feature_name": "age",
    "constraint_check_type": "data_type_check",
    "description": "Not a number.",
}
REQUEST: dict[str, Any] = {
    "AppSpecification": {"ImageUri": "sagemaker-model-monitor-analyzer"},
    "Environment": {"output_path": "/opt/ml/processing/output"},
    "ProcessingInputs": [{"InputName": "baseline_dataset_input"}],
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "other",
             "S3Output": {"S3Uri": "s3://bucket/x", "LocalPath": "/opt/ml/processing/x"}},
            {"OutputName": "quality_check_output",
             "S3Output": {"S3Uri": f"{OUT}/", "LocalPath": "/opt/ml/processing/output"}},
        ]
    },
}  # fmt: skip


class Jobs:
    """Does a processing job at once: stores its report of violations, and says how it ended."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.tasks: list[Task] = []
        self.stopped: list[Task] = []
        self.violations: Any = []
        self.ends: Callable[[Task], TaskReport] = lambda task: TaskSucceeded(
            task.id, object_of(task.payload), {"ProcessingJob": {"Arn": ARN}}
        )

    def start(self, task: Task, report: Report) -> None:
        self.tasks.append(task)
        report(TaskStarted(task.id, {"ProcessingJob": {"Arn": ARN}}, ("a note",)))
        report(TaskHeartbeat(task.id))
        if self.violations is not None and self.inputs:
            text = (
                self.violations
                if isinstance(self.violations, str)
                else json.dumps({"violations": self.violations})
            )
            self.kept.put(f"{OUT}/constraint_violations.json", text)
        report(self.ends(task))

    def stop(self, task: Task) -> None:
        self.stopped.append(task)

    @property
    def request(self) -> JsonObject:
        return object_of(self.tasks[-1].payload)

    @property
    def inputs(self) -> dict[str, str]:
        """The baseline that the last job was given."""
        found = {str(one["InputName"]): one for one in objects_of(self.request["ProcessingInputs"])}
        return {
            name: str(object_of(found[name]["S3Input"])["S3Uri"])
            for name in found
            if name != "baseline_dataset_input"
        }


class Case:
    """A handler of check steps over real stores."""

    def __init__(self, kept: Keeping) -> None:
        self.kept = kept
        self.jobs = Jobs(kept)
        self.handler = CheckHandler(self.jobs, kept.records, kept.registry, kept.objects, kept.folder)

    def run(self, *, request: JsonObject = REQUEST, **extra: Any) -> Reports:
        reports = Reports()
        given = {"CheckType": "DATA_QUALITY", **extra}
        self.handler.start(a_task(RESOURCE, request, name="check-1", extra=given), _finals(reports))
        return reports

    def approve(self, baseline: tuple[str, str] = APPROVED, status: str = "Approved") -> None:
        kept = dict(
            zip(
                ("Constraints", "Statistics"),
                ({"S3Uri": uri, "ContentType": "application/json"} for uri in baseline),
                strict=True,
            )
        )
        if not any(group["ModelPackageGroupName"] == "churn" for group in self.groups()):
            self.kept.registry.groups.create({"ModelPackageGroupName": "churn"})
        self.kept.registry.create(
            {
                "ModelPackageGroupName": "churn",
                "ModelApprovalStatus": status,
                "DriftCheckBaselines": {"ModelDataQuality": kept},
            }
        )

    def groups(self) -> list[JsonObject]:
        try:
            return [self.kept.registry.groups.describe("churn")]
        except Exception:
            return []


def _finals(reports: Reports) -> Report:
    """Pass on all but signs of life, which ``Reports`` would take for an end."""
    return lambda told: None if isinstance(told, TaskHeartbeat) else reports(told)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with keeping(tmp_path) as kept:
        yield Case(kept)


def supplied(baseline: tuple[str, str] = OLD) -> dict[str, str]:
    return {"SuppliedBaselineConstraints": baseline[0], "SuppliedBaselineStatistics": baseline[1]}


def used(reports: Reports) -> tuple[Any, Any]:
    output = object_of(reports.succeeded.output)
    return (
        output.get("BaselineUsedForDriftCheckConstraints"),
        output.get("BaselineUsedForDriftCheckStatistics"),
    )


@pytest.mark.parametrize(
    ("skip", "register", "checks", "hands_on"),
    [
        (False, False, True, OLD),
        (False, True, True, NEW),
        (True, False, False, OLD),
        (True, True, False, NEW),
    ],
)
def test_which_baseline_is_checked_against_and_which_is_handed_on(
    case: Case, skip: bool, register: bool, checks: bool, hands_on: tuple[str, str]
) -> None:
    found = case.run(SkipCheck=skip, RegisterNewBaseline=register, **supplied())
    assert used(found) == hands_on
    assert bool(case.jobs.inputs) is checks
    output = object_of(found.succeeded.output)
    assert (output["CalculatedBaselineConstraints"], output["CalculatedBaselineStatistics"]) == NEW


def test_the_job_gets_the_baseline_as_inputs_and_variables(case: Case) -> None:
    case.run(**supplied())
    assert case.jobs.inputs == {"baseline_constraints": OLD[0], "baseline_statistics": OLD[1]}
    assert case.jobs.request["Environment"] == {
        "output_path": "/opt/ml/processing/output",
        "baseline_constraints": "/opt/ml/processing/baseline/baseline_constraints",
        "baseline_statistics": "/opt/ml/processing/baseline/baseline_statistics",
    }


def test_the_answer_is_that_of_the_job_and_the_listing_that_of_the_check(case: Case) -> None:
    found = case.run(**supplied(), ModelPackageGroupName="none-yet")
    output = object_of(found.succeeded.output)
    assert output["ProcessingOutputConfig"] == REQUEST["ProcessingOutputConfig"]
    assert found.succeeded.metadata == {
        "QualityCheck": {
            "CheckType": "DATA_QUALITY",
            "BaselineUsedForDriftCheckConstraints": OLD[0],
            "BaselineUsedForDriftCheckStatistics": OLD[1],
            "CalculatedBaselineConstraints": NEW[0],
            "CalculatedBaselineStatistics": NEW[1],
            "ModelPackageGroupName": "none-yet",
            "CheckJobArn": ARN,
            "SkipCheck": False,
            "RegisterNewBaseline": False,
        }
    }
    (started,) = [one for one in found.all if isinstance(one, TaskStarted)]
    assert started.notes == ("a note",)
    assert object_of(started.metadata["QualityCheck"])["CheckJobArn"] == ARN


class TestViolations:
    def test_fail_the_step_and_are_told(self, case: Case) -> None:
        case.jobs.violations = [VIOLATION]
        found = case.run(**supplied()).failed
        assert found.error == "ClientError"
        assert found.cause == (
            "The DATA_QUALITY check found 1 violation: age: data_type_check: Not a number.. "
            f"The report: {OUT}/constraint_violations.json"
        )
        about = object_of(found.metadata["QualityCheck"])
        assert about["ViolationReport"] == f"{OUT}/constraint_violations.json"
        assert object_of(found.output)["CalculatedBaselineConstraints"] == NEW[0]

    def test_are_only_told_if_the_step_is_not_to_fail(self, case: Case) -> None:
        case.jobs.violations = [VIOLATION]
        found = case.run(**supplied(), FailOnViolation=False).succeeded
        assert object_of(found.metadata["QualityCheck"])["ViolationReport"].endswith("violations.json")  # type: ignore[union-attr]

    def test_are_cut_where_there_are_many(self, case: Case) -> None:
        case.jobs.violations = [{**VIOLATION, "description": "x" * 5_000}] * 30
        cause = case.run(**supplied()).failed.cause
        assert "30 violations" in cause
        assert "; and 25 more" in cause
        assert len(cause) < 1_400

    @pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000])
    def test_that_cannot_be_read_fail_the_step(self, case: Case, text: Any) -> None:
        case.jobs.violations = text
        assert "left no report" in case.run(**supplied()).failed.cause

    def test_of_before_do_not_matter_to_a_step_that_skips(self, case: Case) -> None:
        case.kept.put(f"{OUT}/constraint_violations.json", json.dumps({"violations": [VIOLATION]}))
        assert case.run(SkipCheck=True, RegisterNewBaseline=True).succeeded


class TestThePreviousBaseline:
    def test_is_that_of_the_latest_approved_version(self, case: Case) -> None:
        case.approve(OLD)
        case.approve(APPROVED)
        case.approve(NEW, status="PendingManualApproval")
        assert used(case.run(ModelPackageGroupName="churn")) == APPROVED
        assert case.jobs.inputs == {"baseline_constraints": APPROVED[0], "baseline_statistics": APPROVED[1]}

    def test_is_rather_the_supplied_one(self, case: Case) -> None:
        case.approve()
        assert used(case.run(ModelPackageGroupName="churn", **supplied())) == OLD
        some = {"SuppliedBaselineConstraints": OLD[0]}
        assert used(case.run(ModelPackageGroupName="churn", **some)) == (OLD[0], APPROVED[1])

    @pytest.mark.parametrize("skip", [True, False])
    @pytest.mark.parametrize("register", [True, False])
    def test_must_be_there_unless_it_is_of_no_use(self, case: Case, skip: bool, register: bool) -> None:
        found = case.run(SkipCheck=skip, RegisterNewBaseline=register, ModelPackageGroupName="churn")
        if skip and register:
            assert found.succeeded
        else:
            assert "There is no previous baseline for the DATA_QUALITY check" in found.failed.cause
            assert case.jobs.tasks == []

    def test_is_none_without_its_statistics(self, case: Case) -> None:
        assert "no statistics" in case.run(SuppliedBaselineConstraints=OLD[0]).failed.cause

    def test_stays_the_one_of_a_job_that_has_begun(self, case: Case) -> None:
        case.approve(OLD)
        case.run(ModelPackageGroupName="churn")
        state = JobState("abcdefghijkl/Step/1", ARN, EXECUTION, "Step", status=JobStatus.IN_PROGRESS)
        JobRecords(case.kept.records, PROCESSING_JOB).open("check-1", case.jobs.request, state)
        case.approve(APPROVED)
        assert used(case.run(ModelPackageGroupName="churn")) == OLD


class TestHowTheJobEnds:
    def test_its_failure_is_that_of_the_step(self, case: Case) -> None:
        case.jobs.ends = lambda task: TaskFailed(task.id, "AlgorithmError", "it broke")
        found = case.run(**supplied()).failed
        assert (found.error, found.cause) == ("AlgorithmError", "it broke")
        assert object_of(found.metadata["QualityCheck"])["CheckType"] == "DATA_QUALITY"

    def test_its_stop_is_that_of_the_step(self, case: Case) -> None:
        case.jobs.ends = lambda task: TaskStopped(task.id, "asked to")
        found = case.run(**supplied()).final
        assert isinstance(found, TaskStopped)
        assert "QualityCheck" in found.metadata

    def test_a_stop_is_handed_on(self, case: Case) -> None:
        task = a_task(RESOURCE)
        case.handler.stop(task)
        assert case.jobs.stopped == [task]


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"CheckType": "OTHER"}, "The check 'OTHER' is not offered"),
        ({"SkipCheck": "perhaps"}, "A truth value is expected here"),
        ({"SkipCheck": 1}, "A truth value is expected here"),
        ({"ModelPackageGroupName": 5}, "A text is expected here"),
        ({"SuppliedBaselineConstraints": ["x"]}, "A text is expected here"),
    ],
)
def test_what_cannot_be_taken_is_told(case: Case, extra: dict[str, Any], says: str) -> None:
    found = case.run(**{**supplied(), **extra}).failed
    assert (found.error, says in found.cause) == ("ClientError", True), found


@pytest.mark.parametrize("value", [True, "true", "True"])
def test_truth_values_may_be_texts(case: Case, value: Any) -> None:
    case.run(SkipCheck=value, **supplied())
    assert case.jobs.inputs == {}


def test_absent_and_null_are_the_defaults(case: Case) -> None:
    case.jobs.violations = [VIOLATION]
    none = dict.fromkeys(("SkipCheck", "FailOnViolation", "RegisterNewBaseline", "ModelPackageGroupName"))
    assert case.run(**supplied(), **none).failed


def test_a_job_that_stores_no_reports_is_refused(case: Case) -> None:
    found = case.run(request={**REQUEST, "ProcessingOutputConfig": {"Outputs": []}}, **supplied())
    assert "stores no reports" in found.failed.cause


def test_an_input_of_the_baselines_name_is_refused(case: Case) -> None:
    inputs = [{"InputName": "baseline_constraints"}]
    found = case.run(request={**REQUEST, "ProcessingInputs": inputs}, **supplied())
    assert "are those of the baseline" in found.failed.cause


def test_reports_may_lie_on_this_machine(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    store = {"S3Uri": str(folder), "LocalPath": "/opt/ml/processing/output"}
    request = {**REQUEST, "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": store}]}}
    assert "There is no file" in case.run(request=request, **supplied()).failed.cause
    (folder / "constraint_violations.json").write_text(json.dumps({"violations": [VIOLATION]}))
    assert "1 violation" in case.run(request=request, **supplied()).failed.cause
    assert not list(case.kept.objects.all(S3Uri(BUCKET, "elsewhere")))


def test_quality_of_a_model_needs_no_statistics_of_before(case: Case) -> None:
    case.jobs.violations = [
        {"metric_name": "auc", "constraint_check_type": "LessThanThreshold", "description": "It was."}
    ]
    found = case.run(CheckType="MODEL_QUALITY", SuppliedBaselineConstraints=OLD[0]).failed
    assert "The MODEL_QUALITY check found 1 violation: auc: LessThanThreshold: It was." in found.cause
    assert case.jobs.inputs == {"baseline_constraints": OLD[0]}


BIAS = {
    "facet": "sex",
    "facet_value": "f",
    "metric_name": "DI",
    "constraint_check_type": "bias_drift_check",
    "description": "It is worse.",
}


class TestBias:
    @pytest.mark.parametrize("register", [True, False])
    def test_the_baseline_is_the_analysis_and_has_no_statistics(self, case: Case, register: bool) -> None:
        old = f"s3://{BUCKET}/old/analysis.json"
        found = case.run(CheckType="DATA_BIAS", SuppliedBaselineConstraints=old, RegisterNewBaseline=register)
        assert case.jobs.inputs == {"baseline_constraints": old}
        assert found.succeeded.metadata == {
            "ClarifyCheck": {
                "CheckType": "DATA_BIAS",
                "BaselineUsedForDriftCheckConstraints": f"{OUT}/analysis.json" if register else old,
                "CalculatedBaselineConstraints": f"{OUT}/analysis.json",
                "CheckJobArn": ARN,
                "SkipCheck": False,
                "RegisterNewBaseline": register,
            }
        }

    @pytest.mark.parametrize(
        ("check", "kept"),
        [("DATA_BIAS", "PreTrainingConstraints"), ("MODEL_BIAS", "PostTrainingConstraints")],
    )
    def test_the_previous_baseline_is_that_of_the_latest_approved_version(
        self, case: Case, check: str, kept: str
    ) -> None:
        address = f"s3://{BUCKET}/approved/analysis.json"
        case.kept.registry.groups.create({"ModelPackageGroupName": "churn"})
        case.kept.registry.create(
            {
                "ModelPackageGroupName": "churn",
                "ModelApprovalStatus": "Approved",
                "DriftCheckBaselines": {
                    "Bias": {kept: {"S3Uri": address, "ContentType": "application/json"}}
                },
            }
        )
        case.run(CheckType=check, ModelPackageGroupName="churn")
        assert case.jobs.inputs == {"baseline_constraints": address}
        other = "MODEL_BIAS" if check == "DATA_BIAS" else "DATA_BIAS"
        assert "no constraints" in case.run(CheckType=other, ModelPackageGroupName="churn").failed.cause

    def test_a_violation_is_told_with_its_group(self, case: Case) -> None:
        case.jobs.violations = [BIAS]
        found = case.run(CheckType="MODEL_BIAS", SuppliedBaselineConstraints=OLD[0]).failed
        assert "violation: DI of sex = f: bias_drift_check: It is worse." in found.cause
        assert "ClarifyCheck" in found.metadata

    def test_both_kinds_of_steps_have_a_resource_of_their_own(self) -> None:
        asked = [RESOURCES[kind] for kind in (StepType.QUALITY_CHECK, StepType.CLARIFY_CHECK)]
        assert asked == [RESOURCE, CLARIFY_RESOURCE]


DRIFT = {
    "label": "label0",
    "metric_name": "shap",
    "constraint_check_type": "feature_attribution_drift_check",
    "description": "Feature attribution drift 0.8 exceeds threshold 0.9",
}


class TestExplainability:
    def test_the_previous_baseline_is_that_of_the_latest_approved_version(self, case: Case) -> None:
        address = f"s3://{BUCKET}/approved/analysis.json"
        kept = {"Constraints": {"S3Uri": address, "ContentType": "application/json"}}
        case.kept.registry.groups.create({"ModelPackageGroupName": "churn"})
        case.kept.registry.create(
            {
                "ModelPackageGroupName": "churn",
                "ModelApprovalStatus": "Approved",
                "DriftCheckBaselines": {"Explainability": kept},
            }
        )
        found = case.run(CheckType="MODEL_EXPLAINABILITY", ModelPackageGroupName="churn", ModelName="m-1")
        assert case.jobs.inputs == {"baseline_constraints": address}
        about = object_of(found.succeeded.metadata["ClarifyCheck"])
        assert about["BaselineUsedForDriftCheckConstraints"] == address
        assert "BaselineUsedForDriftCheckStatistics" not in about

    @pytest.mark.parametrize("skip", [True, False])
    def test_the_job_asks_the_model_that_the_step_names(self, case: Case, skip: bool) -> None:
        given = {"SuppliedBaselineConstraints": OLD[0], "SkipCheck": skip}
        case.run(CheckType="MODEL_EXPLAINABILITY", ModelName="m-1", **given)
        assert case.jobs.request[STEP_MODEL] == "m-1"
        case.run(CheckType="MODEL_EXPLAINABILITY", ModelName=None, **given)
        assert STEP_MODEL not in case.jobs.request

    def test_a_violation_is_told_with_its_label(self, case: Case) -> None:
        case.jobs.violations = [DRIFT]
        found = case.run(CheckType="MODEL_EXPLAINABILITY", SuppliedBaselineConstraints=OLD[0]).failed
        assert "violation: shap of label0: feature_attribution_drift_check: Feature attri" in found.cause
