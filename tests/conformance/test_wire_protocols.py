"""botocore's own protocol cases, from the server's side: its requests are read, its answers are written.

They come with botocore's source distribution, which `make` unpacks below the virtual environment.
"""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.model import OperationModel, ServiceModel, Shape

from stepmill.aws.protocol.codec import Codec
from stepmill.aws.protocol.scalars import write_float
from stepmill.aws.wire import Request
from stepmill.core.service_documents import read_document
from support.botocore_wire import parsed

FOLDER = Path(sys.prefix) / "botocore-src" / "tests" / "unit" / "protocols"
PROTOCOLS = ("json", "rest-json", "rest-xml", "query")
_UNSENT = "what is empty or null is not sent, so it cannot be read"
_BODILESS = "the case is about a compressed body, and has none; see test_compression.py"
_MADE = "the request's payload is an object without members; botocore makes it out of no parameters"
_NAMES = "botocore reads the elements of a flattened list by their own name, Smithy by the list's"
_ABSENT = "botocore gives an empty body where the case has none"
_UNKNOWN = "it shows how a client takes a member that its model does not have; a server has none to send"
_ALL = "the case lacks what Smithy demands of servers: a map of all parameters, bound ones too"
_NEVER = "no model of a service binds a shape to a header; they bind members"
# Suite and number, or id, of a case -> why it cannot apply on this side, or not with botocore as the client.
NOT_OURS = {
    **dict.fromkeys(
        (
            "input/HttpPrefixHeadersAreNotPresent",
            "input/QueryEmptyQueryMaps",
            "input/RestJsonHttpPrefixHeadersAreNotPresent",
            "input/RestJsonOmitsEmptyListQueryValues",
            "legacy/input/rest-json:26:1",
            "legacy/input/rest-xml:26:1",
        ),
        _UNSENT,
    ),
    **dict.fromkeys(
        (
            "input/SDKAppendedGzipAfterProvidedEncoding_restJson1",
            "input/SDKAppendedGzipAfterProvidedEncoding_restXml",
            "input/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
            "input/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
            "input/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
            "input/SDKAppliedContentEncoding_awsJson1_0",
            "input/SDKAppliedContentEncoding_awsJson1_1",
            "input/SDKAppliedContentEncoding_awsQuery",
            "input/SDKAppliedContentEncoding_restJson1",
            "input/SDKAppliedContentEncoding_restXml",
        ),
        _BODILESS,
    ),
    **dict.fromkeys(
        (
            "input/RestJsonHttpWithEmptyStructurePayload",
            "input/RestJsonHttpWithHeadersButNoPayload",
            "legacy/input/rest-json:13:1",
            "legacy/input/rest-json:25:2",
            "legacy/input/rest-json:25:4",
        ),
        _MADE,
    ),
    **dict.fromkeys(
        (
            "input/AllQueryStringTypes",
            "input/RestJsonQueryParamsStringListMap",
            "input/RestXmlQueryParamsStringListMap",
            "input/RestXmlQueryStringEscaping",
            "input/RestXmlSupportsInfinityFloatQueryValues",
            "input/RestXmlSupportsNaNFloatQueryValues",
            "input/RestXmlSupportsNegativeInfinityFloatQueryValues",
            "input/RestXmlZeroAndFalseQueryValues",
        ),
        _ALL,
    ),
    **dict.fromkeys(
        ("input/QueryFlattenedListArgWithXmlName", "output/QueryXmlLists", "output/XmlLists"), _NAMES
    ),
    **dict.fromkeys(
        ("output/HttpPayloadTraitsWithNoBlobBody", "output/RestJsonHttpPayloadTraitsWithNoBlobBody"), _ABSENT
    ),
    **dict.fromkeys(
        ("output/RestJsonHttpPayloadWithUnsetUnion", "output/RestXmlHttpPayloadWithUnsetUnion"), _ABSENT
    ),
    **dict.fromkeys(("legacy/output/rest-json:17:2", "legacy/output/rest-xml:16:2"), _UNKNOWN),
    **dict.fromkeys(
        (
            "legacy/input/rest-xml:11:0",
            "legacy/output/rest-xml:0:0",
            "legacy/output/rest-xml:0:1",
            "legacy/output/rest-xml:10:0",
            "legacy/output/rest-xml:15:0",
        ),
        _NEVER,
    ),
    "input/BodyWithXmlName": "botocore takes the name of a shape for that of a member, and so must we",
    "input/MediaTypeHeaderInputBase64": "the case means the text of a JSON value, botocore the value",
    "input/RestJsonHostWithPath": "the path is that of an endpoint which a client was given",
    "input/RestJsonQueryPrecedence": "a client drops one of its own parameters",
    "input/RestXmlQueryPrecedence": "a client drops one of its own parameters",
    "legacy/input/rest-json:25:7": "botocore adds a header that its model binds to a member",
}
# Cases that botocore's own parser cannot read: of these the headers are compared.
BY_HEADERS = frozenset(
    {
        "InputAndOutputWithTimestampHeaders",
        "RestJsonInputAndOutputWithQuotedStringHeaders",
        "RestJsonInputAndOutputWithTimestampHeaders",
    }
)


