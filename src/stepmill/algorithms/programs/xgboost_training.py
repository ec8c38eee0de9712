"""Trains XGBoost in algorithm mode.

Source: developer guide, "XGBoost algorithm"; the XGBoost container's ``train.py``, ``callback.py``,
``checkpointing.py`` and ``prediction_utils.py``.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from .checkpoints import shared_content, whole_file
from .errors import CustomerError
from .hosts import ALONE, Hosts, meet
from .job import TRAIN, VALIDATION, Job
from .media import CSV, label_size_of, media_type
from .tables import CsvLayout, Table, joined, read_channel, read_share, without_rows
from .xgboost_hosts import collective
from .xgboost_names import MAXIMISED
from .xgboost_settings import Settings, classes_of, message_of, own_metrics, read_settings

MODEL_NAME = "xgboost-model"
CHECKPOINT_NAME = "xgboost-checkpoint"
KEPT_CHECKPOINTS = 5

_log = logging.getLogger(__name__)
_CHECKPOINT = re.compile(rf"{CHECKPOINT_NAME}\.(\d{{1,9}})")
_DEFAULT_TYPE = "text/libsvm"


class _Monitor(xgb.callback.TrainingCallback):
    """Prints the metrics of each round as the container does: a tab between two of them."""

    def __init__(self, first: int) -> None:
        self._first = first

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        del model
        shown = [
            f"{data}-{metric}:{values[-1]:.5f}"
            for data, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        print("\t".join([f"[{self._first + epoch}]", *shown]), flush=True)  # noqa: T201
        return False


class _Keeper(xgb.callback.TrainingCallback):
    """Saves the model after each round, so that whatever ends the job finds a whole one.

    Args:
        folder: Where to.
        name: What it is called.
        numbered: Whether the number of the round follows the name. The newest are kept.
    """

    def __init__(self, folder: Path, name: str, *, numbered: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self._numbered = folder, name, numbered

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        del epoch, evals_log
        done = model.num_boosted_rounds() - 1
        save_model(model, self._folder / (f"{self._name}.{done}" if self._numbered else self._name))
        if self._numbered:
            (self._folder / f"{self._name}.{done - KEPT_CHECKPOINTS}").unlink(missing_ok=True)
        return False


def save_model(model: Any, path: Path) -> None:
    """Write a model at once, in the library's own binary format."""
    with whole_file(path) as file:
        file.write(model.save_raw("ubj"))


def train(job: Job) -> None:
    """Train, and leave the model.

    Raises:
        CustomerError: If the data or a hyperparameter cannot be taken.
    """
    settings = read_settings(job.hyperparameters)
    for note in settings.notes:
        _log.warning("%s", note)
    with meet(job) as hosts:
        table = _table(job, hosts, TRAIN, settings)
        validation = _table(job, hosts, VALIDATION, settings) if job.has(VALIDATION) else None
        _log.info("Train matrix has %d rows and %d columns", len(table), table.width)
        if validation is not None:
            _log.info("Validation matrix has %d rows", len(validation))
        try:
            if settings.folds:
                _cross_validate(job, settings, table if validation is None else joined([table, validation]))
                return
            with collective(job, hosts):
                rows = {"train": _matrix(table)}
                if validation is not None:
                    rows["validation"] = _matrix(validation)
                model = _fit(job, hosts, settings, rows, MODEL_NAME, job.checkpoints)
        except xgb.core.XGBoostError as error:
            raise CustomerError(f"XGB train call failed with exception:\n {message_of(error)}") from error
        if hosts.is_first:
            save_model(model, job.model / MODEL_NAME)


def _table(job: Job, hosts: Hosts, channel: str, settings: Settings) -> Table:
    # The container takes the type of the training data for both.
    content_type = job.content_type(TRAIN, _DEFAULT_TYPE)
    if media_type(content_type)[0] in CSV and label_size_of(content_type, 1) != 1:
        raise CustomerError(
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be "
            "equal to 1"
        )
    layout = CsvLayout(labels=1, weighted=settings.csv_weighted, missing=True)
    folder = job.channel(channel)
    table, widths = read_share(hosts, folder, lambda: read_channel(folder, content_type, layout))
    if table is None and widths:
        return without_rows(max(widths))
    if table is None or not len(table) or table.labels is None:
        raise CustomerError("Got input data without labels. Please check the input data set.")
    if np.isnan(table.labels).any():
        raise CustomerError(f"A label of the {channel} channel is missing or NaN.")
    if not isinstance(table.features, np.ndarray):
        table.features.resize((len(table), max(widths)))
    elif len(widths) > 1:
        raise CustomerError(f"The files of the {channel} channel do not have equally many features.")
    return table


def _matrix(table: Table) -> Any:
    return xgb.DMatrix(table.features, label=table.labels, weight=table.weights)


