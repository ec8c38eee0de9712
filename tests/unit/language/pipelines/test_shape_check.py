from __future__ import annotations

from typing import Any

import pytest

from stepmill.core.errors import NotFoundError
from stepmill.core.service_documents import Metadata, ServiceDocument
from stepmill.core.service_models import ServiceModel, service_model
from stepmill.language.pipelines.checking import check
from support.documents import findings_of, get, only_finding, processing, training

TYPED = [
    {"Name": "Text"},
    {"Name": "Whole", "Type": "Integer"},
    {"Name": "Real", "Type": "Float"},
    {"Name": "Flag", "Type": "Boolean"},
]


def changed(step: dict[str, Any], *keys: str | int, value: Any) -> dict[str, Any]:
    target: Any = step["Arguments"]
    for key in keys[:-1]:
        target = target[key]
    target[keys[-1]] = value
    return step


CLUSTER = ("ProcessingResources", "ClusterConfig")


def test_a_misspelt_argument_is_mended() -> None:
    finding = only_finding(changed(processing("P"), "ProcesingInputs", value=[]))
    assert (finding.code, finding.path) == ("UNKNOWN_KEY", "Steps[0].Arguments.ProcesingInputs")
    assert finding.mend == "Did you mean 'ProcessingInputs'?"


def test_a_missing_argument_is_found() -> None:
    step = processing("P")
    del step["Arguments"]["RoleArn"]
    finding = only_finding(step)
    assert (finding.code, finding.path, finding.mend) == (
        "MISSING_KEY",
        "Steps[0].Arguments",
        "Add 'RoleArn'.",
    )


def test_the_name_of_the_job_may_be_missing_or_there() -> None:
    assert findings_of(changed(processing("P"), "ProcessingJobName", value="prefix")) == []


def test_a_hyperparameter_is_a_text() -> None:
    finding = only_finding(training("T", HyperParameters={"epochs": 3}))
    assert (finding.code, finding.path) == ("WRONG_TYPE", "Steps[0].Arguments.HyperParameters.epochs")
    assert finding.mend == 'Put it in quotes: "3".'


@pytest.mark.parametrize(
    ("keys", "value", "code"),
    [
        (("ProcessingResources",), [], "WRONG_TYPE"),
        (CLUSTER, "x", "WRONG_TYPE"),
        ((*CLUSTER, "InstanceCount"), "1", "WRONG_TYPE"),
        ((*CLUSTER, "InstanceCount"), 1.0, "WRONG_TYPE"),
        ((*CLUSTER, "InstanceCount"), True, "WRONG_TYPE"),
        ((*CLUSTER, "InstanceCount"), 0, "OUT_OF_RANGE"),
        ((*CLUSTER, "InstanceCount"), 101, "AWS_LIMIT"),
        (("AppSpecification", "ImageUri"), None, "MISSING_KEY"),
        ((*CLUSTER, "InstanceType"), "ml.m5.huge", "AWS_VALUE"),
        (("ProcessingInputs",), {}, "WRONG_TYPE"),
        (("AppSpecification", "ContainerEntrypoint"), [], "OUT_OF_RANGE"),
        (("AppSpecification", "ContainerEntrypoint"), [3], "WRONG_TYPE"),
        (("AppSpecification", "ContainerEntrypoint"), ["a"] * 101, "AWS_LIMIT"),
        (("RoleArn",), "Role", "OUT_OF_RANGE"),
        (("Environment",), {"A": 1}, "WRONG_TYPE"),
        (("Environment",), {f"A{at}": "b" for at in range(101)}, "AWS_LIMIT"),
        (("Environment",), {"A" * 300: "b"}, "AWS_LIMIT"),
        (("NetworkConfig",), {"EnableNetworkIsolation": "true"}, "WRONG_TYPE"),
        (("StoppingCondition",), {"MaxRuntimeInSeconds": 0}, "OUT_OF_RANGE"),
    ],
)
def test_a_wrong_value_is_found(keys: tuple[str, ...], value: Any, code: str) -> None:
    assert code in [found for found, _ in findings_of(changed(processing("P"), *keys, value=value))]


def test_a_value_of_an_enum_is_mended() -> None:
    step = processing("P", inputs={"in": "s3://bucket/k"})
    changed(step, "ProcessingInputs", 0, "S3Input", "S3InputMode", value="Files")
    finding = only_finding(step)
    assert (finding.code, finding.mend) == ("UNKNOWN_VALUE", "Did you mean 'File'?")


@pytest.mark.parametrize(
    "uri", ["./data", "data/raw.csv", "/abs/path", "~/x", "file:///tmp/x", "C:\\x", ".."]
)
def test_a_local_path_is_taken_with_a_warning(uri: str) -> None:
    finding = only_finding(processing("P", inputs={"in": uri}))
    assert (finding.code, finding.severity) == ("LOCAL_PATH", "warning")
    assert finding.path == "Steps[0].Arguments.ProcessingInputs[0].S3Input.S3Uri"


@pytest.mark.parametrize("uri", ["gs://bucket/key", "ftp://host/x", "s3:///key"])
def test_another_scheme_is_what_aws_would_refuse(uri: str) -> None:
    assert [code for code, _ in findings_of(processing("P", inputs={"in": uri}))] == ["AWS_PATTERN"]


@pytest.mark.parametrize(
    "uri", ["s3://bucket", "s3://bucket/", "https://s3.amazonaws.com/bucket/key", "s3://b/k y"]
)
def test_addresses_are_taken(uri: str) -> None:
    assert findings_of(processing("P", inputs={"in": uri})) == []


def test_what_aws_would_refuse_for_its_form_is_a_warning() -> None:
    finding = only_finding(changed(processing("P"), "RoleArn", value="arn:aws:s3:::a-bucket-of-mine"))
    assert (finding.code, finding.severity) == ("AWS_PATTERN", "warning")


@pytest.mark.parametrize(
    ("kind", "name", "wanted"),
    [
        ("InstanceCount", "Text", True),
        ("InstanceCount", "Real", True),
        ("InstanceCount", "Flag", True),
        ("InstanceCount", "Whole", False),
        ("InstanceType", "Text", False),
        ("InstanceType", "Whole", False),
    ],
)
def test_a_parameter_of_another_type_is_warned_of(kind: str, name: str, wanted: bool) -> None:
    step = changed(processing("P"), *CLUSTER, kind, value=get(f"Parameters.{name}"))
    found = [code for code, _ in findings_of(step, parameters=TYPED) if code != "UNUSED_PARAMETER"]
    assert found == (["PARAMETER_TYPE"] if wanted else [])


def test_expressions_stand_for_anything() -> None:
    step = changed(processing("P"), "ProcessingResources", value=get("Parameters.Text"))
    changed(step, "Environment", value={"Std:Join": {"On": "", "Values": []}})
    assert findings_of(step, parameters=TYPED[:1]) == []


def test_null_is_as_good_as_absent() -> None:
    assert findings_of(changed(processing("P"), "NetworkConfig", value=None)) == []


def test_an_older_botocore_checks_what_it_knows() -> None:
    old = ServiceModel(ServiceDocument(Metadata()))
    step = changed(processing("P"), "Anything", value=1)
    assert check({"Steps": [step]}, lambda service: old).errors == ()


def test_a_botocore_without_the_service_checks_nothing() -> None:
    def models(service: str) -> ServiceModel:
        if service != "sagemaker":
            raise NotFoundError("none")
        return service_model(service)

    step = {"Name": "E", "Type": "EMR", "Arguments": {"ClusterId": "j", "StepConfig": {"Anything": 1}}}
    assert check({"Steps": [step]}, models).findings == ()
