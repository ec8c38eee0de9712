"""Filter, join, filter: AWS's examples and what lies at their edges."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.toolkit.stepmill_batch.errors import ObjectError
from stepmill.jobs.toolkit.stepmill_batch.paths import read_path
from stepmill.jobs.toolkit.stepmill_batch.processing import Processing, fields


def processing(sent: str = "$", stored: str = "$", *, join: bool = True, csv: bool = False) -> Processing:
    return Processing(read_path(sent), read_path(stored), join=join, is_csv=csv)


@pytest.mark.parametrize(
    ("path", "row", "expected"),
    [
        ("$[1:]", b"id,1,2,3", b"1,2,3"),
        ("$[1:]", b'"a,b",1,2', b"1,2"),
        ("$[0]", b'"a,b",1,2', b'"a,b"'),
        ("$[-1]", b"1,2,3", b"3"),
        ("$[1]", b"only,", b""),
        ("$[0,2]", b'1,"x ""y"", z",3', b"1,3"),
        ("$[1:3]", b"a,b,c,d", b"b,c"),
        ("$", b" kept , as it is ", b" kept , as it is "),
    ],
)
def test_what_of_a_row_is_sent(path: str, row: bytes, expected: bytes) -> None:
    assert processing(path, csv=True).sent(row) == expected


@pytest.mark.parametrize(
    ("path", "record", "expected"),
    [
        ("$.features", b'{"id": 1, "features": [1, 2.5]}', b"[1,2.5]"),
        ("$['a','b']", b'{"a": 1, "b": "\xc3\xa9", "c": 3}', '{"a":1,"b":"é"}'.encode()),
        ("$[1:]", b"[1, 2, 3]", b"[2,3]"),
        ("$", b'{"a":   1}', b'{"a":   1}'),
    ],
)
def test_what_of_a_json_record_is_sent(path: str, record: bytes, expected: bytes) -> None:
    assert processing(path).sent(record) == expected


@pytest.mark.parametrize("record", [b"{", b"", b"[" * 100_000])
def test_record_that_is_no_json(record: bytes) -> None:
    with pytest.raises(ObjectError, match="This is not JSON"):
        processing("$.a").sent(record)


@pytest.mark.parametrize(
    ("records", "body", "content_type", "stored", "expected"),
    [
        # The guide: [1,2,3] with the label [1] gives [1,2,3,1].
        ([b"1,2,3"], b"1\n", "text/csv", "$", [b"1,2,3,1"]),
        ([b"1,2", b"3,4"], b"0.5\r\n0.7\r\n", "text/csv", "$[0,-1]", [b"1,0.5", b"3,0.7"]),
        ([b"1,2", b"3,4"], b"0.5,a\n0.7,b", "text/csv", "$[2:]", [b"0.5,a", b"0.7,b"]),
        ([b"1", b"2"], b"[0.5, 0.7]", "application/json", "$", [b"1,0.5", b"2,0.7"]),
        ([b"1", b"2"], b'[[1, "a,b"], [2, "c"]]', "application/json", "$", [b'1,1,"a,b"', b"2,2,c"]),
    ],
)
def test_rows_joined(
    records: Sequence[bytes], body: bytes, content_type: str, stored: str, expected: list[bytes]
) -> None:
    assert processing("$", stored, csv=True).stored(records, body, content_type) == expected


@pytest.mark.parametrize(
    ("records", "body", "stored", "expected"),
    [
        # The guide: {"key":1} with {"label":1}.
        ([b'{"key":1}'], b'{"label":1}', "$", [b'{"key":1,"SageMakerOutput":{"label":1}}']),
        ([b"[1, 2]"], b"[0.5]\n", "$", [b'{"SageMakerInput":[1,2],"SageMakerOutput":[0.5]}']),
        (
            [b'{"id": 1, "features": [1]}', b'{"id": 2, "features": [2]}'],
            b'{"p": 0.1}\n{"p": 0.2}\n',
            "$['id','SageMakerOutput']",
            [b'{"id":1,"SageMakerOutput":{"p":0.1}}', b'{"id":2,"SageMakerOutput":{"p":0.2}}'],
        ),
        ([b'{"a":1}', b'{"a":2}'], b"[3, 4]", "$.SageMakerOutput", [b"3", b"4"]),
        ([b'{"SageMakerOutput":0}'], b"1", "$", [b'{"SageMakerOutput":1}']),
    ],
)
def test_objects_joined(records: Sequence[bytes], body: bytes, stored: str, expected: list[bytes]) -> None:
    assert processing("$", stored).stored(records, body, "application/json") == expected


def test_answers_alone_are_filtered_too() -> None:
    found = processing("$", "$[1]", join=False, csv=True).stored([b"1", b"2"], b"a,b\nc,d\n", "text/csv")
    assert found == [b"b", b"d"]


@pytest.mark.parametrize(
    ("csv", "body", "content_type", "stored", "expected"),
    [
        # Rows that are answered with JSON: what is stored is what was answered.
        (True, b'[{"class": "a"}, {"class": "b"}]', "application/json", "$['class']", [b'"a"', b'"b"']),
        (True, b'{"class": "a"}\n{"class": "b"}\n', "application/jsonlines", "$.class", [b'"a"', b'"b"']),
        (True, b"[0.5, 0.7]", "application/json", "$", [b"0.5", b"0.7"]),
        (True, b"[[1, 2], [3, 4]]", "application/json", "$[1]", [b"2", b"4"]),
        (True, b"1,2\n3,4\n", "text/plain", "$[1]", [b"2", b"4"]),
        # Objects that are answered with rows.
        (False, b"1,2\n3,4\n", "text/csv", "$[1]", [b"2", b"4"]),
    ],
)
def test_answers_alone_keep_their_own_form(
    csv: bool, body: bytes, content_type: str, stored: str, expected: list[bytes]
) -> None:
    found = processing("$", stored, join=False, csv=csv).stored([b"1", b"2"], body, content_type)
    assert found == expected


@pytest.mark.parametrize(("csv", "body"), [(True, b"1\n"), (False, b'{"predictions": [1, 2]}'), (True, b"")])
def test_as_many_answers_as_records(csv: bool, body: bytes) -> None:
    with pytest.raises(ObjectError, match=r"has answered \d records to 2"):
        processing(csv=csv).stored([b"1", b"2"], body, "text/csv")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=5), min_size=1))
def test_fields_put_together_again_are_the_row(cells: list[str]) -> None:
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if set(cell) & {",", '"'} else cell for cell in cells]
    row = ",".join(quoted).encode()
    assert fields(row) == [cell.encode() for cell in quoted]
