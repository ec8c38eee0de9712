"""The runs of executions: what their jobs had, also where all was reused, or nothing is in an experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stepmill.cli.app import command_line

PIPELINE = """
from stepmill import Parameter, Pipeline, ProcessingStep

words = Parameter("words", "Hello!")
greet = ProcessingStep("Greet", code="greet.py", image="python", arguments=[words], cache=True)
pipeline = Pipeline("Greetings", [greet])
"""


def stepmill(*arguments: str) -> Any:
    result = CliRunner().invoke(command_line(), [*arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPMILL_HOME", str(tmp_path / "home"))
    (tmp_path / "greet.py").write_text("import sys\nprint(sys.argv[1])\n")
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    return tmp_path


def test_an_execution_is_a_run_with_what_its_jobs_had(project: Path) -> None:
    stepmill("run", "pipeline.py")
    (first,) = stepmill("runs", "list", "--json")
    assert (first["kind"], first["experiment"], first["status"]) == ("execution", "Greetings", "Succeeded")
    assert first["param.words"] == "Hello!"
    stepmill("run", "pipeline.py", "--param", "words=Good day")
    stepmill("run", "pipeline.py")
    reused, other, _ = [row["run"] for row in stepmill("runs", "list", "--json")]
    shown = stepmill("runs", "show", reused, "--json")
    assert list(shown["environments"]) == ["Greet"]
    assert shown["machine"]["cpus"] > 0
    assert [uri.rpartition("/")[2] for uri in shown["code"].values()] == ["greet.py"]
    unlike = stepmill("runs", "compare", reused, other, "--json")["differences"]
    assert unlike == {"parameters": {"words": ["Hello!", "Good day"]}}
    jobs = [row for row in stepmill("runs", "list", "--jobs", "--json") if row["kind"] == "job"]
    assert len(jobs) == 2


def test_an_execution_without_an_experiment_is_a_run_all_the_same(project: Path) -> None:
    document = json.loads(stepmill("compile", "pipeline.py"))
    document["PipelineExperimentConfig"] = None
    (project / "greetings.json").write_text(json.dumps(document))
    stepmill("run", "pipeline.py")
    stepmill("run", "greetings.json", "--no-cache")
    newest = stepmill("runs", "list", "--json")[0]
    assert newest["experiment"] == ""
    assert list(stepmill("runs", "show", newest["run"], "--json")["environments"]) == ["Greet"]
    kept = stepmill("runs", "list", "--experiment", "greetings", "--json")
    assert newest["run"] not in [row["run"] for row in kept]
    assert len(kept) == 1
