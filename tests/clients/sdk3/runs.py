"""Experiments through ``Run``: outside of jobs, and in a processing job that was begun in one.

Arguments: image whose environment has the SDK, a role, a bucket.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path

import boto3
from sagemaker.core.analytics import ExperimentAnalytics
from sagemaker.core.experiments.run import Run, SortByType, SortOrderType, list_runs, load_run
from sagemaker.core.experiments.trial_component import _TrialComponent
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingS3Input

IMAGE, ROLE, BUCKET = sys.argv[1:4]
EXPERIMENT = "Compared"
WITH_SKLEARN = importlib.util.find_spec("sklearn") is not None
JOB = """
from sagemaker.core.experiments.run import load_run
with load_run() as run:
    run.log_parameter("inside", "yes")
    for step in range(12):
        run.log_metric("accuracy", step / 10, step=step)
"""

session = Session(default_bucket=BUCKET)
client = boto3.client("sagemaker")
metrics = boto3.client("sagemaker-metrics")
Path("notes.txt").write_text("what I saw")
Path("job.py").write_text(JOB)
code = session.upload_data("job.py", key_prefix="runs-code")

with Run(EXPERIMENT, "First", run_display_name="The-first", sagemaker_session=session) as run:
    run.log_parameters({"lr": 0.1, "kind": "tree 'ü' \"q\"", "bad": float("nan")})
    for step in range(25):
        run.log_metric("loss", 1.0 / (step + 1), step=step)
    run.log_artifact("data", "s3://somewhere/data", media_type="text/csv", is_output=False)
    run.log_file("notes.txt", name="notes")
    run.log_file("notes.txt", name="as-input", is_output=False)
    if WITH_SKLEARN:
        run.log_precision_recall([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3], title="pr")
        run.log_roc_curve([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3], title="roc")
        run.log_confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0], title="cm", is_output=False)
    with load_run(sagemaker_session=session) as same:
        same.log_parameter("nested", 1)
    config = run.experiment_config
    processor = Processor(
        role=ROLE, image_uri=IMAGE, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session,
        entrypoint=["python3", "/opt/ml/processing/input/code/job.py"],
    )  # fmt: skip
    processor.run(
        inputs=[
            ProcessingInput(
                input_name="code",
                s3_input=ProcessingS3Input(
                    s3_uri=code,
                    local_path="/opt/ml/processing/input/code",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
        ],
        wait=True, logs=False, job_name=f"in-a-run-{int(time.time())}",
    )  # fmt: skip
    name = processor.latest_job.processing_job_name
    job = client.describe_processing_job(ProcessingJobName=name)

try:
    with Run(experiment_name=EXPERIMENT, run_name="Broken", sagemaker_session=session) as run:
        raise ValueError("it broke")
except ValueError:
    pass

component = _TrialComponent.load(config["RunName"], sagemaker_session=session)
described = client.describe_trial_component(TrialComponentName=config["RunName"])
broken = client.describe_trial_component(TrialComponentName="compared-broken")
listed = [
    one.run_name
    for one in list_runs(
        EXPERIMENT, sort_by=SortByType.NAME, sort_order=SortOrderType.ASCENDING, sagemaker_session=session
    )
]
frame = ExperimentAnalytics(
    experiment_name="compared", parameter_names=["lr"], metric_names=["loss"], sagemaker_session=session
).dataframe()
(series,) = metrics.batch_get_metrics(
    MetricQueries=[
        {
            "MetricName": "accuracy",
            "ResourceArn": described["TrialComponentArn"],
            "MetricStat": "Last",
            "Period": "IterationNumber",
            "XAxisType": "IterationNumber",
        }
    ]
)["MetricQueryResults"]
found = client.search(
    Resource="ExperimentTrialComponent",
    SearchExpression={
        "Filters": [{"Name": "Parameters.kind", "Operator": "Equals", "Value": "tree 'ü' \"q\""}],
        "SubExpressions": [
            {
                "Operator": "Or",
                "Filters": [
                    {"Name": "Metrics.loss.Min", "Operator": "LessThan", "Value": "0.05"},
                    {"Name": "DisplayName", "Operator": "Equals", "Value": "nothing"},
                ],
            }
        ],
    },
)["Results"]
of_job = client.list_trial_components(SourceArn=job["ProcessingJobArn"])["TrialComponentSummaries"]
trial = config["TrialName"]
members = client.list_trial_components(TrialName=trial)["TrialComponentSummaries"]
names = [one["TrialComponentName"] for one in members]
measured = {one["MetricName"]: [one["Count"], one["Last"], one["Min"]] for one in described["Metrics"]}
for name in names:
    client.disassociate_trial_component(TrialComponentName=name, TrialName=trial)
    client.delete_trial_component(TrialComponentName=name)
client.delete_trial(TrialName=trial)
client.delete_experiment(ExperimentName="compared")

# The SDK leaves a line open while it waits.
print()
print(
    json.dumps(
        {
            "config": config,
            "parameters": component.parameters,
            "status": component.status.primary_status,
            "metrics": measured,
            "inputs": sorted(component.input_artifacts),
            "outputs": sorted(component.output_artifacts),
            "sources": [one["SourceArn"] for one in described["Sources"]] == [job["ProcessingJobArn"]],
            "job": [job["ProcessingJobStatus"], job["ExperimentConfig"] == config],
            "broken": [broken["Status"]["PrimaryStatus"], broken["Status"]["Message"]],
            "listed": listed,
            "frame": [len(frame), sorted(name for name in frame.columns if name.startswith(("lr", "loss")))],
            "series": [series["Status"], series["XAxisValues"], series["MetricValues"][-1]],
            "found": [one["TrialComponent"]["TrialComponentName"] for one in found],
            "of_job": sorted(one["TrialComponentName"] == config["RunName"] for one in of_job),
            "deleted": len(names),
        }
    )
)
