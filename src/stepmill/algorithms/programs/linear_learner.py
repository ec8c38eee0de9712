"""Trains linear learner: several linear models side by side, of which the best is kept.

Source: developer guide, "Linear learner algorithm", "How linear learner works", "Linear learner
hyperparameters".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import CustomerError
from .first_party import SEED, Progress, Settings, read_rows, save_arrays, tell_quality, tell_score
from .hosts import Hosts, meet
from .job import TEST, TRAIN, VALIDATION, Job
from .linear_course import Course
from .linear_data import BINARY, MULTICLASS, Array, Scaling, check_labels, scaling_of, weights_of
from .linear_losses import Loss, LossSettings, loss_function, sigmoid, softmax
from .linear_model import Models, batches, variants
from .linear_scores import (
    Criteria,
    Score,
    best_threshold,
    binary_scores,
    multiclass_scores,
    regression_scores,
)
from .tables import Table

NAME = "linear-learner"
_DEFAULT_LOSS = {BINARY: "logistic", MULTICLASS: "softmax_loss"}
# What the log calls the objective of a loss.
_OBJECTIVES = {
    "logistic": "binary_classification_cross_entropy",
    "softmax_loss": "multiclass_cross_entropy",
    "squared_loss": "mse",
}
_MOST_CALIBRATION_ROWS = 1_000_000


@dataclass(frozen=True)
class Linear:
    """A linear model of rows as they come.

    Args:
        kind: ``predictor_type``.
        weights: Shape (n_features, n_scores).
        bias: Shape (n_scores,).
        probable: Whether scores are turned into chances.
        threshold: Above it a row is of class 1.
    """

    kind: str
    weights: Array
    bias: Array
    probable: bool
    threshold: float = 0.5

    def scores(self, rows: Array) -> Array:
        """Return what the model says of rows: shape (n,), of several classes (n, n_classes)."""
        found = rows @ self.weights + self.bias
        if self.kind == MULTICLASS:
            return np.asarray(softmax(found))
        return np.asarray(sigmoid(found[:, 0]) if self.probable else found[:, 0])


class _Trainer:
    def __init__(self, job: Job, hosts: Hosts) -> None:
        self.job, self.hosts, self.settings = job, hosts, Settings(job.hyperparameters)
        settings = self.settings
        self.kind = settings.text("predictor_type")
        name = settings.text("loss", "auto")
        self.loss_name = _DEFAULT_LOSS.get(self.kind, "squared_loss") if name == "auto" else name
        self.loss: Loss = loss_function(
            self.loss_name,
            LossSettings(
                margin=settings.number("margin", 1.0),
                quantile=settings.number("quantile", 0.5),
                insensitivity=settings.number("loss_insensitivity", 0.01),
                huber_delta=settings.number("huber_delta", 1.0),
            ),
        )
        self.objective = f"{_OBJECTIVES.get(self.loss_name, self.loss_name)}_objective"
        self.table = self._table(TRAIN, settings.integer("feature_dim", 0) or None)
        self.validation = self._table(VALIDATION, self.table.width) if job.has(VALIDATION) else None
        self.test = self._table(TEST, self.table.width) if job.has(TEST) else None
        self.chance = np.random.default_rng(SEED)

    def _table(self, channel: str, width: int | None) -> Table:
        table = read_rows(self.job, self.hosts, channel, width, labelled=True)
        check_labels(self.settings, table, channel)
        return table

    def fit(self, scaling: Scaling) -> Course:
        """Train until all epochs are over or nothing gets better."""
        settings, hosts = self.settings, self.hosts
        classes = settings.integer("num_classes", 3) if self.kind == MULTICLASS else 1
        models = Models(settings, variants(settings), self.table.width, classes, self.chance)
        rows, labels = scaling.rows(self.table), scaling.labels(self.table)
        weights = weights_of(settings, labels, hosts)
        held = None
        if self.validation is not None:
            held = scaling.rows(self.validation), scaling.labels(self.validation)
        size, most = settings.integer("mini_batch_size", 1000), max(hosts.each(len(rows)))
        course = Course(self.job, hosts, models)
        course.resume()
        progress = Progress(self.job, course.epochs, len(rows))
        while not course.is_over:
            epoch, sums, count = course.epoch, np.zeros(models.count), 0
            # Of its own for each epoch: a job that was interrupted goes on as if it had not been.
            chance = np.random.default_rng([SEED, epoch, hosts.rank])
            for places in batches(len(rows), size, chance, most):
                share = None if weights is None else weights[places]
                found, number = models.step(rows[places], labels[places], share, self.loss, hosts)
                sums, count = sums + found, count + number
            losses = sums / count
            self._tell_epoch(epoch, TRAIN, losses)
            if held is not None:
                losses = self._mean_losses(models.scores(held[0]), held[1])
                self._tell_epoch(epoch, VALIDATION, losses)
            progress.epoch(epoch)
            if not np.isfinite(losses).any():
                raise CustomerError(
                    "Training has diverged: every model's loss is NaN. Use a smaller learning_rate."
                )
            course.note(losses)
        return course

    def _mean_losses(self, scores: Array, labels: Array) -> Array:
        """Return the mean loss of each model over the rows of all hosts."""
        sums, count = self.hosts.total(self.loss(scores, labels)[0].sum(axis=0), len(labels))
        return np.asarray(sums / count)

    def _tell_epoch(self, epoch: int, channel: str, losses: Array) -> None:
        value = float(np.nanmin(losses)) if np.isfinite(losses).any() else float("inf")
        tell_quality(self.job, f"epoch={epoch}, {channel}", self.objective, value, word="loss")

    def choose(self, course: Course, scaling: Scaling) -> Linear:
        """Return the best model, by the criteria that are asked for, with its threshold."""
        found = [
            (loss, self._linear(*scaling.undone(weights, bias))) for loss, weights, bias in course.best()
        ]
        plain = min(found, key=lambda pair: pair[0])[1]
        settings = self.settings
        name = settings.text("binary_classifier_model_selection_criteria", "accuracy")
        if self.kind != BINARY or name in ("loss_function", "cross_entropy_loss"):
            return plain
        criteria = Criteria(
            name,
            settings.number("f_beta", 1.0),
            settings.number("target_precision", 0.8),
            settings.number("target_recall", 0.8),
        )
        table = self._calibration()
        labels = self.hosts.rows(np.asarray(table.labels))
        rated = []
        for loss, model in found:
            scores = self.hosts.rows(model.scores(table.features))
            threshold, value = best_threshold(labels, scores, criteria)
            rated.append((-value, loss, threshold, model))
        _, _, threshold, model = min(rated, key=lambda entry: entry[:2])
        return Linear(model.kind, model.weights, model.bias, model.probable, threshold)

    def _linear(self, weights: Array, bias: Array) -> Linear:
        probable = self.loss_name in ("logistic", "softmax_loss")
        return Linear(self.kind, weights, bias, probable, 0.5 if probable else 0.0)

    def _calibration(self) -> Table:
        table = self.table if self.validation is None else self.validation
        count = self.settings.integer("num_calibration_samples", _MOST_CALIBRATION_ROWS)
        count = -(-count // self.hosts.count)
        if len(table) <= count:
            return table
        places = self.chance.choice(len(table), count, replace=False)
        return Table(table.features[places], np.asarray(table.labels)[places])

    def tell(self, model: Linear) -> None:
        """Write the metrics of the final model to the log."""
        for channel, table in ((TRAIN, self.table), (VALIDATION, self.validation), (TEST, self.test)):
            if table is None:
                continue
            labels = np.asarray(table.labels, np.float64)
            raw = table.features @ model.weights + model.bias
            (loss,) = self._mean_losses(raw[:, None, :] if self.kind == MULTICLASS else raw, labels)
            tell_quality(self.job, channel, self.objective, float(loss), word="loss")
            scores = self.hosts.rows(model.scores(table.features))
            for name, value, word in self._scores(model, scores, self.hosts.rows(labels)):
                tell_quality(self.job, channel, name, value, word=word)
                tell_score(self.job, channel, name, value)

    def _scores(self, model: Linear, scores: Array, labels: Array) -> list[Score]:
        beta = self.settings.number("f_beta", 1.0)
        if self.kind == BINARY:
            return binary_scores(labels, scores, model.threshold, beta)
        if self.kind == MULTICLASS:
            return multiclass_scores(labels, scores, beta, self.settings.integer("accuracy_top_k", 3))
        return regression_scores(labels, scores)


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken.
    """
    with meet(job) as hosts:
        trainer = _Trainer(job, hosts)
        scaling = scaling_of(trainer.settings, trainer.table, hosts)
        with np.errstate(over="ignore", invalid="ignore"):
            course = trainer.fit(scaling)
        model = trainer.choose(course, scaling)
        trainer.tell(model)
        if hosts.is_first:
            _save(job, model)


def _save(job: Job, model: Linear) -> None:
    save_arrays(
        job,
        NAME,
        {
            "kind": np.array(model.kind),
            "weights": model.weights.astype(np.float32),
            "bias": model.bias.astype(np.float32),
            "probable": np.array(model.probable),
            "threshold": np.array(model.threshold),
        },
    )
