"""K-means, PCA and k-NN, held against known truths and against scikit-learn called directly."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from stepmill.algorithms.programs.knn import _hadamard
from stepmill.algorithms.programs.recordio import read_records, write_record
from support.algorithm_jobs import Trained, Trainer, csv_of

RANDOM = np.random.default_rng(5)
SPOTS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 5.0], [0.0, 10.0, -5.0], [10.0, 10.0, 0.0]])
NUMBERS = RANDOM.integers(0, 4, 400)
ROWS = (SPOTS[NUMBERS] + RANDOM.normal(scale=0.7, size=(400, 3))).round(3)
UNLABELLED = "text/csv;label_size=0"
METRIC = "#quality_metric: host=algo-1, test {} <{}>="


def metric(trained: Trained, name: str, word: str) -> float:
    (line,) = [line for line in trained.log.splitlines() if METRIC.format(name, word) in line]
    return float(line.rpartition("=")[2])


class TestKMeans:
    ASKED = {"k": 4, "feature_dim": 3, "mini_batch_size": 50}

    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"init_method": "kmeans++", "local_lloyd_init_method": "random"},
            {"epochs": 3, "extra_center_factor": 4},
            {"half_life_time_size": 100, "local_lloyd_num_trials": 2},
        ],
    )
    def test_the_clusters_that_are_there_are_found(self, trainer: Trainer, more: dict[str, Any]) -> None:
        data = {"train": csv_of(ROWS), "test": csv_of(ROWS)}
        trained = trainer(
            "kmeans", {**self.ASKED, **more, "eval_metrics": '["msd", "ssd"]'}, data, UNLABELLED
        )
        assert trained.code == 0, trained.log
        found = [row["closest_cluster"] for row in trained.predictions(csv_of(SPOTS))]
        assert sorted(found) == [0, 1, 2, 3]
        told = np.array([row["closest_cluster"] for row in trained.predictions(csv_of(ROWS))])
        assert (told == np.array(found)[NUMBERS]).all()
        direct = KMeans(4, n_init=5, random_state=0).fit(ROWS).inertia_
        assert metric(trained, "ssd", "loss") == pytest.approx(direct, rel=0.02)
        assert metric(trained, "msd", "loss") == pytest.approx(metric(trained, "ssd", "loss") / 400)

    def test_distances_are_euclidean(self, trainer: Trainer) -> None:
        trained = trainer("kmeans", {"k": 1, "feature_dim": 2}, {"train": csv_of([1, 3], [1, 1])}, UNLABELLED)
        assert trained.predictions(b"2,1\n5,5\n") == [
            {"closest_cluster": 0.0, "distance_to_cluster": 0.0},
            {"closest_cluster": 0.0, "distance_to_cluster": 5.0},
        ]
        assert trained.answer(b"5,5\n", accept="text/csv") == b"0.0,5.0\n"
        (record,) = read_records(trained.answer(b"5,5\n", accept="application/x-recordio-protobuf"))
        assert record.label["distance_to_cluster"].values.tolist() == [5.0]

    def test_a_label_is_left_out_where_that_makes_the_width_fit(self, trainer: Trainer) -> None:
        data = {"train": csv_of(NUMBERS, ROWS), "test": csv_of(ROWS)}
        trained = trainer("kmeans", self.ASKED, data)
        assert trained.code == 0, trained.log

    def test_rows_that_are_all_alike(self, trainer: Trainer) -> None:
        trained = trainer("kmeans", {"k": 3, "feature_dim": 1}, {"train": b"1\n" * 20}, UNLABELLED)
        assert trained.code == 0, trained.log
        assert trained.predictions(b"1\n")[0]["distance_to_cluster"] == 0

    def test_records_train_the_same(self, trainer: Trainer) -> None:
        first = trainer("kmeans", self.ASKED, {"train": csv_of(ROWS)}, UNLABELLED).predictions(csv_of(ROWS))
        records = b"".join(write_record({"values": row}, {}) for row in ROWS)
        again = trainer("kmeans", self.ASKED, {"train": records}, "application/x-recordio-protobuf")
        assert again.predictions(csv_of(ROWS)) == first

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"1,2,3\n", "There are 1 rows, fewer than the k=4 clusters"),
            (b"1,2\n" * 9, "has 2 features, feature_dim is 3"),
            (b"1,2,x\n", "'x' is not a number"),
        ],
    )
    def test_data_that_cannot_be_taken(self, trainer: Trainer, data: bytes, message: str) -> None:
        trained = trainer("kmeans", self.ASKED, {"train": data}, UNLABELLED)
        assert trained.code == 2
        assert message in trained.failure


class TestPca:
    ASKED = {"feature_dim": 4, "mini_batch_size": 100, "num_components": 3}
    MIXED = (RANDOM.normal(size=(300, 4)) @ np.diag([5, 2, 1, 0.2]) @ RANDOM.normal(size=(4, 4)) + 7).round(4)

    def model(self, trained: Trained) -> dict[str, Any]:
        with np.load(trained.model / "model_algo-1") as arrays:
            return dict(arrays)

    @pytest.mark.parametrize("mode", ["regular", "randomized"])
    def test_the_components_are_those_of_scikit_learn(self, trainer: Trainer, mode: str) -> None:
        trained = trainer(
            "pca", {**self.ASKED, "algorithm_mode": mode}, {"train": csv_of(self.MIXED)}, UNLABELLED
        )
        assert trained.code == 0, trained.log
        direct = PCA(3).fit(self.MIXED)
        model = self.model(trained)
        # From the smallest to the largest, as AWS's model has them.
        assert model["s"] == pytest.approx(direct.singular_values_[::-1], rel=1e-3)
        assert np.abs(np.diag(model["v"].T @ direct.components_[::-1].T)) == pytest.approx(1, abs=1e-3)
        assert model["mean"] == pytest.approx(self.MIXED.mean(axis=0), rel=1e-5)
        answer = json.loads(trained.answer(csv_of(self.MIXED[:5])))["projections"]
        found = np.array([row["projection"] for row in answer])
        assert np.abs(found) == pytest.approx(np.abs(direct.transform(self.MIXED[:5])[:, ::-1]), abs=1e-2)

    def test_the_mean_may_be_left_in(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "subtract_mean": "false"}
        trained = trainer("pca", asked, {"train": csv_of(self.MIXED)}, UNLABELLED)
        model = self.model(trained)
        assert model["mean"].tolist() == [0, 0, 0, 0]
        assert model["s"][-1] == pytest.approx(np.linalg.svd(self.MIXED)[1][0], rel=1e-4)

    def test_more_components_than_rows(self, trainer: Trainer) -> None:
        for mode in ("regular", "randomized"):
            asked = {**self.ASKED, "algorithm_mode": mode}
            trained = trainer("pca", asked, {"train": csv_of(self.MIXED[:2])}, UNLABELLED)
            assert trained.code == 0, trained.log
            assert self.model(trained)["v"].shape == (4, 3)

    def test_json_lines(self, trainer: Trainer) -> None:
        trained = trainer("pca", self.ASKED, {"train": csv_of(self.MIXED)}, UNLABELLED)
        lines = trained.answer(csv_of(self.MIXED[:2]), accept="application/jsonlines").splitlines()
        assert [len(json.loads(line)["projection"]) for line in lines] == [3, 3]


class TestKnn:
    ASKED = {"feature_dim": 3, "k": 5, "sample_size": 400, "predictor_type": "classifier"}
    DATA = {"train": csv_of(NUMBERS[:300], ROWS[:300]), "test": csv_of(NUMBERS[300:], ROWS[300:])}

    def test_a_classifier_is_that_of_scikit_learn(self, trainer: Trainer) -> None:
        noisy = np.where(RANDOM.random(300) < 0.3, RANDOM.integers(0, 4, 300), NUMBERS[:300])
        trained = trainer("knn", self.ASKED, {**self.DATA, "train": csv_of(noisy, ROWS[:300])})
        assert trained.code == 0, trained.log
        direct = KNeighborsClassifier(5).fit(ROWS[:300].astype(np.float32), noisy)
        found = np.array([row["predicted_label"] for row in trained.predictions(csv_of(ROWS[300:]))])
        # They may differ where votes are equal: there the nearest decides.
        assert (found == direct.predict(ROWS[300:].astype(np.float32))).mean() > 0.93
        assert metric(trained, "accuracy", "score") == (found == NUMBERS[300:]).mean()
        assert f"#test_score (algo-1) : ('accuracy', {(found == NUMBERS[300:]).mean()})" in trained.log

    def test_a_regressor_is_that_of_scikit_learn(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "predictor_type": "regressor"}
        trained = trainer("knn", asked, self.DATA)
        direct = KNeighborsRegressor(5).fit(ROWS[:300].astype(np.float32), NUMBERS[:300])
        truth = direct.predict(ROWS[300:].astype(np.float32))
        found = [row["predicted_label"] for row in trained.predictions(csv_of(ROWS[300:]))]
        assert found == pytest.approx(truth)
        assert metric(trained, "mse", "loss") == pytest.approx(((truth - NUMBERS[300:]) ** 2).mean())

    @pytest.mark.parametrize("name", ["INNER_PRODUCT", "COSINE"])
    def test_other_metrics(self, trainer: Trainer, name: str) -> None:
        rows = np.array([[1.0, 0, 0], [0, 5, 0], [0, 0, 1]])
        asked = {
            "feature_dim": 3,
            "k": 2,
            "sample_size": 3,
            "predictor_type": "classifier",
            "index_metric": name,
        }
        trained = trainer("knn", asked, {"train": csv_of([0, 1, 2], rows)})
        request = np.array([[1, 0.5, 0.1]])
        (answer,) = json.loads(trained.answer(csv_of(request), accept="application/json; verbose=true"))[
            "predictions"
        ]
        if name == "INNER_PRODUCT":
            assert (answer["labels"], answer["distances"]) == ([1, 0], [2.5, 1])
        else:
            assert answer["labels"] == [0, 1]
            length = np.linalg.norm(request)
            assert answer["distances"] == pytest.approx([1 - 1 / length, 1 - 0.5 / length], abs=1e-6)

    @pytest.mark.parametrize("kind", ["sign", "fjlt"])
    def test_fewer_dimensions_tell_nearly_as_much(self, trainer: Trainer, kind: str) -> None:
        wide = np.hstack([ROWS, RANDOM.normal(scale=0.1, size=(400, 29))])
        asked = {
            **self.ASKED,
            "feature_dim": 32,
            "dimension_reduction_type": kind,
            "dimension_reduction_target": 12,
        }
        data = {"train": csv_of(NUMBERS[:300], wide[:300]), "test": csv_of(NUMBERS[300:], wide[300:])}
        trained = trainer("knn", asked, data)
        assert trained.code == 0, trained.log
        assert metric(trained, "accuracy", "score") > 0.9

    def test_rows_are_sampled(self, trainer: Trainer) -> None:
        trained = trainer("knn", {**self.ASKED, "sample_size": 40, "index_type": "faiss.IVFFlat"}, self.DATA)
        with np.load(trained.model / "model_algo-1") as arrays:
            assert arrays["rows"].shape == (40, 3)
        assert "The index is exact here, not faiss.IVFFlat." in trained.log
        assert metric(trained, "accuracy", "score") > 0.95

    def test_verbose_answers_have_neighbors(self, trainer: Trainer) -> None:
        trained = trainer("knn", {**self.ASKED, "k": 3}, self.DATA)
        body = json.dumps({"instances": [{"features": row} for row in ROWS[:2].tolist()]}).encode()
        answer = trained.answer(body, "application/json", "application/x-recordio-protobuf; verbose=true")
        for record, row in zip(read_records(answer), ROWS[:2], strict=True):
            far = np.sort(np.linalg.norm(ROWS[:300] - row, axis=1))[:3]
            assert record.label["distances"].values == pytest.approx(far, abs=1e-5)
            assert len(record.label["labels"].values) == 3

    def test_rows_need_labels(self, trainer: Trainer) -> None:
        records = b"".join(write_record({"values": row}, {}) for row in ROWS)
        trained = trainer("knn", self.ASKED, {"train": records}, "application/x-recordio-protobuf")
        assert trained.code == 2
        assert "have no labels" in trained.failure

    def test_the_fast_transform_is_hadamards(self) -> None:
        from scipy.linalg import hadamard

        assert (_hadamard(8, np.arange(8)) == hadamard(8)).all()
