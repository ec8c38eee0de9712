from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from stepmill.catalog.features.offline.inference import features_of
from stepmill.core.errors import InvalidInputError, NotFoundError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def kinds(source: object, **more: Any) -> dict[str, str]:
    """Return column -> type, with its collection and dimension if it has one."""
    found = {}
    for each in features_of(source, event_time="at", **more):
        size = f"[{each.dimension}]" if each.dimension else ""
        found[each.name] = f"{each.type}{f' {each.collection}' if each.collection else ''}{size}"
    return found


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "Integral"),
        ([1.5, 2], "Fractional"),
        ([1, None], "Fractional"),  # as pandas holds whole numbers with gaps
        (["a", None], "String"),
        ([True, False], "String"),
        ([NOON, NOON], "String"),
        ([date(2026, 1, 1)] * 2, "String"),
        ([Decimal("1.5"), Decimal(2)], "Fractional"),
        ([[1, 2], [3]], "Integral List"),
        ([["a"], []], "String List"),
        ([1, "a"], "String"),
        (pd.array([1, None], "Int64"), "Integral"),
        (pd.Categorical(["a", "b"]), "String"),
        (pd.Categorical([7, 8]), "Integral"),
    ],
)
def test_columns_of_dataframes(values: Any, kind: str) -> None:
    frame = pd.DataFrame({"at": ["2026-01-01T00:00:00Z"] * 2, "x": values})
    assert kinds(frame) == {"at": "String", "x": kind}


def test_columns_of_arrow_and_their_order() -> None:
    table = pa.table(
        {
            "x": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2)),
            "at": pa.array([NOON], pa.timestamp("us", "UTC")),
            "y": pa.array([7], pa.uint8()),
        }
    )
    assert list(kinds(table).items()) == [("x", "Fractional Vector[2]"), ("at", "String"), ("y", "Integral")]


@pytest.mark.parametrize("seconds", [[1767225600], [1767225600.5]])
def test_event_times_that_are_seconds_are_fractional(seconds: list[float]) -> None:
    assert kinds(pd.DataFrame({"at": seconds})) == {"at": "Fractional"}


def test_what_all_values_of_a_text_file_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "at,whole,gaps,number,text\n2026-01-01T00:00:00Z,1,,1,1\n2026-01-01T00:00:00Z,2,3,1.5,x\n"
    )
    assert kinds(path) == {
        "at": "String",
        "whole": "Integral",
        "gaps": "Integral",
        "number": "Fractional",
        "text": "String",
    }


def test_a_type_that_is_said_is_not_guessed() -> None:
    frame = pd.DataFrame({"at": [1], "zip": [8000], "empty": [None]})
    assert kinds(frame, types={"zip": "String", "empty": "Fractional"}) == {
        "at": "Fractional",
        "zip": "String",
        "empty": "Fractional",
    }


@pytest.mark.parametrize(
    ("frame", "more", "says"),
    [
        ({"at": [1], "x": [None]}, {}, "The column 'x' holds nothing"),
        ({"at": [1], "x": [{"a": 1}]}, {}, "The column 'x' holds neither numbers nor texts"),
        ({"at": [1], "x": [[{"a": 1}]]}, {}, "The column 'x' holds neither numbers nor texts"),
        ({"x": [1]}, {}, "The table has no column 'at'"),
        ({"at": [1]}, {"types": {"x": "String"}}, "The table has no column 'x'"),
        ({"at": [1], "x": [1]}, {"types": {"x": "Text"}}, "'Text' is no type of a feature"),
        ({}, {}, "The table has no column 'at'"),
    ],
)
def test_what_cannot_be_told_is_refused(frame: dict[str, Any], more: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        features_of(pd.DataFrame(frame), event_time="at", **more)


def test_a_source_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        features_of(tmp_path / "none.csv", event_time="at")
    with pytest.raises(InvalidInputError, match="cannot be ingested"):
        features_of(7, event_time="at")
