"""Whose turn it is: plain cases, then properties over any machine and any row of jobs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.machine.booking import Amount, Capacity, Ticket, ahead, booked, settle

LAPTOP = Capacity(2, 8)
SERVER = Capacity(16, 64, ("0", "1"))


def waits(key: str, cpus: float = 1, memory: int = 1, gpus: int = 0, at: float | None = None) -> Ticket:
    return Ticket(key, float(key) if at is None else at, Amount(cpus, memory, gpus))


def begun(tickets: tuple[Ticket, ...]) -> list[str]:
    return [ticket.key for ticket in tickets if ticket.has_begun]


def without(tickets: tuple[Ticket, ...], key: str) -> tuple[Ticket, ...]:
    return tuple(ticket for ticket in tickets if ticket.key != key)


def test_who_fits_begins() -> None:
    assert begun(settle(LAPTOP, [waits("1"), waits("2")])) == ["1", "2"]


def test_who_does_not_fit_waits() -> None:
    assert begun(settle(LAPTOP, [waits("1"), waits("2"), waits("3")])) == ["1", "2"]


def test_memory_counts_too() -> None:
    assert begun(settle(LAPTOP, [waits("1", memory=5), waits("2", memory=4)])) == ["1"]


def test_who_asked_first_comes_first_wherever_he_stands() -> None:
    assert begun(settle(LAPTOP, [waits("2", cpus=2), waits("1", cpus=2)])) == ["1"]


def test_small_ones_do_not_overtake_a_large_one_that_waits() -> None:
    row = settle(LAPTOP, [waits("1", cpus=1), waits("2", cpus=2), waits("3", cpus=1)])
    assert begun(row) == ["1"]
    row = settle(LAPTOP, without(row, "1"))
    assert begun(row) == ["2"]


def test_a_gap_that_the_large_one_has_no_use_for_is_filled() -> None:
    row = [
        replace(waits("1", gpus=2), has_begun=True, gpus=("0", "1")),
        waits("2", cpus=4, gpus=1),
        waits("3", cpus=8),
        waits("4", cpus=8),
    ]
    # 15 CPUs are free; 4 of them are kept for whoever waits for a GPU.
    assert begun(settle(SERVER, row)) == ["1", "3"]


def test_one_that_is_larger_than_the_machine_runs_alone() -> None:
    row = settle(LAPTOP, [waits("1", cpus=96, memory=768), waits("2")])
    assert begun(row) == ["1"]
    assert row[0].amount == Amount(2, 8)
    row = settle(LAPTOP, [waits("0"), waits("1", cpus=96)])
    assert begun(row) == ["0"]


def test_gpus_are_given_by_name_and_each_once() -> None:
    row = settle(SERVER, [waits("1", gpus=1), waits("2", gpus=1), waits("3", gpus=1)])
    assert [ticket.gpus for ticket in row] == [("0",), ("1",), ()]
    row = settle(SERVER, without(row, "1"))
    assert [ticket.gpus for ticket in row] == [("1",), ("0",)]


def test_where_there_is_no_gpu_none_is_waited_for() -> None:
    row = settle(LAPTOP, [waits("1", gpus=8), waits("2", gpus=8)])
    assert begun(row) == ["1", "2"]
    assert row[0].gpus == ()


def test_a_machine_that_became_smaller_lets_nobody_begin_until_there_is_room() -> None:
    running = replace(waits("1", cpus=8), has_begun=True)
    assert begun(settle(LAPTOP, [running, waits("2")])) == ["1"]
    # Whoever asks for nothing of what there is too little of, begins.
    assert begun(settle(LAPTOP, [running, waits("2", cpus=0)])) == ["1", "2"]


def test_how_many_are_ahead() -> None:
    row = settle(LAPTOP, [waits("1", cpus=2), waits("2"), waits("3"), waits("4")])
    assert [ahead(row, key) for key in ("2", "3", "4")] == [0, 1, 2]


amounts = st.builds(Amount, st.integers(0, 40).map(float), st.integers(0, 40), st.integers(0, 5))
capacities = st.builds(
    Capacity,
    st.integers(1, 16).map(float),
    st.integers(1, 16),
    st.integers(0, 4).map(lambda count: tuple(str(index) for index in range(count))),
)
rows = st.lists(st.tuples(amounts, st.integers(0, 5)), max_size=8).map(
    lambda each: [Ticket(str(i), float(at), amount) for i, (amount, at) in enumerate(each)]
)


@given(capacities, rows)
def test_never_more_is_booked_than_there_is(capacity: Capacity, row: list[Ticket]) -> None:
    assert booked(settle(capacity, row)).fits_into(capacity.amount)


@given(capacities, rows)
def test_no_gpu_is_two_jobs(capacity: Capacity, row: list[Ticket]) -> None:
    given_out = [gpu for ticket in settle(capacity, row) for gpu in ticket.gpus]
    assert len(given_out) == len(set(given_out))
    assert set(given_out) <= set(capacity.gpus)


@given(capacities, rows)
def test_settling_twice_changes_nothing(capacity: Capacity, row: list[Ticket]) -> None:
    once = settle(capacity, row)
    assert settle(capacity, once) == once


@given(capacities, rows)
def test_the_first_of_an_idle_machine_begins(capacity: Capacity, row: list[Ticket]) -> None:
    settled = settle(capacity, row)
    assert not row or min(settled, key=lambda t: (t.asked_at, t.key)).has_begun


@given(capacities, rows, amounts)
def test_whoever_comes_later_delays_nobody(capacity: Capacity, row: list[Ticket], amount: Amount) -> None:
    """Nobody who waits begins later because of one who asked after him."""
    late = Ticket("late", 99.0, amount)
    assert _rounds(capacity, (*row, late)) == _rounds(capacity, tuple(row))


def _rounds(capacity: Capacity, row: tuple[Ticket, ...]) -> list[list[str]]:
    """Return who of the others has begun after each round, in each of which the oldest of them ends."""
    rounds = []
    while any(ticket.key != "late" for ticket in row):
        row = settle(capacity, row)
        running = [ticket.key for ticket in row if ticket.has_begun and ticket.key != "late"]
        rounds.append(running)
        if not running:
            # Only the late one is under way: it ends then.
            row = without(row, "late")
            continue
        row = without(row, running[0])
    return rounds


@given(capacities, rows)
def test_everybody_gets_his_turn(capacity: Capacity, row: list[Ticket]) -> None:
    left = tuple(row)
    for _ in range(len(row)):
        left = settle(capacity, left)
        left = without(left, next(ticket.key for ticket in left if ticket.has_begun))
    assert left == ()