def _fit(
    job: Job,
    hosts: Hosts,
    settings: Settings,
    rows: dict[str, Any],
    name: str,
    checkpoints: Path | None,
    results: dict[str, Any] | None = None,
) -> Any:
    resumed, done = _resumed(hosts, checkpoints)
    callbacks: list[Any] = [_Monitor(done)] if hosts.is_first else []
    if checkpoints is not None and hosts.is_first:
        callbacks.append(_Keeper(checkpoints, CHECKPOINT_NAME, numbered=True))
    if settings.keep_on_termination:
        if hosts.is_first:
            callbacks.append(_Keeper(job.model, name, numbered=False))
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if settings.patience and "validation" in rows:
        stop_on = settings.stop_on
        callbacks.append(
            xgb.callback.EarlyStopping(
                rounds=settings.patience,
                data_name="validation",
                metric_name=stop_on,
                maximize=None if stop_on is None else stop_on.partition("@")[0] in MAXIMISED,
                save_best=True,
            )
        )
    return xgb.train(
        settings.parameters,
        rows["train"],
        num_boost_round=max(0, settings.rounds - done),
        evals=[(matrix, data) for data, matrix in rows.items()],
        custom_metric=own_metrics(settings.own, settings.objective, hosts) if settings.own else None,
        callbacks=callbacks,
        xgb_model=resumed,
        evals_result=results,
        verbose_eval=False,
    )


def _resumed(hosts: Hosts, folder: Path | None) -> tuple[bytearray | None, int]:
    """Return the model that training goes on from, and its number of rounds: on all hosts the first's."""
    if folder is None:
        return None, 0
    found, done = newest_checkpoint(folder) if hosts.is_first else (None, 0)
    kept = shared_content(hosts, found)
    done = max(hosts.each(done))
    if not kept:
        return None, 0
    _log.info("Checkpoint loaded from %s", found or folder)
    _log.info("Resuming from iteration %d", done)
    return bytearray(kept), done


def newest_checkpoint(folder: Path | None) -> tuple[Path | None, int]:
    """Return the newest checkpoint that can be read, and its number of rounds; ``None`` and 0 if none can."""
    if folder is None or not folder.is_dir():
        return None, 0
    found = sorted(
        (int(match[1]), path) for path in folder.iterdir() if (match := _CHECKPOINT.fullmatch(path.name))
    )
    for _, path in reversed(found):
        try:
            return path, int(xgb.Booster(model_file=bytearray(path.read_bytes())).num_boosted_rounds())
        except xgb.core.XGBoostError:
            _log.warning("The checkpoint %s cannot be read.", path.name)
    return None, 0


def _cross_validate(job: Job, settings: Settings, table: Table) -> None:
    """Train a model per fold; tell the mean of the metrics; leave the models and what they predicted."""
    rows = _matrix(table)
    classes = settings.objective.startswith(("binary:", "multi:"))
    _log.info(
        "Run %d-round of %d-fold cross validation with %d rows", settings.repeats, settings.folds, len(table)
    )
    results: list[dict[str, Any]] = []
    predicted: list[list[Any]] = [[] for _ in range(len(table))]
    for number, (kept, held) in enumerate(_folds(settings, table, stratified=classes)):
        _log.info("Train cross validation fold %d", number % settings.folds + 1)
        name = f"{MODEL_NAME}-{number}"
        folder = job.checkpoints / f"model-{number}" if job.checkpoints is not None else None
        parts = {"train": rows.slice(kept), "validation": rows.slice(held)}
        result: dict[str, Any] = {}
        model = _fit(job, ALONE, settings, parts, name, folder, result)
        save_model(model, job.model / name)
        results.append(result)
        for row, value in zip(held, model.predict(parts["validation"]), strict=True):
            predicted[row].append(value)
        if (number + 1) % settings.folds == 0:
            _log.info("The metrics of round %d cross validation", (number + 1) // settings.folds)
            _print_means(settings, results[-settings.folds :])
    if settings.repeats > 1:
        _log.info("The overall metrics of %d-round cross validation", settings.repeats)
        _print_means(settings, results)
    job.output.mkdir(parents=True, exist_ok=True)
    columns = _predictions(np.array(predicted), table, settings.objective, classes=classes)
    np.savetxt(job.output / "predictions.csv", columns, delimiter=",", fmt="%f")


def _folds(settings: Settings, table: Table, *, stratified: bool) -> Iterator[tuple[Any, Any]]:
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    if len(table) < settings.folds:
        raise CustomerError(f"There are {len(table)} rows: too few for {settings.folds} folds.")
    maker = RepeatedStratifiedKFold if stratified else RepeatedKFold
    seed = int(settings.parameters.get("seed", "0")) % 2**32
    folds = maker(n_splits=settings.folds, n_repeats=settings.repeats, random_state=seed)
    try:
        yield from folds.split(np.zeros(len(table)), table.labels)
    except ValueError as error:
        raise CustomerError(f"The rows cannot be split into {settings.folds} folds: {error}") from error


def _print_means(settings: Settings, results: list[dict[str, Any]]) -> None:
    shown = [f"[{settings.rounds}]"]
    for metric in results[0].get("train", {}):
        for data in results[0]:
            mean = np.mean([result[data][metric][-1] for result in results])
            shown.append(f"{data}-{metric}:{mean:.5f}")
    print("\t".join(shown), flush=True)  # noqa: T201


def _predictions(predicted: Any, table: Table, objective: str, *, classes: bool) -> Any:
    """Return truth and mean prediction of each row; of classes the mean probability and the usual class."""
    if not classes:
        return np.column_stack([np.asarray(table.labels), predicted.mean(axis=1)])
    told = np.stack([classes_of(predicted[:, turn], objective) for turn in range(predicted.shape[1])], axis=1)
    truth = np.asarray(table.labels)
    usual = [np.bincount(row.astype(int)).argmax() for row in told]
    certain = predicted.max(axis=2) if predicted.ndim > 2 else predicted
    return np.column_stack([truth, certain.mean(axis=1), usual])
