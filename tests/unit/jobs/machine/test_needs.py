"""What jobs need of a machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.machine.booking import Amount, Capacity
from stepmill.jobs.machine.needs import in_words, need_of, notes_of
from stepmill.jobs.requests.hosts import Host

GIB = 1 << 30
LAPTOP = Capacity(2, 16 * GIB)
SERVER = Capacity(64, 512 * GIB, ("0", "1", "2", "3"))


def hosts(*types: str) -> list[Host]:
    return [Host(f"algo-{index + 1}", kind) for index, kind in enumerate(types)]


@pytest.mark.parametrize(
    ("types", "machine", "need"),
    [
        (["ml.m5.large"], SERVER, Amount(2, 8 * GIB)),
        (["ml.m5.large"], LAPTOP, Amount(2, 8 * GIB)),
        (["ml.m5.24xlarge"], LAPTOP, Amount(2, 16 * GIB)),
        (["ml.m5.large", "ml.m5.xlarge"], SERVER, Amount(6, 24 * GIB)),
        (["ml.g5.12xlarge"], SERVER, Amount(48, 192 * GIB, 4)),
        (["ml.p3.16xlarge"], SERVER, Amount(64, 488 * GIB, 4)),
        (["ml.p3.2xlarge"], LAPTOP, Amount(2, 16 * GIB, 0)),
        (["ml.what.ever"], SERVER, Amount(1, GIB)),
        ([""], SERVER, Amount(1, GIB)),
    ],
)
def test_what_they_book(types: list[str], machine: Capacity, need: Amount) -> None:
    assert need_of(hosts(*types), machine) == need


@given(st.sampled_from(["ml.m5.large", "ml.p5.48xlarge", "ml.x.y", ""]), st.integers(1, 8))
def test_no_host_needs_more_than_the_machine(kind: str, cpus: int) -> None:
    machine = Capacity(float(cpus), 4 * GIB)
    assert need_of(hosts(kind), machine).fits_into(machine.amount)


def test_nothing_is_said_where_all_is_there() -> None:
    assert notes_of(hosts("ml.m5.24xlarge", "", "local"), LAPTOP) == ()
    assert notes_of(hosts("ml.g5.12xlarge"), SERVER) == ()


def test_what_is_missing_is_said_once() -> None:
    assert notes_of(hosts("ml.p3.8xlarge", "ml.p3.8xlarge"), LAPTOP) == (
        "ml.p3.8xlarge has 4 GPUs, and this machine has none",
    )
    assert notes_of(hosts("ml.p3.16xlarge"), SERVER) == ("ml.p3.16xlarge has 8 GPUs, and this machine has 4",)


def test_types_that_are_not_known_are_said() -> None:
    (note,) = notes_of(hosts("ml.x9." + "x" * 500), LAPTOP)
    assert note.startswith("ml.x9.xxx")
    assert len(note) < 200


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Amount(1, GIB), "1 CPU and 1 GiB"),
        (Amount(0.5, GIB // 2), "0.5 CPUs and 0.5 GiB"),
        (Amount(-2, -GIB), "0 CPUs and 0 GiB"),
        (Amount(8, 61 * GIB, 2), "8 CPUs, 61 GiB and 2 GPUs"),
    ],
)
def test_words(amount: Amount, words: str) -> None:
    assert in_words(amount) == words
