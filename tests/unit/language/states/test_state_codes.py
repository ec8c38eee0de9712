from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepmill.language.states import codes, collector
from stepmill.language.states.codes import CODES, Code

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "reference" / "state-machine-findings.md"
ROW = re.compile(r"^\| `(?P<code>[A-Z_0-9]+)` \| (?P<meaning>.+) \| (?P<mend>.+) \|$", re.MULTILINE)


def listed(heading: str) -> dict[str, tuple[str, str]]:
    """Return the rows of the table below a heading of the page."""
    section = PAGE.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return {row["code"]: (row["meaning"], row["mend"]) for row in ROW.finditer(section)}


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_the_page_lists_every_code_as_the_program_has_it(severity: str) -> None:
    expected = {
        str(code): (info.meaning, info.mend) for code, info in CODES.items() if info.severity == severity
    }
    assert listed(f"{severity.capitalize()}s") == expected


def test_every_code_says_what_it_stands_for() -> None:
    assert set(CODES) == set(Code)


def test_every_code_is_used() -> None:
    folder = Path(codes.__file__).parent
    sources = "".join(path.read_text() for path in folder.rglob("*.py") if path.name != "codes.py")
    # The code of a JSONata problem comes by its name from the check of expressions.
    unused = [code for code in Code if f"Code.{code}" not in sources]
    assert unused == [Code.INVALID_JSONATA_EXPRESSION]


def test_the_page_says_how_many_findings_are_listed() -> None:
    assert f"{collector.MOST_ERRORS:,}" in PAGE.read_text()
