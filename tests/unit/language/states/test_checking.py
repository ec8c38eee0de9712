from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.core.errors import DefinitionError
from stepmill.language.states.checking import check, read
from stepmill.language.states.definition import QueryLanguage, StateMachine
from support.small_machines import CALL, FUNCTION, alone, machine, only_finding, told

OTHER = (
    "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported "
    "for the 'JSONata' QueryLanguage"
)
PASS = {"Type": "Pass", "End": True}


def test_a_good_text_gives_the_machine() -> None:
    found = read(machine({"A": PASS}, Comment="c", TimeoutSeconds=60, Version="1.0", QueryLanguage="JSONata"))
    assert isinstance(found, StateMachine)
    assert (found.start_at, found.comment, found.timeout_s, found.query_language) == (
        "A",
        "c",
        60,
        QueryLanguage.JSONATA,
    )


def test_a_bad_text_raises_all_that_is_wrong_with_it() -> None:
    with pytest.raises(DefinitionError) as caught:
        read(machine({"A": {"Type": "Pass", "Next": "B", "Resource": "x"}}))
    assert [finding.code for finding in caught.value.findings] == [
        "SCHEMA_VALIDATION_FAILED",
        "MISSING_TRANSITION_TARGET",
        "MISSING_END_STATE",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MISSING_DESCRIPTION"),
        (" \n", "MISSING_DESCRIPTION"),
        ("null", "MISSING_DESCRIPTION"),
        ("not json", "INVALID_JSON_DESCRIPTION"),
        ('{"a": NaN}', "INVALID_JSON_DESCRIPTION"),
        (b"\xff", "INVALID_JSON_DESCRIPTION"),
        ("[" * 5_000, "INVALID_JSON_DESCRIPTION"),
        ('{"a":' * 300 + "1" + "}" * 300, "INVALID_JSON_DESCRIPTION"),
        ("[]", "SCHEMA_VALIDATION_FAILED"),
        ('"' + "x" * 1_048_577 + '"', "SCHEMA_VALIDATION_FAILED"),
        (
            '{"StartAt": "A", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            "INVALID_JSON_DESCRIPTION",
        ),
    ],
)
def test_what_is_no_document_is_refused(text: str | bytes, code: str) -> None:
    assert [finding.code for finding in check(text).findings] == [code]


def test_what_is_no_json_is_told_as_the_service_tells_it() -> None:
    assert only_finding("not json").message == (
        "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' "
        "or 'false')\n at [Source: (String)\"not json\"; line: 1, column: 4]"
    )


def test_a_name_that_stands_twice_is_told_by_name() -> None:
    text = '{"StartAt":"A","States":{"A":{"Type":"Succeed"},"A":{"Type":"Succeed"}}}'
    assert only_finding(text).message == "Duplicate field 'A'"


@pytest.mark.parametrize(
    ("more", "place", "message"),
    [
        ({"Name": "x"}, "/", "Field 'Name' is not supported"),
        ({"TimeoutSeconds": -1}, "/TimeoutSeconds", "Minimum value is 0"),
        ({"TimeoutSeconds": 100_000_000}, "/TimeoutSeconds", "Maximum value is 99999999"),
        ({"TimeoutSeconds": 1.5}, "/TimeoutSeconds", "Expected value of type Integer"),
        ({"TimeoutSeconds": True}, "/TimeoutSeconds", "Expected value of type Integer"),
        ({"Comment": 1}, "/Comment", "Expected value of type String"),
        ({"Version": "2.0"}, "/Version", "Value should be one of the following: [1.0]"),
        (
            {"QueryLanguage": "jsonata"},
            "/QueryLanguage",
            "Value should be one of the following: [JSONPath, JSONata]",
        ),
    ],
)
def test_the_machine_has_few_fields(more: dict[str, Any], place: str, message: str) -> None:
    assert told(machine({"A": PASS}, **more)) == (place, message)


@pytest.mark.parametrize(
    ("document", "place", "message"),
    [
        ({"States": {"A": PASS}}, "/", "These fields are required: [StartAt]"),
        ({"StartAt": "A"}, "/", "These fields are required: [States]"),
        ({}, "/", "These fields are required: [StartAt, States]"),
        ({"StartAt": "A", "States": {}}, "/States", "Value cannot be empty"),
        ({"StartAt": "A", "States": []}, "/States", "Expected value of type Object"),
        ({"StartAt": "A", "States": {"A": 1}}, "/States/A", "Expected value of type Object"),
        ({"StartAt": "A", "States": {"A": {"End": True}}}, "/States/A", "These fields are required: [Type]"),
        (
            {"StartAt": "A", "States": {"A": {"Type": "Sleep"}}},
            "/States/A/Type",
            "Value should be one of the following: [Pass, Task, Choice, Wait, Succeed, Fail, Parallel, Map]",
        ),
    ],
)
def test_a_machine_needs_a_start_and_states(document: object, place: str, message: str) -> None:
    assert told(json.dumps(document)) == (place, message)


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_state_name_has_one_to_80_characters(name: str) -> None:
    assert only_finding(machine({name: PASS})).code == "INVALID_STATE_NAME"


def test_names_of_80_characters_are_fine() -> None:
    assert check(machine({"x" * 80: PASS})).findings == ()


