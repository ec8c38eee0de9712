"""The abalone pipeline as SDK 3 writes it: process, train with ModelTrainer, evaluate, decide, register."""

import os
import sys
import tempfile

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.s3 import S3Uploader
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import shells  # noqa: E402

code = os.path.join(here, "code")
session = PipelineSession()
role = get_execution_role(session)
bucket = session.default_bucket()
region = session.boto_region_name
image = image_uris.retrieve("sklearn", region, "1.2-1")
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "shells.csv"))
uploaded = S3Uploader.upload(
    os.path.join(folder, "shells.csv"), f"s3://{bucket}/abalone3/data", sagemaker_session=session
)
data = ParameterString("InputData", default_value=uploaded)
threshold = ParameterFloat("MseThreshold", default_value=1.0)


def given(name: str, uri: object, path: str) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=path,
            s3_data_type="S3Prefix",
            s3_input_mode="File",
            s3_data_distribution_type="FullyReplicated",
            s3_compression_type="None",
        ),
    )


def left(name: str) -> ProcessingOutput:
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=f"s3://{bucket}/abalone3/{name}",
            local_path=f"/opt/ml/processing/{name}",
            s3_upload_mode="EndOfJob",
        ),
    )


processor = ScriptProcessor(
    image_uri=image,
    command=["python3"],
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    base_job_name="prepare",
    sagemaker_session=session,
)
step_process = ProcessingStep(
    name="Prepare",
    step_args=processor.run(
        code=os.path.join(code, "prepare.py"),
        arguments=["--input-data", data],
        inputs=[given("input", data, "/opt/ml/processing/input")],
        outputs=[left("train"), left("validation"), left("test")],
    ),
    cache_config=CacheConfig(enable_caching=True, expire_after="30d"),
)
outputs = step_process.properties.ProcessingOutputConfig.Outputs
trainer = ModelTrainer(
    training_image=image,
    role=role,
    sagemaker_session=session,
    base_job_name="train",
    source_code=SourceCode(
        source_dir=os.path.join(code, "source"), entry_script="train.py", requirements="requirements.txt"
    ),
    compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
    hyperparameters={"alpha": 0.01},
)
step_train = TrainingStep(
    name="Train",
    step_args=trainer.train(
        input_data_config=[InputData(channel_name="train", data_source=outputs["train"].S3Output.S3Uri)]
    ),
)
evaluation = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
step_eval = ProcessingStep(
    name="Evaluate",
    step_args=processor.run(
        code=os.path.join(code, "evaluate.py"),
        inputs=[
            given("model", step_train.properties.ModelArtifacts.S3ModelArtifacts, "/opt/ml/processing/model"),
            given("test", outputs["test"].S3Output.S3Uri, "/opt/ml/processing/test"),
        ],
        outputs=[left("evaluation")],
    ),
    property_files=[evaluation],
)
builder = ModelBuilder(
    s3_model_data_url=step_train.properties.ModelArtifacts.S3ModelArtifacts,
    image_uri=image,
    sagemaker_session=session,
    role_arn=role,
)
step_register = ModelStep(
    name="Shells",
    step_args=builder.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="Abalone3",
        approval_status="PendingManualApproval",
    ),
)
pipeline = Pipeline(
    name="Abalone3",
    parameters=[data, threshold],
    sagemaker_session=session,
    steps=[
        step_process,
        step_train,
        step_eval,
        ConditionStep(
            name="GoodEnough",
            conditions=[
                ConditionLessThanOrEqualTo(
                    left=JsonGet(
                        step_name="Evaluate",
                        property_file=evaluation,
                        json_path="regression_metrics.mse.value",
                    ),
                    right=threshold,
                )
            ],
            if_steps=[step_register],
            else_steps=[FailStep("TooBad", error_message=Join(on=" ", values=["MSE above", threshold]))],
        ),
    ],
)
pipeline.upsert(role_arn=role)
for turn in (1, 2):
    execution = pipeline.start()
    execution.wait()
    steps = {entry["StepName"]: entry for entry in execution.list_steps()}
    assert execution.describe()["PipelineExecutionStatus"] == "Succeeded", steps
    assert steps["GoodEnough"]["Metadata"]["Condition"]["Outcome"] == "True", steps
    assert ("CacheHitResult" in steps["Prepare"]) is (turn == 2), steps["Prepare"]
packages = boto3.client("sagemaker").list_model_packages(ModelPackageGroupName="Abalone3")
assert len(packages["ModelPackageSummaryList"]) == 2, packages
print("ABALONE OK")
