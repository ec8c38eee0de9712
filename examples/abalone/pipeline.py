"""From measurements to a registered model, by way of the feature store and the model registry."""

from __future__ import annotations

from stepmill import Join, Parameter, Pipeline, ProcessingStep, RegisterModelStep, TrainingStep, execution

group = Parameter("feature_group", "abalone", description="Name of the feature group.")
rows = Parameter("rows", 800, description="How many shells are measured.")
trees = Parameter("trees", 150, description="Number of trees.")
bucket = Parameter("bucket", "sagemaker-us-west-2-123456789012", description="Keeps features and results.")
role = Parameter(
    "role",
    "arn:aws:iam::123456789012:role/SageMakerExecutionRole",
    description="Writes the offline store.",
)

prepare = ProcessingStep(
    "Prepare",
    code="prepare.py",
    arguments=["--group", group, "--rows", rows, "--bucket", bucket, "--role", role],
)

report = Join(["s3:/", bucket, "abalone", execution.id, "evaluation.json"], on="/")

train = TrainingStep(
    "Train",
    entry_point="train.py",
    hyperparameters={"group": group, "bucket": bucket, "report": report, "trees": trees},
    metrics={
        f"validation:{name}": rf"validation:{name}=([0-9.-]+);" for name in ("mae", "mse", "rmse", "r2")
    },
)
# No data go from the one to the other that the pipeline knows of: the group's name is all they share.
train.after(prepare)

register = RegisterModelStep(
    "Register",
    group="abalone",
    model=train.model,
    entry_point="inference.py",
    metrics=report,
    metadata={"feature group": group},
)

pipeline = Pipeline(
    "Abalone",
    [prepare, train, register],
    description="Tells the age of a shell from its measurements.",
)
