from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError
from stepmill.language.pipelines.paths import parse_path


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("a['key with.dots'][1]", ("a", "key with.dots", 1)),
        ('a["b"]', ("a", "b")),
        (".a.b", ("a", "b")),
        ("[2]", (2,)),
        ("Result['k']", ("Result", "k")),
        ("x['it's']", ("x", "it's")),
        ("x['']", ("x", "")),
        ("x['a]b']", ("x", "a]b")),
        ("[0][1]", (0, 1)),
    ],
)
def test_a_path_is_read(text: str, elements: tuple[str | int, ...]) -> None:
    assert parse_path(text) == elements


@pytest.mark.parametrize(
    "text", ["a.", "a..b", "a[", "a[]", "a[-1]", "a[x]", "a['b]", "a]b", "a[1]b", "[1", "a[١]"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a path"):
        parse_path(text)


def test_an_index_has_a_sensible_length() -> None:
    with pytest.raises(InvalidInputError):
        parse_path(f"a[{'9' * 5000}]")


def test_a_key_has_a_sensible_length() -> None:
    with pytest.raises(InvalidInputError, match="longer than 1024"):
        parse_path("k" * 2000)


_KEYS = st.text(
    st.characters(exclude_characters=".[]'\"", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@given(st.lists(st.one_of(_KEYS, st.integers(0, 999_999_999))))
def test_what_is_written_is_read_back(elements: list[str | int]) -> None:
    text = "".join(f"[{each}]" if isinstance(each, int) else f"['{each}']" for each in elements)
    assert parse_path(text) == tuple(elements)


@given(st.text(alphabet="ab.[]'\"0"))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        elements = parse_path(text)
    except InvalidInputError:
        return
    assert all(isinstance(element, str | int) for element in elements)
