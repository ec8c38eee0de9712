"""DeepAR, held against GluonTS called directly and against known truths."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stepmill.algorithms.programs import inference
from stepmill.algorithms.programs.errors import (
    EmptyRequestError,
    NotAcceptableError,
    RequestError,
    UnsupportedContentError,
)
from support.algorithm_jobs import Trained, Trainer

# Imported under pytest's "a warning is an error", as the programs are.
pytest.importorskip("torch")
pytest.importorskip("gluonts", reason="needs the extra forecasting")

NAME = "forecasting-deepar"
JSON, LINES = "application/json", "application/jsonlines"
HORIZON = 3
START = "2024-01-01 00:00:00"
SMALL = {
    "context_length": 7,
    "epochs": 1,
    "prediction_length": HORIZON,
    "time_freq": "D",
    "mini_batch_size": 4,
    "num_cells": 6,
    "num_layers": 1,
    "num_eval_samples": 20,
}


def series(count: int = 6, length: int = 70, **fields: Any) -> list[dict[str, Any]]:
    """Weeks that repeat; every second time series is ten times as large."""
    found = []
    for number in range(count):
        weekday = (np.arange(length) + number) % 7
        target = (1 + weekday) * (10.0 if number % 2 else 1.0)
        found.append({"start": START, "target": target.tolist(), **fields})
    return found


def lines(rows: list[dict[str, Any]], cut: int = 0) -> bytes:
    kept = [{**row, "target": row["target"][: len(row["target"]) - cut]} for row in rows]
    return "".join(f"{json.dumps(row)}\n" for row in kept).encode()


def ask(trained: Trained, *instances: Any, **configuration: Any) -> list[dict[str, Any]]:
    document = {"instances": list(instances), "configuration": {"num_samples": 40, **configuration}}
    found: list[dict[str, Any]] = json.loads(trained.answer(json.dumps(document).encode(), JSON))[
        "predictions"
    ]
    return found


@contextmanager
def caught_output(tmp_path: Path) -> Iterator[Trainer]:
    """A trainer for more than one test: pytest's own capturing is of one."""
    import io
    from contextlib import redirect_stdout

    into = io.StringIO()
    reader: Any = SimpleNamespace(readouterr=lambda: SimpleNamespace(out=into.getvalue()))
    with redirect_stdout(into):
        yield Trainer(tmp_path / "ml", reader)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Trained on targets alone, with a test channel."""
    rows = series()
    rows[0]["target"][10] = None
    rows[1]["target"][11] = "NaN"
    data = {"train": {"train.json": lines(rows, cut=HORIZON)}, "test": {"test.json": lines(rows)}}
    with caught_output(tmp_path_factory.mktemp("plain")) as trainer:
        yield trainer(NAME, {**SMALL, "epochs": 6, "learning_rate": 0.05, "num_cells": 12}, data, "")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Trained with categories and features."""
    rows = [
        {**row, "cat": [number % 2, 0], "dynamic_feat": [[float(day % 2) for day in range(70)]]}
        for number, row in enumerate(series())
    ]
    data = {"train": {"train.json": lines(rows)}}
    with caught_output(tmp_path_factory.mktemp("rich")) as trainer:
        yield trainer(NAME, {**SMALL, "embedding_dimension": 3}, data, "")


