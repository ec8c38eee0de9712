"""Every step has one line, below one of those it waits for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepmill.cli.graph import Row, arrange


def drawing(after: dict[str, list[str]]) -> list[str]:
    return [row.branch + row.name for row in arrange(after)]


def test_a_chain_goes_down_step_by_step() -> None:
    assert drawing({"A": [], "B": ["A"], "C": ["B"]}) == ["A", "└─ B", "   └─ C"]


def test_siblings_share_a_line() -> None:
    assert drawing({"A": [], "B": ["A"], "C": ["A"], "D": ["B"]}) == ["A", "├─ B", "│  └─ D", "└─ C"]


def test_a_step_hangs_below_the_last_it_waits_for_and_names_the_others() -> None:
    rows = arrange({"A": [], "B": ["A"], "C": ["A", "B"]})
    assert rows[2] == Row("C", "   └─ ", ("A",))


def test_the_order_of_the_document_does_not_matter_for_what_hangs_where() -> None:
    assert drawing({"C": ["B"], "B": ["A"], "A": []}) == ["A", "└─ B", "   └─ C"]


def test_unknown_names_are_passed_over() -> None:
    assert drawing({"A": ["gone"]}) == ["A"]


def test_a_chain_longer_than_pythons_stack_is_drawn() -> None:
    names = [f"s{number}" for number in range(5_000)]
    after = {name: names[number - 1 : number] if number else [] for number, name in enumerate(names)}
    assert len(arrange(after)) == 5_000


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    size = draw(st.integers(0, 12))
    after = {
        f"s{n}": [f"s{m}" for m in draw(st.lists(st.integers(0, max(n - 1, 0)), unique=True)) if m < n]
        for n in range(size)
    }
    order = draw(st.permutations(sorted(after)))
    return {name: after[name] for name in order}


@given(graphs())
def test_every_step_has_one_line_and_stands_below_its_needs(after: dict[str, list[str]]) -> None:
    rows = arrange(after)
    lines = {row.name: number for number, row in enumerate(rows)}
    assert sorted(lines) == sorted(after)
    assert len(rows) == len(after)
    for row in rows:
        needs = after[row.name]
        assert set(row.also_after) <= set(needs)
        assert len(row.also_after) == max(len(needs) - 1, 0)
        hung = set(needs) - set(row.also_after)
        assert all(lines[need] < lines[row.name] for need in hung)
