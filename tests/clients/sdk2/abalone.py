"""The pipeline of the SDK's documentation: process, train, evaluate, decide, register. SDK 2.x."""

import os
import sys
import tempfile

import boto3
import sagemaker
from sagemaker.estimator import Estimator  # noqa: F401  (scripts import it beside the framework's)
from sagemaker.inputs import TrainingInput
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import shells  # noqa: E402

code = os.path.join(here, "code")
session = PipelineSession()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
print("role", role, "bucket", bucket)
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "shells.csv"))
uploaded = S3Uploader.upload(os.path.join(folder, "shells.csv"), f"s3://{bucket}/abalone/data")

instance_count = ParameterInteger("ProcessingInstanceCount", default_value=1)
approval = ParameterString("ModelApprovalStatus", default_value="PendingManualApproval")
data = ParameterString("InputData", default_value=uploaded)
threshold = ParameterFloat("MseThreshold", default_value=1.0)
cache = CacheConfig(enable_caching=True, expire_after="30d")

processor = SKLearnProcessor(
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=instance_count,
    base_job_name="abalone-process",
    sagemaker_session=session,
)
step_process = ProcessingStep(
    name="AbaloneProcess",
    step_args=processor.run(
        code=os.path.join(code, "prepare.py"),
        arguments=["--input-data", data],
        inputs=[ProcessingInput(source=data, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name=name, source=f"/opt/ml/processing/{name}")
            for name in ("train", "validation", "test")
        ],
    ),
    cache_config=cache,
)


def output_of(name: str) -> object:
    return step_process.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


estimator = SKLearn(
    entry_point="train.py",
    source_dir=os.path.join(code, "source"),
    framework_version="1.2-1",
    instance_type="ml.m5.xlarge",
    instance_count=1,
    role=role,
    sagemaker_session=session,
    hyperparameters={"alpha": 0.01},
    metric_definitions=[{"Name": "train:mse", "Regex": "train_mse=(.*?);"}],
)
step_train = TrainingStep(
    name="AbaloneTrain",
    step_args=estimator.fit({"train": TrainingInput(output_of("train"), content_type="text/csv")}),
    cache_config=cache,
)
evaluation = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
evaluator = ScriptProcessor(
    image_uri=sagemaker.image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1"),
    command=["python3"],
    instance_type="ml.m5.xlarge",
    instance_count=1,
    base_job_name="eval",
    role=role,
    sagemaker_session=session,
)
step_eval = ProcessingStep(
    name="AbaloneEval",
    step_args=evaluator.run(
        code=os.path.join(code, "evaluate.py"),
        inputs=[
            ProcessingInput(
                source=step_train.properties.ModelArtifacts.S3ModelArtifacts,
                destination="/opt/ml/processing/model",
            ),
            ProcessingInput(source=output_of("test"), destination="/opt/ml/processing/test"),
        ],
        outputs=[ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")],
    ),
    property_files=[evaluation],
    cache_config=cache,
)
report = Join(
    on="/",
    values=[
        step_eval.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri,
        "evaluation.json",
    ],
)
model = SKLearnModel(
    model_data=step_train.properties.ModelArtifacts.S3ModelArtifacts,
    role=role,
    entry_point=os.path.join(code, "source", "serve.py"),
    framework_version="1.2-1",
    sagemaker_session=session,
)
step_register = ModelStep(
    name="Abalone",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
        model_package_group_name="AbalonePackages",
        approval_status=approval,
        model_metrics=ModelMetrics(
            model_statistics=MetricsSource(s3_uri=report, content_type="application/json")
        ),
    ),
)
step_model = ModelStep(name="AbaloneServed", step_args=model.create(instance_type="ml.m5.large"))
transformer = Transformer(
    model_name=step_model.properties.ModelName,
    instance_type="ml.m5.large",
    instance_count=1,
    accept="text/csv",
    assemble_with="Line",
    sagemaker_session=session,
)
step_transform = TransformStep(
    name="AbaloneTransform",
    step_args=transformer.transform(
        output_of("test"), content_type="text/csv", split_type="Line", input_filter="$[1:]"
    ),
    cache_config=cache,
)
step_fail = FailStep("AbaloneFail", error_message=Join(on=" ", values=["MSE above", threshold]))
step_condition = ConditionStep(
    name="AbaloneMseCond",
    conditions=[
        ConditionLessThanOrEqualTo(
            left=JsonGet(
                step_name=step_eval.name, property_file=evaluation, json_path="regression_metrics.mse.value"
            ),
            right=threshold,
        )
    ],
    if_steps=[step_register, step_model, step_transform],
    else_steps=[step_fail],
)
pipeline = Pipeline(
    name="AbalonePipeline",
    parameters=[instance_count, approval, data, threshold],
    steps=[step_process, step_train, step_eval, step_condition],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role, tags=[{"Key": "team", "Value": "shells"}])
assert pipeline.describe()["PipelineName"] == "AbalonePipeline"
client = boto3.client("sagemaker")


def run(**start: object) -> list[dict]:
    execution = pipeline.start(**start)
    execution.wait()
    assert execution.describe()["PipelineExecutionStatus"] == "Succeeded", execution.describe()
    return execution.list_steps()


first = {step["StepName"]: step for step in run(execution_display_name="first")}
assert sorted(first) == [
    "Abalone-RegisterModel",
    "AbaloneEval",
    "AbaloneMseCond",
    "AbaloneProcess",
    "AbaloneServed-CreateModel",
    "AbaloneTrain",
    "AbaloneTransform",
], sorted(first)
assert all(step["StepStatus"] == "Succeeded" for step in first.values())
assert first["AbaloneMseCond"]["Metadata"]["Condition"]["Outcome"] == "True"
job = first["AbaloneTrain"]["Metadata"]["TrainingJob"]["Arn"].split("/")[1]
described = client.describe_training_job(TrainingJobName=job)
assert described["FinalMetricDataList"][0]["MetricName"] == "train:mse", described
assert described["FinalMetricDataList"][0]["Value"] < 0.5
job = first["AbaloneTransform"]["Metadata"]["TransformJob"]["Arn"].split("/")[1]
place = client.describe_transform_job(TransformJobName=job)["TransformOutput"]["S3OutputPath"]
assert len(S3Downloader.read_file(f"{place}/test.csv.out").splitlines()) == 30, place
print("first run registered", first["Abalone-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"])

# Upserted again, as scripts are: the same pipeline, and nothing to do for what is cached.
pipeline.upsert(role_arn=role)
second = {step["StepName"]: step for step in run()}
for name in ("AbaloneProcess", "AbaloneTrain", "AbaloneEval", "AbaloneTransform"):
    assert "CacheHitResult" in second[name], second[name]
print("second run was cached")

packages = client.list_model_packages(ModelPackageGroupName="AbalonePackages")["ModelPackageSummaryList"]
assert [p["ModelApprovalStatus"] for p in packages] == ["PendingManualApproval"] * 2, packages
arn = packages[0]["ModelPackageArn"]
client.update_model_package(
    ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good shells"
)
approved = client.list_model_packages(
    ModelPackageGroupName="AbalonePackages", ModelApprovalStatus="Approved"
)["ModelPackageSummaryList"]
assert [p["ModelPackageArn"] for p in approved] == [arn], approved

failing = pipeline.start(parameters={"MseThreshold": 0.0})
try:
    failing.wait()
except Exception as error:
    print("refused as it should be:", type(error).__name__)
else:
    raise AssertionError("a threshold of 0 was met")
told = failing.describe()
assert told["PipelineExecutionStatus"] == "Failed", told
print("ABALONE OK")
