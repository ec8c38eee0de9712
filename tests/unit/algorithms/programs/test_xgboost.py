"""XGBoost in algorithm mode, held against the library called directly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepmill.algorithms.programs.errors import NotAcceptableError, RequestError, UnsupportedContentError
from stepmill.algorithms.programs.recordio import read_records, write_record
from stepmill.algorithms.programs.xgboost_settings import read_settings
from support.algorithm_jobs import Trainer, csv_of

xgb = pytest.importorskip("xgboost")

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(120, 4)).round(3)
Y = (X[:, 0] * 2 + X[:, 1] ** 2).round(3)
CLASS = (X[:, 0] + X[:, 1] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
BODY = csv_of(*X[:5].T)
DATA = {"train": csv_of(Y[:90], X[:90]), "validation": csv_of(Y[90:], X[90:])}


def directly(parameters: dict[str, Any], rounds: int, labels: Any = Y, **more: Any) -> list[float]:
    matrix = xgb.DMatrix(X[:90].astype(np.float32), label=labels[:90])
    booster = xgb.train(parameters, matrix, rounds, **more)
    found: list[float] = booster.predict(xgb.DMatrix(X[:5].astype(np.float32))).tolist()
    return found


def scores(trained: Any, body: bytes = BODY, content_type: str = "text/csv") -> list[Any]:
    return [row["score"] for row in trained.predictions(body, content_type)]


def test_the_model_is_the_one_that_the_library_makes(trainer: Trainer) -> None:
    asked = {"num_round": 6, "max_depth": 3, "eta": 0.5, "eval_metric": "rmse,mae", "lambda": 2}
    trained = trainer("xgboost", asked, DATA)
    assert trained.code == 0, trained.log
    assert scores(trained) == directly({"max_depth": 3, "eta": 0.5, "lambda": 2}, 6)
    assert [path.name for path in trained.model.iterdir()] == ["xgboost-model"]
    xgb.Booster(model_file=bytearray((trained.model / "xgboost-model").read_bytes()))


def test_lines_of_the_log_have_tabs(trainer: Trainer) -> None:
    lines = trainer("xgboost", {"num_round": 2, "eval_metric": "rmse,mae"}, DATA).log.splitlines()
    rounds = [line.split("\t") for line in lines if line.startswith(("[0]", "[1]"))]
    assert [line[0] for line in rounds] == ["[0]", "[1]"]
    assert [cell.partition(":")[0] for cell in rounds[0][1:]] == [
        "train-rmse",
        "train-mae",
        "validation-rmse",
        "validation-mae",
    ]


def test_all_formats_give_the_same_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({str(i): column for i, column in enumerate([Y, *X.T])}), sink)
    lines = [f"{y} " + " ".join(f"{i}:{v}" for i, v in enumerate(row)) for y, row in zip(Y, X, strict=True)]
    files = {
        "text/csv;label_size=1": csv_of(Y, X),
        "text/libsvm": "\n".join(lines).encode(),
        "application/x-parquet": sink.getvalue().to_pybytes(),
        "application/x-recordio-protobuf": b"".join(
            write_record({"values": row}, {"values": [y]}) for y, row in zip(Y, X, strict=True)
        ),
    }
    found = []
    for number, (content_type, content) in enumerate(files.items()):
        trainer = Trainer(tmp_path / str(number), capsys)
        trained = trainer("xgboost", {"num_round": 3}, {"train": content}, content_type)
        assert trained.code == 0, trained.log
        found.append(scores(trained))
    assert found[0] == found[1] == found[2] == found[3]


def test_weights_come_from_the_second_column(trainer: Trainer) -> None:
    weights = np.where(Y > 0, 5.0, 1.0)
    data = {"train": csv_of(Y[:90], weights[:90], X[:90])}
    trained = trainer("xgboost", {"num_round": 3, "csv_weights": 1}, data)
    matrix = xgb.DMatrix(X[:90].astype(np.float32), label=Y[:90], weight=weights[:90])
    booster = xgb.train({}, matrix, 3)
    assert scores(trained) == booster.predict(xgb.DMatrix(X[:5].astype(np.float32))).tolist()


def test_missing_values_are_missing(trainer: Trainer) -> None:
    holes = X.copy()
    holes[::3, 1] = np.nan
    text = csv_of(Y, holes).replace(b"nan", b"")
    trained = trainer("xgboost", {"num_round": 3}, {"train": text})
    booster = xgb.train({}, xgb.DMatrix(holes.astype(np.float32), label=Y), 3)
    body = csv_of(*holes[:4].T).replace(b"nan", b"")
    assert scores(trained, body) == booster.predict(xgb.DMatrix(holes[:4].astype(np.float32))).tolist()


def test_training_stops_early_and_keeps_the_best(trainer: Trainer) -> None:
    asked = {"num_round": 200, "early_stopping_rounds": 3, "eta": 0.9, "eval_metric": "rmse"}
    trained = trainer("xgboost", asked, DATA)
    values = [
        float(line.rpartition(":")[2])
        for line in trained.log.splitlines()
        if line.startswith("[") and "\t" in line
    ]
    best = int(np.argmin(values))
    assert len(values) == best + 4 < 200
    assert scores(trained) == directly({"eta": 0.9}, best + 1)


def test_checkpoints_are_kept_and_resumed(trainer: Trainer) -> None:
    trainer("xgboost", {"num_round": 7}, DATA, checkpoints=True)
    folder = trainer.base / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == [f"xgboost-checkpoint.{n}" for n in range(2, 7)]
    (folder / "xgboost-checkpoint.9").write_bytes(b"broken")
    (folder / "other.7").write_bytes(b"not one of them")
    trained = trainer("xgboost", {"num_round": 10}, DATA, checkpoints=True)
    assert [line.partition("\t")[0] for line in trained.log.splitlines() if "\t" in line] == [
        "[7]",
        "[8]",
        "[9]",
    ]
    assert "Resuming from iteration 7" in trained.log
    assert scores(trained) == pytest.approx(directly({}, 10), rel=1e-5)


def test_a_job_that_was_done_already_has_its_model(trainer: Trainer) -> None:
    first = scores(trainer("xgboost", {"num_round": 4}, DATA, checkpoints=True))
    again = trainer("xgboost", {"num_round": 4}, DATA, checkpoints=True)
    assert scores(again) == first


def test_cross_validation_leaves_a_model_per_fold_and_predictions(trainer: Trainer) -> None:
    asked = {"num_round": 2, "_kfold": 3, "_num_cv_round": 2, "eval_metric": "error,accuracy"}
    data = {"train": csv_of(CLASS, X)}
    trained = trainer("xgboost", {**asked, "objective": "binary:logistic"}, data)
    assert trained.code == 0, trained.log
    assert sorted(path.name for path in trained.model.iterdir()) == [f"xgboost-model-{n}" for n in range(6)]
    table = np.loadtxt(trained.base / "output" / "data" / "predictions.csv", delimiter=",")
    assert table.shape == (120, 3)
    assert (table[:, 0] == CLASS).all()
    assert ((table[:, 1] > 0.5) == table[:, 2]).mean() > 0.9
    means = [line for line in trained.log.splitlines() if line.startswith("[2]\t")]
    assert len(means) == 3
    assert "validation-accuracy:" in means[-1]
    # All models of the archive together answer.
    each = [
        xgb.Booster(model_file=bytearray(path.read_bytes())).predict(xgb.DMatrix(X[:5]))
        for path in sorted(trained.model.iterdir())
    ]
    assert scores(trained) == pytest.approx(np.mean(each, axis=0).tolist())


@pytest.mark.parametrize(
    ("objective", "more", "metric"),
    [
        ("binary:logistic", {}, "accuracy,f1_binary,precision,recall,balanced_accuracy"),
        ("binary:hinge", {}, "accuracy"),
        ("binary:logitraw", {}, "accuracy"),
        ("multi:softmax", {"num_class": 3}, "accuracy,f1"),
        (
            "multi:softprob",
            {"num_class": 3},
            "f1_macro,precision_macro,recall_macro,precision_micro,recall_micro",
        ),
    ],
)
def test_metrics_of_the_container_are_those_of_scikit_learn(
    trainer: Trainer, objective: str, more: dict[str, Any], metric: str
) -> None:
    from sklearn import metrics

    labels = CLASS if objective.startswith("binary") else THREE
    asked = {"num_round": 3, "max_depth": 2, "objective": objective, "eval_metric": metric, **more}
    trained = trainer("xgboost", asked, {"train": csv_of(labels, X)})
    last = [line for line in trained.log.splitlines() if line.startswith("[2]\t")][-1]
    told = dict(cell.removeprefix("train-").split(":") for cell in last.split("\t")[1:])
    assert list(told) == metric.split(",")
    booster = xgb.Booster(model_file=bytearray((trained.model / "xgboost-model").read_bytes()))
    found = booster.predict(xgb.DMatrix(X))
    classes = found.argmax(axis=1) if found.ndim > 1 else found
    if objective in ("binary:logistic", "binary:logitraw"):
        classes = found > (0.5 if objective == "binary:logistic" else 0)
    for name, value in told.items():
        base, _, average = name.partition("_")
        if name in ("accuracy", "balanced_accuracy"):
            truth = getattr(metrics, f"{name}_score")(labels, classes)
        else:
            average = average or ("macro" if base == "f1" else "binary")
            truth = getattr(metrics, f"{base}_score")(labels, classes, average=average)
        assert float(value) == pytest.approx(truth, abs=1e-5), name


def test_settings_without_effect_are_said_and_left_out() -> None:
    settings = read_settings(
        {
            "num_round": "3",
            "predictor": "cpu_predictor",
            "tree_method": "gpu_hist",
            "silent": "1",
            "reg_alpha": "2",
        }
    )
    assert settings.parameters == {"tree_method": "hist", "verbosity": "0", "alpha": "2"}
    assert len(settings.notes) == 2


def test_a_metric_that_tuning_asks_for_is_computed(trainer: Trainer) -> None:
    asked = {"num_round": 2, "_tuning_objective_metric": "validation:mae", "early_stopping_rounds": 1}
    assert "validation-mae:" in trainer("xgboost", asked, DATA).log


@pytest.mark.parametrize(
    ("more", "data", "message"),
    [
        ({}, {"train": b""}, "Got input data without labels"),
        ({}, {"train": b",1\n2,3\n"}, "A label of the train channel is missing"),
        ({}, {"train": b"1,2\n3\n"}, "Failed to load data: Line 2 has 1 columns"),
        ({"objective": "binary:logistic"}, {"train": b"5,1\n2,3\n"}, "XGB train call failed with exception"),
        ({"_kfold": 9}, {"train": b"1,1\n2,3\n"}, "too few for 9 folds"),
    ],
)
def test_what_the_customer_can_mend_is_told(
    trainer: Trainer, more: dict[str, Any], data: dict[str, bytes], message: str
) -> None:
    trained = trainer("xgboost", {"num_round": 2, **more}, data)
    assert trained.code == 2
    assert trained.failure.startswith("ClientError: ")
    assert message in trained.failure
    assert "Stack trace" not in trained.failure


class TestAnswers:
    @pytest.fixture
    def trained(self, trainer: Trainer) -> Any:
        asked = {"num_round": 3, "objective": "multi:softprob", "num_class": 3}
        return trainer("xgboost", asked, {"train": csv_of(THREE, X)})

    def test_csv_has_a_line_per_row(self, trained: Any) -> None:
        lines = trained.answer(BODY, accept="").decode().splitlines()
        assert len(lines) == 5
        assert all(len(line.split(",")) == 3 for line in lines)

    def test_libsvm_and_records_are_read(self, trained: Any) -> None:
        lines = [" ".join(f"{i}:{v}" for i, v in enumerate(row)) for row in X[:5]]
        by_csv = scores(trained)
        assert scores(trained, "\n".join(lines).encode(), "text/libsvm") == by_csv
        records = b"".join(write_record({"values": row}, {}) for row in X[:5])
        assert scores(trained, records, "application/x-recordio-protobuf") == by_csv
        (first, *_) = read_records(trained.answer(BODY, accept="application/x-recordio-protobuf"))
        assert first.label["score"].values.tolist() == by_csv[0]

    def test_batch_answers_one_value_a_line(self, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SAGEMAKER_BATCH", "true")
        lines = trained.answer(BODY, accept="application/json").decode().splitlines()
        assert [json.loads(line) for line in lines] == [
            list(row) for row in json.loads(json.dumps(directly_three(trained)))
        ]

    def test_the_user_selects_what_is_told(self, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label, probability,labels")
        rows = trained.predictions(BODY)
        each = directly_three(trained)
        assert [row["predicted_label"] for row in rows] == [int(np.argmax(row)) for row in each]
        assert [row["probability"] for row in rows] == [max(row) for row in each]
        assert rows[0]["labels"] == [0, 1, 2]
        line = trained.answer(BODY, accept="text/csv").decode().splitlines()[0]
        assert line.endswith('"[0, 1, 2]"')

    @pytest.mark.parametrize(
        ("body", "content_type", "accept", "error"),
        [
            (BODY, "application/json", "", UnsupportedContentError),
            (b"a,b", "text/csv", "", UnsupportedContentError),
            (BODY, "text/csv", "image/png", NotAcceptableError),
            (csv_of(np.ones((1, 9))), "text/csv", "", RequestError),
        ],
    )
    def test_what_cannot_be_answered(
        self, trained: Any, body: bytes, content_type: str, accept: str, error: type[RequestError]
    ) -> None:
        with pytest.raises(error) as caught:
            trained.answer(body, content_type, accept)
        assert type(caught.value) is error


def directly_three(trained: Any) -> list[list[float]]:
    booster = xgb.Booster(model_file=bytearray((trained.model / "xgboost-model").read_bytes()))
    found: list[list[float]] = booster.predict(xgb.DMatrix(X[:5])).tolist()
    return found
