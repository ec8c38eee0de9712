"""MLflow's own client, in a job of a plain `stepmill run`, and from outside against a server.

It warns of much while it is imported, so that it runs in processes of its own.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cli, definition
from support.platform_runs import training

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="the dependency group `test` has mlflow-skinny"
)
SCRIPTS = Path(__file__).parents[2] / "clients" / "mlflow"


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    (tmp_path / "project").mkdir()
    with closing(Cli(tmp_path / "project", tmp_path / "home")) as cli:
        yield cli


def test_autologging_of_a_training_step_lands_in_its_experiment(cli: Cli) -> None:
    # No word of MLflow's server in the request: the job finds its address and its key.
    (cli.folder / "source").mkdir()
    shutil.copy(SCRIPTS / "train.py", cli.folder / "source" / "train.py")
    step = training("Train", {})
    experiment = {"ExperimentName": "churn", "TrialName": {"Get": "Execution.PipelineExecutionId"}}
    document = definition(step, PipelineExperimentConfig=experiment)
    (cli.folder / "p.json").write_text(json.dumps(document))
    cli("run", "p.json").ok()
    with cli.platform() as platform:
        [summary] = platform.executions.find().executions
        tracked = platform.tracking
        [run] = [one for one in tracked.runs.within(tracked.experiments.by_name("churn").id) if one.user_id]
        # What autologging knows: parameters and scores of the estimator; what the script said itself.
        assert run.name == "fit"
        assert run.params["C"] == "0.5"
        metrics = {metric.key: metric.value for metric in run.metrics}
        assert metrics["training_accuracy_score"] > 0.8
        assert metrics["loss"] == pytest.approx(1 / 3)
        assert run.status.value == "FINISHED"
        # Whose it is.
        assert ":training-job/" in run.tags["stepmill.job.arn"]
        assert run.tags["stepmill.execution.arn"].endswith(summary.id)
        assert run.tags["stepmill.step"] == "Train"
        assert [trial.name for trial in platform.experiments.components.trials_of(run.id)] == [summary.id]
        # The model that it made, with its files.
        [model] = tracked.models.within(run.experiment_id)
        assert model.status == "LOGGED_MODEL_READY"
        prefix = f"mlflow/{run.experiment_id}/models/{model.id}/artifacts/"
        keys = [info.key for info in platform.objects.list(platform.settings.default_bucket, prefix)]
        assert f"{prefix}MLmodel" in keys
    assert run.id in cli("runs", "list", "--json").ok().out


def test_a_user_works_from_outside(cli: Cli) -> None:
    server = cli.start("serve", "--port", "0")
    server.until("ready")
    done = cli("exec", "--", sys.executable, "-W", "ignore", SCRIPTS / "outside.py")
    assert done.ok().out.endswith("OK\n")
    server.kill()


def test_a_job_whose_script_names_another_server_is_given_no_key_for_it() -> None:
    from stepmill.core.endpoint import JobIdentity
    from stepmill.jobs.access import Visitor, access_by
    from support.doors import FakeDoor

    visitor = Visitor(JobIdentity("training-job", "a", "t"), "R", "a", Path("/none"))
    given = access_by(FakeDoor(), visitor).environment({"MLFLOW_TRACKING_URI": "https://elsewhere"})
    assert {name: value for name, value in given.items() if name.startswith("MLFLOW")} == {
        "MLFLOW_TRACKING_URI": "https://elsewhere"
    }
