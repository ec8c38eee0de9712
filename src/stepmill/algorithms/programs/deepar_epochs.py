"""What is told of DeepAR's epochs while it trains, and when it stops early.

Source: lines of the container's log; developer guide, "DeepAR Hyperparameters", ``early_stopping_patience``.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from .first_party import tell_progress, tell_quality, tell_throughput
from .job import TRAIN, Job

# The container tells of every fifth batch.
_TOLD_BATCHES = 5

_log = logging.getLogger(__name__)


class Epochs:
    """Watches training.

    Args:
        job: The job.
        epochs: How many there are to be.
        patience: After how many epochs without a lower loss to stop; 0: never.
        batch_size: Number of examples of a batch.
    """

    def __init__(self, job: Job, epochs: int, patience: int, batch_size: int) -> None:
        self._job, self._epochs, self._patience, self._batch_size = job, epochs, patience, batch_size
        self._losses: list[float] = []
        self._begun = time.monotonic()
        self.done = 0
        self.best_epoch = -1
        self.best_loss = math.inf
        self.stopped = False

    def batch(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        """Tell of a batch: ``on_train_batch_end`` of Lightning."""
        del trainer, module, batch
        self._losses.append(float(outputs["loss"]))
        if index % _TOLD_BATCHES:
            return
        epoch, mean = self.done, self._mean()
        _log.info("Epoch[%d] Batch[%d] avg_epoch_loss=%.6f", epoch, index, mean)
        tell_quality(self._job, f"epoch={epoch}, batch={index} {TRAIN}", "loss", mean, word="loss")

    def epoch(self, trainer: Any, module: Any) -> None:
        """Tell of an epoch, and stop if it is time: ``on_train_epoch_end`` of Lightning."""
        del module
        loss, count = self._mean(), len(self._losses) * self._batch_size
        self._losses = []
        epoch = self.done
        self.done += 1
        now = time.monotonic()
        _log.info("processed a total of %d examples", count)
        tell_throughput(self._job, count / (now - self._begun))
        self._begun = now
        tell_progress(self._job, self.done, self._epochs)
        tell_quality(self._job, f"epoch={epoch}, {TRAIN}", "loss", loss, word="loss")
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            _log.info("best epoch loss so far")
        elif not math.isfinite(loss):
            self._stop(trainer, "The loss is not a number any more.")
        elif self._patience and epoch - self.best_epoch >= self._patience:
            self._stop(trainer, f"The loss has not improved for {self._patience} epochs.")
        else:
            _log.info("loss did not improve")

    def _stop(self, trainer: Any, reason: str) -> None:
        _log.info("%s stopping training now", reason)
        self.stopped = True
        trainer.should_stop = True

    def _mean(self) -> float:
        return sum(self._losses) / max(len(self._losses), 1)
