"""ModelTrainer.train, Processor.run, up- and download, a TransformJob, tuning, a package approved. SDK 3."""

import os
import sys
import tarfile
import tempfile
import time

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import Model, ModelPackage, ModelPackageGroup, TrainingJob, TransformJob
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import (
    ContainerDefinition,
    DataProcessing,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    ResourceConfigForUpdate,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode, StoppingCondition

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import checks  # noqa: E402
import shells  # noqa: E402
import tuning  # noqa: E402

code = os.path.join(here, "code")
session = Session()
role = get_execution_role(session)
bucket = session.default_bucket()
image = image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1")
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "shells.csv"))
S3Uploader.upload(folder, f"s3://{bucket}/three/data", sagemaker_session=session)

processor = ScriptProcessor(
    image_uri=image,
    command=["python3"],
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    sagemaker_session=session,
)
processor.run(
    code=os.path.join(code, "prepare.py"),
    inputs=[
        ProcessingInput(
            input_name="input",
            s3_input=ProcessingS3Input(
                s3_uri=f"s3://{bucket}/three/data",
                local_path="/opt/ml/processing/input",
                s3_data_type="S3Prefix",
                s3_input_mode="File",
            ),
        )
    ],
    outputs=[
        ProcessingOutput(
            output_name="train",
            s3_output=ProcessingS3Output(
                s3_uri=f"s3://{bucket}/three/train",
                local_path="/opt/ml/processing/train",
                s3_upload_mode="EndOfJob",
            ),
        )
    ],
)
S3Downloader.download(f"s3://{bucket}/three/train", os.path.join(folder, "down"), sagemaker_session=session)
assert os.path.getsize(os.path.join(folder, "down", "train.csv")) > 1000


# The SDK names a job by its base and the second: two of one base, begun in one second, would share a name.
def trainer(base_job_name: str, **more: object) -> ModelTrainer:
    return ModelTrainer(
        training_image=image,
        role=role,
        sagemaker_session=session,
        base_job_name=base_job_name,
        source_code=SourceCode(
            source_dir=os.path.join(code, "source"), entry_script="train.py", requirements="requirements.txt"
        ),
        hyperparameters={"alpha": 0.1},
        **more,
    )


channels = [InputData(channel_name="train", data_source=f"s3://{bucket}/three/train")]
demand = trainer(
    "shells-demand",
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1, keep_alive_period_in_seconds=900),
)
spot = trainer(
    "shells-spot",
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1, enable_managed_spot_training=True),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600, max_wait_time_in_seconds=1200),
)
spot.train(input_data_config=channels, wait=False)
demand.train(input_data_config=channels, wait=True, logs=True)
spot._latest_training_job.wait()
for one in (demand, spot):
    job = TrainingJob.get(one._latest_training_job.training_job_name)
    assert job.training_job_status == "Completed", job
    assert job.billable_time_in_seconds <= job.training_time_in_seconds

# What the first has left is kept for whoever matches, until it is given back.
kept = TrainingJob.get(demand._latest_training_job.training_job_name)
assert kept.warm_pool_status.status == "Available", kept
# The SDK leaves out a 0.
kept.update(resource_config=ResourceConfigForUpdate(keep_alive_period_in_seconds=1))
while kept.refresh().warm_pool_status.status == "Available":
    time.sleep(0.1)
assert kept.warm_pool_status.status == "Terminated", kept

# A built-in algorithm, by its image alone.
S3Uploader.upload_string_as_file_body(
    "".join(f"{place % 2 * 9},{place % 5}\n" for place in range(60)),
    f"s3://{bucket}/three/spots/spots.csv",
    sagemaker_session=session,
)
clusters = ModelTrainer(
    training_image=image_uris.retrieve("kmeans", session.boto_region_name),
    role=role,
    sagemaker_session=session,
    base_job_name="clusters",
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
    hyperparameters={"k": 2, "feature_dim": 2},
)
spots = InputData(
    channel_name="train", data_source=f"s3://{bucket}/three/spots", content_type="text/csv;label_size=0"
)
clusters.train(input_data_config=[spots], logs=False)
(metric,) = clusters._latest_training_job.final_metric_data_list[:1]
assert (metric.metric_name, round(metric.value, 3)) == ("train:msd", 2.0), metric
model_data = demand._latest_training_job.model_artifacts.s3_model_artifacts

tuning.run(session, role, image, code, f"s3://{bucket}/three/train")
checks.run(session, role)
with tarfile.open(os.path.join(folder, "sourcedir.tar.gz"), "w:gz") as archive:
    archive.add(os.path.join(code, "source", "serve.py"), "serve.py")
S3Uploader.upload(
    os.path.join(folder, "sourcedir.tar.gz"), f"s3://{bucket}/three/code", sagemaker_session=session
)
model = Model.create(
    model_name="three-shells",
    primary_container=ContainerDefinition(
        image=image,
        model_data_url=model_data,
        environment={
            "SAGEMAKER_PROGRAM": "serve.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/three/code/sourcedir.tar.gz",
        },
    ),
    execution_role_arn=role,
)
transform = TransformJob.create(
    transform_job_name="three-shells",
    model_name=model.model_name,
    transform_input=TransformInput(
        data_source=TransformDataSource(
            s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/three/train")
        ),
        content_type="text/csv",
        split_type="Line",
    ),
    transform_output=TransformOutput(
        s3_output_path=f"s3://{bucket}/three/predicted", accept="text/csv", assemble_with="Line"
    ),
    transform_resources=TransformResources(instance_type="ml.m5.xlarge", instance_count=1),
    data_processing=DataProcessing(input_filter="$[1:]"),
)
transform.wait()
assert transform.transform_job_status == "Completed", transform
S3Downloader.download(
    f"s3://{bucket}/three/predicted", os.path.join(folder, "predicted"), sagemaker_session=session
)
with open(os.path.join(folder, "predicted", "train.csv.out")) as predicted:
    assert len(predicted.readlines()) == 140

ModelPackageGroup.create(model_package_group_name="three-shells")
# The SDK's own ModelPackage.create reads a member that no answer of CreateModelPackage has.
boto3.client("sagemaker").create_model_package(
    ModelPackageGroupName="three-shells",
    InferenceSpecification={
        "Containers": [{"Image": image, "ModelDataUrl": model_data}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    },
    ModelApprovalStatus="PendingManualApproval",
)
(package,) = ModelPackage.get_all(model_package_group_name="three-shells")
package.update(model_approval_status="Approved", approval_description="good")
package.refresh()
assert package.model_approval_status == "Approved"
print("TRAIN OK")
