from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.model_reports import data_quality
from stepmill.jobs.checks.programs.analyzer import run

CSV = '{"csv": {"header": true, "output_columns_position": "START"}}'


class Job:
    """A job of the analyzer in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "in").mkdir()
        self.data("x,y\n1,a\n2,b\n")

    def data(self, text: str) -> None:
        (self.folder / "in" / "data.csv").write_text(text)

    def run(self, **changes: str) -> tuple[int, str]:
        """Return the exit code and the exit message."""
        environment = {
            "dataset_format": CSV,
            "dataset_source": str(self.folder / "in"),
            "output_path": str(self.folder / "out"),
            "publish_cloudwatch_metrics": "Disabled",
            **changes,
        }
        code = run(environment, self.folder)
        return code, (self.folder / "output" / "message").read_text()

    def report(self, name: str, folder: str = "out") -> Any:
        return json.loads((self.folder / folder / f"{name}.json").read_text())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_baseline(job: Job) -> None:
    assert job.run() == (0, "Completed: Job completed successfully with no violations.")
    assert data_quality.is_statistics(job.report("statistics"))
    assert data_quality.is_constraints(job.report("constraints"))
    assert not (job.folder / "out" / "constraint_violations.json").exists()
    assert not (job.folder / "output" / "failure").exists()


def test_violations_are_reported_and_are_no_failure(job: Job) -> None:
    job.run()
    baseline = {
        f"baseline_{name}": str(job.folder / "out" / f"{name}.json") for name in ("constraints", "statistics")
    }
    assert job.run(**baseline, output_path=str(job.folder / "same"))[1].startswith("Completed: ")
    assert job.report("constraint_violations", "same") == {"violations": []}
    job.data("x\none\n")
    code, message = job.run(**baseline, output_path=str(job.folder / "new"))
    assert (code, message) == (0, "CompletedWithViolations: Job completed successfully with 2 violations.")
    found = job.report("constraint_violations", "new")["violations"]
    assert [one["constraint_check_type"] for one in found] == ["missing_column_check", "data_type_check"]


def test_a_baseline_may_be_the_only_file_of_a_folder(job: Job) -> None:
    job.run()
    folder = job.folder / "baseline"
    folder.mkdir()
    (job.folder / "out" / "constraints.json").rename(folder / "anything.json")
    assert job.run(baseline_constraints=str(folder))[0] == 0
    (folder / "another.json").write_text("{}")
    assert "There are 2 files" in job.run(baseline_constraints=str(folder))[1]


def test_the_post_analytics_script_is_called(job: Job) -> None:
    script = job.folder / "post.py"
    called = job.folder / "called"
    script.write_text(
        f"import pathlib\ndef postprocess_handler():\n    pathlib.Path({str(called)!r}).write_text('yes')\n"
    )
    assert job.run(post_analytics_processor_script=str(script))[0] == 0
    assert (job.folder / "called").read_text() == "yes"
    script.write_text("x = 1")
    assert "no function postprocess_handler" in job.run(post_analytics_processor_script=str(script))[1]
    script.write_text("def postprocess_handler():\n    raise ValueError('mine')\n")
    assert job.run(post_analytics_processor_script=str(script)) == (1, "ValueError: mine")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dataset_format": ""}, "dataset_format is missing"),
        ({"dataset_format": "{"}, "dataset_format is not JSON"),
        ({"dataset_format": "[]"}, "must name one format"),
        ({"dataset_format": '{"orc": {}}'}, "'orc' is not one of"),
        ({"dataset_format": '{"sagemakerCaptureJson": {"captureIndexNames": ["x"]}}'}, "captureIndexNames"),
        ({"dataset_format": '{"sagemakerCaptureJson": {}}'}, "line 1: this is not JSON"),
        ({"dataset_source": ""}, "dataset_source is missing"),
        ({"dataset_source": "/nowhere"}, "There is no data in /nowhere"),
        ({"analysis_type": "OTHER"}, "'OTHER' is not one of"),
        ({"publish_cloudwatch_metrics": "Enabled"}, "publish_cloudwatch_metrics must be 'Disabled'"),
        ({"categorical_drift_method": "ChiSquared"}, "'ChiSquared' is not supported"),
        ({"record_preprocessor_script": "/a.py"}, "There is no record preprocessor script /a.py"),
        ({"start_time": "2026-01-01T00:00:00Z"}, "start_time is not supported"),
        ({"baseline_constraints": "/nowhere"}, "The baseline /nowhere cannot be read"),
        ({"post_analytics_processor_script": "/nowhere"}, "no post analytics processor script"),
    ],
)
def test_what_cannot_be_done_is_told(job: Job, changes: dict[str, str], says: str) -> None:
    code, message = job.run(**changes)
    assert code == 2
    assert message.startswith("ClientError: ")
    assert says in message
    assert (job.folder / "output" / "failure").read_text() == message


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"features": 1}'])
def test_a_hostile_baseline_is_refused(job: Job, text: str) -> None:
    (job.folder / "baseline.json").write_text(text)
    assert job.run(baseline_constraints=str(job.folder / "baseline.json"))[0] == 2


def test_numbers_whose_sum_no_float_holds(job: Job) -> None:
    job.data("x\n1.5e308\n1.5e308\n")
    code, message = job.run()
    assert (code, "infinite" in message) == (2, True)


def test_the_quality_of_a_model(job: Job) -> None:
    job.data("label,said\n1,1\n2,2\n3,3.5\n")
    given = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": "Regression",
        "ground_truth_attribute": "label",
        "inference_attribute": "said",
    }
    assert job.run(**given)[1] == "Completed: Job completed successfully with no violations."
    job.data("label,said\n1,1\n2,2\n3,5\n")
    baseline = {"baseline_constraints": str(job.folder / "out" / "constraints.json")}
    code, message = job.run(**given, **baseline, output_path=str(job.folder / "new"))
    assert (code, message) == (0, "CompletedWithViolations: Job completed successfully with 4 violations.")
    assert len(job.report("constraint_violations", "new")["violations"]) == 4
