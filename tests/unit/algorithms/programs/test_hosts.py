"""Built-in algorithms on several hosts: threads here, with real connections between them."""

from __future__ import annotations

import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from stepmill.algorithms.programs import hosts as hosts_module
from stepmill.algorithms.programs.hosts import ALONE, PORT, HostLostError, Hosts, meet
from support.algorithm_jobs import Trained, Trainer, csv_of, jobs_of, on_each

pytestmark = pytest.mark.usefixtures("quick_hosts")

RANDOM = np.random.default_rng(8)
SPOTS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 5.0], [0.0, 10.0, -5.0], [10.0, 10.0, 0.0]])
NUMBERS = RANDOM.integers(0, 4, 300)
ROWS = (SPOTS[NUMBERS] + RANDOM.normal(scale=0.7, size=(300, 3))).round(3)
UNLABELLED = "text/csv;label_size=0"
# Shares that are not alike, as files are dealt out.
CUT = 110


class TestHosts:
    def test_one_host_is_with_itself(self) -> None:
        (job,) = jobs_of(1)
        with meet(job) as hosts:
            assert hosts is ALONE
            assert hosts.is_first
            assert [part.tolist() for part in hosts.gather(np.array([1, 2]))] == [[1, 2]]
            assert hosts.rows(np.array([1, 2])).tolist() == [1, 2]
            assert [float(each) for each in hosts.total(np.array(2.5), 3)] == [2.5, 3]
            assert hosts.each(4) == [4]
            assert hosts.first(lambda: np.array([7])).tolist() == [7]

    def test_all_get_what_each_has_in_the_order_of_the_hosts(self) -> None:
        shared = on_each(jobs_of(3), lambda hosts: hosts.rows(np.full((hosts.rank, 2), hosts.rank)))
        assert [rows.tolist() for rows in shared] == [[[1, 1], [2, 2], [2, 2]]] * 3

    def test_sums_are_the_same_bit_by_bit(self) -> None:
        parts = RANDOM.normal(size=(3, 5)) * 10.0 ** RANDOM.integers(-9, 9, (3, 5))
        sums = on_each(jobs_of(3), lambda hosts: hosts.total(parts[hosts.rank], hosts.rank + 1))
        for found, count in sums:
            assert found.tobytes() == (parts[0] + parts[1] + parts[2]).tobytes()
            assert count == 6

    def test_the_first_makes_what_all_get(self) -> None:
        made = []

        def make() -> Any:
            made.append(threading.current_thread())
            return np.array([4.0])

        assert on_each(jobs_of(2), lambda hosts: hosts.first(make).tolist()) == [[4.0]] * 2
        assert len(made) == 1

    def test_the_numbers_of_all(self) -> None:
        assert on_each(jobs_of(3), lambda hosts: hosts.each(hosts.rank * 10)) == [[0, 10, 20]] * 3

    def test_large_arrays_and_all_kinds_of_numbers(self) -> None:
        large = np.arange(1_500_000, dtype=np.float32)

        def ask(hosts: Hosts) -> list[Any]:
            return [hosts.gather(large + hosts.rank)[1][-1], hosts.gather(np.array("text"))[0].item()]

        assert on_each(jobs_of(2), ask) == [[1_500_000.0, "text"]] * 2

    def test_whoever_is_no_host_is_not_heard(self) -> None:
        jobs = jobs_of(2)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(on_each, jobs[:1], lambda hosts: hosts.each(1))
            for greeting in (b"GET / HTTP/1.1".ljust(36), b"GET"):
                with _connected(jobs[0].host) as stranger:
                    stranger.sendall(greeting)
                    stranger.shutdown(socket.SHUT_WR)
                    assert stranger.recv(1) == b""
            assert on_each(jobs[1:], lambda hosts: hosts.each(2)) == [[1, 2]]
            assert first.result() == [[1, 2]]

    def test_a_host_that_leaves_is_missed(self) -> None:
        def ask(hosts: Hosts) -> list[int]:
            if hosts.rank == 1:
                raise ZeroDivisionError
            return hosts.each(1)

        jobs = jobs_of(2)
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(on_each, [job], ask) for job in jobs]
            ends = [each.exception() for each in asked]
        assert isinstance(ends[0], HostLostError)
        assert "Another host has left the training" in str(ends[0])
        assert isinstance(ends[1], ZeroDivisionError)

    def test_a_host_that_never_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hosts_module, "LONGEST_WAIT_SECONDS", 0.2)
        for job in jobs_of(2):
            with pytest.raises(HostLostError, match="do not find each other"), meet(job):
                pass

    def test_objects_are_not_unpacked(self) -> None:
        here, there = socket.socketpair()
        with here, there:
            packed = io.BytesIO()
            np.save(packed, np.array([{"a": 1}], dtype=object), allow_pickle=True)
            here.sendall(hosts_module._SIZE.pack(packed.tell()) + packed.getvalue())
            with pytest.raises(ValueError, match="allow_pickle"):
                hosts_module._receive(there)


