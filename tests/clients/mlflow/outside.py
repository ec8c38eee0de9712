"""What a user does from outside with MLflow's client. Run against a server; says OK at its end."""

import tempfile
import threading
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

client = MlflowClient()


def refused(code, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except MlflowException as error:
        assert error.error_code == code, error
        return str(error)
    raise AssertionError(f"{call} was not refused")


# Experiments
id_ = client.create_experiment("Spring, 2026", tags={"team": "blue"})
assert client.get_experiment(id_).name == "Spring, 2026"
assert client.get_experiment_by_name("nobody") is None
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "Spring, 2026")
client.set_experiment_tag(id_, "goal", "auc")
[found] = client.search_experiments(filter_string="name LIKE 'Spring%' AND tags.team = 'blue'")
assert found.tags == {"team": "blue", "goal": "auc"}
client.delete_experiment_tag(id_, "goal")
client.rename_experiment(id_, "Spring")
other = client.create_experiment("gone")
client.delete_experiment(other)
assert [one.name for one in client.search_experiments(ViewType.DELETED_ONLY)] == ["gone"]
client.restore_experiment(other)

# Runs, by many at once
mlflow.set_experiment("Spring")
run = client.create_run(id_, run_name="shared", tags={"kind": "wide"}).info.run_id


def write(writer):
    for step in range(20):
        client.log_metric(run, f"m{writer}", step / 10, step=step)


threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for writer in range(4):
    assert [one.step for one in client.get_metric_history(run, f"m{writer}")] == list(range(20))
client.log_batch(
    run,
    [Metric("many", float(n), 1000 + n, n) for n in range(1000)],
)
client.log_batch(run, params=[Param("lr", "0.1"), Param("odd", "1e-1")], tags=[RunTag("t", "v")])
client.log_param(run, "lr", "0.1")
assert "Changing param values" in refused("INVALID_PARAMETER_VALUE", client.log_param, run, "lr", "0.2")
client.log_metric(run, "nan", float("nan"))
client.delete_tag(run, "t")
client.set_terminated(run, "FAILED")
kept = client.get_run(run)
assert kept.info.status == "FAILED"
assert kept.data.params == {"lr": "0.1", "odd": "1e-1"}
assert kept.data.metrics["many"] == 999.0
assert kept.data.metrics["nan"] != kept.data.metrics["nan"]
assert "t" not in kept.data.tags

with mlflow.start_run(run_name="parent"), mlflow.start_run(run_name="child", nested=True) as child:
    mlflow.log_metric("auc", 0.9)
    import pandas as pd

    data = mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="two")
    mlflow.log_input(data, context="training")
    mlflow.log_dict({"a": 1}, "deep/er/a.json")
    mlflow.log_text("hello", "hello.txt")
found = mlflow.search_runs(filter_string="metrics.auc > 0.5 AND datasets.name = 'two'", output_format="list")
assert [one.info.run_id for one in found] == [child.info.run_id]
assert found[0].inputs.dataset_inputs[0].dataset.name == "two"
ordered = client.search_runs([id_], order_by=["attributes.run_name ASC"], max_results=2)
assert [one.info.run_name for one in ordered] == ["child", "parent"]
rest = client.search_runs([id_], order_by=["attributes.run_name ASC"], page_token=ordered.token)
assert [one.info.run_name for one in rest] == ["shared"]

# Artifacts
assert [one.path for one in client.list_artifacts(child.info.run_id)] == ["deep", "hello.txt"]
assert [one.path for one in client.list_artifacts(child.info.run_id, "deep/er")] == ["deep/er/a.json"]
with tempfile.TemporaryDirectory() as folder:
    large = Path(folder, "large.bin")
    large.write_bytes(bytes(range(256)) * 40_000)
    client.log_artifact(child.info.run_id, str(large))
    there = mlflow.artifacts.download_artifacts(run_id=child.info.run_id, artifact_path="large.bin")
    assert Path(there).read_bytes() == large.read_bytes()
    whole = Path(mlflow.artifacts.download_artifacts(run_id=child.info.run_id, dst_path=folder))
    assert (whole / "deep" / "er" / "a.json").is_file()

client.delete_run(run)
assert len(client.search_runs([id_], run_view_type=ViewType.DELETED_ONLY)) == 1
client.restore_run(run)

# What is not offered says so
message = refused("NOT_IMPLEMENTED", client.create_registered_model, "m")
assert "does not offer registered models" in message, message
print("OK")
