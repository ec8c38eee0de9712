"""Twelve records: four of group d, eight of a, with counts that can be done on fingers.

d: tp 1, fn 1, fp 1, tn 1. a: tp 4, fn 1, fp 1, tn 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.checks.programs.bias import DESCRIPTIONS, Groups, MetricError, measure
from stepmill.jobs.checks.programs.clarify_config import METHODS

D = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
TRUE = [1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0]
SAID = [1, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0]
STRATA = ["x", "x", "y", "y", "x", "x", "y", "y", "x", "x", "y", "y"]


def flags(values: Sequence[Any]) -> Any:
    return np.array(values, dtype=bool)


def groups(
    sensitive: Sequence[Any] = D,
    true: Sequence[Any] = TRUE,
    said: Sequence[Any] = SAID,
    strata: Sequence[str] | None = STRATA,
    features: Sequence[Sequence[float]] | None = None,
) -> Groups:
    return Groups(
        flags(sensitive),
        flags(true),
        flags(said),
        None if strata is None else np.array(strata),
        None if features is None else np.array(features, dtype=float),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CI", (8 - 4) / 12),
        ("DPL", 5 / 8 - 2 / 4),
        ("KL", 3 / 8 * math.log(3 / 4) + 5 / 8 * math.log(5 / 4)),
        (
            "JS",
            (
                3 / 8 * math.log(6 / 7)
                + 5 / 8 * math.log(10 / 9)
                + 1 / 2 * math.log(8 / 7)
                + 1 / 2 * math.log(8 / 9)
            )
            / 2,
        ),
        ("LP", math.sqrt(2) / 8),
        ("TVD", 1 / 8),
        ("KS", 1 / 8),
        # x: rejected 1 of a; accepted 2 of d and 3 of a. y: rejected 2 of d and 2 of a; accepted 2 of a.
        ("CDDL", (6 * (0 - 2 / 5) + 6 * (2 / 4 - 0)) / 12),
        ("DPPL", 5 / 8 - 2 / 4),
        ("DI", (2 / 4) / (5 / 8)),
        ("DCAcc", 5 / 5 - 2 / 2),
        ("DCR", 2 / 2 - 3 / 3),
        ("RD", 4 / 5 - 1 / 2),
        ("SD", 1 / 2 - 2 / 3),
        ("DAR", 4 / 5 - 1 / 2),
        ("DRR", 1 / 2 - 2 / 3),
        ("AD", 6 / 8 - 2 / 4),
        ("TE", 1 / 1 - 1 / 1),
        # x: rejected 1 of d and 1 of a; accepted 1 of d and 3 of a. y: 1 of d and 2 of a; 1 of d and 2 of a.
        ("CDDPL", (6 * (1 / 2 - 1 / 4) + 6 * (1 / 3 - 1 / 3)) / 12),
        # Eight are treated as they should be, two better, two worse; the mean benefit is 1.
        ("GE", (8 * 0 + 2 * 3 - 2 * 1) / 12 / 2),
    ],
)
def test_a_metric_by_hand(name: str, value: float) -> None:
    assert measure(name, groups()) == pytest.approx(value, abs=1e-12)


def test_conditional_outcomes_that_differ() -> None:
    # d: true 1 of 2, said 2 of 2. a: true 2 of 3, said 1 of 3.
    found = groups([1, 1, 0, 0, 0], [1, 0, 1, 1, 0], [1, 1, 1, 0, 0], None)
    assert measure("DCAcc", found) == 2 / 1 - 1 / 2
    # Rejected: d 1 and never said, a 1 and said twice.
    assert measure("DCR", found) == math.inf


def test_treatment_that_differs() -> None:
    found = groups([1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 1], None)
    assert measure("TE", found) == 2 / 1 - 1 / 2


def test_a_share_of_nothing() -> None:
    # Nothing is said to be positive: of a, so that the ratio is infinite; of both, so that it is zero.
    assert measure("DI", groups([1, 0], [1, 1], [1, 0], None)) == math.inf
    assert measure("DI", groups([1, 0], [1, 1], [0, 0], None)) == 0.0
    # Both infinite: no difference.
    assert measure("DCAcc", groups([1, 0], [1, 1], [0, 0], None)) == 0.0


@pytest.mark.parametrize(
    ("own", "said", "value"),
    [(0.1, [0, 1, 0], 1.0), (0.1, [1, 1, 0], 0.0), (9.0, [1, 1, 0], -1.0)],
    ids=["worse than the nearest", "as the nearest", "better than the nearest"],
)
def test_the_flip_test_asks_the_nearest(own: float, said: list[int], value: float) -> None:
    features = [[own], [0.0], [10.0]]
    assert measure("FT", groups([1, 0, 0], [1, 1, 1], said, None, features)) == value


def test_five_neighbours_vote_once_there_are_ten() -> None:
    # The nearest one says no, and four of the five nearest say yes.
    features = [[0.0], [0.1], *([float(n)] for n in range(1, 10))]
    said = [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert measure("FT", groups([1] + [0] * 10, [1] * 11, said, None, features)) == 1.0
    assert measure("FT", groups([1] + [0] * 9, [1] * 10, said[:10], None, features[:10])) == 0.0


@pytest.mark.parametrize(
    ("name", "found", "reason"),
    [
        ("CI", groups([0, 0], [1, 0], [1, 0], None), "No record is of"),
        ("CI", groups([1, 1], [1, 0], [1, 0], None), "All records are of"),
        ("KL", groups([1, 0], [1, 0], [1, 0], None), "no label in common"),
        ("CDDL", groups([1, 0], [1, 1], [1, 1], ["x", "x"]), "All labels are positive"),
        ("CDDL", groups(strata=None), "no group variable"),
        ("FT", groups(), "all numbers"),
        ("GE", groups([1, 0], [1, 1], [0, 0], None), "false negatives"),
    ],
)
def test_what_has_no_value_says_why(name: str, found: Groups, reason: str) -> None:
    with pytest.raises(MetricError, match=reason):
        measure(name, found)


def test_every_metric_is_described() -> None:
    assert set(DESCRIPTIONS) == {name for names in METHODS.values() for name in names}


RECORDS = st.lists(st.tuples(*[st.booleans()] * 3, st.sampled_from("xyz")), min_size=2, max_size=40).filter(
    lambda records: len({one[0] for one in records}) == 2
)


@given(RECORDS)
def test_metrics_are_within_their_ranges(records: list[tuple[bool, bool, bool, str]]) -> None:
    found = groups(*([one[place] for one in records] for place in range(4)))
    for name in DESCRIPTIONS:
        try:
            value = measure(name, found)
        except MetricError:
            continue
        least = 0.0 if name in ("KL", "JS", "LP", "TVD", "KS", "DI", "GE") else -math.inf
        if name in ("CI", "DPL", "DPPL", "RD", "SD", "DAR", "DRR", "AD", "CDDL", "CDDPL", "FT"):
            least = -1.0
        # KL is summed over the labels that both groups have, and may be less than zero for it.
        least = -math.inf if name in ("KL", "JS") else least
        most = 1.0 if least == -1.0 else math.inf
        assert least <= value <= most, name


@given(RECORDS)
def test_conditional_disparity_by_brute_force(records: list[tuple[bool, bool, bool, str]]) -> None:
    sensitive, true, _, strata = ([one[place] for one in records] for place in range(4))
    if all(true) or not any(true):
        return
    total = 0.0
    for stratum in set(strata):
        inside = [(d, label) for d, label, one in zip(sensitive, true, strata, strict=True) if one == stratum]
        rejected = [d for d, label in inside if not label]
        accepted = [d for d, label in inside if label]
        share = [sum(each) / len(each) if each else 0.0 for each in (rejected, accepted)]
        total += len(inside) * (share[0] - share[1])
    found = groups(sensitive, true, true, [str(one) for one in strata])
    assert measure("CDDL", found) == pytest.approx(total / len(records), abs=1e-12)


@given(RECORDS)
def test_swapping_the_groups_turns_differences_round(records: list[tuple[bool, bool, bool, str]]) -> None:
    sensitive, true, said, _ = ([one[place] for one in records] for place in range(4))
    there = groups(sensitive, true, said, None)
    back = groups([not one for one in sensitive], true, said, None)
    for name in ("CI", "DPL", "DPPL", "RD", "SD", "DAR", "DRR", "AD", "TE", "DCAcc", "DCR"):
        assert measure(name, there) == pytest.approx(-measure(name, back), abs=1e-12), name