def _connected(host: str) -> socket.socket:
    while True:
        try:
            return socket.create_connection((host, PORT), timeout=10)
        except ConnectionRefusedError:
            continue


def arrays_of(trained: Trained) -> dict[str, Any]:
    with np.load(trained.model / "model_algo-1") as found:
        return dict(found)


def shares(*columns: Any, test: bool = True, cuts: tuple[int, ...] = (CUT,)) -> list[dict[str, bytes]]:
    parts = zip(*(np.split(np.asarray(column), cuts) for column in columns), strict=True)
    found = [csv_of(*part) for part in parts]
    return [{"train": part, **({"test": part} if test else {})} for part in found]


def whole(*columns: Any) -> dict[str, bytes]:
    return {"train": csv_of(*columns), "test": csv_of(*columns)}


def metrics(log: str, name: str) -> list[float]:
    return [float(line.rpartition("=")[2]) for line in log.splitlines() if f"test {name} <" in line]


class TestPca:
    ASKED = {"feature_dim": 3, "mini_batch_size": 50, "num_components": 2}

    @pytest.mark.parametrize("mode", ["regular", "randomized"])
    @pytest.mark.parametrize("subtracted", ["true", "false"])
    def test_shards_give_what_one_host_gives(self, trainer: Trainer, mode: str, subtracted: str) -> None:
        asked = {**self.ASKED, "algorithm_mode": mode, "subtract_mean": subtracted}
        one = trainer("pca", asked, whole(ROWS), UNLABELLED)
        first, second = trainer.together("pca", asked, shares(ROWS), UNLABELLED)
        assert (first.code, second.code) == (0, 0), first.log
        for name, array in arrays_of(one).items():
            assert arrays_of(first)[name] == pytest.approx(array, rel=1e-4, abs=1e-5), name
        # The model is written once.
        assert list(second.model.iterdir()) == []
        (loss,) = metrics(one.log, "reconstruction_mse")
        assert metrics(first.log, "reconstruction_mse") == pytest.approx([loss, loss])
        assert f"host={first.base.name}, " in first.log
        assert f"host={second.base.name}, " in first.log

    def test_a_host_without_files_helps(self, trainer: Trainer) -> None:
        for mode in ("regular", "randomized"):
            asked = {**self.ASKED, "algorithm_mode": mode}
            one = trainer("pca", asked, {"train": csv_of(ROWS)}, UNLABELLED)
            given = [{}, {"train": csv_of(ROWS)}, {}]
            found = trainer.together("pca", asked, given, UNLABELLED, channels=("train",))
            assert [host.code for host in found] == [0, 0, 0], found[0].log
            assert arrays_of(found[0])["s"] == pytest.approx(arrays_of(one)["s"], rel=1e-4)

    def test_no_files_at_all(self, trainer: Trainer) -> None:
        found = trainer.together("pca", self.ASKED, [{}, {}], UNLABELLED, channels=("train",))
        assert [host.code for host in found] == [2, 2]
        assert "No data in the train channel." in found[0].failure

    def test_files_that_are_not_equally_wide(self, trainer: Trainer) -> None:
        given = [{"train": csv_of(ROWS)}, {"train": b"1,2\n"}]
        first, second = trainer.together("pca", self.ASKED, given, UNLABELLED)
        assert "has 2 features, feature_dim is 3" in second.failure
        # The other would have been stopped.
        assert "Another host has left the training" in first.failure


class TestKMeans:
    ASKED = {"k": 4, "feature_dim": 3, "eval_metrics": '["msd", "ssd"]'}

    @pytest.mark.parametrize(
        "more", [{}, {"init_method": "kmeans++", "epochs": 2, "half_life_time_size": 90}]
    )
    def test_shards_give_what_one_host_gives(self, trainer: Trainer, more: dict[str, Any]) -> None:
        one = trainer("kmeans", {**self.ASKED, **more}, whole(ROWS), UNLABELLED)
        first, second = trainer.together("kmeans", {**self.ASKED, **more}, shares(ROWS), UNLABELLED)
        assert (first.code, second.code) == (0, 0), first.log
        assert arrays_of(first)["centers"] == pytest.approx(arrays_of(one)["centers"], rel=1e-5, abs=1e-5)
        assert list(second.model.iterdir()) == []
        for name in ("msd", "ssd"):
            (value,) = metrics(one.log, name)
            assert metrics(first.log, name) == pytest.approx([value, value])

    def test_mini_batches_that_end_sooner_on_one_host(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "mini_batch_size": 20}
        first, _ = trainer.together("kmeans", asked, shares(ROWS, cuts=(30,)), UNLABELLED)
        assert first.code == 0, first.log
        found = [row["closest_cluster"] for row in first.predictions(csv_of(SPOTS))]
        assert sorted(found) == [0, 1, 2, 3]

    def test_rows_of_all_hosts_count(self, trainer: Trainer) -> None:
        two = [{"train": b"1,2,3\n" * 2}] * 2
        assert trainer.together("kmeans", {"k": 4, "feature_dim": 3}, two, UNLABELLED)[0].code == 0
        found = trainer.together("kmeans", {"k": 5, "feature_dim": 3}, two, UNLABELLED)
        assert ["There are 4 rows, fewer than the k=5" in host.failure for host in found] == [True, True]


