"""Tell three kinds of wine apart: split the data, fit a model, measure it, register it if it is good.

Each function runs as a step in a process of its own, here or in a container on AWS.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import joblib
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stepmill import ConditionStep, Output, Parameter, Pipeline, RegisterModelStep, step


@step(image="sklearn")
def prepare(test_share: float, *, train: Output, test: Output) -> None:
    wines = load_wine(as_frame=True).frame
    train_part, test_part = train_test_split(wines, test_size=test_share, random_state=1)
    train_part.to_csv(train / "wines.csv", index=False)
    test_part.to_csv(test / "wines.csv", index=False)


@step(image="sklearn")
def fit(train: Path, strength: float, *, model: Output) -> None:
    wines = pd.read_csv(train / "wines.csv")
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    classifier.fit(wines.drop(columns="target"), wines["target"])
    joblib.dump(classifier, model / "model.joblib")
    # The registry keeps models as SageMaker does: in a model.tar.gz.
    with tarfile.open(model / "model.tar.gz", "w:gz") as archive:
        archive.add(model / "model.joblib", "model.joblib")


@step(image="sklearn")
def evaluate(model: Path, test: Path) -> dict[str, float]:
    wines = pd.read_csv(test / "wines.csv")
    predicted = joblib.load(model / "model.joblib").predict(wines.drop(columns="target"))
    accuracy = accuracy_score(wines["target"], predicted)
    print(f"accuracy={accuracy:.3f}")
    return {"accuracy": accuracy, "wines": len(wines)}


prepared = prepare(Parameter("test_share", 0.3))
fitted = fit(prepared.outputs["train"], strength=Parameter("strength", 1.0))
evaluated = evaluate(fitted.outputs["model"], prepared.outputs["test"])
register = RegisterModelStep("register", group="wines", model=fitted.outputs["model"] / "model.tar.gz")
good_enough = ConditionStep("good-enough", evaluated.result["accuracy"] >= 0.9, then=[register])

pipeline = Pipeline("Wines", [good_enough], cache=True)
