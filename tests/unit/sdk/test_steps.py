from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import After, LambdaStep, Parameter, ProcessingStep, RawStep, Retry, TrainingStep
from stepmill.sdk.steps import merged
from support.sdk import step_document


def job(name: str = "A", **options: object) -> ProcessingStep:
    return ProcessingStep(name, image="python", **options)


def test_names_shown_to_humans() -> None:
    document = step_document(job(display_name="First", description="Does it."))
    assert (document["DisplayName"], document["Description"]) == ("First", "Does it.")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="no name for a step"):
        job(name)


def test_a_step_says_what_it_is() -> None:
    assert repr(job()) == "<ProcessingStep 'A'>"


def test_steps_are_told_apart_by_identity() -> None:
    assert job() != job()
    assert len({job(), job()}) == 2


@pytest.mark.parametrize("way", ["field", "list", "method"])
def test_waiting_for_a_step(way: str) -> None:
    first, second = job("A"), job("B")
    if way == "method":
        assert second.after(first) is second
    else:
        second = job("B", depends_on=first if way == "field" else [first])
    assert step_document(second, first)["DependsOn"] == ["A"]


def test_waiting_for_how_a_step_ends() -> None:
    first = job("A")
    second = job("B", depends_on=[After(first, "Failed")]).after(first, on="Any")
    assert step_document(second, first)["DependsOn"] == [
        {"Step": "A", "Trigger": "Failed"},
        {"Step": "A", "Trigger": "Any"},
    ]


def test_waiting_does_not_change_what_was_given() -> None:
    first, given = job("A"), []
    job("B", depends_on=given).after(first)
    assert given == []


def test_what_is_no_step_cannot_be_waited_for() -> None:
    with pytest.raises(InvalidInputError, match="no step"):
        job(depends_on=["A"])


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'Broken' is no way"):
        job("B").after(job("A"), on="Broken")


def test_retries() -> None:
    policies = [
        Retry(),
        Retry(["SageMaker.CAPACITY_ERROR"], max_attempts=2, interval=timedelta(minutes=1), backoff=1.5),
        Retry(["SageMaker.JOB_INTERNAL_ERROR"], expire_after=timedelta(hours=2)),
    ]
    assert step_document(job(retry=policies))["RetryPolicies"] == [
        {
            "ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"],
            "IntervalSeconds": 1,
            "BackoffRate": 2.0,
            "MaxAttempts": 5,
        },
        {
            "ExceptionType": ["SageMaker.CAPACITY_ERROR"],
            "IntervalSeconds": 60,
            "BackoffRate": 1.5,
            "MaxAttempts": 2,
        },
        {
            "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
            "IntervalSeconds": 1,
            "BackoffRate": 2.0,
            "ExpireAfterMin": 120,
        },
    ]


def test_one_retry_needs_no_list() -> None:
    assert len(step_document(job(retry=Retry()))["RetryPolicies"]) == 1


def test_a_retry_has_one_limit() -> None:
    with pytest.raises(InvalidInputError, match="not by both"):
        Retry(max_attempts=1, expire_after=timedelta(hours=1))


@pytest.mark.parametrize(
    ("cache", "document"),
    [
        (True, {"Enabled": True}),
        ("30d", {"Enabled": True, "ExpireAfter": "30d"}),
        (timedelta(days=3), {"Enabled": True, "ExpireAfter": "P3D"}),
        (timedelta(hours=36), {"Enabled": True, "ExpireAfter": "PT129600S"}),
        (timedelta(seconds=90), {"Enabled": True, "ExpireAfter": "PT90S"}),
    ],
)
def test_caching(cache: object, document: object) -> None:
    assert step_document(job(cache=cache))["CacheConfig"] == document


def test_no_caching_unless_asked_for() -> None:
    assert "CacheConfig" not in step_document(job())


@pytest.mark.parametrize("cache", ["", 3, timedelta(0), timedelta(days=-1)])
def test_other_wishes_are_refused(cache: object) -> None:
    with pytest.raises(InvalidInputError):
        step_document(job(cache=cache))


def test_the_pipeline_s_wish_is_for_jobs_that_say_nothing() -> None:
    steps = [job("A"), job("B", cache=False), TrainingStep("C"), LambdaStep("D", function="f")]
    cached = [
        "CacheConfig" in step_document(step, *[s for s in steps if s is not step], cache="1d")
        for step in steps
    ]
    assert cached == [True, False, True, False]


def test_tags() -> None:
    document = step_document(job(tags={"team": Parameter("team", "red"), "stage": "test"}))
    assert document["Arguments"]["Tags"] == [
        {"Key": "team", "Value": {"Get": "Parameters.team"}},
        {"Key": "stage", "Value": "test"},
    ]


def test_the_request_can_be_mended() -> None:
    count = Parameter("gb", 50)
    document = step_document(
        job(
            request={
                "ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": count, "VolumeKmsKeyId": "k"}},
                "RoleArn": "arn:aws:iam::123456789012:role/Other",
                "NetworkConfig": {"EnableNetworkIsolation": True},
            }
        )
    )["Arguments"]
    assert document["ProcessingResources"]["ClusterConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": {"Get": "Parameters.gb"},
        "VolumeKmsKeyId": "k",
    }
    assert document["RoleArn"] == "arn:aws:iam::123456789012:role/Other"
    assert document["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_a_member_can_be_taken_out() -> None:
    assert (
        "StoppingCondition"
        not in step_document(TrainingStep("T", request={"StoppingCondition": None}))["Arguments"]
    )


def test_merging_leaves_what_was_given_alone() -> None:
    document = {"a": {"b": 1}}
    merged(document, {"a": {"b": 2}}, "")
    assert document == {"a": {"b": 1}}


json_objects = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.recursive(
        st.integers(),
        lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    ),
    max_size=3,
)


@given(json_objects, json_objects)
def test_merging_again_changes_nothing(document: dict[str, object], over: dict[str, object]) -> None:
    once = merged(document, over, "")
    assert merged(once, over, "") == once
    assert merged(document, {}, "") == document
    assert set(once) == set(document) | set(over)


def test_a_raw_step() -> None:
    before = job("A")
    document = step_document(
        RawStep(
            "Wait",
            "Lambda",
            {"event": before.properties.ProcessingJobName},
            {
                "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:f",
                "OutputParameters": [{"OutputName": "x", "OutputType": "String"}],
            },
            depends_on=[before],
        ),
        before,
    )
    assert document == {
        "Name": "Wait",
        "Type": "Lambda",
        "Arguments": {"event": {"Get": "Steps.A.ProcessingJobName"}},
        "DependsOn": ["A"],
        "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:f",
        "OutputParameters": [{"OutputName": "x", "OutputType": "String"}],
    }


def test_properties_of_a_raw_step() -> None:
    tune = RawStep("Tune", "Tuning", {})
    assert tune.properties.TrainingJobSummaries[0].TrainingJobName.expression() == {
        "Get": "Steps.Tune.TrainingJobSummaries[0].TrainingJobName"
    }