class TestKnn:
    ASKED = {"feature_dim": 3, "k": 5, "predictor_type": "classifier"}

    @pytest.mark.parametrize("size", [300, 60])
    def test_shards_give_what_one_host_gives(self, trainer: Trainer, size: int) -> None:
        asked = {**self.ASKED, "sample_size": size}
        one = trainer("knn", asked, whole(NUMBERS, ROWS))
        first, second = trainer.together("knn", asked, shares(NUMBERS, ROWS))
        assert (first.code, second.code) == (0, 0), first.log
        for name, array in arrays_of(one).items():
            assert (arrays_of(first)[name] == array).all(), name
        assert len(arrays_of(first)["rows"]) == size
        assert list(second.model.iterdir()) == []
        (accuracy,) = metrics(one.log, "accuracy")
        assert metrics(first.log, "accuracy") == [accuracy, accuracy]

    def test_fewer_dimensions(self, trainer: Trainer) -> None:
        asked = {
            **self.ASKED,
            "sample_size": 100,
            "dimension_reduction_type": "sign",
            "dimension_reduction_target": 2,
        }
        one = trainer("knn", asked, whole(NUMBERS, ROWS))
        first, _ = trainer.together("knn", asked, shares(NUMBERS, ROWS))
        assert (arrays_of(first)["projection"] == arrays_of(one)["projection"]).all()
        assert (arrays_of(first)["rows"] == arrays_of(one)["rows"]).all()

    def test_a_regressor_without_rows_on_one_host(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "predictor_type": "regressor", "sample_size": 300}
        one = trainer("knn", asked, whole(NUMBERS, ROWS))
        given = [{}, whole(NUMBERS, ROWS)]
        first, _ = trainer.together("knn", asked, given, channels=("train", "test"))
        assert first.code == 0, first.log
        assert metrics(first.log, "mse") == pytest.approx(metrics(one.log, "mse") * 2)


class TestLinearLearner:
    """All rows are one batch: there the sum of the hosts' gradients is the gradient of one host."""

    TRUTH = np.array([1.5, -2.0, 0.5])
    ASKED = {"mini_batch_size": 1000, "epochs": 6, "num_models": 4, "early_stopping_patience": 10}
    LABELS = {
        "regressor": ROWS @ TRUTH + 3,
        "binary_classifier": (ROWS @ TRUTH > 0).astype(int),
        "multiclass_classifier": NUMBERS,
    }

    @pytest.mark.parametrize(
        ("kind", "more"),
        [
            # Where labels have no mean, the bias has a slope of nothing but rounding.
            ("regressor", {"unbias_label": "false"}),
            ("regressor", {"loss": "huber_loss", "optimizer": "sgd", "num_point_for_scaler": 100_000}),
            ("binary_classifier", {"positive_example_weight_mult": "balanced"}),
            ("binary_classifier", {"binary_classifier_model_selection_criteria": "f_beta", "l1": 0.01}),
            ("multiclass_classifier", {"num_classes": 4, "balance_multiclass_weights": "true"}),
        ],
    )
    def test_shards_give_what_one_host_gives(self, trainer: Trainer, kind: str, more: dict[str, Any]) -> None:
        asked = {**self.ASKED, "predictor_type": kind, **more}
        one = trainer("linear-learner", asked, whole(self.LABELS[kind], ROWS))
        first, second = trainer.together("linear-learner", asked, shares(self.LABELS[kind], ROWS))
        assert (first.code, second.code) == (0, 0), first.log
        for name in ("weights", "bias", "threshold"):
            assert arrays_of(first)[name] == pytest.approx(arrays_of(one)[name], rel=1e-3, abs=1e-4), name
        assert list(second.model.iterdir()) == []
        told = [line.partition("host=")[2].partition(",")[2] for line in one.log.splitlines()]
        tests = [line.rpartition("=") for line in told if line.startswith(" test <") or " test " in line]
        assert tests
        for name, _, value in tests:
            shown = [line.rpartition("=")[2] for line in first.log.splitlines() if f",{name}=" in line]
            assert [float(each) for each in shown] == pytest.approx([float(value)] * 2, rel=1e-3, abs=1e-4)

    def test_mini_batches_and_a_validation_channel(self, trainer: Trainer) -> None:
        labels = self.LABELS["binary_classifier"]
        data = [
            {"train": csv_of(labels[at], ROWS[at]), "validation": csv_of(labels[at], ROWS[at])}
            for at in (slice(0, 40), slice(40, None))
        ]
        asked = {**self.ASKED, "predictor_type": "binary_classifier", "mini_batch_size": 25}
        first, second = trainer.together("linear-learner", asked, data)
        assert (first.code, second.code) == (0, 0), first.log
        found = [row["predicted_label"] for row in first.predictions(csv_of(ROWS))]
        assert (np.array(found) == labels).mean() > 0.95


