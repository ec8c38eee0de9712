"""A pipeline that checks its data. SDK 3.x. Called by ``train.py``."""

import os
import tempfile

from sagemaker.core.clarify import BiasConfig, DataConfig
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.model_monitor.model_monitoring import DefaultModelMonitor
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import ClarifyCheckStep, DataBiasCheckConfig
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep


def run(session, role):
    """Make the first baselines by two steps."""
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
    pipeline = Pipeline(
        name="Checks", steps=[check, bias_step(session, role, bucket)], sagemaker_session=session
    )
    pipeline.upsert(role)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=300)
    found = {step["StepName"]: step["Metadata"] for step in execution.list_steps()}
    bias = found["Bias"]["ClarifyCheck"]
    assert bias["BaselineUsedForDriftCheckConstraints"].endswith("/three/bias/analysis.json"), bias
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
