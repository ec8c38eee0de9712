"""The page on JSONata: its tables are true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stepmill.language.states.jsonata.expression import Surroundings, compile_expression

PAGE = Path(__file__).parents[2] / "docs/reference/jsonata.md"
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE.read_text(), re.MULTILINE)


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize(("expression", "value"), ROWS)
def test_a_row_of_the_page_is_true(expression: str, value: str) -> None:
    given = compile_expression(expression).evaluate({}, {}, Surroundings(now_millis=1_700_000_000_000))
    assert given == json.loads(value)