class TestLinearLearnerCheckpoints:
    ASKED = {"predictor_type": "regressor", "mini_batch_size": 50, "early_stopping_patience": 50}
    DATA = {"train": csv_of(ROWS @ TestLinearLearner.TRUTH, ROWS)}

    def test_an_interrupted_training_goes_on_as_if_it_had_not_been(self, trainer: Trainer) -> None:
        through = trainer("linear-learner", {**self.ASKED, "epochs": 6}, self.DATA)
        trainer("linear-learner", {**self.ASKED, "epochs": 2}, self.DATA, checkpoints=True)
        resumed = trainer("linear-learner", {**self.ASKED, "epochs": 6}, self.DATA, checkpoints=True)
        assert "Resuming from epoch 2" in resumed.log
        assert "epoch=1, train" not in resumed.log
        assert "epoch=2, train" in resumed.log
        for name, array in arrays_of(through).items():
            assert (arrays_of(resumed)[name] == array).all(), name

    @pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
    def test_every_optimizer_goes_on(self, trainer: Trainer, optimizer: str) -> None:
        asked = {**self.ASKED, "optimizer": optimizer, "num_models": 3}
        through = trainer("linear-learner", {**asked, "epochs": 3}, self.DATA)
        trainer("linear-learner", {**asked, "epochs": 1}, self.DATA, checkpoints=True)
        resumed = trainer("linear-learner", {**asked, "epochs": 3}, self.DATA, checkpoints=True)
        assert (arrays_of(resumed)["weights"] == arrays_of(through)["weights"]).all()

    def test_a_training_that_was_done_has_its_model(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "epochs": 2}
        done = arrays_of(trainer("linear-learner", asked, self.DATA, checkpoints=True))
        again = trainer("linear-learner", asked, self.DATA, checkpoints=True)
        assert "epoch=" not in again.log
        assert (arrays_of(again)["weights"] == done["weights"]).all()

    def test_one_that_stopped_early_does_not_go_on(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "early_stopping_patience": 1, "early_stopping_tolerance": 0.99, "epochs": 30}
        stopped = trainer("linear-learner", asked, self.DATA, checkpoints=True)
        assert "Early stop condition met" in stopped.log
        again = trainer("linear-learner", asked, self.DATA, checkpoints=True)
        assert "epoch=" not in again.log

    @pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04"])
    def test_what_is_no_checkpoint_is_not_taken(self, trainer: Trainer, content: bytes) -> None:
        folder = trainer.base / "checkpoints"
        folder.mkdir(parents=True)
        (folder / "linear-learner-checkpoint").write_bytes(content)
        trained = trainer("linear-learner", {**self.ASKED, "epochs": 1}, self.DATA, checkpoints=True)
        assert trained.code == 0, trained.log
        assert "epoch=0, train" in trained.log

    def test_one_of_other_hyperparameters_is_not_taken(self, trainer: Trainer) -> None:
        trainer("linear-learner", {**self.ASKED, "epochs": 2}, self.DATA, checkpoints=True)
        asked = {**self.ASKED, "epochs": 2, "optimizer": "sgd"}
        other = trainer("linear-learner", asked, self.DATA, checkpoints=True)
        assert "is of a job with other hyperparameters" in other.log
        assert "epoch=0, train" in other.log

    def test_hosts_go_on_together(self, trainer: Trainer) -> None:
        given = shares(ROWS @ TestLinearLearner.TRUTH, ROWS, test=False)
        through = trainer.together("linear-learner", {**self.ASKED, "epochs": 5}, given)
        trainer.together("linear-learner", {**self.ASKED, "epochs": 2}, given, checkpoints=True)
        resumed = trainer.together("linear-learner", {**self.ASKED, "epochs": 5}, given, checkpoints=True)
        assert resumed[0].code == 0, resumed[0].log
        assert resumed[0].log.count("Resuming from epoch 2") == 2
        assert (arrays_of(resumed[0])["weights"] == arrays_of(through[0])["weights"]).all()
        # Of several hosts the first keeps it.
        names = [sorted(path.name for path in host.base.glob("checkpoints/*")) for host in resumed]
        assert names == [["linear-learner-checkpoint"], []]