class TestTraining:
    def test_the_log_is_the_containers(self, plain: Trained) -> None:
        assert plain.code == 0, plain.log
        for line in (
            "`cat` field was NOT found in the file",
            "number of time series: 6",
            "contains missing values: yes",
            "Epoch[0] Batch[0] avg_epoch_loss=",
            "Epoch[0] Batch[5] avg_epoch_loss=",
            "#quality_metric: host=algo-1, epoch=0, batch=5 train loss <loss>=",
            # Few time series: ten batches, of four examples each.
            "processed a total of 40 examples",
            "#quality_metric: host=algo-1, epoch=5, train loss <loss>=",
            "#progress_metric: host=algo-1, completed 50.0 % of epochs",
            "(occurred at epoch ",
            "#quality_metric: host=algo-1, train final_loss <loss>=",
            "Evaluating model accuracy on testset using 20 samples",
            "#test_score (algo-1, RMSE): ",
            "#test_score (algo-1, wQuantileLoss[0.9]): ",
            "#quality_metric: host=algo-1, test mean_wQuantileLoss <loss>=",
        ):
            assert line in plain.log, line

    def test_lightning_and_gluonts_are_silent(self, plain: Trained) -> None:
        for word in ("GPU", "Trainer", "Warning", "checkpoint", "pandas"):
            assert word not in plain.log

    def test_it_forecasts_better_than_the_last_value(self, plain: Trained) -> None:
        rows = series()
        past = [{**row, "target": row["target"][:-HORIZON]} for row in rows]
        truth = np.array([row["target"][-HORIZON:] for row in rows])
        told = ask(plain, *past, quantiles=["0.5"])
        ours = np.abs(np.array([one["quantiles"]["0.5"] for one in told]) - truth).mean()
        naive = np.abs(np.array([[row["target"][-1]] * HORIZON for row in past]) - truth).mean()
        assert ours < naive

    def test_the_scores_are_those_of_its_own_forecasts(self, plain: Trained) -> None:
        scores = dict(
            line.split(", ")[1].split("): ") for line in plain.log.splitlines() if "test_score" in line
        )
        losses = [float(scores[f"wQuantileLoss[0.{digit}]"]) for digit in range(1, 10)]
        assert float(scores["mean_wQuantileLoss"]) == pytest.approx(np.mean(losses))
        total = sum(sum(row["target"][-HORIZON:]) for row in series())
        assert float(scores["mean_absolute_QuantileLoss"]) == pytest.approx(np.mean(losses) * total)

    def test_the_loss_is_that_of_gluonts_called_directly(self, plain: Trained, tmp_path: Path) -> None:
        losses: list[float] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandas as pd
            import torch
            from gluonts.torch.model.deepar import DeepAREstimator
            from lightning.pytorch.callbacks import LambdaCallback

            keep = LambdaCallback(
                on_train_epoch_end=lambda trainer, _: losses.append(
                    float(trainer.callback_metrics["train_loss"])
                )
            )
            torch.manual_seed(0)
            np.random.seed(0)
            estimator = DeepAREstimator(
                freq="D",
                prediction_length=HORIZON,
                context_length=7,
                num_layers=1,
                hidden_size=12,
                lr=0.05,
                dropout_rate=0.0,
                batch_size=4,
                num_batches_per_epoch=10,
                trainer_kwargs={
                    "max_epochs": 6,
                    "accelerator": "cpu",
                    "callbacks": [keep],
                    "default_root_dir": tmp_path,
                    "logger": False,
                    "enable_progress_bar": False,
                    "enable_model_summary": False,
                },
            )
            rows = series()
            rows[0]["target"][10] = rows[1]["target"][11] = np.nan
            estimator.train(
                [
                    {"start": pd.Period(START, "D"), "target": np.array(row["target"][:-HORIZON])}
                    for row in rows
                ]
            )
        told = [line for line in plain.log.splitlines() if ", train loss <loss>=" in line]
        assert [float(line.rpartition("=")[2]) for line in told] == pytest.approx(losses, rel=1e-4)

    def test_training_twice_gives_the_same_model(self, trainer: Trainer) -> None:
        data = {"train": {"train.json": lines(series())}}
        first = trainer(NAME, SMALL, data, "")
        weights = (first.model / "model_algo-1.json").read_bytes(), ask(first, series()[0])
        shutil.rmtree(first.model)
        second = trainer(NAME, SMALL, data, "")
        assert ((second.model / "model_algo-1.json").read_bytes(), ask(second, series()[0])) == weights

    def test_training_stops_when_nothing_is_gained(self, trainer: Trainer) -> None:
        asked = {**SMALL, "epochs": 30, "early_stopping_patience": 1, "learning_rate": 0.5}
        trained = trainer(NAME, asked, {"train": {"train.json": lines(series())}}, "")
        assert trained.code == 0, trained.log
        assert "The loss has not improved for 1 epochs. stopping training now" in trained.log
        assert "epoch=29" not in trained.log
        told = [line for line in trained.log.splitlines() if ", train loss <loss>=" in line]
        final = next(line for line in trained.log.splitlines() if "Final loss: " in line)
        assert min(float(line.rpartition("=")[2]) for line in told) == float(final.split()[-5])

    @pytest.mark.parametrize(
        ("likelihood", "spread"),
        [("gaussian", True), ("beta", True), ("negative-binomial", True), ("deterministic-L1", False)],
    )
    def test_each_likelihood(self, trainer: Trainer, likelihood: str, spread: bool) -> None:
        rows = series()
        if likelihood == "beta":
            rows = [
                {**row, "target": [value / max(row["target"]) for value in row["target"]]} for row in rows
            ]
        trained = trainer(
            NAME, {**SMALL, "likelihood": likelihood}, {"train": {"train.json": lines(rows)}}, ""
        )
        assert trained.code == 0, trained.log
        (told,) = ask(trained, rows[0], output_types=["samples"])
        samples = np.array(told["samples"])
        assert samples.shape == (40, HORIZON)
        assert bool(samples.std(axis=0).min() > 0) is spread
        if likelihood == "beta":
            assert ((samples >= 0) & (samples <= 1)).all()
        if likelihood == "negative-binomial":
            assert (samples == np.floor(samples)).all()
            assert (samples >= 0).all()

    @pytest.mark.parametrize("time_freq", ["M", "2W", "H", "15min"])
    def test_frequencies(self, trainer: Trainer, time_freq: str) -> None:
        asked = {
            **SMALL,
            "time_freq": time_freq,
            "prediction_length": 1,
            "context_length": 1,
            "num_layers": 2,
        }
        trained = trainer(NAME, asked, {"train": {"train.json": lines(series())}}, "")
        assert trained.code == 0, trained.log
        assert len(ask(trained, series()[0])[0]["mean"]) == 1

    @pytest.mark.parametrize(
        ("asked", "data", "message"),
        [
            ({"learning_rate": "1e30"}, lines(series()), "Try a smaller learning_rate"),
            ({"likelihood": "beta"}, lines(series()), "train.json, line 1: likelihood beta needs values"),
            ({}, b"{}\n", "train.json, line 1: there is no field 'start'"),
        ],
    )
    def test_what_cannot_be_learnt(
        self, trainer: Trainer, asked: dict[str, str], data: bytes, message: str
    ) -> None:
        trained = trainer(NAME, {**SMALL, **asked}, {"train": {"train.json": data}}, "")
        assert trained.code == 2, trained.log
        assert message in trained.failure

    def test_a_test_channel_that_does_not_fit_is_refused_before_training(self, trainer: Trainer) -> None:
        data = {"train": {"a.json": lines(series())}, "test": {"b.json": lines(series(length=HORIZON))}}
        trained = trainer(NAME, SMALL, data, "")
        assert "b.json, line 1: target has 3 values" in trained.failure
        assert "Epoch[0]" not in trained.log


