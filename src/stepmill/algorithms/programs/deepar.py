"""DeepAR, on GluonTS: training.

Source: developer guide, "DeepAR Hyperparameters", "Input/Output Interface for the DeepAR Algorithm" for the
measures of the test channel; lines of the container's log.
"""

from __future__ import annotations

import json
import logging
import os
import random
import tempfile
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks import LambdaCallback
from numpy.typing import NDArray

from .deepar_data import Placed, check_likelihood, check_test, layout_of, read_series, tell_statistics
from .deepar_epochs import Epochs
from .deepar_model import Forecaster, Network, device, pandas_frequency, quiet
from .deepar_records import Layout
from .errors import CustomerError
from .first_party import SEED, Settings, tell_quality
from .inference import mark_model
from .job import TEST, TRAIN, Job, cpu_count, require_one_host

NAME = "forecasting-deepar"
_QUANTILES = "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"
# With few time series an epoch passes over them several times: the container's epochs have so many batches.
_FEWEST_BATCHES = 10
# Time features and the like are computed once per time series if they take no more memory than this.
_MOST_KEPT_BYTES = 512 * 1024 * 1024
_KEPT_PER_VALUE = 4 * 8
# The guide's limits below which more hardware does not help. Measured with 8 cells on 2 busy CPUs: 9 s of CPU
# with one thread, 20 s with two, and twice the time.
_SMALL_NETWORK, _SMALL_BATCH = 100, 1000
_MEND = "Is a number of the data or the loss too large? Try a smaller learning_rate, or another likelihood."

_log = logging.getLogger(__name__)


def train(job: Job) -> None:
    """Train, tell how good the forecasts of the test channel are, and leave the model.

    Raises:
        CustomerError: If the data cannot be taken, or nothing can be learnt of it.
    """
    require_one_host(job)
    settings = Settings(job.hyperparameters)
    series = read_series(job, TRAIN)
    layout = layout_of(settings, series, settings.integer("prediction_length", 0))
    network = _network(settings, layout)
    tests = read_series(job, TEST) if job.has(TEST) else None
    if tests is not None:
        check_test(tests, layout)
    for data in (series, tests):
        if data is not None:
            check_likelihood(network.likelihood, data)
            tell_statistics(data)
    forecaster = _fit(job, settings, network, series)
    forecaster.save(job.model)
    mark_model(job.model, NAME)
    if tests is not None:
        _score(job, settings, forecaster, tests)


def _network(settings: Settings, layout: Layout) -> Network:
    return Network(
        frequency=pandas_frequency(settings.text("time_freq")),
        horizon=layout.horizon,
        context=settings.integer("context_length", 0),
        layers=settings.integer("num_layers", 2),
        cells=settings.integer("num_cells", 40),
        likelihood=settings.text("likelihood", "student-T").lower(),
        cardinality=layout.cardinality,
        embedding=settings.integer("embedding_dimension", 10),
        features=layout.features,
        dropout=settings.number("dropout_rate", 0.1),
        learning_rate=settings.number("learning_rate", 1e-3),
    )


