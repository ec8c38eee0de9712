"""What is wrong with rows that were given: each kind once for a column, how often, and some rows where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from stepmill.catalog.features.offline.columns import Bad
from stepmill.core.findings import Finding, Severity

_EXAMPLES = 3
_LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that can be wrong with a column.

    Args:
        code: Stable, upper snake case.
        column: Which; empty: with whole rows.
        place: The file; empty: there is none.
        says: What is wrong, as it follows the column's name.
        mend: What to do.
    """

    code: str
    column: str
    place: str
    says: str
    mend: str


@dataclass
class _Seen:
    count: int = 0
    examples: list[Bad] = field(default_factory=list)


class Troubles:
    """Gathers what is wrong. A million wrong rows take no more room than a few."""

    def __init__(self) -> None:
        self._seen: dict[Problem, _Seen] = {}

    def __bool__(self) -> bool:
        return bool(self._seen)

    def note(self, problem: Problem, bad: Sequence[Bad] = ()) -> None:
        """Note a problem, and the rows that have it, by their numbers in what was given."""
        seen = self._seen.setdefault(problem, _Seen())
        seen.count += len(bad)
        seen.examples += bad[: _EXAMPLES - len(seen.examples)]

    def findings(self) -> list[Finding]:
        """Return a finding for each problem, in the order in which they were met."""
        return [_finding(problem, seen) for problem, seen in self._seen.items()]


def _finding(problem: Problem, seen: _Seen) -> Finding:
    what = f"Column {problem.column!r}" if problem.column else "Rows"
    message = f"{what} {problem.says}"
    if seen.count:
        shown = ", ".join(_shown(bad) for bad in seen.examples)
        more = f" and {seen.count - len(seen.examples)} more" if seen.count > len(seen.examples) else ""
        message += f": {shown}{more}"
    first = f"[{seen.examples[0].row}]" if seen.examples and seen.examples[0].row >= 0 else ""
    path = f"{problem.column or 'rows'}{first}"
    where = f"{problem.place}, {path}" if problem.place else path
    return Finding(problem.code, Severity.ERROR, where, f"{message}.", problem.mend)


def _shown(bad: Bad) -> str:
    row = f"row {bad.row}" if bad.row >= 0 else "a row"
    if bad.value is None:
        return row
    text = repr(bad.value)
    return f"{text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + '...'} ({row})"
