"""Values and items of DynamoDB for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_numbers = st.integers(-1000, 1000).map(str)
_bytes = st.binary(max_size=4)


def scalars() -> st.SearchStrategy[dict[str, Any]]:
    """Return values that hold no others."""
    return st.one_of(
        _texts.map(lambda text: {"S": text}),
        _numbers.map(lambda text: {"N": text}),
        _bytes.map(lambda content: {"B": content}),
        st.booleans().map(lambda truth: {"BOOL": truth}),
        st.just({"NULL": True}),
        st.lists(_texts, min_size=1, max_size=3, unique=True).map(lambda texts: {"SS": texts}),
        st.lists(_numbers, min_size=1, max_size=3, unique=True).map(lambda texts: {"NS": texts}),
        st.lists(_bytes, min_size=1, max_size=3, unique=True).map(lambda blobs: {"BS": blobs}),
    )


def values() -> st.SearchStrategy[dict[str, Any]]:
    """Return values of every type."""
    return st.recursive(
        scalars(),
        lambda below: st.one_of(
            st.lists(below, max_size=3).map(lambda elements: {"L": elements}),
            st.dictionaries(st.sampled_from("abc"), below, max_size=3).map(lambda pairs: {"M": pairs}),
        ),
        max_leaves=8,
    )


def items() -> st.SearchStrategy[dict[str, Any]]:
    """Return items with attributes of few names, so that conditions meet them."""
    return st.dictionaries(st.sampled_from(["a", "b", "c"]), values(), max_size=3)
