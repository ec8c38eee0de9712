"""The members of a document as values of a table."""

from __future__ import annotations

import pytest

from stepmill.engine.whole_runs import members_of


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ('{"a": 1, "b": 0.5, "c": "x"}', {"a": 1, "b": 0.5, "c": "x"}),
        ('{"d": true, "e": null}', {"d": True, "e": None}),
        ('{"a": {"b": [1, "ü"]}}', {"a": '{"b":[1,"ü"]}'}),
        ("[1, 2]", {"input": "[1,2]"}),
        ('"text"', {"input": "text"}),
        ("null", {"input": None}),
        ("{}", {}),
        ("no JSON", {}),
        ("", {}),
        ("[" * 5000 + "]" * 5000, {}),
    ],
)  # fmt: skip
def test_each_member_is_a_value(text: str, members: dict[str, object]) -> None:
    assert members_of(text, "input") == members


def test_long_things_are_cut_and_the_longest_not_read() -> None:
    long = '{"' + "k" * 900 + '": "' + "v" * 900 + '"}'
    [(key, value)] = members_of(long, "input").items()
    assert (len(key), len(str(value)), str(value)[-1]) == (500, 500, "…")
    assert len(members_of("{" + ",".join(f'"{n}": 1' for n in range(1000)) + "}", "input")) == 200
    assert members_of('"' + "x" * 300_000 + '"', "input") == {}
