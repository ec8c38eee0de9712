from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepmill.language.pipelines.cycles import cycles


def test_a_chain_has_no_cycle() -> None:
    assert list(cycles({"a": ["b"], "b": ["c"], "c": []})) == []


def test_a_diamond_has_no_cycle() -> None:
    assert list(cycles({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})) == []


def test_a_cycle_is_told_in_the_order_of_waiting() -> None:
    assert list(cycles({"x": [], "a": ["b"], "b": ["c"], "c": ["a", "x"]})) == [("a", "b", "c")]


def test_a_shortest_cycle_is_told() -> None:
    assert list(cycles({"a": ["b", "c"], "b": ["d"], "c": ["a"], "d": ["a"]})) == [("a", "c")]


def test_a_node_that_waits_for_itself() -> None:
    assert list(cycles({"a": ["a"]})) == [("a",)]


def test_two_separate_cycles_are_both_told() -> None:
    assert sorted(cycles({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]})) == [("a", "b"), ("c", "d")]


def test_unknown_nodes_are_ignored() -> None:
    assert list(cycles({"a": ["nobody"]})) == []


def test_a_ring_of_a_hundred_thousand_does_not_exhaust_the_stack() -> None:
    size = 100_000
    (found,) = cycles({str(i): [str((i + 1) % size)] for i in range(size)})
    assert len(found) == size


_GRAPHS = st.dictionaries(st.integers(0, 8).map(str), st.lists(st.integers(0, 8).map(str), max_size=4))


@given(_GRAPHS)
def test_what_is_told_is_a_cycle(graph: dict[str, list[str]]) -> None:
    for cycle in cycles(graph):
        assert all(
            after in graph[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True)
        )
        assert len(set(cycle)) == len(cycle)


@given(_GRAPHS)
def test_a_graph_without_cycles_can_be_sorted(graph: dict[str, list[str]]) -> None:
    has_cycle = bool(list(cycles(graph)))
    left = dict(graph)
    while free := [node for node, waits in left.items() if not any(each in left for each in waits)]:
        for node in free:
            del left[node]
    assert has_cycle == bool(left)