def _fit(job: Job, settings: Settings, network: Network, series: Placed) -> Forecaster:
    epochs, batch_size = settings.integer("epochs", 1), settings.integer("mini_batch_size", 128)
    patience = int(settings.text("early_stopping_patience") or 0)
    if patience:
        _log.info("Using early stopping with patience %d", patience)
    watch = Epochs(job, epochs, patience, batch_size)
    callback: Any = LambdaCallback(on_train_batch_end=watch.batch, on_train_epoch_end=watch.epoch)
    _choose_threads(network, batch_size)
    with quiet(), tempfile.TemporaryDirectory() as folder:
        trainer = {
            "max_epochs": epochs,
            "accelerator": "gpu" if device() == "cuda" else "cpu",
            "devices": 1,
            "callbacks": [callback],
            "default_root_dir": folder,
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        }
        options = {
            "batch_size": batch_size,
            "num_batches_per_epoch": batches_per_epoch(len(series), batch_size),
        }
        values = sum(len(record.target) for record in series.records)
        kept = values * _KEPT_PER_VALUE <= _MOST_KEPT_BYTES
        try:
            estimator = network.estimator(trainer_kwargs=trainer, **options)
            _sow()
            entries = [network.entry(record) for record in series.records]
            predictor = estimator.train(entries, cache_data=kept)
        except (ValueError, IndexError, RuntimeError) as error:
            # What the distributions and the allocator say of impossible numbers; the tensors follow a colon.
            raise CustomerError(
                f"Training has failed: {str(error).partition(':')[0][:500]}. {_MEND}"
            ) from error
    if watch.best_epoch < 0 or (watch.done < epochs and not watch.stopped):
        raise CustomerError(f"Training has failed in epoch {watch.done}. {_MEND}")
    _log.info("#progress_metric: host=%s, completed 100 %% of epochs", job.host)
    _log.info("Final loss: %s (occurred at epoch %d)", watch.best_loss, watch.best_epoch)
    tell_quality(job, TRAIN, "final_loss", watch.best_loss, word="loss")
    return Forecaster(network, predictor)


def batches_per_epoch(series: int, batch_size: int) -> int:
    """Return how many batches an epoch has: one example of each time series, and ten batches at least."""
    return max(_FEWEST_BATCHES, -(-series // batch_size))


def _choose_threads(network: Network, batch_size: int) -> None:
    """Compute with one thread where more would mostly wait for one another, else with all CPUs of the job."""
    if "OMP_NUM_THREADS" in os.environ:
        return
    small = network.cells <= _SMALL_NETWORK and batch_size <= _SMALL_BATCH
    torch.set_num_threads(1 if small else cpu_count())


def _sow() -> None:
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)


def _score(job: Job, settings: Settings, forecaster: Forecaster, tests: Placed) -> None:
    count, horizon = settings.integer("num_eval_samples", 100), forecaster.network.horizon
    _log.info("Evaluating model accuracy on testset using %d samples", count)
    _sow()
    past = [replace(record, target=record.target[:-horizon]) for record in tests.records]
    truth = np.stack([record.target[-horizon:] for record in tests.records])
    quantiles = json.loads(settings.text("test_quantiles") or _QUANTILES)
    scores = score(forecaster.paths(past, count), truth, quantiles)
    for name, value in scores.items():
        _log.info("#test_score (%s, %s): %s", job.host, name, value)
    for name in ("RMSE", "mean_wQuantileLoss"):
        tell_quality(job, TEST, name, scores[name], word="loss")


def score(paths: NDArray[Any], truth: NDArray[Any], quantiles: list[float]) -> dict[str, float]:
    """Return how far forecasts were from what came.

    Args:
        paths: Shape (n_series, n_paths, horizon).
        truth: Shape (n_series, horizon); NaN where it is not known.
        quantiles: Which to measure.

    Returns:
        Root mean square error of the mean; weighted quantile losses, their mean, and their mean before it was
        divided by the sum of the absolute values.
    """
    known = ~np.isnan(truth)
    if not known.any():
        raise CustomerError("All values of the test channel that were to be forecast are missing.")
    right = truth[known].astype(np.float64)
    mean = paths.astype(np.float64).mean(axis=1)[known]
    total = np.abs(right).sum()
    losses = {}
    for quantile in quantiles:
        off = right - np.quantile(paths, quantile, axis=1)[known]
        losses[quantile] = 2.0 * float(np.maximum(quantile * off, (quantile - 1.0) * off).sum())
    absolute = sum(losses.values()) / len(losses)
    return {
        "RMSE": float(np.sqrt(np.mean((mean - right) ** 2))),
        "mean_absolute_QuantileLoss": absolute,
        "mean_wQuantileLoss": _share(absolute, total),
        **{f"wQuantileLoss[{quantile}]": _share(loss, total) for quantile, loss in losses.items()},
    }


def _share(loss: float, total: float) -> float:
    return loss / float(total) if total else 0.0 if loss == 0 else float("inf")
