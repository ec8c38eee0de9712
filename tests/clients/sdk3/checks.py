"""A pipeline that checks its data. SDK 3.x. Called by ``train.py``."""

import os
import tempfile

from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep


def run(session, role):
    """Make the first baseline by a step."""
    bucket = session.default_bucket()
    data = os.path.join(tempfile.mkdtemp(), "usual.csv")
    with open(data, "w") as file:
        file.write("age,place\n31,in\n44,in\n52,out\n")
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
    pipeline = Pipeline(name="Checks", steps=[check], sagemaker_session=session)
    pipeline.upsert(role)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=300)
    (step,) = execution.list_steps()
    about = step["Metadata"]["QualityCheck"]
    assert about["BaselineUsedForDriftCheckStatistics"].endswith("/three/reports/statistics.json"), about
    assert about["CheckType"] == "DATA_QUALITY", about
