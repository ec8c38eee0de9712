"""Estimator.fit, Processor.run, up- and download, a Transformer, spot beside on-demand, tuning. SDK 2.x."""

import datetime as dt
import json
import os
import sys
import tarfile
import tempfile
import time

import botocore.exceptions
import numpy as np
import sagemaker
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.estimator import Estimator
from sagemaker.inputs import BatchDataCaptureConfig, TrainingInput
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import checks  # noqa: E402
import shells  # noqa: E402
import tuning  # noqa: E402

code = os.path.join(here, "code")
session = sagemaker.Session()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "shells.csv"))
S3Uploader.upload(folder, f"s3://{bucket}/fit/data")
assert S3Downloader.list(f"s3://{bucket}/fit/data") == [f"s3://{bucket}/fit/data/shells.csv"]

processor = SKLearnProcessor(
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    base_job_name="prepare",
    sagemaker_session=session,
)
processor.run(
    code=os.path.join(code, "prepare.py"),
    arguments=["--input-data", "here"],
    inputs=[ProcessingInput(source=f"s3://{bucket}/fit/data", destination="/opt/ml/processing/input")],
    outputs=[
        ProcessingOutput("/opt/ml/processing/train", f"s3://{bucket}/fit/train", "train"),
        ProcessingOutput("/opt/ml/processing/test", f"s3://{bucket}/fit/test", "test"),
    ],
)
assert processor.latest_job.describe()["ProcessingJobStatus"] == "Completed"
S3Downloader.download(f"s3://{bucket}/fit/train", os.path.join(folder, "down"))
assert os.path.getsize(os.path.join(folder, "down", "train.csv")) > 1000


def estimator(**more: object) -> SKLearn:
    return SKLearn(
        entry_point="train.py",
        source_dir=os.path.join(code, "source"),
        framework_version="1.2-1",
        instance_type="ml.m5.xlarge",
        instance_count=1,
        role=role,
        sagemaker_session=session,
        hyperparameters={"alpha": 0.1},
        metric_definitions=[{"Name": "train:mse", "Regex": "train_mse=(.*?);"}],
        **more,
    )


trained = estimator()
trained.fit({"train": f"s3://{bucket}/fit/train"}, wait=True, logs=True)
assert trained.model_data.endswith("/output/model.tar.gz"), trained.model_data
attached = SKLearn.attach(trained.latest_training_job.name, sagemaker_session=session)
assert attached.hyperparameters()["alpha"] == "0.1", attached.hyperparameters()
frame = trained.training_job_analytics.dataframe()
assert list(frame["metric_name"]) == ["train:mse"], frame
(final,) = trained.latest_training_job.describe()["FinalMetricDataList"]
assert list(frame["value"]) == [final["Value"]], (frame, final)
assert list(frame["timestamp"]) == [0.0], frame
# By its name, each second, one metric that there is and one that nobody measured.
job = trained.latest_training_job.name
some = TrainingJobAnalytics(job, ["train:mse", "train:none"], session, period=1).dataframe()
assert some.values.tolist() == [[0.0, "train:mse", final["Value"]]], some
later = TrainingJobAnalytics(
    job,
    ["train:mse"],
    session,
    start_time=dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    end_time=dt.datetime(2099, 1, 2, tzinfo=dt.UTC),
)
assert later.dataframe().empty

# Two hosts: each its share of the data and a log of its own; one model of both.
for name in ("one", "two", "three"):
    S3Uploader.upload_string_as_file_body(name, f"s3://{bucket}/fit/shared/{name}")
together = Estimator(
    image_uri=trained.training_image_uri(),
    entry_point="hosts.py",
    source_dir=os.path.join(code, "source"),
    instance_type="ml.m5.xlarge",
    instance_count=2,
    role=role,
    sagemaker_session=session,
)
shared = TrainingInput(f"s3://{bucket}/fit/shared", distribution="ShardedByS3Key")
together.fit({"train": shared}, wait=True, logs=True)
S3Downloader.download(together.model_data, os.path.join(folder, "together"))
with tarfile.open(os.path.join(folder, "together", "model.tar.gz")) as archive:
    shares = {name: json.load(archive.extractfile(name)) for name in archive.getnames()}
assert shares == {"algo-1": ["one", "two"], "algo-2": ["three"]}, shares

# Each shell with the rings that the model gives it.
transformer = trained.transformer(
    instance_count=1,
    instance_type="ml.m5.xlarge",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
    output_path=f"s3://{bucket}/fit/predicted",
    entry_point="serve.py",
)
transformer.transform(
    f"s3://{bucket}/fit/test",
    content_type="text/csv",
    split_type="Line",
    input_filter="$[1:]",
    join_source="Input",
    output_filter="$[0,-1]",
    batch_data_capture_config=BatchDataCaptureConfig(
        f"s3://{bucket}/fit/captured", generate_inference_id=True
    ),
    logs=True,
)
predicted = S3Downloader.read_file(f"s3://{bucket}/fit/predicted/test.csv.out").splitlines()
assert len(predicted) == 30, predicted
assert all(abs(float(row.split(",")[0]) - float(row.split(",")[1])) < 2 for row in predicted), predicted
# An id of its own for each record, and the time of the start.
assert len({tuple(row.split(",")[2:3]) for row in predicted}) == 30, predicted
assert len({row.split(",")[3] for row in predicted}) == 1, predicted
inputs, outputs = (
    json.loads(S3Downloader.read_file(found))
    for kind in ("input", "output")
    for found in S3Downloader.list(f"s3://{bucket}/fit/captured/{kind}")
)
assert (inputs[1:], outputs[1:]) == (["test.csv"], ["test.csv.out"]), (inputs, outputs)

