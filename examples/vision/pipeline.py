"""Train an image classifier on spot capacity and on demand, side by side, and register what passes."""

from __future__ import annotations

from datetime import timedelta

from stepmill import ConditionStep, Parameter, Pipeline, ProcessingStep, RegisterModelStep, TrainingStep

epochs = Parameter("epochs", 12, description="How often each image is seen.")
learning_rate = Parameter("learning_rate", 0.001, description="Of Adam.")
batch_size = Parameter("batch_size", 32, description="So many images at once.")
test_share = Parameter("test_share", 0.25, description="Share of the images kept for the test.")
limit = Parameter("limit", 0.95, description="Least accuracy of a model that is registered.")

prepare = ProcessingStep(
    "Prepare", code="prepare.py", arguments=["--test-share", test_share], outputs=["train", "test"]
)


def variant(name: str, group: str, *, spot: bool) -> ConditionStep:
    """Train, evaluate, and register in a group of its own if it is good enough."""
    train = TrainingStep(
        f"Train{name}",
        entry_point="train.py",
        source_dir="source",
        image="pytorch",
        hyperparameters={"epochs": epochs, "learning-rate": learning_rate, "batch-size": batch_size},
        inputs={"train": prepare.outputs["train"]},
        metrics={"epoch": r"epoch (\d+) ", "train:loss": r"train-loss=([0-9.]+)"},
        instance_type="ml.m5.large",
        max_runtime=timedelta(hours=1),
        spot=spot,
        checkpoints=True,
        tags={"capacity": "spot" if spot else "on demand"},
    )
    evaluate = ProcessingStep(
        f"Evaluate{name}",
        code="evaluate.py",
        source_dir="source",
        image="pytorch",
        inputs={"model": train.model, "test": prepare.outputs["test"]},
        outputs=["evaluation"],
    )
    report = evaluate.report("evaluation.json")
    register = RegisterModelStep(
        f"Register{name}",
        group=group,
        model=train.model,
        image="pytorch",
        metrics=report,
        content_types=["application/json"],
        response_types=["application/json"],
    )
    return ConditionStep(f"{name}Passes", report["accuracy"] >= limit, then=[register])


pipeline = Pipeline(
    "Digits",
    [variant("Spot", "digits-spot", spot=True), variant("OnDemand", "digits-on-demand", spot=False)],
    description="Reads handwritten digits; trained on spot capacity and on demand.",
)
