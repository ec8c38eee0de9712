"""Train a model of how diabetes progresses, and register it if it beats guessing."""

from __future__ import annotations

from stepmill import (
    ConditionStep,
    FailStep,
    Join,
    Parameter,
    Pipeline,
    ProcessingStep,
    RegisterModelStep,
    TrainingStep,
)

test_share = Parameter("test_share", 0.25, description="Share of the patients kept for the test.")
n_estimators = Parameter("n_estimators", 200, description="Number of trees.")
learning_rate = Parameter("learning_rate", 0.05, description="Weight of each tree.")
limit = Parameter("limit", 0.7, description="Greatest error allowed, as a share of the mean predictor's.")

prepare = ProcessingStep(
    "Prepare",
    code="prepare.py",
    arguments=["--test-share", test_share],
    outputs=["train", "test"],
)

train = TrainingStep(
    "Train",
    entry_point="train.py",
    hyperparameters={"n-estimators": n_estimators, "learning-rate": learning_rate},
    inputs={"train": prepare.outputs["train"]},
    metrics={"trees": r"trees=([0-9]+)", "train:mse": r"train-mse=([0-9.]+);"},
)

evaluate = ProcessingStep(
    "Evaluate",
    code="evaluate.py",
    inputs={
        "model": train.model,
        "train": prepare.outputs["train"],
        "test": prepare.outputs["test"],
    },
    outputs=["evaluation"],
)
report = evaluate.report("evaluation.json")

register = RegisterModelStep(
    "Register",
    group="diabetes",
    model=train.model,
    entry_point="inference.py",
    metrics=report,
)

reject = FailStep(
    "Reject",
    Join(
        ["The error is ", report["error_ratio"], " of the mean predictor's; at most ", limit, " is allowed."]
    ),
)

gate = ConditionStep("GoodEnough", report["error_ratio"] <= limit, then=[register], otherwise=[reject])

pipeline = Pipeline(
    "Diabetes",
    [prepare, train, evaluate, gate],
    cache=True,
    description="Predicts how far diabetes has progressed after a year, from ten measurements.",
)