unpacked = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="botocore's sources are not unpacked: `make lint` does it"
)


def _cases(side: str, *, ours: bool = True) -> Iterator[Any]:
    for path in sorted(FOLDER.rglob("*.json")):
        if path.name == "protocol-tests-ignore-list.json":
            continue
        for number, suite in enumerate(json.loads(path.read_text())):
            if suite["metadata"]["protocol"] not in PROTOCOLS:
                continue
            for index, case in enumerate(suite.pop("cases")):
                place = f"{path.relative_to(FOLDER).with_suffix('')}:{number}:{index}"
                # The same id may stand for a request and for its answer.
                name = f"{_side(case)}/{case['id']}" if "id" in case else place
                if _side(case) == side and (name not in NOT_OURS) == ours:
                    yield pytest.param(suite, case, id=name)


def _side(case: dict[str, Any]) -> str:
    return "input" if "serialized" in case else "error" if "error" in case else "output"


def _prepared(suite: dict[str, Any], case: dict[str, Any]) -> tuple[Codec, OperationModel]:
    """Return our codec and botocore's model of a case."""
    name = case["given"].get("name", "OperationName")
    described = {**copy.deepcopy(suite), "operations": {name: copy.deepcopy(case["given"])}}
    protocol = described["metadata"]["protocol"]
    if protocol == "query" and "output" in described["operations"][name]:
        described["operations"][name]["output"].setdefault("resultWrapper", f"{name}Result")
    document = read_document(json.dumps(described).encode())
    return Codec("a service", document, protocol), ServiceModel(described).operation_model(name)


def _typed(shape: Shape | None, value: Any) -> Any:
    """Return a value of a case as Python has it: the cases can only hold JSON."""
    if shape is None or value is None:
        return value
    match shape.type_name:
        case "structure" if shape.serialization.get("eventstream"):
            return [_event(shape, event) for event in value]
        case "structure" if not getattr(shape, "is_document_type", False):
            return {name: _typed(shape.members.get(name), below) for name, below in value.items()}  # type: ignore[attr-defined]
        case "list":
            return [_typed(shape.member, below) for below in value]  # type: ignore[attr-defined]
        case "map":
            return {key: _typed(shape.value, below) for key, below in value.items()}  # type: ignore[attr-defined]
        case "timestamp":
            return datetime.fromtimestamp(value, UTC)
        case "blob":
            return value.encode()
        case "float" | "double" if isinstance(value, str):
            return float(value)
    return value


def _event(shape: Any, event: dict[str, Any]) -> dict[str, Any]:
    return {name: _typed(shape.members[name], below) for name, below in event.items()}


