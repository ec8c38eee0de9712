from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.states.json_faults import json_fault


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("not json", "Unrecognized token 'not': was expecting (JSON String, ", "line: 1, column: 4"),
        ('{"a":\n nope}', "Unrecognized token 'nope'", "line: 2, column: 6"),
        ("", "No content to map due to end-of-input", "line: 1, column: 1"),
        ('{"a":', "Unexpected end-of-input", "line: 1, column: 6"),
        ("{'a':1}", "Unexpected character (''' (code 39)): was expecting double-quote", "column: 3"),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon", "column: 7"),
    ],
)
def test_faults_are_told_with_their_place(text: str, said: str, place: str) -> None:
    told = json_fault(text)
    assert told.startswith(said)
    assert told.endswith(f"{place}]")


@given(st.text())
def test_any_text_has_a_sentence_that_is_not_much_longer(text: str) -> None:
    assert 0 < len(json_fault(text)) < 1_500
