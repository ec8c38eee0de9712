"""Members in paths, queries and headers; routes that are told apart by what they demand."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.aws.protocol.header_values import header_reader, header_writer
from stepmill.aws.protocol.problems import Unreadable
from stepmill.aws.protocol.routes import Routes, read_query
from stepmill.aws.wire import Request
from stepmill.core.service_documents import (
    HttpTrait,
    Metadata,
    RawOperation,
    RawShape,
    Reference,
    ServiceDocument,
    service_document,
)

SHAPES = {
    "Text": RawShape("string"),
    "Whole": RawShape("integer"),
    "Moment": RawShape("timestamp"),
    "Texts": RawShape("list", member=Reference("Text")),
    "Moments": RawShape("list", member=Reference("Moment")),
}
DOCUMENT = ServiceDocument(Metadata(), {}, SHAPES)


def routes(*uris: str, method: str = "GET") -> Routes:
    operations = {uri: RawOperation(uri, HttpTrait(method, uri)) for uri in uris}
    return Routes(ServiceDocument(Metadata(), operations, {}))


@pytest.mark.parametrize(
    ("uris", "path", "found"),
    [
        (("/a/{b}", "/a/list"), "/a/list", "/a/list"),
        (("/a/{b}", "/a/list"), "/a/x", "/a/{b}"),
        (("/a/{b}",), "/a/x/", "/a/{b}"),
        (("/a/{b}",), "/a/", None),
        (("/a/{b}",), "/a/x/y", None),
        (("/a/{b}",), "/a/x%2Fy", "/a/{b}"),
        (("/a/{b+}", "/a/{b}/c"), "/a/x/c", "/a/{b}/c"),
        (("/a/{b+}", "/a/{b}/c"), "/a/x//d/", "/a/{b+}"),
        (("/a.b/{c}",), "/axb/x", None),
        (("/",), "/", "/"),
    ],
)
def test_a_path_finds_the_most_definite_route(uris: tuple[str, ...], path: str, found: str | None) -> None:
    assert routes(*uris).find(Request("GET", path)) == found


def test_a_method_must_be_that_of_the_route() -> None:
    assert routes("/a", method="PUT").find(Request("GET", "/a")) is None


def test_the_labels_of_a_path_are_decoded_once() -> None:
    route = routes("/a/{b}/{c+}").of("/a/{b}/{c+}")
    assert route.values("/a/x%2Fy/1/%25%32%35/") == {"b": "x/y", "c": "1/%25/"}
    with pytest.raises(Unreadable, match="UTF-8"):
        route.values("/a/%ff/c")


def test_every_operation_of_rest_services_can_be_found() -> None:
    for service in ("lambda", "batch", "scheduler", "sagemaker-runtime", "sagemaker-featurestore-runtime"):
        document = service_document(service)
        found = Routes(document)
        for name, operation in document.operations.items():
            path, _, query = operation.http.request_uri.replace("{", "").replace("}", "").partition("?")
            demanded = found.of(name)
            query = "&".join([query, *(f"{parameter}=x" for parameter in demanded.parameters)]).strip("&")
            request = Request(operation.http.method, path, query, dict.fromkeys(demanded.headers, "x"))
            assert found.find(request) == name


def test_a_query_keeps_all_values_of_a_name() -> None:
    assert read_query("a=1&b&a=2&c=x+y%20z") == {"a": ["1", "2"], "b": [""], "c": ["x y z"]}
    for hostile in ("&".join(["a=1"] * 2000), "a=%ff"):
        with pytest.raises(Unreadable):
            read_query(hostile)


@pytest.mark.parametrize(
    ("shape", "text", "value"),
    [
        ("Text", "a, b", "a, b"),
        ("Whole", "-3", -3),
        ("Texts", "a, b,c", ["a", "b", "c"]),
        ("Texts", '"a,b", "\\"q\\"", c', ["a,b", '"q"', "c"]),
        ("Texts", "", []),
    ],
)
def test_a_header_holds_a_value_or_a_list(shape: str, text: str, value: Any) -> None:
    reference = Reference(shape, location="header")
    assert header_reader(DOCUMENT, reference)(text) == value
    assert header_reader(DOCUMENT, reference)(header_writer(DOCUMENT, reference)(value)) == value


def test_dates_in_a_list_have_commas_of_their_own() -> None:
    text = "Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT"
    reference = Reference("Moments", location="header")
    found = header_reader(DOCUMENT, reference)(text)
    assert [moment.day for moment in found] == [16, 17]
    assert header_writer(DOCUMENT, reference)(found) == text


def test_a_json_value_travels_as_base64() -> None:
    reference = Reference("Text", location="header", jsonvalue=True)
    value = {"a": [1, "ä"]}
    assert header_reader(DOCUMENT, reference)(header_writer(DOCUMENT, reference)(value)) == value
    for hostile in ("!", "e30"):
        with pytest.raises(Unreadable):
            header_reader(DOCUMENT, reference)(hostile)


@pytest.mark.parametrize("text", ["x", "1.5", "", "9" * 30, "１"])
def test_a_number_must_be_one(text: str) -> None:
    with pytest.raises(Unreadable):
        header_reader(DOCUMENT, Reference("Whole", location="header"))(text)
