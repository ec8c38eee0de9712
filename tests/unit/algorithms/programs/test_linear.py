"""Linear learner, held against scikit-learn called directly and against known truths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.preprocessing import StandardScaler

from stepmill.algorithms.programs.linear_losses import LossSettings, loss_function
from stepmill.algorithms.programs.linear_scores import Criteria, best_threshold, multiclass_scores
from support.algorithm_jobs import Trained, Trainer, csv_of

RANDOM = np.random.default_rng(11)
REGRESSIONS = [
    "squared_loss",
    "absolute_loss",
    "eps_insensitive_squared_loss",
    "eps_insensitive_absolute_loss",
    "quantile_loss",
    "huber_loss",
]


def split(loader: Any) -> tuple[Any, ...]:
    rows, labels = loader(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order].round(4), labels[order].astype(float)
    cut = len(rows) * 3 // 4
    return rows[:cut], labels[:cut], rows[cut:], labels[cut:]


def told(trained: Trained, place: str, name: str) -> float:
    start = f"#quality_metric: host=algo-1, {place} {name} <"
    (line,) = [line for line in trained.log.splitlines() if start in line]
    return float(line.rpartition("=")[2])


def train(trainer: Trainer, asked: dict[str, Any], data: tuple[Any, ...]) -> Trained:
    rows, labels, test_rows, test_labels = data
    channels = {"train": csv_of(labels, rows), "test": csv_of(test_labels, test_rows)}
    trained = trainer("linear-learner", asked, channels)
    assert trained.code == 0, trained.log
    return trained


class TestModels:
    def test_a_binary_classifier_is_as_good_as_scikit_learns(self, trainer: Trainer) -> None:
        data = split(load_breast_cancer)
        trained = train(trainer, {"predictor_type": "binary_classifier", "mini_batch_size": 50}, data)
        scaler = StandardScaler().fit(data[0])
        direct = LogisticRegression(max_iter=1000).fit(scaler.transform(data[0]), data[1])
        accuracy = direct.score(scaler.transform(data[2]), data[3])
        assert told(trained, "test", "binary_classification_accuracy") > accuracy - 0.02
        answers = trained.predictions(csv_of(data[2]))
        labels = np.array([answer["predicted_label"] for answer in answers])
        assert (labels == data[3]).mean() == told(trained, "test", "binary_classification_accuracy")
        scores = [answer["score"] for answer in answers]
        assert told(trained, "test", "roc_auc_score") == pytest.approx(
            metrics.roc_auc_score(data[3], scores), abs=1e-4
        )
        assert all(0 <= score <= 1 for score in scores)

    def test_a_regressor_is_as_good_as_least_squares(self, trainer: Trainer) -> None:
        data = split(load_diabetes)
        asked = {"predictor_type": "regressor", "mini_batch_size": 20, "epochs": 40, "feature_dim": 10}
        trained = train(trainer, asked, data)
        direct = LinearRegression().fit(data[0], data[1])
        least = float(((direct.predict(data[2]) - data[3]) ** 2).mean())
        assert told(trained, "test", "mse") < 1.05 * least
        found = np.array([answer["score"] for answer in trained.predictions(csv_of(data[2]))])
        assert ((found - data[3]) ** 2).mean() == pytest.approx(told(trained, "test", "mse"), rel=1e-3)
        assert told(trained, "test", "rmse") == pytest.approx(told(trained, "test", "mse") ** 0.5)

    def test_weights_of_a_known_line_are_found(self, trainer: Trainer) -> None:
        rows = RANDOM.normal(loc=3, scale=[1, 10], size=(600, 2)).round(4)
        labels = 4 * rows[:, 0] - 0.5 * rows[:, 1] + 20
        asked = {
            "predictor_type": "regressor",
            "mini_batch_size": 50,
            "epochs": 60,
            "wd": 0,
            "early_stopping_patience": 60,
        }
        trained = train(trainer, asked, (rows, labels, rows, labels))
        with np.load(trained.model / "model_algo-1") as arrays:
            assert arrays["weights"][:, 0] == pytest.approx([4, -0.5], abs=0.01)
            assert arrays["bias"][0] == pytest.approx(20, abs=0.1)

    def test_several_classes(self, trainer: Trainer) -> None:
        data = split(load_iris)
        asked = {
            "predictor_type": "multiclass_classifier",
            "num_classes": 3,
            "mini_batch_size": 10,
            "epochs": 30,
            "accuracy_top_k": 2,
        }
        trained = train(trainer, asked, data)
        assert told(trained, "test", "multiclass_accuracy") > 0.9
        assert told(trained, "test", "multiclass_top_k_accuracy_2") == 1
        (answer, *_) = trained.predictions(csv_of(data[2][:1]))
        scores: Any = answer["score"]
        assert sum(scores) == pytest.approx(1, abs=1e-5)
        assert answer["predicted_label"] == int(np.argmax(scores))

    @pytest.mark.parametrize("quantile", [0.1, 0.9])
    def test_a_quantile_has_its_share_of_labels_below(self, trainer: Trainer, quantile: float) -> None:
        rows = RANDOM.uniform(size=(800, 1)).round(4)
        labels = (3 * rows[:, 0] + RANDOM.exponential(size=800)).round(4)
        asked = {
            "predictor_type": "regressor",
            "loss": "quantile_loss",
            "quantile": quantile,
            "epochs": 40,
            "mini_batch_size": 50,
        }
        trained = train(trainer, asked, (rows, labels, rows, labels))
        found = np.array([answer["score"] for answer in trained.predictions(csv_of(rows))])
        assert (labels < found).mean() == pytest.approx(quantile, abs=0.05)

    @pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
    @pytest.mark.parametrize("loss", ["absolute_loss", "huber_loss"])
    def test_optimizers_and_losses_learn(self, trainer: Trainer, optimizer: str, loss: str) -> None:
        data = split(load_diabetes)
        asked = {
            "predictor_type": "regressor",
            "loss": loss,
            "optimizer": optimizer,
            "epochs": 30,
            "mini_batch_size": 20,
        }
        trained = train(trainer, asked, data)
        if loss == "absolute_loss":
            direct: Any = QuantileRegressor(alpha=0)
        else:
            direct = HuberRegressor(epsilon=1.0, alpha=0, max_iter=1000)
        least = np.abs(direct.fit(data[0], data[1]).predict(data[2]) - data[3]).mean()
        assert told(trained, "test", "absolute_loss") < 1.04 * least

    def test_a_strong_l1_term_leaves_no_weights(self, trainer: Trainer) -> None:
        rows = RANDOM.normal(size=(300, 3)).round(4)
        labels = (rows[:, 0] * 5).round(4)
        asked = {
            "predictor_type": "regressor",
            "l1": 0.5,
            "epochs": 40,
            "mini_batch_size": 30,
            "num_models": 1,
            "learning_rate": 0.05,
        }
        trained = train(trainer, asked, (rows, labels, rows, labels))
        with np.load(trained.model / "model_algo-1") as arrays:
            weights = arrays["weights"][:, 0]
        assert weights[1:].tolist() == [0, 0]
        assert 0 < weights[0] < 5

    def test_recall_is_held_where_that_is_asked_for(self, trainer: Trainer) -> None:
        rows = RANDOM.normal(size=(500, 2)).round(4)
        labels = (rows[:, 0] + RANDOM.normal(scale=0.8, size=500) > 0.8).astype(float)
        asked = {
            "predictor_type": "binary_classifier",
            "binary_classifier_model_selection_criteria": "precision_at_target_recall",
            "target_recall": 0.95,
            "mini_batch_size": 50,
        }
        trained = train(trainer, asked, (rows, labels, rows, labels))
        assert told(trained, "train", "recall") >= 0.95
        assert told(trained, "train", "precision") < 0.95

    def test_rare_positives_may_be_balanced(self, trainer: Trainer) -> None:
        rows = RANDOM.normal(size=(600, 2)).round(4)
        labels = (rows[:, 0] + RANDOM.normal(scale=1.5, size=600) > 2.5).astype(float)
        asked = {
            "predictor_type": "binary_classifier",
            "binary_classifier_model_selection_criteria": "loss_function",
            "mini_batch_size": 50,
        }
        plain = told(train(trainer, asked, (rows, labels, rows, labels)), "train", "recall")
        balanced = {**asked, "positive_example_weight_mult": "balanced"}
        assert told(train(trainer, balanced, (rows, labels, rows, labels)), "train", "recall") > plain + 0.2

    def test_validation_decides_and_its_loss_is_told_each_epoch(self, trainer: Trainer) -> None:
        rows, labels, test_rows, test_labels = split(load_diabetes)
        data = {"train": csv_of(labels, rows), "validation": csv_of(test_labels, test_rows)}
        asked = {
            "predictor_type": "regressor",
            "mini_batch_size": 100,
            "epochs": 3,
            "early_stopping_patience": 9,
        }
        log = trainer("linear-learner", asked, data).log
        for channel in ("train", "validation"):
            for epoch in range(3):
                assert f"epoch={epoch}, {channel} mse_objective <loss>=" in log
            assert f"host=algo-1, {channel} mse_objective <loss>=" in log
        assert "#progress_metric: host=algo-1, completed 100.0 % of epochs" in log

    def test_a_hinge_loss_has_scores_that_are_no_chances(self, trainer: Trainer) -> None:
        data = split(load_breast_cancer)
        asked = {"predictor_type": "binary_classifier", "loss": "hinge_loss", "mini_batch_size": 50}
        trained = train(trainer, asked, data)
        assert told(trained, "test", "binary_classification_accuracy") > 0.93
        scores = [answer["score"] for answer in trained.predictions(csv_of(data[2]))]
        assert min(scores) < 0
        assert max(scores) > 1

    @pytest.mark.parametrize(
        ("asked", "data", "message"),
        [
            (
                {"predictor_type": "binary_classifier"},
                b"2,1\n0,1\n",
                "has the label 2: binary_classifier takes",
            ),
            ({"predictor_type": "multiclass_classifier", "num_classes": 3}, b"1.5,1\n", "has the label 1.5"),
            ({"predictor_type": "regressor", "feature_dim": 9}, b"2,1\n0,1\n", "feature_dim is 9"),
        ],
    )
    def test_data_that_cannot_be_taken(
        self, trainer: Trainer, asked: dict[str, Any], data: bytes, message: str
    ) -> None:
        trained = trainer("linear-learner", asked, {"train": data})
        assert trained.code == 2
        assert message in trained.failure

    def test_constant_features_and_one_row_do_no_harm(self, trainer: Trainer) -> None:
        asked = {"predictor_type": "regressor"}
        for data in (b"1,5\n2,5\n3,5\n", b"1,5\n"):
            trained = trainer("linear-learner", asked, {"train": data})
            assert trained.code == 0, trained.log
            assert np.isfinite(trained.predictions(b"5\n")[0]["score"])


class TestLosses:
    @pytest.mark.parametrize("name", ["logistic", "hinge_loss", *REGRESSIONS])
    def test_gradients_are_those_of_the_losses(self, name: str) -> None:
        loss = loss_function(name, LossSettings(margin=0.7, quantile=0.3, insensitivity=0.2, huber_delta=0.5))
        scores = RANDOM.normal(scale=2, size=(50, 2))
        labels = RANDOM.integers(0, 2, 50).astype(float)
        step = 1e-6
        slope = (loss(scores + step, labels)[0] - loss(scores - step, labels)[0]) / (2 * step)
        assert loss(scores, labels)[1] == pytest.approx(slope, abs=1e-4)

    def test_the_gradient_of_several_classes(self) -> None:
        loss = loss_function("softmax_loss", LossSettings())
        scores, labels = RANDOM.normal(size=(6, 2, 4)), np.array([0, 1, 2, 3, 0, 1])
        for place in range(4):
            step = np.zeros(4)
            step[place] = 1e-6
            slope = (loss(scores + step, labels)[0] - loss(scores - step, labels)[0]) / 2e-6
            assert loss(scores, labels)[1][:, :, place] == pytest.approx(slope, abs=1e-4)

    def test_large_scores_do_not_overflow(self) -> None:
        huge = np.array([[1e4], [-1e4]])
        losses, slopes = loss_function("logistic", LossSettings())(huge, np.array([0.0, 1.0]))
        assert losses[:, 0] == pytest.approx([1e4, 1e4])
        assert slopes[:, 0] == pytest.approx([1, -1])


class TestScores:
    @settings(max_examples=60)
    @given(
        st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=12),
        st.sampled_from(["accuracy", "f_beta", "precision_at_target_recall", "recall_at_target_precision"]),
    )
    def test_no_other_threshold_is_better(self, rows: list[tuple[bool, int]], name: str) -> None:
        labels = np.array([label for label, _ in rows], float)
        scores = np.array([score / 5 for _, score in rows])
        criteria = Criteria(name, beta=2.0, target_precision=0.6, target_recall=0.6)
        threshold, value = best_threshold(labels, scores, criteria)

        def rated(at: float) -> float:
            found = scores > at
            right = float((found & (labels > 0)).sum())
            precision, recall = right / max(found.sum(), 1), right / max(labels.sum(), 1)
            if name == "accuracy":
                return float((found == labels).mean())
            if name == "f_beta":
                return 5 * precision * recall / (4 * precision + recall) if right else 0.0
            first, second = (precision, recall) if name.startswith("precision") else (recall, precision)
            return float(first if second >= 0.6 else second - 1)

        assert rated(threshold) == pytest.approx(value)
        assert value == pytest.approx(max(rated(at) for at in np.arange(-0.1, 1.2, 0.1)))

    def test_scores_of_several_classes_are_scikit_learns(self) -> None:
        labels = RANDOM.integers(0, 4, 100).astype(float)
        scores = RANDOM.normal(size=(100, 4))
        found = scores.argmax(axis=1)
        told = {name: value for name, value, _ in multiclass_scores(labels, scores, 1.0, 2)}
        assert told["multiclass_accuracy"] == metrics.accuracy_score(labels, found)
        assert told["multiclass_top_k_accuracy_2"] == metrics.top_k_accuracy_score(labels, scores, k=2)
        assert told["macro_recall"] == pytest.approx(metrics.recall_score(labels, found, average="macro"))
        truth = np.eye(4)[labels.astype(int)]
        assert told["dcg"] == pytest.approx(metrics.dcg_score(truth, scores))