class TestScore:
    def test_against_numbers_by_hand(self) -> None:
        from stepmill.algorithms.programs.deepar import score

        paths = np.array([[[1.0, 4.0], [3.0, 4.0]], [[10.0, 0.0], [10.0, 0.0]]])
        truth = np.array([[2.0, 2.0], [8.0, np.nan]])
        found = score(paths, truth, [0.5, 0.9])
        assert found["RMSE"] == pytest.approx(np.sqrt((0 + 4 + 4) / 3))
        assert found["wQuantileLoss[0.5]"] == pytest.approx((0 + 2 + 2) / 12)
        # The 0.9 quantile of (1, 3) is 2.8.
        assert found["wQuantileLoss[0.9]"] == pytest.approx(2 * 0.1 * (0.8 + 2 + 2) / 12)
        assert found["mean_wQuantileLoss"] == pytest.approx(
            (found["wQuantileLoss[0.5]"] + found["wQuantileLoss[0.9]"]) / 2
        )

    @pytest.mark.parametrize(
        ("series_count", "batch", "batches"), [(370, 64, 10), (1, 128, 10), (1281, 128, 11)]
    )
    def test_an_epoch_is_as_long_as_the_containers(self, series_count: int, batch: int, batches: int) -> None:
        from stepmill.algorithms.programs.deepar import batches_per_epoch

        assert batches_per_epoch(series_count, batch) == batches


