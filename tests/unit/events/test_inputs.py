"""What a target gets of an event, and which entries become events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.events.entries import check_entry, event_of, size_of
from stepmill.events.inputs import read_input, text_for
from stepmill.events.rules import kind_of

EVENT: dict[str, Any] = {
    "id": "1",
    "time": "2026-01-01T00:00:00Z",
    "detail": {"name": 'a "b" <c>', "n": 3, "list": [1, 2], "on": True, "none": None},
}


def made(template: str, **paths: str) -> str:
    said = read_input({"Id": "t", "InputTransformer": {"InputTemplate": template, "InputPathsMap": paths}})
    return text_for(said, EVENT, "arn:rule", "rule")


def test_all_a_part_or_something_else() -> None:
    assert json.loads(text_for(read_input({}), EVENT, "", "")) == EVENT
    assert text_for(read_input({"InputPath": "$.detail.list[1]"}), EVENT, "", "") == "2"
    assert text_for(read_input({"InputPath": "$.missing"}), EVENT, "", "") == "null"
    assert text_for(read_input({"Input": '{"a": 1}'}), EVENT, "", "") == '{"a": 1}'


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"name": <name>, "n": <n>}', {"name": 'a "b" <c>', "n": 3}),
        ('{"text": "<name> has <n> of <list>, <on>"}', {"text": 'a "b" <c> has 3 of [1,2], true'}),
        ('"<name>: \\"<n>\\""', 'a "b" <c>: "3"'),
        (
            '{"list": <list>, "missing": <missing>, "text": "<missing>."}',
            {"list": [1, 2], "missing": None, "text": "."},
        ),
        (
            '{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>"}',
            {"rule": "rule", "arn": "arn:rule"},
        ),
        ('{"all": <aws.events.event.json>}', {"all": EVENT}),
        ('{"head": <aws.events.event>}', {"head": {"id": "1", "time": "2026-01-01T00:00:00Z"}}),
    ],
)
def test_templates(template: str, expected: Any) -> None:
    paths = {name: f"$.detail.{name}" for name in ("name", "n", "list", "on", "missing")}
    assert json.loads(made(template, **paths)) == expected


def test_a_template_may_be_no_json() -> None:
    assert made('"<n> rows"\n"and more"', n="$.detail.n") == '"3 rows"\n"and more"'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_whatever_a_value_is_the_template_stays_json(value: Any) -> None:
    said = read_input(
        {"InputTransformer": {"InputTemplate": '{"a": <v>, "b": "<v>"}', "InputPathsMap": {"v": "$.v"}}}
    )
    found = json.loads(text_for(said, {"v": value}, "", ""))
    assert found["a"] == value
    assert isinstance(found["b"], str)
    if isinstance(value, str):
        assert found["b"] == value


MANY = {f"a{number}": "$" for number in range(101)}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"Input": "{}", "InputPath": "$"}, "Only one of Input"),
        ({"Input": "{"}, "JSON syntax error"),
        ({"InputPath": "detail["}, "Invalid InputPath"),
        ({"InputTransformer": {"InputTemplate": ""}}, "InputTemplate"),
        ({"InputTransformer": {"InputTemplate": "<a>"}}, "No value for <a>"),
        ({"InputTransformer": {"InputTemplate": "x", "InputPathsMap": {"aws.x": "$"}}}, "variable name"),
        ({"InputTransformer": {"InputTemplate": "x" * 9000}}, "8192"),
        (
            {"InputTransformer": {"InputTemplate": "x", "InputPathsMap": {f"a{i}": "$" for i in range(101)}}},
            "100",
        ),
    ],
)
def test_which_inputs_are_refused(target: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_input({"Id": "t", **target})


ENTRY = {"Source": "app", "DetailType": "Done", "Detail": '{"a": 1}'}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"Source": ""},
            "InvalidArgument",
            "Parameter Source is not valid. Reason: Source is a required argument.",
        ),
        ({"DetailType": None}, "InvalidArgument", "DetailType is a required argument."),
        ({"Detail": None}, "InvalidArgument", "Detail is a required argument."),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.s3"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
    ],
)
def test_which_entries_are_refused(change: dict[str, Any], code: str, message: str) -> None:
    refused = check_entry({**ENTRY, **change})
    assert refused is not None
    assert refused.code == code
    assert refused.message.endswith(message)


def test_an_entry_becomes_an_event() -> None:
    assert check_entry(ENTRY) is None
    said = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    entry = {**ENTRY, "Time": said, "Resources": ["arn:x"]}
    assert event_of(entry, "id", datetime(2000, 1, 1, tzinfo=UTC), Arns("eu-west-1", "000000000042")) == {
        "version": "0",
        "id": "id",
        "detail-type": "Done",
        "source": "app",
        "account": "000000000042",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-1",
        "resources": ["arn:x"],
        "detail": {"a": 1},
    }
    assert size_of(entry) == len('appDone{"a": 1}') + len("arn:x") + 14


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:sqs:us-west-2:123456789012:q", "sqs"),
        ("arn:aws:lambda:us-west-2:123456789012:function:f:prod", "lambda"),
        ("arn:aws:sns:us-west-2:123456789012:t", "sns"),
        ("arn:aws:states:us-west-2:123456789012:stateMachine:m", "states"),
        ("arn:aws:sagemaker:us-west-2:123456789012:pipeline/p", "pipeline"),
        ("arn:aws:batch:us-west-2:123456789012:job-queue/q", "batch"),
        ("arn:aws:states:us-west-2:123456789012:activity:a", ""),
        ("arn:aws:kinesis:us-west-2:123456789012:stream/s", ""),
        ("arn:aws:sqs:us-west-2:123456789012:", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_whom_an_arn_means(arn: str, kind: str) -> None:
    assert kind_of(arn) == kind
