from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepmill.sdk import Pipeline, load_pipeline
from support.sdk import find_step

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
# What `stepmill init` writes.
TEMPLATE = ROOT / "src" / "stepmill" / "cli" / "template" / "pipeline.py"


@pytest.mark.parametrize(
    "path", [*sorted(EXAMPLES.glob("*/pipeline.py")), TEMPLATE], ids=lambda path: path.parent.name
)
def test_every_example_compiles_without_a_finding(path: Path) -> None:
    assert load_pipeline(path).compile().warnings == ()


def load(name: str) -> Pipeline:
    return load_pipeline(EXAMPLES / name / "pipeline.py")


def test_the_diabetes_pipeline() -> None:
    pipeline = load("diabetes")
    assert [parameter.name for parameter in pipeline.parameters] == [
        "test_share",
        "n_estimators",
        "learning_rate",
        "limit",
    ]
    documents = json.loads(pipeline.compile().definition)["Steps"]
    assert [document["Name"] for document in documents] == ["Prepare", "Train", "Evaluate", "GoodEnough"]
    assert all(
        find_step(documents, name)["CacheConfig"]["Enabled"] for name in ("Prepare", "Train", "Evaluate")
    )
    assert find_step(documents, "Register")["Arguments"]["ModelPackageGroupName"] == "diabetes"


def test_one_parameter_changes_one_step() -> None:
    """What does not depend on a parameter does not mention it: the cache can serve it."""
    documents = json.loads(load("diabetes").compile().definition)["Steps"]
    mention = [each["Name"] for each in documents if "Parameters.n_estimators" in json.dumps(each)]
    assert mention == ["Train"]


def test_the_pipeline_to_start_from() -> None:
    documents = json.loads(load_pipeline(TEMPLATE).compile().definition)["Steps"]
    assert [document["Name"] for document in documents] == ["prepare", "fit", "evaluate", "good-enough"]
    assert find_step(documents, "register")["Type"] == "RegisterModel"


def test_compiling_leaves_the_example_as_it_is() -> None:
    before = sorted(path for path in EXAMPLES.rglob("*") if "__pycache__" not in path.parts)
    load("diabetes").compile()
    assert sorted(path for path in EXAMPLES.rglob("*") if "__pycache__" not in path.parts) == before
