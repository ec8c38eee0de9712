"""One broken field each; its place, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.states.checking import check
from stepmill.language.states.choices import OPERATORS as OPERATOR_KINDS
from stepmill.language.states.fields import STATE_FIELDS
from support.small_machines import FUNCTION, alone, jsonata, told

OTHER = "The QueryLanguage is set to '{}', but field '{}' is only supported for the '{}' QueryLanguage"
ACTIVITY = "arn:aws:states:us-west-2:123456789012:activity:a"
BRANCH = {"StartAt": "X", "States": {"X": {"Type": "Pass", "End": True}}}
MINIMAL: dict[str, dict[str, Any]] = {
    "Pass": {},
    "Task": {"Resource": FUNCTION},
    "Choice": {"Choices": [{"Variable": "$.a", "IsNull": True, "Next": "B"}]},
    "Wait": {"Seconds": 1},
    "Succeed": {},
    "Fail": {},
    "Parallel": {"Branches": [BRANCH]},
    "Map": {"ItemProcessor": BRANCH},
}
FOREIGN = {
    "Pass": ["TimeoutSeconds", "Catch", "Retry", "Resource", "ResultSelector", "Branches", "Choices"],
    "Task": ["Result", "Branches", "Default", "Items"],
    "Choice": ["Next", "End", "Retry", "Parameters", "ResultPath"],
    "Wait": ["ResultPath", "Parameters", "Retry"],
    "Succeed": ["Next", "End", "Assign", "Result"],
    "Fail": ["Next", "End", "InputPath", "OutputPath", "Assign"],
    "Parallel": ["TimeoutSeconds", "Iterator", "Resource"],
    "Map": ["TimeoutSeconds", "Branches", "Arguments"],
}


@pytest.mark.parametrize("kind", MINIMAL)
def test_the_least_of_each_type_is_fine(kind: str) -> None:
    assert check(alone(Type=kind, **MINIMAL[kind])).findings == ()


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in FOREIGN.items() for field in fields]
)
def test_a_field_of_another_type_is_not_supported(kind: str, field: str) -> None:
    text = alone(Type=kind, **{"Comment": "c", **MINIMAL[kind], field: "B"})
    assert ("/States/A", f"Field '{field}' is not supported") in [
        (finding.path, finding.message) for finding in check(text).errors
    ]


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, name) for kind, fields in STATE_FIELDS.items() for name in sorted(fields.json_path)],
)
def test_fields_of_jsonpath_are_refused_in_jsonata(kind: str, field: str) -> None:
    minimal = dict(MINIMAL[kind])
    if kind == "Choice":
        minimal["Choices"] = [{"Condition": True, "Next": "B"}]
    text = jsonata(Type=kind, **minimal, **{field: "$"})
    assert told(text) == (
        "/States/A",
        OTHER.format("JSONata", field, "JSONPath"),
    )


@pytest.mark.parametrize(
    "kind", [kind for kind, fields in STATE_FIELDS.items() if "Output" in fields.jsonata]
)
def test_output_is_refused_in_jsonpath(kind: str) -> None:
    assert told(alone(Type=kind, **MINIMAL[kind], Output=1)) == (
        "/States/A",
        OTHER.format("JSONPath", "Output", "JSONata"),
    )


ONLY = "There should only be one of the following fields: "
ONE_OF = "This object should have only one of the following fields: "
KINDS = "The object must have only one of the following fields, "
OPERATORS = ", ".join(OPERATOR_KINDS)
GET = "arn:aws:states:::s3:getObject"
REQUIRED = "These fields are required: "
JSON_PATH = "Value must be a valid JSONPath."
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"Type": "Task"}, "", f"{REQUIRED}[Resource]"),
    ({"Type": "Parallel"}, "", f"{REQUIRED}[Branches]"),
    ({"Type": "Map"}, "", f"{ONE_OF}[ItemProcessor, Iterator]"),
    ({"Type": "Pass", "InputPath": "Test"}, "/InputPath", JSON_PATH),
    ({"Type": "Pass", "OutputPath": "$.a["}, "/OutputPath", JSON_PATH),
    ({"Type": "Pass", "OutputPath": 1}, "/OutputPath", "Expected value of type String"),
    ({"Type": "Pass", "ResultPath": "$.a[*]"}, "/ResultPath", "Value is not a Reference Path"),
    (
        {"Type": "Pass", "Parameters": {"deep": [{"x.$": "a"}]}},
        "/Parameters",
        "The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call",
    ),
    (
        {"Type": "Pass", "Assign": {"Variable.$": "Test"}},
        "/Assign",
        "The value for the field 'Variable.$' must be a valid JSONPath or a valid intrinsic function call",
    ),
    (
        {"Type": "Pass", "Assign": {"states": 1}},
        "/Assign/states",
        "Cannot assign to reserved variable '$states'.",
    ),
    (
        {"Type": "Pass", "Assign": {"1a": 1}},
        "/Assign/1a",
        "Invalid variable name '1a': the variable name contains invalid characters.",
    ),
    ({"Type": "Pass", "Assign": 1}, "/Assign", "Expected value of type Object"),
    (
        {"Type": "Wait"},
        "",
        f"{ONE_OF}[SecondsPath, Seconds, TimestampPath, Timestamp]",
    ),
    (
        {"Type": "Wait", "Seconds": 1, "SecondsPath": "$"},
        "",
        f"{ONLY}[SecondsPath, Seconds, TimestampPath, Timestamp]",
    ),
    ({"Type": "Wait", "Seconds": -1}, "/Seconds", "Minimum value is 0"),
    ({"Type": "Wait", "Timestamp": "2026-01-01"}, "/Timestamp", "String does not match RFC3339 timestamp"),
    (
        {"Type": "Wait", "Timestamp": "2026-13-01T00:00:00Z"},
        "/Timestamp",
        "String does not match RFC3339 timestamp",
    ),
    (
        {"Type": "Wait", "Timestamp": "2026-01-01t00:00:00z"},
        "/Timestamp",
        "String does not match RFC3339 timestamp",
    ),
    (
        {"Type": "Fail", "Error": "a", "ErrorPath": "$.a"},
        "",
        f"{ONLY}[Error, ErrorPath]",
    ),
    ({"Type": "Fail", "CausePath": "a"}, "/CausePath", JSON_PATH),
    ({"Type": "Task", "Resource": "lambda"}, "/Resource", "Value is not a valid resource ARN"),
    (
        {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "HeartbeatSeconds": 5},
        "",
        "HeartbeatSeconds must be smaller than TimeoutSeconds",
    ),
    (
        {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 0},
        "/TimeoutSeconds",
        "Minimum value is 1",
    ),
    (
        {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"},
        "",
        f"{ONLY}[TimeoutSeconds, TimeoutSecondsPath]",
    ),
    ({"Type": "Parallel", "Branches": []}, "/Branches", "Value cannot be empty"),
    ({"Type": "Parallel", "Branches": {}}, "/Branches", "Expected value of type Array"),
    (
        {"Type": "Parallel", "Branches": [{**BRANCH, "Odd": 1}]},
        "/Branches[0]",
        "Field 'Odd' is not supported",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "ItemSelector": {}, "Parameters": {}},
        "",
        f"{ONLY}[ItemSelector, Parameters]",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "MaxConcurrency": -1},
        "/MaxConcurrency",
        "Minimum value is 0",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "ItemBatcher": {"MaxItemsPerBatch": 1}},
        "",
        "Field 'ItemBatcher' is not supported",
    ),
    (
        {"Type": "Map", "ItemProcessor": {**BRANCH, "ProcessorConfig": {"ExecutionType": "EXPRESS"}}},
        "/ItemProcessor/ProcessorConfig",
        "Field 'ExecutionType' is not supported",
    ),
    (
        {"Type": "Task", "Resource": FUNCTION, "Credentials": {}},
        "/Credentials",
        "The field 'RoleArn' is required but was missing",
    ),
    (
        {"Type": "Task", "Resource": ACTIVITY, "Credentials": {"RoleArn": "r"}},
        "/Credentials",
        "The field 'Credentials' is not supported for activities",
    ),
    (
        {"Type": "Map", "ItemProcessor": {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}},
        "/ItemProcessor/ProcessorConfig",
        f"{REQUIRED}[ExecutionType]",
    ),
]


@pytest.mark.parametrize(("fields", "place", "message"), CASES)
def test_a_broken_field_is_told_with_its_place(fields: dict[str, Any], place: str, message: str) -> None:
    assert told(alone(**fields)) == (f"/States/A{place}", message)


RETRIES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "", f"{REQUIRED}[ErrorEquals]"),
    ({"ErrorEquals": []}, "/ErrorEquals", "Value cannot be empty"),
    ({"ErrorEquals": "E"}, "/ErrorEquals", "Expected value of type Array of String"),
    (
        {"ErrorEquals": ["E", "States.ALL"]},
        "/ErrorEquals[1]",
        "States.ALL must appear alone and at end of list",
    ),
    ({"ErrorEquals": ["E"], "IntervalSeconds": -1}, "/IntervalSeconds", "Minimum value is 0"),
    ({"ErrorEquals": ["E"], "MaxAttempts": -1}, "/MaxAttempts", "Minimum value is 0"),
    ({"ErrorEquals": ["E"], "BackoffRate": 0.9}, "/BackoffRate", "Minimum value is 1"),
    ({"ErrorEquals": ["E"], "BackoffRate": "2"}, "/BackoffRate", "Expected value of type Number"),
    ({"ErrorEquals": ["E"], "MaxDelaySeconds": 0}, "/MaxDelaySeconds", "Minimum value is 1"),
    (
        {"ErrorEquals": ["E"], "JitterStrategy": "SOME"},
        "/JitterStrategy",
        "Value should be one of the following: [NONE, FULL]",
    ),
    ({"ErrorEquals": ["E"], "Next": "B"}, "", "Field 'Next' is not supported"),
]


@pytest.mark.parametrize(("retrier", "place", "message"), RETRIES)
def test_a_broken_retrier_is_told_with_its_place(retrier: dict[str, Any], place: str, message: str) -> None:
    text = alone(Type="Task", Resource=FUNCTION, Retry=[retrier])
    assert told(text) == (f"/States/A/Retry[0]{place}", message)


@pytest.mark.parametrize("field", ["Retry", "Catch"])
def test_states_all_comes_last(field: str) -> None:
    items = [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]
    if field == "Catch":
        items = [{**item, "Next": "A"} for item in items]  # type: ignore[dict-item]
    text = alone(Type="Task", Resource=FUNCTION, **{field: items})
    assert told(text) == (
        f"/States/A/{field}[0]/ErrorEquals[0]",
        "States.ALL must appear alone and at end of list",
    )
    assert check(alone(Type="Task", Resource=FUNCTION, **{field: items[::-1]})).findings == ()


RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"Variable": "$.a", "IsNull": True}, "", f"{REQUIRED}[Next]"),
    ({"Variable": "a", "IsNull": True, "Next": "B"}, "/Variable", JSON_PATH),
    ({"Variable": "$.a", "Next": "B"}, "", f"{ONE_OF}[{OPERATORS}]"),
    ({"Next": "B"}, "", f"{KINDS}[And, Or, Not, Variable, Condition]"),
    ({"Variable": "$.a", "StringEquals": 1, "Next": "B"}, "/StringEquals", "Expected value of type String"),
    (
        {"Variable": "$.a", "NumericLessThan": "1", "Next": "B"},
        "/NumericLessThan",
        "Expected value of type Number",
    ),
    (
        {"Variable": "$.a", "BooleanEquals": "x", "Next": "B"},
        "/BooleanEquals",
        "Expected value of type Boolean",
    ),
    ({"Variable": "$.a", "NumericEqualsPath": "b", "Next": "B"}, "/NumericEqualsPath", JSON_PATH),
    (
        {"Variable": "$.a", "TimestampEquals": "today", "Next": "B"},
        "/TimestampEquals",
        "String does not match RFC3339 timestamp",
    ),
    ({"And": [], "Next": "B"}, "/And", "Value cannot be empty"),
    (
        {"Not": {"Variable": "$.a", "IsNull": True, "Next": "B"}, "Next": "B"},
        "/Not",
        "Field 'Next' is not supported",
    ),
    (
        {"Variable": "$.a", "IsNull": True, "Next": "B", "Condition": True},
        "",
        OTHER.format("JSONPath", "Condition", "JSONata"),
    ),
]


@pytest.mark.parametrize(("rule", "place", "message"), RULES)
def test_a_broken_rule_is_told_with_its_place(rule: dict[str, Any], place: str, message: str) -> None:
    text = alone(Type="Choice", Choices=[rule], Default="B")
    assert told(text) == (f"/States/A/Choices[0]{place}", message)


EXPRESSIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"Type": "Pass", "Output": {"v": "{% 1 + %}"}}, "/Output/v", "Unexpected end of expression"),
    (
        {"Type": "Pass", "Output": ["{% phone %}"]},
        "/Output[0]",
        "Reference to 'phone' at the top level is not supported.",
    ),
    ({"Type": "Pass", "Output": "{% $$ %}"}, "/Output", "Reference to '$$' is not supported."),
    (
        {"Type": "Pass", "Output": "{% $states.errorOutput %}"},
        "/Output",
        "Field '$states.errorOutput' does not exist.",
    ),
    ({"Type": "Wait", "Seconds": "5"}, "/Seconds", "JSONata string must start with {% and end with %}"),
    ({"Type": "Pass", "Output": "1 %}"}, "/Output", "JSONata string must start with {% and end with %}"),
    ({"Type": "Pass", "Output": "{% 1"}, "/Output", "JSONata string must start with {% and end with %}"),
]


@pytest.mark.parametrize(("fields", "place", "message"), EXPRESSIONS)
def test_a_broken_expression_is_told_with_its_place(fields: dict[str, Any], place: str, message: str) -> None:
    assert told(jsonata(**fields)) == (f"/States/A{place}", message)


def test_a_catcher_reads_the_error() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "A", "Output": "{% $states.errorOutput.Error %}"}]
    assert check(jsonata(Type="Task", Resource=FUNCTION, Catch=catch)).findings == ()


@pytest.mark.parametrize("label", ["", "x" * 41, "a b", "a/b", "ä?"])
def test_a_label_is_short_and_plain(label: str) -> None:
    processor = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    finding = check(alone(Type="Map", ItemProcessor=processor, Label=label)).errors
    assert [(each.code, each.path) for each in finding] == [("INVALID_LABEL_NAME", "/States/A/Label")]


READERS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"Resource": "arn:aws:states:::s3:putObject"},
        "/Resource",
        "The field 'Resource' does not match any of the allowed values",
    ),
    (
        {"Resource": GET, "ReaderConfig": {"InputType": "CSV"}},
        "/ReaderConfig",
        "The field 'CSVHeaderLocation' is required",
    ),
    (
        {"Resource": GET, "ReaderConfig": {"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"}},
        "/ReaderConfig",
        "Field 'CSVHeaderLocation' is not supported",
    ),
    (
        {"Resource": GET, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}},
        "/ReaderConfig",
        f"{REQUIRED}[CSVHeaders]",
    ),
    (
        {"Resource": GET, "ReaderConfig": {"InputType": "XML"}},
        "/ReaderConfig/InputType",
        "Value should be one of the following: [CSV, JSON, JSONL, MANIFEST, PARQUET]",
    ),
    ({"Resource": GET, "Reader": {}}, "", "Field 'Reader' is not supported"),
]


@pytest.mark.parametrize(("reader", "place", "message"), READERS)
def test_a_broken_reader_is_told_with_its_place(reader: dict[str, Any], place: str, message: str) -> None:
    processor = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    text = alone(Type="Map", ItemProcessor=processor, ItemReader=reader)
    assert told(text) == (f"/States/A/ItemReader{place}", message)


def test_fields_of_the_other_language_are_told_apart_inside_of_states() -> None:
    catch = [{"ErrorEquals": ["E"], "Next": "A", "Output": 1}]
    assert told(alone(Type="Task", Resource=FUNCTION, Catch=catch)) == (
        "/States/A/Catch[0]",
        OTHER.format("JSONPath", "Output", "JSONata"),
    )
    processor = {**BRANCH, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    reader = {"Resource": GET, "Parameters": {"Bucket": "b", "Key": "k"}}
    assert told(jsonata(Type="Map", ItemProcessor=processor, ItemReader=reader)) == (
        "/States/A/ItemReader",
        OTHER.format("JSONata", "Parameters", "JSONPath"),
    )
