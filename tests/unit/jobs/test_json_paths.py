from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json
from stepmill.jobs.json_paths import look_up, parse_path


@pytest.mark.parametrize(
    ("path", "elements"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a['key with.dots'][1]", ("a", "key with.dots", 1)),
        ('a["k"]', ("a", "k")),
        ("Result[0]", ("Result", 0)),
        ("[0].a", (0, "a")),
        ("['a'].b", ("a", "b")),
        ("a-b.c_d.1", ("a-b", "c_d", "1")),
        ("a['']", ("a", "")),
        (
            "multiclass_classification_metrics.accuracy.value",
            ("multiclass_classification_metrics", "accuracy", "value"),
        ),
        ("a['b'].c['d.e'][2][3]", ("a", "b", "c", "d.e", 2, 3)),
    ],
)
def test_a_path_has_these_elements(path: str, elements: tuple[str | int, ...]) -> None:
    assert parse_path(path) == elements


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "a[",
        "a[]",
        "a[x]",
        "a[-1]",
        "a['b",
        "a]b",
        "a'b'",
        "a[0]b",
        "a['b']c",
        "a.[0]",
        "a[1",
        "['a']b",
        "a[1.5]",
        "a[" + "9" * 40 + "]",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a path"):
        parse_path(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("m.mse.value", 1.5),
        ("m.mse", {"value": 1.5, "unit": None}),
        ("m.mse.unit", None),
        ("list[1].x", True),
        ("list[0]", 3),
        ("m['a.b']", "dotted"),
        ("list", [3, {"x": True}]),
    ],
)
def test_what_stands_at_a_path(path: str, value: Json) -> None:
    document = {"m": {"mse": {"value": 1.5, "unit": None}, "a.b": "dotted"}, "list": [3, {"x": True}]}
    assert look_up(document, path) == value


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"mse": 1, "mae": 2}, "msa", ["the keys at the top are 'mse', 'mae'", "Did you mean 'ms"]),
        ({"m": {"rmse": 1}}, "m.mse", ["at 'm' are 'rmse'", "Did you mean 'm.rmse'"]),
        ({"m": [1, 2]}, "m[2]", ["the list at 'm' has 2 elements"]),
        ({"m": [1]}, "m.x", ["the list at 'm' has 1 elements"]),
        ({"m": "text"}, "m.x", ["stands str, which holds nothing"]),
        ({"m": None}, "m[0]", ["stands null, which holds nothing"]),
        ({"m": {"0": 1}}, "m[0]", ["the keys at 'm' are '0'"]),
        ({"a.b": {"c": 1}}, "a.b.c", ["A key with dots is written \"['a.b']\""]),
        ({}, "a", ["the keys at the top are none"]),
        ({str(n): n for n in range(50)}, "x", ["and 38 more"]),
        (3, "a", ["at the top stands int"]),
    ],
)
def test_what_is_missing_is_explained(document: Json, path: str, words: list[str]) -> None:
    with pytest.raises(NotFoundError) as caught:
        look_up(document, path, where="s3://b/report.json")
    assert f"There is nothing at {path!r}" in caught.value.what
    assert caught.value.where == "s3://b/report.json"
    for word in words:
        assert word in str(caught.value)


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="'\""), max_size=5)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=10,
)


def every_path(document: Json, path: str = "") -> list[tuple[str, Json]]:
    found = [(path, document)] if path else []
    if isinstance(document, dict):
        for key, below in document.items():
            plain = re.fullmatch(r"[^.\[\]'\"]+", key) is not None
            step = (f".{key}" if path else key) if plain else f"['{key}']"
            found += every_path(below, path + step)
    elif isinstance(document, list):
        for index, below in enumerate(document):
            found += every_path(below, f"{path}[{index}]")
    return found


@given(DOCUMENTS)
def test_every_value_can_be_looked_up(document: Json) -> None:
    for path, value in every_path(document):
        assert look_up(document, path) == value


@given(st.text(max_size=30), DOCUMENTS)
def test_no_path_raises_anything_else(path: str, document: Json) -> None:
    try:
        look_up(document, path)
    except (InvalidInputError, NotFoundError) as error:
        assert error.what
