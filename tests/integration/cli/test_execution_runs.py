"""The runs of executions: what their jobs had, also where all was reused, or nothing is in an experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stepmill.cli.app import command_line
from support.cli import Cli

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


MACHINE = {
    "StartAt": "Choose",
    "States": {
        "Choose": {"Type": "Choice", "Default": "Process",
                   "Choices": [{"Variable": "$.bad", "IsPresent": True, "Next": "Bad"}]},
        "Bad": {"Type": "Fail", "Error": "Too.Bad", "Cause": "as asked"},
        "Process": {
            "Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Parameters": {
                "ProcessingJobName.$": "States.Format('greet-{}', $.number)",
                "RoleArn": "arn:aws:iam::123456789012:role/R",
                "AppSpecification": {"ImageUri": "python", "ContainerEntrypoint": ["echo", "1"]},
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
                },
                "ExperimentConfig": {"ExperimentName": "machines"},
            },
            "ResultPath": "$.job", "Next": "Tell",
        },
        "Tell": {"Type": "Pass", "Parameters": {"score": 0.5, "nested": {"a": [1, 2]}}, "End": True},
    },
}  # fmt: skip


def test_an_execution_of_a_state_machine_is_a_run_like_a_pipelines(project: Path) -> None:
    (project / "greet.asl.json").write_text(json.dumps(MACHINE))
    (project / "input.json").write_text(json.dumps({"number": 7, "rates": [0.1, 0.2], "word": "ü" * 900}))
    cli = Cli(project, project / "home")
    cli("run", "greet.asl.json", "--input", "input.json", "--name", "first").ok()
    (project / "input.json").write_text('{"bad": true}')
    assert cli("run", "greet.asl.json", "--input", "input.json", "--name", "second").code != 0
    stepmill("run", "pipeline.py")
    rows = stepmill("runs", "list", "--json")
    assert [row["kind"] for row in rows] == ["execution"] * 3
    pipeline, second, first = rows
    assert (pipeline["status"], second["status"], first["status"]) == ("Succeeded", "FAILED", "SUCCEEDED")
    assert (second["run"], first["run"]) == ("second", "first")
    assert second["param.bad"] is True
    assert (first["param.number"], first["param.rates"]) == (7, "[0.1,0.2]")
    assert len(first["param.word"]) == 500
    assert first["seconds"] > 0
    assert first["experiment"] == "machines"
    # Its job is a member, as it is of a pipeline's, and not told beside it.
    shown = stepmill("runs", "show", "first", "--json")
    assert shown["outputs"] == {"score": "0.5", "nested": '{"a":[1,2]}'}
    assert shown["machine"]["cpus"] > 0
    assert stepmill("runs", "show", shown["execution"], "--json")["run"] == "first"
    assert stepmill("runs", "show", "second", "--json")["reason"] == "Too.Bad: as asked"
    assert [row["run"] for row in stepmill("runs", "list", "--experiment", "Machines", "--json")] == ["first"]
    with_jobs = stepmill("runs", "list", "--jobs", "--json")
    assert [row["kind"] for row in with_jobs].count("job") == 2
    # A page of them is the beginning of all.
    for limit in (1, 2, 3, 4):
        page = stepmill("runs", "list", "--limit", str(limit), "--json")
        assert [row["run"] for row in page] == [row["run"] for row in rows][:limit]
    assert "There are more" in CliRunner().invoke(command_line(), ["runs", "list", "--limit", "2"]).output
    assert "There are more" not in CliRunner().invoke(command_line(), ["runs", "list", "--limit", "3"]).output
