"""A pipeline that checks its data. SDK 3.x. Called by ``train.py``."""

import io
import json
import os
import tarfile
import tempfile

import boto3
from sagemaker.core import image_uris
from sagemaker.core.clarify import (
    BiasConfig,
    DataConfig,
    ModelConfig,
    SageMakerClarifyProcessor,
    SHAPConfig,
)
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.model_monitor.model_monitoring import DefaultModelMonitor
from sagemaker.core.s3 import S3Downloader
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import (
    ClarifyCheckStep,
    DataBiasCheckConfig,
    ModelExplainabilityCheckConfig,
)
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep


def run(session, role):
    """Make the first baselines by three steps, and explain a model by a job."""
    bucket = session.default_bucket()
    data = os.path.join(tempfile.mkdtemp(), "usual.csv")
    with open(data, "w") as file:
        file.write("age,place\n31,in\n44,in\n52,out\n")
    monitor = DefaultModelMonitor(role=role, sagemaker_session=session)
    monitor.suggest_baseline(
        data, DatasetFormat.csv(header=True), output_s3_uri=f"s3://{bucket}/three/suggested", logs=False
    )
    age = monitor.suggested_constraints().body_dict["features"][0]
    assert (age["name"], age["inferred_type"]) == ("age", "Integral"), age
    check = QualityCheckStep(
        name="Check",
        quality_check_config=DataQualityCheckConfig(
            baseline_dataset=session.upload_data(data, bucket, "three/checked"),
            dataset_format={"csv": {"header": True}},
            output_s3_uri=f"s3://{bucket}/three/reports",
        ),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        skip_check=True,
        register_new_baseline=True,
    )
    steps = [check, bias_step(session, role, bucket), explain_step(session, role, bucket)]
    pipeline = Pipeline(name="Checks", steps=steps, sagemaker_session=session)
    pipeline.upsert(role)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=300)
    found = {step["StepName"]: step["Metadata"] for step in execution.list_steps()}
    bias = found["Bias"]["ClarifyCheck"]
    assert bias["BaselineUsedForDriftCheckConstraints"].endswith("/three/bias/analysis.json"), bias
    explained = found["Explain"]["ClarifyCheck"]
    assert explained["CheckType"] == "MODEL_EXPLAINABILITY", explained
    new = explained["BaselineUsedForDriftCheckConstraints"]
    assert new == f"s3://{bucket}/three/explain-step/analysis.json", explained
    by_job = S3Downloader.read_file(f"s3://{bucket}/three/explain-job/analysis.json", session)
    assert S3Downloader.read_file(new, session) == by_job
    about = found["Check"]["QualityCheck"]
    assert about["BaselineUsedForDriftCheckStatistics"].endswith("/three/reports/statistics.json"), about
    assert about["CheckType"] == "DATA_QUALITY", about


def bias_step(session, role, bucket):
    data = os.path.join(tempfile.mkdtemp(), "loans.csv")
    with open(data, "w") as file:
        file.write("f,1\nf,0\nm,1\nm,1\n")
    data_config = DataConfig(
        s3_data_input_path=session.upload_data(data, bucket, "three/loans"),
        s3_output_path=f"s3://{bucket}/three/bias",
        label="paid",
        headers=["sex", "paid"],
    )
    return ClarifyCheckStep(
        name="Bias",
        clarify_check_config=DataBiasCheckConfig(
            data_config=data_config, data_bias_config=BiasConfig([1], "sex", ["f"]), methods=["CI", "DPL"]
        ),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        skip_check=True,
        register_new_baseline=True,
    )


# Three times the first number and once the second.
INFERENCE = """
import numpy as np

def model_fn(folder):
    return None

def predict_fn(data, model):
    return [3 * float(row[0]) + float(row[1]) for row in np.atleast_2d(data)]
"""


def explain_step(session, role, bucket):
    """Explain a model by a job; return the step that does the same."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        told = tarfile.TarInfo("code/inference.py")
        told.size = len(INFERENCE)
        archive.addfile(told, io.BytesIO(INFERENCE.encode()))
    boto3.client("s3").put_object(Bucket=bucket, Key="three/model.tar.gz", Body=buffer.getvalue())
    boto3.client("sagemaker").create_model(
        ModelName="explained-three",
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1"),
            "ModelDataUrl": f"s3://{bucket}/three/model.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        },
    )
    path = os.path.join(tempfile.mkdtemp(), "points.csv")
    with open(path, "w") as file:
        file.write("1,1\n2,0\n3,5\n")
    model = ModelConfig("explained-three", 1, "ml.m5.xlarge", accept_type="text/csv")
    shap = SHAPConfig([[0, 0]], num_samples=10, agg_method="mean_abs")

    def data(output):
        return DataConfig(
            s3_data_input_path=session.upload_data(path, bucket, "three/points"),
            s3_output_path=f"s3://{bucket}/three/{output}",
            headers=["a", "b"],
        )

    processor = SageMakerClarifyProcessor(
        role=role, instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session
    )
    processor.run_explainability(data("explain-job"), model, shap, logs=False)
    report = json.loads(S3Downloader.read_file(f"s3://{bucket}/three/explain-job/analysis.json", session))
    found = report["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    assert {name: round(value, 6) for name, value in found.items()} == {"a": 6.0, "b": 2.0}, found
    return ClarifyCheckStep(
        name="Explain",
        clarify_check_config=ModelExplainabilityCheckConfig(
            data_config=data("explain-step"), model_config=model, explainability_config=shap
        ),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        skip_check=True,
        register_new_baseline=True,
    )
