from __future__ import annotations

import json

import pytest

from stepmill.core.errors import DefinitionError
from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import check, read
from support.documents import checked, document, function, processing

RIGHT = document(function("Fn"))


@pytest.mark.parametrize(
    "given", [RIGHT, json.dumps(RIGHT), json.dumps(RIGHT).encode()], ids=["object", "text", "bytes"]
)
def test_a_document_is_taken_in_every_form(given: object) -> None:
    assert read(given, service_model).top_level == ("Fn",)  # type: ignore[arg-type]


def test_reading_raises_all_findings() -> None:
    with pytest.raises(DefinitionError) as caught:
        read(document({"Name": "A", "Type": "X"}, {"Name": "B", "Type": "Y"}), service_model)
    assert len(caught.value.findings) == 2
    assert "1 more error" in str(caught.value)


def test_errors_come_before_warnings() -> None:
    result = checked(document(processing("A", inputs={"in": "./x"}), {"Name": "B", "Type": "Y"}))
    assert [str(each.severity) for each in result.findings] == ["error", "warning"]
    assert (len(result.errors), len(result.warnings)) == (1, 1)
    assert result.definition is None


def test_warnings_do_not_refuse() -> None:
    assert checked(document(processing("A", inputs={"in": "./x"}))).definition is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "1" * 5000 + "}",
        '{"a": "\\ud800"}',
        '{"a": "\ud800"}',
        "\ufeff{}",
        "[" * 100_000,
        '{"a":' * 300 + "1" + "}" * 300,
        b"\xff\xfe{}",
        b'{"a": "\xff"}',
    ],
)
def test_what_is_no_json_is_one_finding(text: str | bytes) -> None:
    result = check(text, service_model)
    assert [str(each.code) for each in result.findings] == ["NOT_JSON"]


def test_an_object_that_is_no_json_is_one_finding() -> None:
    assert [str(each.code) for each in check({"Steps": {1, object()}}, service_model).findings] == [
        "NOT_JSON"
    ]  # type: ignore[dict-item, list-item]


def test_a_key_that_stands_twice_is_found_where_it_is() -> None:
    text = (
        '{"Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "a", "ErrorMessage": "b"}}]}'
    )
    (finding,) = checked(text).findings
    assert (finding.code, finding.path) == ("DUPLICATE_KEY", "Steps[0].Arguments.ErrorMessage")


def test_a_key_that_stands_three_times_is_told_once() -> None:
    assert [str(each.code) for each in checked('{"Steps": [], "Steps": [], "Steps": []}').errors] == [
        "DUPLICATE_KEY",
        "OUT_OF_RANGE",
    ]


def test_a_large_document_is_more_than_aws_allows() -> None:
    large = document(function("Fn", arguments={"x": "y" * 1_100_000}))
    (finding,) = checked(large).findings
    assert (finding.code, finding.path) == ("AWS_LIMIT", "")


def test_null_characters_are_no_trouble() -> None:
    result = checked(document(function("Fn", arguments={"a\x00b": "c\x00d"}), **{"\x00": 1}))
    assert [(str(each.code), each.path) for each in result.findings] == [("UNKNOWN_KEY", "['\\x00']")]


def test_an_upright_definition_of_thousands_of_steps() -> None:
    uri = "Steps.s{}.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"
    steps = [
        processing(f"s{at}", outputs=("o",), inputs={"in": {"Get": uri.format(at - 1)}} if at else {})
        for at in range(2000)
    ]
    result = checked(document(*steps))
    assert result.errors == ()
    assert result.definition is not None
    assert len(result.definition.steps) == 2000
