from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.jobs.tuning.plan import Hyperband, Strategy
from stepmill.jobs.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange, Scale
from stepmill.jobs.tuning.request import read_tuning_request
from stepmill.sdk import (
    Between,
    ConditionStep,
    FailStep,
    Parameter,
    Pipeline,
    ProcessingStep,
    TrainingStep,
    TuningStep,
)
from support.sdk import step_document

METRICS = {"rmse": r"rmse=([0-9.]+)"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('rmse=1')")
    return tmp_path


def fit(**more: Any) -> TrainingStep:
    return TrainingStep("Fit", entry_point="train.py", metrics=METRICS, **more)


def tuning(**more: Any) -> TuningStep:
    given: dict[str, Any] = {
        "training": fit(),
        "ranges": {"alpha": Between(0.1, 10.0)},
        "minimize": "rmse",
        **more,
    }
    return TuningStep("Tune", **given)


def arguments(step: TuningStep) -> dict[str, Any]:
    found: dict[str, Any] = step_document(step, folder=Path.cwd())["Arguments"]
    return found


def test_it_compiles_to_what_a_tuning_job_takes() -> None:
    ranges = {
        "alpha": Between(0.001, 10.0, scale="Logarithmic"),
        "depth": Between(1, 12),
        "kind": ["ridge", "lasso"],
    }
    step = tuning(ranges=ranges, trials=20, parallel=4, early_stopping=True, seed=3, target=0.5)
    plan = read_tuning_request(arguments(step))
    assert plan.definitions[0].ranges == (
        IntegerRange("depth", 1, 12),
        ContinuousRange("alpha", 0.001, 10.0, Scale.LOGARITHMIC),
        CategoricalRange("kind", ("ridge", "lasso")),
    )
    assert (plan.most_trials, plan.most_parallel, plan.seed) == (20, 4, 3)
    assert (plan.early_stopping, plan.completion.target) == (True, 0.5)
    assert plan.definitions[0].static["sagemaker_program"] == '"train.py"'


def test_a_hyperparameter_with_a_range_is_not_static() -> None:
    step = tuning(training=fit(hyperparameters={"alpha": 1, "beta": 2}))
    static = arguments(step)["TrainingJobDefinition"]["StaticHyperParameters"]
    assert "alpha" not in static
    assert static["beta"] == "2"


def test_the_other_strategies() -> None:
    hyperband = read_tuning_request(arguments(tuning(strategy="Hyperband", epochs=(1, 27))))
    assert hyperband.hyperband == Hyperband(1, 27)
    grid = read_tuning_request(arguments(tuning(strategy="Grid", ranges={"a": [1, 2], "b": ["x", "y", "z"]})))
    assert (grid.strategy, grid.most_trials) == (Strategy.GRID, 6)


def test_time_tags_and_the_cache_go_along() -> None:
    step = tuning(max_tuning_time=timedelta(minutes=10), tags={"team": "blue"}, cache="30d")
    document = step_document(step, folder=Path.cwd())
    config = document["Arguments"]["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"]["MaxRuntimeInSeconds"] == 600
    assert document["Arguments"]["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert document["CacheConfig"] == {"Enabled": True, "ExpireAfter": "30d"}


def test_trials_on_spot_capacity_keep_checkpoints() -> None:
    step = tuning(
        training=fit(spot=True, max_runtime=timedelta(hours=1), checkpoints="s3://team/checkpoints")
    )
    definition = arguments(step)["TrainingJobDefinition"]
    assert definition["EnableManagedSpotTraining"] is True
    assert definition["StoppingCondition"]["MaxWaitTimeInSeconds"] == 7200
    assert definition["CheckpointConfig"] == {"S3Uri": "s3://team/checkpoints"}


def test_what_it_leaves() -> None:
    step = tuning()
    assert step.best.expression() == {
        "Get": "Steps.Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"
    }
    assert step.hyperparameter("alpha").expression() == {
        "Get": "Steps.Tune.BestTrainingJob.TunedHyperParameters['alpha']"
    }
    values: Any = step.model_of(2).expression()["Std:Join"]
    assert values["Values"][1:] == [
        {"Get": "Steps.Tune.TrainingJobSummaries[2].TrainingJobName"},
        "output",
        "model.tar.gz",
    ]


def test_the_training_is_no_step_but_what_it_needs_is_waited_for() -> None:
    prepare = ProcessingStep("Prepare", code="train.py", outputs=["data"])
    most = Parameter("Most", 5.0)
    step = tuning(
        training=fit(inputs={"data": prepare.outputs["data"]}), ranges={"alpha": Between(0.1, most)}
    )
    gate = ConditionStep("Gate", step.best <= 3, then=[FailStep("No", step.model)])
    pipeline = Pipeline("p", [prepare, step, gate], folder=Path.cwd())
    document: Any = pipeline.compile().definition
    assert '"Fit"' not in document
    assert '"Name":"Most"' in document.replace(" ", "")
    assert list(step.needs()) == [prepare]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"minimize": ""}, "one objective"),
        ({"maximize": "rmse"}, "one objective"),
        ({"ranges": {}}, "nothing to tune"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInputError, match=text):
        tuning(**change)


@pytest.mark.parametrize(
    ("between", "is_whole"),
    [
        (Between(1, 9), True),
        (Between(1, 9.0), False),
        (Between(1, 9, whole=False), False),
        (Between(1.0, 9, whole=True), True),
    ],
)
def test_whole_ends_make_whole_numbers(between: Between, is_whole: bool) -> None:
    assert between.is_whole is is_whole
