"""The states of a machine as lines."""

from __future__ import annotations

from stepmill.cli.machines.graph import rows_of
from stepmill.language.states.definition import (
    Branch,
    Catcher,
    ChoiceRule,
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    QueryLanguage,
    State,
    TaskState,
)

PATHS = QueryLanguage.JSON_PATH


def go(name: str, to: str | None = None) -> PassState:
    return PassState(name=name, path=f"/States/{name}", query_language=PATHS, next=to)


def branch(*states: State) -> Branch:
    return Branch(start_at=states[0].name, states={state.name: state for state in states})


def drawn(machine: Branch) -> list[str]:
    return [f"{row.margin}{row.name}" for row in rows_of(machine)]


def test_a_chain_is_a_list() -> None:
    assert drawn(branch(go("A", "B"), go("B", "C"), go("C"))) == ["A", "B", "C"]


def test_a_loop_ends() -> None:
    assert drawn(branch(go("A", "B"), go("B", "A"))) == ["A", "B"]


def test_what_is_never_reached_comes_last() -> None:
    assert drawn(branch(go("A", "C"), go("B"), go("C"))) == ["A", "C", "B"]


def test_choices_and_catchers_are_ways() -> None:
    choice = ChoiceState(
        name="Which", path="", query_language=PATHS, choices=(ChoiceRule(next="Work"),), default="Rest"
    )
    work = TaskState(
        name="Work", path="", query_language=PATHS, resource="r", next="Rest",
        catch=(Catcher(errors=("States.ALL",), next="Bad"),),
    )  # fmt: skip
    bad = FailState(name="Bad", path="", query_language=PATHS)
    machine = branch(choice, go("Rest"), work, bad)
    assert drawn(machine) == ["Which", "Work", "Rest", "Bad"]
    assert [row.leads_to for row in rows_of(machine)] == [("Work", "Rest"), ("Rest", "Bad"), (), ()]
    assert [row.type for row in rows_of(machine)] == ["Choice", "Task", "Pass", "Fail"]


def test_branches_hang_below_their_state() -> None:
    each = MapState(name="Each", path="", query_language=PATHS, processor=branch(go("X", "Y"), go("Y")))
    both = ParallelState(
        name="Both",
        path="",
        query_language=PATHS,
        next="End",
        branches=(branch(go("L", "M"), go("M")), branch(each)),
    )
    assert drawn(branch(both, go("End"))) == [
        "Both",
        "├─ L",
        "│  M",
        "└─ Each",
        "   └─ X",
        "      Y",
        "End",
    ]
