"""Plays definitions, right and wrong ones, and holds the diagnostics against what the service answers.

A message that is null is not held: its words are not known for certain.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepmill.language.states.checking import check
from stepmill.language.states.diagnostics import diagnostics

FOLDER = Path(__file__).parent / "definitions"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['says']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
]


@pytest.mark.parametrize("case", CASES)
def test_a_definition_gets_its_diagnostics(case: dict[str, Any]) -> None:
    checked = check(json.dumps(case["definition"]), machine_type=case.get("type", "STANDARD"))
    told = diagnostics(checked.findings)
    expected = case["diagnostics"]
    assert [(each.code, each.location) for each in told] == [
        (each["code"], each["location"]) for each in expected
    ]
    for each, wanted in zip(told, expected, strict=True):
        assert wanted["message"] in (None, each.message)
    assert (checked.machine is None) == bool(expected)


def test_every_file_names_its_source() -> None:
    assert all(json.loads(path.read_text())["source"] for path in FOLDER.glob("*.json"))
