from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepmill.language.pipelines.definition import CacheConfig, PropertyFile, RetryPolicy
from support.documents import definition_of, findings_of, function, only_finding, processing, training

THROTTLING = "Step.THROTTLING"


def with_policy(policy: Any, kind: str = "Processing") -> Any:
    step = processing("A") if kind == "Processing" else {"Name": "A", "Type": kind}
    return {**step, "RetryPolicies": [policy]}


def test_a_cache_with_an_age() -> None:
    step = processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "T12h"})
    assert definition_of(step).steps["A"].cache == CacheConfig(True, timedelta(hours=12))


def test_a_cache_of_any_age() -> None:
    assert definition_of(processing("A", CacheConfig={"Enabled": True})).steps["A"].cache == CacheConfig(True)


def test_no_cache() -> None:
    assert definition_of(processing("A")).steps["A"].cache is None


@pytest.mark.parametrize(
    ("config", "code", "path"),
    [
        ({"Enabled": "true"}, "WRONG_TYPE", "Steps[0].CacheConfig.Enabled"),
        ({"Enabled": True, "ExpireAfter": "a month"}, "BAD_DURATION", "Steps[0].CacheConfig.ExpireAfter"),
        ({"Enabled": True, "ExpireAfter": 30}, "WRONG_TYPE", "Steps[0].CacheConfig.ExpireAfter"),
        ({"Enable": True}, "UNKNOWN_KEY", "Steps[0].CacheConfig.Enable"),
        ([], "WRONG_TYPE", "Steps[0].CacheConfig"),
    ],
)
def test_a_wrong_cache_is_found(config: Any, code: str, path: str) -> None:
    assert findings_of(processing("A", CacheConfig=config)) == [(code, path)]


def test_a_retry_policy_as_the_sdks_write_it() -> None:
    policy = {
        "BackoffRate": 2.5,
        "IntervalSeconds": 3,
        "MaxAttempts": 4,
        "ExceptionType": [THROTTLING, "SageMaker.CAPACITY_ERROR"],
    }
    assert definition_of(with_policy(policy)).steps["A"].retry_policies == (
        RetryPolicy((THROTTLING, "SageMaker.CAPACITY_ERROR"), timedelta(seconds=3), 2.5, 4),
    )


def test_a_retry_policy_as_the_published_schema_writes_it() -> None:
    policies = definition_of(with_policy({"ExceptionType": THROTTLING})).steps["A"].retry_policies
    assert policies == (RetryPolicy((THROTTLING,), timedelta(seconds=1), 2.0, 5),)


def test_a_retry_policy_that_expires_counts_no_attempts() -> None:
    (policy,) = (
        definition_of(with_policy({"ExceptionType": THROTTLING, "ExpireAfterMin": 10}))
        .steps["A"]
        .retry_policies
    )
    assert (policy.max_attempts, policy.expire_after) == (None, timedelta(minutes=10))


@pytest.mark.parametrize(
    ("policy", "code", "path"),
    [
        ({}, "MISSING_KEY", ""),
        ({"ExceptionType": []}, "BAD_RETRY_POLICY", ".ExceptionType"),
        ({"ExceptionType": "Step.THROTLING"}, "BAD_RETRY_POLICY", ".ExceptionType"),
        ({"ExceptionType": [3]}, "BAD_RETRY_POLICY", ".ExceptionType"),
        ({"ExceptionType": 3}, "WRONG_TYPE", ".ExceptionType"),
        ({"ExceptionType": THROTTLING, "MaxAttempts": 3, "ExpireAfterMin": 3}, "BAD_RETRY_POLICY", ""),
        ({"ExceptionType": THROTTLING, "MaxAttempts": 0}, "BAD_RETRY_POLICY", ".MaxAttempts"),
        ({"ExceptionType": THROTTLING, "MaxAttempts": 21}, "BAD_RETRY_POLICY", ".MaxAttempts"),
        ({"ExceptionType": THROTTLING, "MaxAttempts": True}, "WRONG_TYPE", ".MaxAttempts"),
        ({"ExceptionType": THROTTLING, "MaxAttempts": 1.5}, "WRONG_TYPE", ".MaxAttempts"),
        ({"ExceptionType": THROTTLING, "IntervalSeconds": -1}, "BAD_RETRY_POLICY", ".IntervalSeconds"),
        ({"ExceptionType": THROTTLING, "IntervalSeconds": 43_201}, "BAD_RETRY_POLICY", ".IntervalSeconds"),
        ({"ExceptionType": THROTTLING, "ExpireAfterMin": 14_401}, "BAD_RETRY_POLICY", ".ExpireAfterMin"),
        ({"ExceptionType": THROTTLING, "BackoffRate": -1}, "BAD_RETRY_POLICY", ".BackoffRate"),
        ({"ExceptionType": THROTTLING, "BackoffRate": 1e308}, "BAD_RETRY_POLICY", ".BackoffRate"),
        ({"ExceptionType": THROTTLING, "BackoffRate": 10**400}, "BAD_RETRY_POLICY", ".BackoffRate"),
        ({"ExceptionType": THROTTLING, "BackoffRate": "2"}, "WRONG_TYPE", ".BackoffRate"),
        ({"ExceptionType": THROTTLING, "Attempts": 2}, "UNKNOWN_KEY", ".Attempts"),
        (3, "WRONG_TYPE", ""),
    ],
)
def test_a_wrong_retry_policy_is_found(policy: Any, code: str, path: str) -> None:
    assert findings_of(with_policy(policy)) == [(code, f"Steps[0].RetryPolicies[0]{path}")]


