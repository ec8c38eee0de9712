"""ARNs, statuses and time, as SageMaker spells them."""

from __future__ import annotations

from datetime import UTC

from stepmill.core.arns import Arns
from stepmill.core.clock import SystemClock
from stepmill.core.service_models import service_model
from stepmill.core.statuses import JobStatus, PipelineExecutionStatus, StepStatus

ARNS = Arns("us-west-2", "123456789012")


def test_names_in_sagemaker_arns_are_in_lower_case() -> None:
    assert ARNS.execution("Abalone", "abc") == f"{ARNS.pipeline('abalone')}/execution/abc"
    assert ARNS.model_package("Group", 3) == "arn:aws:sagemaker:us-west-2:123456789012:model-package/group/3"


def test_functions_keep_their_case_and_roles_have_no_region() -> None:
    assert ARNS.function("Score") == "arn:aws:lambda:us-west-2:123456789012:function:Score"
    assert ARNS.role("R") == "arn:aws:iam::123456789012:role/R"


def test_statuses_are_those_of_the_service_model() -> None:
    model = service_model("sagemaker")
    pairs = [
        (PipelineExecutionStatus, "PipelineExecutionStatus"),
        (StepStatus, "StepStatus"),
        (JobStatus, "ProcessingJobStatus"),
    ]
    for ours, shape in pairs:
        assert {str(status) for status in ours} <= set(model.shape(shape).enum) | {"CompletedWithFailures"}


def test_a_status_is_final_when_nothing_more_happens_by_itself() -> None:
    assert [s for s in PipelineExecutionStatus if not s.is_final] == ["Executing", "Stopping"]
    assert [s for s in StepStatus if s.is_final] == ["Stopped", "Failed", "Succeeded"]
    assert [s for s in JobStatus if s.is_final] == ["Completed", "Failed", "Stopped"]


def test_the_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
