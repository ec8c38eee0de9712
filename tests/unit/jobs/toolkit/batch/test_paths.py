"""Filters of batch transform jobs: the operators and the examples of AWS's guide."""

from __future__ import annotations

from typing import Any

import pytest

from stepmill.jobs.toolkit.stepmill_batch.errors import PathError
from stepmill.jobs.toolkit.stepmill_batch.paths import read_path

ROW = ["id", "a", "b", "c", "d", "pred"]
OBJECT: dict[str, Any] = {
    "id": 7,
    "features": [1, 2, 3],
    "SageMakerOutput": {"label": 1},
    "field1": {"child1": 1, "child2": 2, "child3": 3},
    "items": [{"id": 1}, {"id": 2}],
}


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("$", ROW, ROW),
        ("", ROW, ROW),
        ("$[0]", ROW, "id"),
        ("$[-1]", ROW, "pred"),
        ("$[1,3,5]", ROW, ["a", "c", "pred"]),
        ("$[0,-1]", ROW, ["id", "pred"]),
        ("$[5, -1]", ROW, ["pred", "pred"]),
        ("$[2:5]", ROW, ["b", "c", "d"]),
        ("$[:5]", ROW, ["id", "a", "b", "c", "d"]),
        ("$[2:]", ROW, ["b", "c", "d", "pred"]),
        ("$[0:-1]", ROW, ["id", "a", "b", "c", "d"]),
        ("$[:]", ROW, ROW),
        ("$[*]", ROW, ROW),
        ("$.id", OBJECT, 7),
        ("$['id']", OBJECT, 7),
        ("$.features", OBJECT, [1, 2, 3]),
        ("$.features[0]", OBJECT, 1),
        ("$.features[1:]", OBJECT, [2, 3]),
        ("$['id','SageMakerOutput']", OBJECT, {"id": 7, "SageMakerOutput": {"label": 1}}),
        ("$.SageMakerOutput.label", OBJECT, 1),
        ("$.field1.['child1','child2']", OBJECT, {"child1": 1, "child2": 2}),
        ("$.field1['child1', 'nobody']", OBJECT, {"child1": 1}),
        ("$.field1.*", OBJECT, [1, 2, 3]),
        ("$.items[*].id", OBJECT, [1, 2]),
    ],
)
def test_selects(text: str, value: Any, expected: Any) -> None:
    assert read_path(text).select(value) == expected


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("$[6]", ROW, r"there is no index 6: the array has 6 elements"),
        ("$[-7]", ROW, "no index -7"),
        ("$[0,9]", ROW, "no index 9"),
        ("$[6:]", ROW, "selects nothing"),
        ("$[0]", OBJECT, "what is no array"),
        ("$[0:1]", OBJECT, "what is no array"),
        ("$.nobody", OBJECT, "there is no 'nobody'"),
        ("$.id", ROW, "what is no object"),
        ("$.id.*", OBJECT, "what is no array"),
    ],
)
def test_what_is_not_there(text: str, value: Any, said: str) -> None:
    with pytest.raises(PathError, match=said):
        read_path(text).select(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # As AWS answers, of issues of the SDKs.
        (
            "$[0:2,246:]",
            r"only single range filters of format \(eg: \[1:5\]\) are supported. Format \[0:2,246:\]",
        ),
        (
            "$['account_id']",
            r'Unexpected "_" in JsonPath. Supported operators for "application/jsonlines" are',
        ),
        ("$[?(@.a)]", 'Unexpected "[?]"'),
        ("id", r"begins with \$"),
        ("$[0", "not closed"),
        ("$[]", "neither names nor indexes"),
        ("$['a',1]", "neither names nor indexes"),
        ("$[a]", "neither names nor indexes"),
        ("$..a", "cannot be read from"),
        ("$a", "cannot be read from"),
        ("$." + "a" * 62, "longer than 63"),
        ("$[1é]", "Unexpected"),
    ],
)
def test_what_is_no_path(text: str, said: str) -> None:
    with pytest.raises(PathError, match=said):
        read_path(text, content_type="application/jsonlines")


@pytest.mark.parametrize("text", ["$.a", "$['a']", "$[0][1]"])
def test_rows_have_no_names(text: str) -> None:
    with pytest.raises(PathError, match="A row of CSV data is an array"):
        read_path(text, content_type="text/csv", name="OutputFilter")
