"""A tuning job is killed at its commits: no trial is run twice, none is lost, the same ones are proposed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stepmill.core.statuses import JobStatus
from stepmill.jobs.records import TRAINING_JOB, request_of, state_of
from stepmill.jobs.tuning.records import TUNING_JOB, TrialRecords
from stepmill.jobs.tuning.trials import Trial
from support.cli import PYTHON_IMAGE, ROLE, definition
from support.platform_runs import _TELL, Counters, Runs, count_rows, open_platform

TRIALS = 4
TRAIN = """
import os
x = float(os.environ["SM_HP_X"])
tell(os.environ["SM_HP_X"])
print(f"score={x};")
"""


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    with Runs() as runs:
        yield runs


@pytest.fixture(scope="module")
def counters() -> Iterator[Counters]:
    with Counters() as counters:
        yield counters


def tuning_pipeline(project: Path, port: int) -> str:
    """Write the script of a Tuning step into a project, and return the definition."""
    source = project / "source"
    source.mkdir(parents=True)
    tell = _TELL.replace("PORT", str(port)).replace("PROJECT", project.name)
    (source / "train.py").write_text(tell + TRAIN)
    tune = {
        "Name": "Tune",
        "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": {
                    "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
                },
                "RandomSeed": 11,
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": {
                    "sagemaker_program": "train.py",
                    "sagemaker_submit_directory": "source",
                },
                "AlgorithmSpecification": {
                    "TrainingImage": PYTHON_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.e-]+);"}],
                },
                "OutputDataConfig": {"S3OutputPath": "s3://models/out"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                "RoleArn": ROLE,
            },
        },
    }
    return msgspec.json.encode(definition(tune)).decode()


def trials_of(project: Path) -> list[Trial]:
    """Hold that the only execution of a project is whole, and return the trials of its tuning job."""
    with open_platform(project) as platform:
        (execution,) = platform.executions.find().executions
        assert str(execution.status) == "Succeeded"
        (record,) = platform.records.list(TUNING_JOB).records
        assert state_of(record).status is JobStatus.COMPLETED
        for table in ("tasks", "timers", "inbox"):
            assert count_rows(platform, table) == 0, table
        trials = TrialRecords(platform.records).of(record.name)
        for trial in trials:
            job = request_of(platform.records.get(TRAINING_JOB, trial.name))
            assert job["ExperimentConfig"] == {"ExperimentName": "small", "TrialName": execution.id}
        return trials


def test_killed_at_its_commits(runs: Runs, counters: Counters, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    commits = runs.run(whole, tuning_pipeline(whole, counters.port)).commits
    expected = [trial.tuned for trial in trials_of(whole)]
    assert len(expected) == TRIALS
    deaths = 0
    for commit in range(2, commits, max(1, commits // 6)):
        when = "after" if commit % 2 else "before"
        project = tmp_path / f"{when}-{commit}"
        text = tuning_pipeline(project, counters.port)
        if not runs.run(project, text, when, commit).was_killed:
            continue  # threads commit side by side, so it may get by with some commits less
        deaths += 1
        with open_platform(project) as platform:
            was_begun = bool(platform.executions.find().executions)
        # Killed before the execution was written, there is nothing to go on with.
        runs.run(project, "" if was_begun else text)
        trials = trials_of(project)
        assert [trial.number for trial in trials] == list(range(1, TRIALS + 1))
        # What the first ones propose depends on nothing but the seed.
        assert [trial.tuned for trial in trials][:2] == expected[:2]
        assert all(trial.has_result for trial in trials)
        assert counters.of(project) == dict.fromkeys((trial.tuned["x"] for trial in trials), 1)
    assert deaths > 3
