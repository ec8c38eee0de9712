"""Demand forecasting with DeepAR: features, training, a model, forecasts, their accuracy, registration."""

from __future__ import annotations

from stepmill import (
    ConditionStep,
    FailStep,
    Join,
    ModelStep,
    Parameter,
    Pipeline,
    ProcessingStep,
    RegisterModelStep,
    TrainingStep,
    TransformStep,
    execution,
)

DEEPAR = "156387875391.dkr.ecr.us-west-2.amazonaws.com/forecasting-deepar:1"
FEATURES = "123456789012.dkr.ecr.us-west-2.amazonaws.com/demand/features:1"

items = Parameter("items", 8, description="How many items a shop sells; 100 is a real shop.")
shops = Parameter("shops", 3, description="How many shops there are.")
days = Parameter("days", 200, description="How many days are known; 730 are two years.")
limit = Parameter("limit", 1.0, description="Most error, as a part of the seasonal naive forecast's.")

# Every hyperparameter of the algorithm. The epochs are few, so that this takes seconds; 100 are usual.
HYPERPARAMETERS = {
    "context_length": 14,
    "prediction_length": 14,
    "epochs": 25,
    "time_freq": "D",
    "cardinality": "auto",
    "num_dynamic_feat": "auto",
    "dropout_rate": 0.1,
    "early_stopping_patience": 10,
    "embedding_dimension": 4,
    "learning_rate": 0.01,
    "likelihood": "negative-binomial",
    "mini_batch_size": 32,
    "num_cells": 30,
    "num_layers": 2,
    "num_eval_samples": 100,
    "test_quantiles": "[0.1, 0.5, 0.9]",
}
asked = {
    name: Parameter(name, value, description="A hyperparameter of DeepAR.")
    for name, value in HYPERPARAMETERS.items()
}

features = ProcessingStep(
    "Features",
    image=FEATURES,
    code="features.py",
    arguments=[
        "--executionId", execution.id,
        "--items", items,
        "--shops", shops,
        "--days", days,
        "--horizon", asked["prediction_length"],
    ],
    outputs=["train", "test", "requests", "came"],
)  # fmt: skip

train = TrainingStep(
    "Train",
    image=DEEPAR,
    hyperparameters=asked,
    inputs={"train": features.outputs["train"], "test": features.outputs["test"]},
)

model = ModelStep("Model", model=train.model, image=DEEPAR)

forecast = TransformStep(
    "Forecast",
    model=model,
    data=features.outputs["requests"],
    content_type="application/jsonlines",
    strategy="SingleRecord",
    environment={
        "DEEPAR_INFERENCE_CONFIG": '{"num_samples": 100, "output_types": ["quantiles"], '
        '"quantiles": ["0.1", "0.5", "0.9"]}'
    },
)

evaluate = ProcessingStep(
    "Evaluate",
    image=FEATURES,
    code="evaluate.py",
    inputs={"came": features.outputs["came"], "forecasts": forecast.output},
    outputs=["evaluation"],
)
report = evaluate.report("evaluation.json")

register = RegisterModelStep(
    "Register",
    group="demand",
    model=train.model,
    image=DEEPAR,
    metrics=report,
    content_types=["application/jsonlines", "application/json"],
    response_types=["application/jsonlines", "application/json"],
)
better = ConditionStep(
    "Better",
    report["ratio"] < limit,
    then=[register],
    otherwise=[FailStep("Reject", Join(["The error is ", report["ratio"], " of the seasonal naive one."]))],
)

pipeline = Pipeline("Demand", [better], description="Forecasts what shops will sell.")
