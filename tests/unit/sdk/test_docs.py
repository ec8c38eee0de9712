"""The Python in the pages about the SDK is Python that works."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from stepmill.sdk import load_pipeline

DOCS = Path(__file__).parents[3] / "docs"


def python_of(page: Path) -> str:
    return "\n\n".join(
        re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    )


def test_the_tutorial_s_pipeline_compiles(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text(python_of(DOCS / "tutorials" / "first-pipeline.md"))
    pipeline = load_pipeline(tmp_path / "pipeline.py")
    assert pipeline.compile().warnings == ()
    assert [step.name for step in pipeline.steps] == ["prepare", "fit", "evaluate", "decide"]


def test_the_reference_s_pipeline_compiles(tmp_path: Path) -> None:
    for name in ("prepare.py", "evaluate.py", "inference.py", "score.py", "training/train.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "pipeline.py").write_text(python_of(DOCS / "reference" / "sdk.md"))
    pipeline = load_pipeline(tmp_path / "pipeline.py")
    assert pipeline.compile().warnings == ()


@pytest.mark.parametrize(
    "page", ["tutorials/first-pipeline.md", "reference/sdk.md", "how-to/take-a-pipeline-to-aws.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (DOCS / page).parent.joinpath(target).exists(), target


def test_the_reference_names_everything_public() -> None:
    import stepmill

    text = (DOCS / "reference" / "sdk.md").read_text(encoding="utf-8")
    internal = {
        "__version__",
        "StepmillError",
        "DefinitionError",
        "InvalidInputError",
        "FunctionStep",
        "StepFunction",
    }
    hidden = {"Condition", "Value", "Report", "Step"}
    assert [name for name in stepmill.__all__ if name not in internal | hidden and name not in text] == []


def test_blocks_are_found() -> None:
    assert textwrap.dedent(python_of(DOCS / "reference" / "sdk.md")).count("Step(") > 10