def _meant(shape: Any, parameters: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as they can be seen on the wire: without nulls, with tokens that clients make."""
    made = {
        name: got[name]
        for name, member in shape.members.items()
        if member.metadata.get("idempotencyToken") and name in got
    }
    return {**made, **_without_nulls(parameters)}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(below) for key, below in value.items() if below is not None}
    return value


def _comparable(value: Any) -> Any:
    """Return a value in which NaN equals itself; botocore leaves such numbers as text in JSON."""
    if isinstance(value, dict):
        return {key: _comparable(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_comparable(below) for below in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(write_float(value))
    return value


@unpacked
@pytest.mark.parametrize(("suite", "case"), list(_cases("input")))
def test_a_request_is_read_as_it_was_meant(suite: dict[str, Any], case: dict[str, Any]) -> None:
    codec, model = _prepared(suite, case)
    sent = case["serialized"]
    url = urlsplit(sent["uri"])
    headers = {name.lower(): value for name, value in sent.get("headers", {}).items()}
    body = sent.get("body", "").encode()
    method = sent.get("method") or case["given"].get("http", {}).get("method", "POST")
    request = Request(method, url.path, url.query, headers, body)
    got = codec.read(model.name, request)
    expected = _typed(model.input_shape, case.get("params", {}))
    if model.input_shape:
        expected = _meant(model.input_shape, expected, got)
    assert _comparable(got) == _comparable(expected)


@unpacked
@pytest.mark.parametrize(("suite", "case"), list(_cases("output")))
def test_an_answer_is_written_so_that_a_client_reads_it(suite: dict[str, Any], case: dict[str, Any]) -> None:
    codec, model = _prepared(suite, case)
    expected = _typed(model.output_shape, case["result"])
    response = codec.answer(model.name, expected, "id")
    # The cases have maps of all headers.
    response = replace(response, headers=tuple(pair for pair in response.headers if pair[1] != "id"))
    assert response.status == case["response"].get("status_code", 200)
    if case.get("id") in BY_HEADERS:
        headers = {name.lower(): value for name, value in response.headers}
        for name, value in case["response"]["headers"].items():
            assert sorted(headers[name.lower()].split(", ")) == sorted(value.split(", "))
    else:
        assert _comparable(parsed(model, response)) == _comparable(expected)


@unpacked
@pytest.mark.parametrize(("suite", "case"), list(_cases("error")))
def test_an_error_is_told_so_that_a_client_reads_it(suite: dict[str, Any], case: dict[str, Any]) -> None:
    codec, model = _prepared(suite, case)
    shape = next((s for s in model.error_shapes if case.get("errorCode") in (s.name, s.error_code)), None)
    members = {name: value for name, value in case["error"].items() if name.lower() != "message"}
    status = case["response"]["status_code"]
    response = codec.error(
        case.get("errorCode", ""),
        case.get("errorMessage", ""),
        "id",
        status=status,
        members=_typed(shape, members),
    )
    # The status of the model holds where the caller names none but 400.
    modelled = shape.metadata.get("error", {}).get("httpStatusCode", 400) if shape else 400
    assert response.status == (modelled if status == 400 else status)
    told = parsed(model, response)["Error"]
    assert told["Code"] == case.get("errorCode", "")
    assert (told["Message"] or "") == case.get("errorMessage", "")
    if shape:
        got = parsed(model, response, shape=shape)
        assert {name: got.get(name) for name in members} == members


@unpacked
def test_every_exception_is_needed() -> None:
    checks = {
        "input": test_a_request_is_read_as_it_was_meant,
        "output": test_an_answer_is_written_so_that_a_client_reads_it,
        "error": test_an_error_is_told_so_that_a_client_reads_it,
    }
    met, idle = set(), []
    for side, check in checks.items():
        for case in _cases(side, ours=False):
            met.add(case.id)
            try:
                check(*case.values)
            except Exception:
                continue
            idle.append((side, case.id))
    assert idle == []
    assert met == set(NOT_OURS)
