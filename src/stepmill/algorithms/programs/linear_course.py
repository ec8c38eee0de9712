"""How far the training of linear learner has come: the best models so far, and whether it goes on.

An interrupted job goes on from the checkpoint that holds this.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from .checkpoints import Checkpoint
from .first_party import Settings
from .hosts import Hosts
from .job import Job
from .linear_data import Array
from .linear_model import Models

CHECKPOINT_NAME = "linear-learner-checkpoint"

_log = logging.getLogger(__name__)


class Course:
    """The course of a training.

    Args:
        job: The job.
        hosts: All of them; each has the same course.
        models: What is trained.
    """

    def __init__(self, job: Job, hosts: Hosts, models: Models) -> None:
        self._models = models
        self._checkpoint = Checkpoint(job, hosts, CHECKPOINT_NAME, models.weights.shape)
        settings = Settings(job.hyperparameters)
        self.epochs = settings.integer("epochs", 15)
        self._patience = settings.integer("early_stopping_patience", 3)
        self._tolerance = settings.number("early_stopping_tolerance", 0.001)
        self.epoch = 0
        self._losses: Array = np.full(models.count, np.inf)
        self._weights, self._bias = models.weights.copy(), models.bias.copy()
        self._best, self._since = np.inf, 0

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or nothing has become better for too long."""
        return self.epoch >= self.epochs or self._has_stopped

    @property
    def _has_stopped(self) -> bool:
        return self._since >= self._patience

    def best(self) -> Iterator[tuple[float, Array, Array]]:
        """Return the best loss, and the weights and the bias that had it, of each model that had one."""
        for model, loss in enumerate(self._losses):
            if np.isfinite(loss):
                place = self._models.place(model)
                yield float(loss), self._weights[:, place], self._bias[place]

    def note(self, losses: Array) -> None:
        """Take the losses of an epoch, one for each model, and keep a checkpoint."""
        self.epoch += 1
        better = losses < self._losses
        self._losses = np.where(better, losses, self._losses)
        for place in (self._models.place(model) for model in range(len(losses)) if better[model]):
            self._weights[:, place] = self._models.weights[:, place]
            self._bias[place] = self._models.bias[place]
        least = float(np.nanmin(losses))
        if not np.isfinite(self._best) or self._best - least > self._tolerance * abs(self._best):
            self._best, self._since = min(least, self._best), 0
        else:
            self._since += 1
        self._save()
        if self._has_stopped:
            _log.info("Early stop condition met. Stopping training.")

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of a job that asked for the same."""
        found = self._checkpoint.read(_load)
        if not found:
            return
        self.epoch, self._since, self._best = int(found["epoch"]), int(found["since"]), float(found["least"])
        self._losses, self._weights, self._bias = found["losses"], found["best_weights"], found["best_bias"]
        self._models.restore(found)
        _log.info("Resuming from epoch %d", self.epoch)

    def _save(self) -> None:
        state = {
            "epoch": np.array(self.epoch),
            "since": np.array(self._since),
            "least": np.array(self._best),
            "losses": self._losses,
            "best_weights": self._weights,
            "best_bias": self._bias,
            **self._models.state(),
        }
        self._checkpoint.save(state, lambda file, arrays: np.savez(file, **arrays))


def _load(file: BinaryIO) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