# Spot beside on-demand, started together.
spot = estimator(
    use_spot_instances=True, max_run=600, max_wait=1200, checkpoint_s3_uri=f"s3://{bucket}/fit/checkpoints"
)
demand = estimator(max_run=600, keep_alive_period_in_seconds=900)
for one in (spot, demand):
    one.fit({"train": f"s3://{bucket}/fit/train"}, wait=False)
for one in (spot, demand):
    one.latest_training_job.wait(logs=False)
    told = one.latest_training_job.describe()
    assert told["TrainingJobStatus"] == "Completed", told
    assert told["BillableTimeInSeconds"] <= told["TrainingTimeInSeconds"], told
assert spot.latest_training_job.describe()["EnableManagedSpotTraining"] is True

# The machine is kept for the next job that matches, and given back when nobody wants it any more.
warm = estimator(max_run=600, keep_alive_period_in_seconds=900)
warm.fit({"train": f"s3://{bucket}/fit/train"}, logs=False)
told = demand.latest_training_job.describe()["WarmPoolStatus"]
assert (told["Status"], told["ReusedByJob"]) == ("Reused", warm.latest_training_job.name), told
session.update_training_job(warm.latest_training_job.name, resource_config={"KeepAlivePeriodInSeconds": 0})
assert warm.latest_training_job.describe()["WarmPoolStatus"]["Status"] == "Terminated"

tuning.run(session, role, code, f"s3://{bucket}/fit/train")
checks.run(session, role, transformer.model_name)

# Built-in algorithms: one by its class, that uploads records; two by their images, and CSV.
rows = np.random.default_rng(1).normal(size=(90, 3)).astype("float32")
rows[::3] += 9
clusters = sagemaker.KMeans(
    role,
    1,
    "ml.m5.xlarge",
    k=2,
    eval_metrics=["msd"],
    output_path=f"s3://{bucket}/fit",
    sagemaker_session=session,
)
clusters.fit(clusters.record_set(rows), mini_batch_size=30, logs=False)
told = clusters.latest_training_job.describe()
metrics = {metric["MetricName"]: metric["Value"] for metric in told["FinalMetricDataList"]}
assert 2 < metrics["train:msd"] < 4, metrics
learner = sagemaker.LinearLearner(
    role,
    1,
    "ml.m5.xlarge",
    predictor_type="regressor",
    output_path=f"s3://{bucket}/fit",
    sagemaker_session=session,
)
learner.fit(learner.record_set(rows, labels=rows[:, 0]), mini_batch_size=10, logs=False)
told = learner.latest_training_job.describe()
metrics = {metric["MetricName"]: metric["Value"] for metric in told["FinalMetricDataList"]}
assert metrics["train:mse"] < 0.1, metrics


def boosted(**hyperparameters: object) -> sagemaker.estimator.Estimator:
    return sagemaker.estimator.Estimator(
        sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, "1.7-1"),
        role,
        1,
        "ml.m5.xlarge",
        output_path=f"s3://{bucket}/fit",
        hyperparameters=hyperparameters,
        sagemaker_session=session,
    )


numbers = os.path.join(folder, "numbers")
os.makedirs(numbers)
np.savetxt(os.path.join(numbers, "train.csv"), np.column_stack([rows[:, 0], rows]), delimiter=",")
S3Uploader.upload(numbers, f"s3://{bucket}/fit/numbers")
csv = TrainingInput(f"s3://{bucket}/fit/numbers", content_type="csv")
trees = boosted(num_round=5, objective="reg:squarederror", eval_metric="rmse")
trees.fit({"train": csv, "validation": csv}, logs=False)
told = trees.latest_training_job.describe()
assert {m["MetricName"] for m in told["FinalMetricDataList"]} == {"train:rmse", "validation:rmse"}, told
assert list(trees.training_job_analytics.dataframe()["metric_name"]) == ["train:rmse", "validation:rmse"]
try:
    boosted(num_rounds=5, eta=2).fit({"train": csv})
except botocore.exceptions.ClientError as error:
    for sentence in (
        "Missing required hyperparameter: num_round",
        "Did you mean 'num_round'?",
        "eta: 2 is not in",
    ):
        assert sentence in str(error), error
else:
    raise AssertionError("hyperparameters that are wrong were taken")

# A script that fails says why, and fit raises.
bad = SKLearn(
    entry_point="fails.py",
    source_dir=code,
    framework_version="1.2-1",
    instance_type="ml.m5.xlarge",
    instance_count=1,
    role=role,
    sagemaker_session=session,
)
try:
    bad.fit(f"s3://{bucket}/fit/train")
except sagemaker.exceptions.UnexpectedStatusException as error:
    assert "the shells are gone" in str(error), error
else:
    raise AssertionError("a failing script did not fail")
ended = bad.latest_training_job.describe()["TrainingEndTime"]
print("FIT OK", time.time() - ended.timestamp() < 3600)
