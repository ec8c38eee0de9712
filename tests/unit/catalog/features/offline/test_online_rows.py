from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.catalog.features.offline.online_rows import _bodies, _texts
from stepmill.catalog.features.online import decode_values


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=5))
def test_numbers_are_the_shortest_texts_that_mean_them(values: list[float | None]) -> None:
    texts = _texts(pa.chunked_array([values[:2], values[2:]], pa.float64()))
    assert texts == [None if value is None else repr(value) for value in values]


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.int64(), [5, None, -(2**63)], ["5", None, str(-(2**63))]),
        (pa.int64(), [2**63 - 1], [str(2**63 - 1)]),
        (pa.float64(), [1.0, 1e-5, math.inf, -0.0], ["1.0", "1e-05", "inf", "-0.0"]),
        (pa.string(), ["ä", "", None], ["ä", "", None]),
        (pa.string(), ["x\0y"], ["x\0y"]),
        (pa.list_(pa.float64()), [[0.5, 1.0], [], None], [["0.5", "1.0"], [], None]),
        (pa.list_(pa.string()), [["a"]], [["a"]]),
        (pa.string(), [], []),
    ],
)
def test_values_are_told_as_on_the_wire(kind: pa.DataType, values: list[Any], texts: list[Any]) -> None:
    assert _texts(pa.chunked_array([values], kind)) == texts


@pytest.mark.parametrize("second", [7, None])
def test_what_is_null_is_not_in_a_body(second: int | None) -> None:
    table = pa.table({"id": ["a", "b"], "n": pa.array([5, second], pa.int64())})
    bodies = [decode_values(body) for body in _bodies(table)]
    assert bodies[0] == {"id": "a", "n": "5"}
    assert bodies[1] == ({"id": "b"} if second is None else {"id": "b", "n": "7"})