def test_a_misspelt_exception_is_mended() -> None:
    finding = only_finding(with_policy({"ExceptionType": "SageMaker.CAPACITY_EROR"}))
    assert finding.mend == "Did you mean 'SageMaker.CAPACITY_ERROR'?"


def test_an_exception_that_a_step_never_meets_is_a_warning() -> None:
    finding = only_finding(with_policy({"ExceptionType": "Emr.RESOURCE_LIMIT"}))
    assert (finding.code, finding.severity) == ("AWS_VALUE", "warning")


def test_property_files_are_read() -> None:
    entry = {"PropertyFileName": "Report", "OutputName": "out", "FilePath": "a/b.json"}
    step = processing("A", outputs=("out",), PropertyFiles=[entry])
    assert definition_of(step).steps["A"].property_files == (PropertyFile("Report", "out", "a/b.json"),)


@pytest.mark.parametrize(
    ("entries", "code", "path"),
    [
        ({}, "WRONG_TYPE", ""),
        ([3], "WRONG_TYPE", "[0]"),
        ([{"PropertyFileName": "R", "OutputName": "out"}], "MISSING_KEY", "[0]"),
        (
            [{"PropertyFileName": 3, "OutputName": "out", "FilePath": "x"}],
            "WRONG_TYPE",
            "[0].PropertyFileName",
        ),
        (
            [{"PropertyFileName": "R", "OutputName": "outt", "FilePath": "x"}],
            "UNKNOWN_OUTPUT",
            "[0].OutputName",
        ),
        (
            [{"PropertyFileName": "R", "OutputName": "out", "FilePath": "x"}] * 2,
            "DUPLICATE_NAME",
            "[1].PropertyFileName",
        ),
    ],
)
def test_a_wrong_property_file_is_found(entries: Any, code: str, path: str) -> None:
    step = processing("A", outputs=("out",), PropertyFiles=entries)
    assert findings_of(step) == [(code, f"Steps[0].PropertyFiles{path}")]


def test_outputs_whose_names_come_later_may_hold_any_property_file() -> None:
    step = processing("A", PropertyFiles=[{"PropertyFileName": "R", "OutputName": "out", "FilePath": "x"}])
    step["Arguments"]["ProcessingOutputConfig"] = {"Get": "Parameters.Outputs"}
    assert findings_of(step, parameters=[{"Name": "Outputs"}]) == []


@pytest.mark.parametrize(
    ("outputs", "code", "path"),
    [
        ({}, "WRONG_TYPE", ""),
        ([{"OutputType": "String"}], "MISSING_KEY", "[0]"),
        ([{"OutputName": 3}], "WRONG_TYPE", "[0].OutputName"),
        ([{"OutputName": "a", "OutputType": "Text"}], "UNKNOWN_VALUE", "[0].OutputType"),
        ([{"OutputName": "a"}, {"OutputName": "a"}], "DUPLICATE_NAME", "[1].OutputName"),
        ([{"OutputName": f"o{index}"} for index in range(51)], "AWS_LIMIT", ""),
    ],
)
def test_wrong_output_parameters_are_found(outputs: Any, code: str, path: str) -> None:
    assert findings_of({**function("A"), "OutputParameters": outputs}) == [
        (code, f"Steps[0].OutputParameters{path}")
    ]


@pytest.mark.parametrize(
    ("entries", "code", "path"),
    [
        ("B", "WRONG_TYPE", ""),
        ([3], "WRONG_TYPE", "[0]"),
        ([{"Trigger": "Any"}], "MISSING_KEY", "[0]"),
        ([{"Step": "B", "Trigger": "Succeeded"}], "UNKNOWN_VALUE", "[0].Trigger"),
        ([{"Step": "B", "On": "Any"}], "UNKNOWN_KEY", "[0].On"),
        ([{"Step": 3}], "WRONG_TYPE", "[0].Step"),
        (["b"], "UNKNOWN_STEP", "[0]"),
        (["A"], "OWN_PROPERTY", "[0]"),
    ],
)
def test_a_wrong_dependency_is_found(entries: Any, code: str, path: str) -> None:
    assert findings_of(function("A", DependsOn=entries), function("B")) == [
        (code, f"Steps[0].DependsOn{path}")
    ]


def test_a_list_that_is_missing_its_brackets_is_mended() -> None:
    finding = only_finding(training("A") | {"DependsOn": "B"}, training("B"))
    assert finding.mend == "Put it in brackets: [ ]."
