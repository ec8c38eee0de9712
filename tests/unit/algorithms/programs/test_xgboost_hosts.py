"""XGBoost on several hosts, held against one host: threads here, with real connections between them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from support.algorithm_jobs import Trained, Trainer, csv_of

xgb = pytest.importorskip("xgboost")

pytestmark = pytest.mark.usefixtures("quick_hosts")

RANDOM = np.random.default_rng(4)
# Few values: where the sketches of the hosts are put together, the cuts are those of one host.
X = RANDOM.integers(0, 12, (160, 3)).astype(float)
Y = (X[:, 0] * 2 + X[:, 1] ** 2 + RANDOM.normal(size=160)).round(3)
CLASS = (X[:, 0] + X[:, 1] > 10).astype(int)
THREE = np.digitize(X[:, 0], [4, 8])
CUT = 60
BODY = csv_of(X[:9])


def halves(labels: Any) -> list[dict[str, bytes]]:
    parts = (slice(0, CUT), slice(CUT, None))
    return [{"train": csv_of(labels[at], X[at]), "validation": csv_of(labels[at], X[at])} for at in parts]


def whole(labels: Any) -> dict[str, bytes]:
    return dict.fromkeys(("train", "validation"), csv_of(labels, X))


def scores(trained: Trained) -> list[Any]:
    return [row["score"] for row in trained.predictions(BODY)]


def rounds(log: str) -> dict[tuple[str, str], float]:
    """Return the metrics that were told: of which round, what -> its value."""
    lines = [line.split("\t") for line in log.splitlines() if line.startswith("[") and "\t" in line]
    pairs = [(line[0], *cell.split(":")) for line in lines for cell in line[1:]]
    assert len(pairs) == len({pair[:2] for pair in pairs}), "told twice"
    return {(number, name): float(value) for number, name, value in pairs}


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        (Y, {"eval_metric": "rmse,mae"}),
        (CLASS, {"objective": "binary:logistic", "eval_metric": "logloss,accuracy,f1"}),
        (THREE, {"objective": "multi:softprob", "num_class": 3, "eval_metric": "mlogloss,accuracy"}),
    ],
)
def test_shards_give_what_one_host_gives(trainer: Trainer, labels: Any, more: dict[str, Any]) -> None:
    asked = {"num_round": 5, "max_depth": 3, "tree_method": "hist", **more}
    one = trainer("xgboost", asked, whole(labels))
    first, second = trainer.together("xgboost", asked, halves(labels))
    assert (first.code, second.code) == (0, 0), first.log + first.failure
    assert np.array(scores(first)) == pytest.approx(np.array(scores(one)), rel=1e-4)
    assert rounds(first.log) == pytest.approx(rounds(one.log), abs=2e-5)
    # The model is written once, and what is told is told once.
    assert list(second.model.iterdir()) == []


def test_a_host_without_files_helps(trainer: Trainer) -> None:
    asked = {"num_round": 3, "objective": "multi:softprob", "num_class": 3, "eval_metric": "accuracy"}
    one = trainer("xgboost", asked, whole(THREE))
    given = [whole(THREE), {}]
    first, second = trainer.together("xgboost", asked, given, channels=("train", "validation"))
    assert (first.code, second.code) == (0, 0), first.log + second.failure
    assert np.array(scores(first)) == pytest.approx(np.array(scores(one)), rel=1e-4)


def test_sparse_rows_need_not_be_equally_wide(trainer: Trainer) -> None:
    narrow = b"1 0:1\n2 0:2\n3 0:3\n" * 9
    wide = b"4 0:1 2:1\n5 0:2 2:1\n6 0:3 2:1\n" * 9
    asked = {"num_round": 4, "min_child_weight": 0}
    one = trainer("xgboost", asked, {"train": narrow + wide}, "text/libsvm")
    first, _ = trainer.together("xgboost", asked, [{"train": narrow}, {"train": wide}], "text/libsvm")
    assert first.code == 0, first.failure
    assert scores(first) == pytest.approx(scores(one), rel=1e-4)


def test_rows_that_are_not_equally_wide_are_refused(trainer: Trainer) -> None:
    found = trainer.together("xgboost", {"num_round": 1}, [{"train": b"1,2,3\n"}, {"train": b"1,2\n"}])
    assert ["do not have equally many features" in host.failure for host in found] == [True, True]


def test_hosts_stop_early_together(trainer: Trainer) -> None:
    asked = {"num_round": 60, "eta": 1, "early_stopping_rounds": 2, "eval_metric": "rmse"}
    noise = RANDOM.normal(size=160)
    data = [
        {"train": csv_of(noise[at], X[at]), "validation": csv_of(noise[at][::-1], X[at])}
        for at in (slice(0, CUT), slice(CUT, None))
    ]
    first, second = trainer.together("xgboost", asked, data)
    assert (first.code, second.code) == (0, 0), first.log
    told = {number for number, _ in rounds(first.log)}
    assert 2 < len(told) < 60


def test_hosts_go_on_from_a_checkpoint_together(trainer: Trainer) -> None:
    asked = {"max_depth": 3, "eval_metric": "rmse"}
    through = trainer.together("xgboost", {**asked, "num_round": 5}, halves(Y))
    trainer.together("xgboost", {**asked, "num_round": 2}, halves(Y), checkpoints=True)
    first, second = trainer.together("xgboost", {**asked, "num_round": 5}, halves(Y), checkpoints=True)
    assert (first.code, second.code) == (0, 0), first.log
    assert first.log.count("Resuming from iteration 2") == 2
    assert sorted(number for number, _ in rounds(first.log)) == ["[2]", "[2]", "[3]", "[3]", "[4]", "[4]"]
    assert scores(first) == pytest.approx(scores(through[0]), rel=1e-5)
    kept = [sorted(path.name for path in host.base.glob("checkpoints/*")) for host in (first, second)]
    assert kept == [[f"xgboost-checkpoint.{number}" for number in range(5)], []]


def test_weights_and_missing_values_of_shards(trainer: Trainer) -> None:
    weighted = csv_of(Y, np.arange(160) % 3 + 1, X).replace(b",0.0", b",")
    lines = weighted.splitlines(keepends=True)
    asked = {"num_round": 3, "csv_weights": 1, "max_depth": 2}
    one = trainer("xgboost", asked, {"train": weighted})
    given = [{"train": b"".join(lines[:CUT])}, {"train": b"".join(lines[CUT:])}]
    first, _ = trainer.together("xgboost", asked, given)
    assert first.code == 0, first.failure
    assert scores(first) == pytest.approx(scores(one), rel=1e-4)


def test_what_the_customer_can_mend_ends_all(trainer: Trainer) -> None:
    asked = {"num_round": 2, "objective": "multi:softmax", "num_class": 2}
    found = trainer.together("xgboost", asked, halves(THREE))
    assert [host.code for host in found] == [2, 2], json.dumps([host.failure for host in found])