def test_names_are_unique_over_all_branches() -> None:
    branch = {"StartAt": "A", "States": {"A": PASS}}
    finding = only_finding(alone(Type="Parallel", Branches=[branch]))
    assert (finding.code, finding.path, finding.message) == (
        "DUPLICATE_STATE_NAME",
        "/States/A/Branches[0]/States/A",
        "Duplicate State name: A",
    )


@pytest.mark.parametrize("value", ["JSONPath", "JSONata"])
def test_a_state_may_choose_its_language(value: str) -> None:
    assert check(alone(Type="Pass", QueryLanguage=value)).findings == ()


def test_a_jsonata_machine_has_no_jsonpath_states() -> None:
    states = {"A": {**PASS, "QueryLanguage": "JSONPath"}}
    assert told(machine(states, QueryLanguage="JSONata")) == (
        "/States/A",
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
    )


def test_a_processor_takes_the_language_of_the_machine_not_of_its_map() -> None:
    processor = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Output": 1, "End": True}}}
    assert told(alone(Type="Map", QueryLanguage="JSONata", ItemProcessor=processor)) == (
        "/States/A/ItemProcessor/States/B",
        OTHER,
    )


@pytest.mark.parametrize("field", ["ItemProcessor", "Iterator"])
def test_a_processor_cannot_choose_a_language(field: str) -> None:
    processor = {"StartAt": "B", "States": {"B": PASS}, "QueryLanguage": "JSONPath"}
    text = alone(Type="Map", **{field: processor})
    assert told(text) == (f"/States/A/{field}", "Field 'QueryLanguage' is not supported")


def test_an_express_machine_runs_its_iterations_itself() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    processor = {"StartAt": "B", "States": {"B": PASS}, "ProcessorConfig": config}
    checked = check(alone(Type="Map", ItemProcessor=processor), machine_type="EXPRESS")
    assert "not supported inside 'EXPRESS' state machines" in only_finding(checked).message


SERVICES = frozenset({"sagemaker:createTrainingJob.sync", "aws-sdk:s3:getObject"})


@pytest.mark.parametrize("resource", [CALL, FUNCTION, "arn:aws:states:::aws-sdk:s3:getObject"])
def test_what_is_offered_is_taken(resource: str) -> None:
    assert check(alone(Type="Task", Resource=resource), services=SERVICES).findings == ()


def test_what_is_not_offered_is_refused_by_name() -> None:
    resource = "arn:aws:states:::glue:startJobRun.sync"
    checked = check(alone(Type="Task", Resource=resource), services=SERVICES)
    finding = only_finding(checked)
    assert (finding.path, finding.message) == (
        "/States/A/Resource",
        f"The resource provided {resource} is not offered here.",
    )
    assert checked.machine is None


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        (CALL, "'.sync'"),
        ("arn:aws:states:::states:startExecution.sync:2", "'.sync'"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "'.waitForTaskToken'"),
        ("arn:aws:states:us-west-2:123456789012:activity:a", "Activity ARN"),
    ],
)
def test_an_express_machine_waits_for_nothing(resource: str, what: str) -> None:
    text = alone(Type="Task", Resource=resource)
    assert check(text).findings == ()
    assert what in only_finding(check(text, machine_type="EXPRESS")).message


def test_an_express_machine_may_call_and_go_on() -> None:
    text = alone(Type="Task", Resource="arn:aws:states:::sqs:sendMessage")
    assert check(text, machine_type="EXPRESS").findings == ()


def test_the_list_of_errors_ends() -> None:
    states = {f"S{index}": {"Type": "Pass", "End": True, "Odd": 1} for index in range(3_000)}
    findings = check(machine(states)).findings
    assert findings[-1].code == "TOO_MANY_FINDINGS"
    assert len(findings) == 1_001


WORDS = st.sampled_from(
    (
        "Type Pass Task Map Choice Wait Next End StartAt States A Choices Retry Catch Branches ItemProcessor "
        f"QueryLanguage JSONata {FUNCTION} $.a $ Parameters x.$ Arguments Variable And Not Seconds "
        "ErrorEquals Assign ItemReader Resource {%$x%} Output ItemBatcher Label Error Timestamp"
    ).split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), below, max_size=6)
    ),
    max_leaves=30,
)


@given(JSON)
@settings(max_examples=300)
def test_no_document_makes_it_raise_anything_else(value: object) -> None:
    for document in (value, {"StartAt": "A", "States": {"A": value}}, {"StartAt": "A", "States": value}):
        try:
            read(json.dumps(document))
        except DefinitionError as error:
            assert error.findings


@given(
    st.sampled_from(["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"]),
    JSON,
    st.booleans(),
)
@settings(max_examples=300)
def test_no_state_makes_it_raise_anything_else(kind: str, value: Any, jsonata: bool) -> None:
    fields = value if isinstance(value, dict) else {"Parameters": value}
    language = {"QueryLanguage": "JSONata"} if jsonata else {}
    document = {"StartAt": "A", "States": {"A": {**fields, "Type": kind, **language}}}
    try:
        assert isinstance(read(json.dumps(document)), StateMachine)
    except DefinitionError as error:
        assert error.findings


@given(st.text() | st.binary())
def test_no_text_makes_it_raise_anything_else(text: str | bytes) -> None:
    assert check(text).machine is None
