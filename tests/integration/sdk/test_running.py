"""What the SDK compiles does what it says when it is run by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest


class Project:
    """A folder with a pipeline, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "pipeline.py"

    def run(self, *arguments: str) -> dict[str, Any]:
        done = self.command("run", str(self.file), *arguments, "--json")
        assert done.returncode in (0, 1), done.stderr
        execution: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["execution"]
        return execution

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stepmill", *arguments],
            cwd=self.folder,
            env={**os.environ, "STEPMILL_HOME": str(self.folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def steps_of(execution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["StepName"]: step for step in execution["steps"]}


def test_functions_hand_on_files_folders_and_results(project: Project) -> None:
    (project.folder / "words.txt").write_text("one two three")
    (project.folder / "helper.py").write_text("def shout(text):\n    return text.upper()\n")
    project.file.write_text(
        textwrap.dedent("""
            from __future__ import annotations
            from pathlib import Path
            from helper import shout
            from stepmill import ConditionStep, FailStep, Output, Parameter, Pipeline, step

            SEPARATOR = " "

            @step
            def split(text: Path, limit: int | None = None, *, words: Output) -> dict:
                found = text.read_text().split(SEPARATOR)[:limit]
                for number, word in enumerate(found):
                    (words / f"{number}.txt").write_text(shout(word))
                return {"words": found, "count": len(found)}

            @step
            def check(folder: Path, file: Path, first: str, count: int, all_of_it: list) -> str:
                assert sorted(path.name for path in folder.iterdir()) == ["0.txt", "1.txt", "2.txt"]
                assert file.name == "1.txt" and file.read_text() == "TWO"
                assert (first, count) == ("one", 3)
                assert all_of_it == [1, {"a": None}]
                return "fine"

            parts = split("words.txt")
            checked = check(
                parts.outputs["words"], parts.outputs["words"] / "1.txt",
                parts.result["words"][0], parts.result["count"], [1, {"a": None}],
            )
            fail = FailStep("Fail", "it is fine")
            pipeline = Pipeline("Words", ConditionStep("Gate", checked.result == "fine", then=[fail]))
            """)
    )
    execution = project.run()
    assert execution["failureReason"] == "it is fine", execution


def test_loops_functions_and_the_best_iteration(project: Project) -> None:
    (project.folder / "score.py").write_text(
        "def handler(event, context):\n    return {'score': event['x'] * 2, 'items': '[1, 2]'}\n"
    )
    (project.folder / "train.py").write_text(
        textwrap.dedent("""
            import argparse, os, pathlib
            parser = argparse.ArgumentParser()
            parser.add_argument("--epochs", type=int)
            epochs = parser.parse_args().epochs
            print(f"rmse={10 / epochs}")
            pathlib.Path(os.environ["SM_MODEL_DIR"], "epochs.txt").write_text(str(epochs))
            """)
    )
    project.file.write_text(
        textwrap.dedent("""
            from __future__ import annotations
            import tarfile
            from pathlib import Path
            from stepmill import *

            @step
            def look(model: Path, item: int, *, log: Output) -> dict:
                (log / "item.txt").write_text(str(item))
                with tarfile.open(model) as archive:
                    return {"epochs": int(archive.extractfile("epochs.txt").read()), "item": item}

            score = LambdaStep(
                "Score", function=Function("score", "score.py", "score.handler"),
                inputs={"x": Parameter("x", 2.5)}, outputs={"score": float, "items": str},
            )
            train = TrainingStep(
                "Trial", entry_point="train.py", hyperparameters={"epochs": current_item["epochs"]},
                metrics={"rmse": "rmse=([0-9.]+)"},
            )
            each = look.options(name="Each")(train.model, current_item["epochs"])
            sweep = ForEachStep(
                "Sweep", items=[{"epochs": 1}, {"epochs": 5}, {"epochs": 2}], body=[train, each],
                best=Best(train.metrics["rmse"]),
            )
            best = look.options(name="Best")(sweep.selected(train.model), item=7).after(score)
            listed = ForEachStep(
                "Listed", items=score.outputs["items"],
                body=[look.options(name="Last")(sweep.iteration(2, train.model), current_item)],
            )
            gate = ConditionStep(
                "Gate",
                [score.outputs["score"] >= 5, (best.result["epochs"] == 5) & ~best.result["item"].is_in([6])],
                then=[ModelStep("Model", model=sweep.selected(train.model))],
                otherwise=[FailStep("Wrong", Join(["best is ", best.result["epochs"]]))],
            )
            pipeline = Pipeline("Loops", [gate, listed])
            """)
    )
    execution = project.run()
    assert execution["status"] == "Succeeded", execution["failureReason"]
    names = set(steps_of(execution))
    assert {"Trial-0", "Trial-2", "Each-1", "Last-0", "Last-1", "Model"} <= names
    assert "Wrong" not in names


def test_going_on_after_a_failure(project: Project) -> None:
    project.file.write_text(
        textwrap.dedent("""
            from stepmill import Pipeline, ProcessingStep, Script

            broken = ProcessingStep("Broken", image="python", code=Script("a.py", "raise SystemExit('no')"))
            mended = ProcessingStep("Mended", image="python", code=Script("b.py", "print('mended')"))
            never = ProcessingStep("Never", image="python", code=Script("b.py", "print('never')"))
            pipeline = Pipeline("Mends", [mended.after(broken, on="Failed"), never.after(broken)])
            """)
    )
    execution = project.run()
    assert execution["status"] == "CompletedWithFailures"
    assert {name: step["StepStatus"] for name, step in steps_of(execution).items()} == {
        "Broken": "Failed",
        "Mended": "Succeeded",
    }
