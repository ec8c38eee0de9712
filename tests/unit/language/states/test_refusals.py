"""One broken field each; its place, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.language.states.checking import check
from stepmill.language.states.fields import STATE_FIELDS
from support.small_machines import FUNCTION, alone, jsonata, told

OTHER = "The QueryLanguage is set to '{}', but field '{}' is only supported for the '{}' QueryLanguage"
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


REQUIRED = "These fields are required: "
JSON_PATH = "Value must be a valid JSONPath."
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"Type": "Task"}, "", f"{REQUIRED}[Resource]"),
    ({"Type": "Parallel"}, "", f"{REQUIRED}[Branches]"),
    ({"Type": "Map"}, "", f"{REQUIRED}[ItemProcessor]"),
    ({"Type": "Pass", "InputPath": "Test"}, "/InputPath", JSON_PATH),
    ({"Type": "Pass", "OutputPath": "$.a["}, "/OutputPath", JSON_PATH),
    ({"Type": "Pass", "OutputPath": 1}, "/OutputPath", "Expected value of type String"),
    ({"Type": "Pass", "ResultPath": "$.a[*]"}, "/ResultPath", "Value must be a valid Reference Path."),
    ({"Type": "Pass", "Parameters": []}, "/Parameters", "Expected value of type Object"),
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
    ({"Type": "Pass", "Assign": {"states": 1}}, "/Assign", "Variable name 'states' is reserved"),
    ({"Type": "Pass", "Assign": {"1a": 1}}, "/Assign", "Variable name '1a' is not valid"),
    ({"Type": "Pass", "Assign": 1}, "/Assign", "Expected value of type Object"),
    (
        {"Type": "Wait"},
        "",
        "Exactly one of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath]",
    ),
    (
        {"Type": "Wait", "Seconds": 1, "SecondsPath": "$"},
        "",
        "These fields are mutually exclusive: [Seconds, SecondsPath]",
    ),
    ({"Type": "Wait", "Seconds": -1}, "/Seconds", "Value must not be less than 0"),
    ({"Type": "Wait", "Timestamp": "2026-01-01"}, "/Timestamp", "Value must be a valid RFC3339 timestamp"),
    (
        {"Type": "Wait", "Timestamp": "2026-13-01T00:00:00Z"},
        "/Timestamp",
        "Value must be a valid RFC3339 timestamp",
    ),
    (
        {"Type": "Wait", "Timestamp": "2026-01-01t00:00:00z"},
        "/Timestamp",
        "Value must be a valid RFC3339 timestamp",
    ),
    (
        {"Type": "Fail", "Error": "a", "ErrorPath": "$.a"},
        "",
        "These fields are mutually exclusive: [Error, ErrorPath]",
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
        "Value must not be less than 1",
    ),
    (
        {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5, "TimeoutSecondsPath": "$.t"},
        "",
        "These fields are mutually exclusive: [TimeoutSeconds, TimeoutSecondsPath]",
    ),
    ({"Type": "Parallel", "Branches": []}, "/Branches", "Array must not be empty"),
    ({"Type": "Parallel", "Branches": {}}, "/Branches", "Expected value of type Array"),
    (
        {"Type": "Parallel", "Branches": [{**BRANCH, "Odd": 1}]},
        "/Branches[0]",
        "Field 'Odd' is not supported",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "ItemSelector": {}, "Parameters": {}},
        "",
        "These fields are mutually exclusive: [ItemSelector, Parameters]",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "MaxConcurrency": -1},
        "/MaxConcurrency",
        "Value must not be less than 0",
    ),
    (
        {"Type": "Map", "ItemProcessor": BRANCH, "ItemBatcher": {"MaxItemsPerBatch": 1}},
        "",
        "Field 'ItemBatcher' is not supported when Mode is INLINE",
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
    ({"ErrorEquals": []}, "/ErrorEquals", "Array must not be empty"),
    ({"ErrorEquals": "E"}, "/ErrorEquals", "Expected value of type Array of String"),
    ({"ErrorEquals": ["E", "States.ALL"]}, "/ErrorEquals", "'States.ALL' must appear alone"),
    ({"ErrorEquals": ["E"], "IntervalSeconds": 0}, "/IntervalSeconds", "Value must not be less than 1"),
    ({"ErrorEquals": ["E"], "MaxAttempts": -1}, "/MaxAttempts", "Value must not be less than 0"),
    ({"ErrorEquals": ["E"], "BackoffRate": 0.9}, "/BackoffRate", "Value must not be less than 1"),
    ({"ErrorEquals": ["E"], "BackoffRate": "2"}, "/BackoffRate", "Expected value of type Number"),
    ({"ErrorEquals": ["E"], "MaxDelaySeconds": 0}, "/MaxDelaySeconds", "Value must not be less than 1"),
    (
        {"ErrorEquals": ["E"], "JitterStrategy": "SOME"},
        "/JitterStrategy",
        "Value is not valid, expected one of: [NONE, FULL]",
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
        f"/States/A/{field}[0]/ErrorEquals",
        "'States.ALL' must appear in the last element",
    )
    assert check(alone(Type="Task", Resource=FUNCTION, **{field: items[::-1]})).findings == ()


RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"Variable": "$.a", "IsNull": True}, "", f"{REQUIRED}[Next]"),
    ({"Variable": "a", "IsNull": True, "Next": "B"}, "/Variable", JSON_PATH),
    ({"Variable": "$.a", "Next": "B"}, "", "Exactly one comparison operator is required"),
    ({"Next": "B"}, "", f"{REQUIRED}[Variable]"),
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
        "Value must be a valid RFC3339 timestamp",
    ),
    ({"And": [], "Next": "B"}, "/And", "Array must not be empty"),
    (
        {"Not": {"Variable": "$.a", "IsNull": True, "Next": "B"}, "Next": "B"},
        "/Not",
        "Field 'Next' is not supported",
    ),
    (
        {"Variable": "$.a", "IsNull": True, "Next": "B", "Condition": True},
        "",
        "Field 'Condition' is not supported",
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
    ({"Type": "Wait", "Seconds": "5"}, "/Seconds", "Value must be a valid JSONata expression."),
    ({"Type": "Pass", "Output": "{% 1"}, "/Output", "Value must be a valid JSONata expression."),
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