class TestRequests:
    def test_a_forecast_has_what_was_asked_for(self, plain: Trained) -> None:
        (told,) = ask(
            plain,
            series()[0],
            num_samples=30,
            output_types=["mean", "quantiles", "samples"],
            quantiles=["0.1", "0.90"],
        )
        assert set(told) == {"mean", "quantiles", "samples"}
        assert set(told["quantiles"]) == {"0.1", "0.90"}
        samples = np.array(told["samples"])
        assert samples.shape == (30, HORIZON)
        np.testing.assert_allclose(told["mean"], samples.mean(axis=0), rtol=1e-4)
        np.testing.assert_allclose(told["quantiles"]["0.90"], np.quantile(samples, 0.9, axis=0), rtol=1e-4)

    def test_without_configuration_the_default_is_the_documented_one(self, plain: Trained) -> None:
        (told,) = json.loads(plain.answer(json.dumps({"instances": series(1)}).encode(), JSON))["predictions"]
        assert set(told) == {"mean", "quantiles"}
        assert list(told["quantiles"]) == [f"0.{digit}" for digit in range(1, 10)]

    def test_batches_are_json_lines_both_ways(self, plain: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DEEPAR_INFERENCE_CONFIG", '{"num_samples": 5, "output_types": ["samples"]}')
        answer = plain.answer(lines(series(2)), LINES, LINES)
        told = [json.loads(line) for line in answer.splitlines()]
        assert [np.array(one["samples"]).shape for one in told] == [(5, HORIZON)] * 2

    @pytest.mark.parametrize("text", ["{", "[]", '{"num_samples": 0}'])
    def test_a_wrong_configuration_of_batches_is_told_when_the_model_is_loaded(
        self, plain: Trained, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("DEEPAR_INFERENCE_CONFIG", text)
        with pytest.raises(RuntimeError, match="DEEPAR_INFERENCE_CONFIG cannot be taken"):
            inference.model_fn(str(plain.model))

    def test_a_time_series_may_be_short_or_new(self, plain: Trained) -> None:
        told = ask(plain, {"start": START, "target": []}, {"start": "2030-05-05", "target": [2.0]})
        assert np.isfinite([one["mean"] for one in told]).all()

    def test_categories_and_features_are_used(self, rich: Trained) -> None:
        assert rich.code == 0, rich.log
        features = [[float(day % 2) for day in range(70 + HORIZON)]]
        (told,) = ask(rich, {**series(1)[0], "cat": [1, 0], "dynamic_feat": features})
        assert len(told["mean"]) == HORIZON

    @pytest.mark.parametrize(
        ("instance", "message"),
        [
            ({"cat": [0]}, "instance 0: there is cat, and the model was trained without"),
            (
                {"dynamic_feat": [[1.0]]},
                "instance 0: there is dynamic_feat, and the model was trained without",
            ),
            ({"target": ["x"]}, "instance 0: a value of target is 'x'"),
            ({"start": "then"}, "instance 0: start is 'then'"),
        ],
    )
    def test_instances_that_do_not_suit(self, plain: Trained, instance: dict[str, Any], message: str) -> None:
        with pytest.raises(RequestError, match=message) as caught:
            ask(plain, {**series(1)[0], **instance})
        assert caught.value.status == 400

    @pytest.mark.parametrize(
        ("instance", "message"),
        [
            ({}, "there is no cat"),
            ({"cat": [0, 0]}, "there is no dynamic_feat"),
            ({"cat": [2, 0], "dynamic_feat": [[0.0] * 73]}, "cat has the value 2"),
            ({"cat": [0, 0], "dynamic_feat": [[0.0] * 70]}, "it needs 73"),
        ],
    )
    def test_instances_that_lack_something(
        self, rich: Trained, instance: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(RequestError, match=message):
            ask(rich, {**series(1)[0], **instance})

    @pytest.mark.parametrize(
        "configuration",
        [
            {"num_samples": 0},
            {"num_samples": 10**9},
            {"num_samples": "5"},
            {"num_samples": True},
            {"output_types": ["median"]},
            {"output_types": "mean"},
            {"output_types": []},
            {"quantiles": ["1.5"]},
            {"quantiles": ["nan"]},
            {"quantiles": [None]},
            {"quantiles": [True]},
            {"quantiles": "0.5"},
            {"quantiles": ["0.5"] * 5000},
        ],
    )
    def test_configurations_that_cannot_be_taken(self, plain: Trained, configuration: dict[str, Any]) -> None:
        with pytest.raises(RequestError):
            ask(plain, series(1)[0], **configuration)

    @pytest.mark.parametrize(
        ("body", "content_type", "accept", "error"),
        [
            (b" ", JSON, JSON, EmptyRequestError),
            (b"1,2", "text/csv", JSON, UnsupportedContentError),
            (b"{}", JSON, "text/csv", NotAcceptableError),
            (b"{", JSON, JSON, RequestError),
            (b"{}", JSON, JSON, RequestError),
            (b"[]", JSON, JSON, RequestError),
            (b'{"instances": []}', JSON, JSON, RequestError),
            (b'{"instances": [{}], "configuration": 5}', JSON, JSON, RequestError),
            (b"[" * 100_000, JSON, JSON, RequestError),
            (b'{"start": "2020-01-01"}', LINES, JSON, RequestError),
            (b"\xff", LINES, JSON, RequestError),
            (b"{}\n" * 60_000_000, LINES, JSON, RequestError),
        ],
    )
    def test_requests_that_cannot_be_answered(
        self, plain: Trained, body: bytes, content_type: str, accept: str, error: type[RequestError]
    ) -> None:
        with pytest.raises(error) as caught:
            plain.answer(body, content_type, accept)
        assert type(caught.value) is error


class TestModel:
    def test_a_model_is_weights_and_what_they_are_of(self, plain: Trained) -> None:
        names = sorted(path.name for path in plain.model.iterdir())
        assert names == ["model_algo-1.json", "model_algo-1.pt", "stepmill-algorithm.json"]
        assert json.loads((plain.model / "model_algo-1.json").read_text())["frequency"] == "D"

    def test_a_model_that_runs_code_is_not_loaded(self, plain: Trained, tmp_path: Path) -> None:
        import pickle

        shutil.copytree(plain.model, tmp_path / "model")
        (tmp_path / "model" / "model_algo-1.pt").write_bytes(pickle.dumps({"weights": print}))
        with pytest.raises(RuntimeError, match="cannot be loaded"):
            inference.model_fn(str(tmp_path / "model"))

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 2}', '{"format": 1, "colour": "red"}'])
    def test_a_model_of_another_kind_is_refused(self, plain: Trained, tmp_path: Path, text: str) -> None:
        shutil.copytree(plain.model, tmp_path / "model")
        (tmp_path / "model" / "model_algo-1.json").write_text(text)
        with pytest.raises(RuntimeError):
            inference.model_fn(str(tmp_path / "model"))
