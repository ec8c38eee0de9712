"""The abalone pipeline by way of the feature store: ingest, read by the group's name, register. SDK 2.x.

Its jobs use the SDK themselves. The training step depends on the first one only by order.
"""

import os
import sys
import tempfile

import boto3
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import (
    FeatureStoreOutput,
    ProcessingInput,
    ProcessingOutput,
    ScriptProcessor,
)
from sagemaker.s3 import S3Uploader
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, here)
import shells  # noqa: E402

code = os.path.join(here, "code", "feature_pipeline")
session = PipelineSession()
role = sagemaker.get_execution_role()
bucket = session.default_bucket()
image = f"123456789012.dkr.ecr.{session.boto_region_name}.amazonaws.com/shells/tools:1"
folder = tempfile.mkdtemp()
shells.write(os.path.join(folder, "shells.csv"))
data = S3Uploader.upload(os.path.join(folder, "shells.csv"), f"s3://{bucket}/features-pipeline/data")

# A processing job says that it fills a group by naming it as an output; then the group has to be there.
kinds = {"shell": "Integral", "rings": "Fractional", "length": "Fractional", "weight": "Fractional"}
boto3.client("sagemaker").create_feature_group(
    FeatureGroupName="shells-of-all",
    RecordIdentifierFeatureName="shell",
    EventTimeFeatureName="measured_at",
    FeatureDefinitions=[
        {"FeatureName": name, "FeatureType": kind}
        for name, kind in {**kinds, "measured_at": "Fractional"}.items()
    ],
    OnlineStoreConfig={"EnableOnlineStore": True},
    OfflineStoreConfig={"S3StorageConfig": {"S3Uri": f"s3://{bucket}/features"}},
    RoleArn=role,
)
group = ParameterString("FeatureGroup", default_value="shells-of-all")
processor = ScriptProcessor(
    image_uri=image,
    command=["python3"],
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    sagemaker_session=session,
)
ingest = ProcessingStep(
    name="Ingest",
    step_args=processor.run(
        code=os.path.join(code, "ingest.py"),
        arguments=["--group", group, "--role", role, "--bucket", bucket],
        inputs=[ProcessingInput(source=data, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(
                output_name="shells",
                app_managed=True,
                feature_store_output=FeatureStoreOutput(feature_group_name=group),
            )
        ],
    ),
)
report = Join(
    on="/",
    values=["s3:/", bucket, "features-pipeline", ExecutionVariables.PIPELINE_EXECUTION_ID, "report.json"],
)
estimator = Estimator(
    image_uri=image,
    entry_point="fit.py",
    source_dir=code,
    role=role,
    instance_type="ml.m5.xlarge",
    instance_count=1,
    sagemaker_session=session,
    hyperparameters={"group": group, "bucket": bucket, "report": report},
    metric_definitions=[{"Name": "validation:mse", "Regex": "validation:mse=(.*?);"}],
)
train = TrainingStep(name="Train", step_args=estimator.fit(), depends_on=[ingest])
model = Model(
    image_uri=image,
    model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
    role=role,
    sagemaker_session=session,
)
register = ModelStep(
    name="Shells",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        model_package_group_name="ShellModels",
        model_metrics=ModelMetrics(
            model_statistics=MetricsSource(s3_uri=report, content_type="application/json")
        ),
    ),
)
pipeline = Pipeline(
    name="FeaturesPipeline",
    parameters=[group],
    steps=[ingest, train, register],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role)
execution = pipeline.start()
execution.wait()
told = execution.describe()
assert told["PipelineExecutionStatus"] == "Succeeded", (told, execution.list_steps())

client = boto3.client("sagemaker")
assert client.describe_feature_group(FeatureGroupName="shells-of-all")["FeatureGroupStatus"] == "Created"
record = boto3.client("sagemaker-featurestore-runtime").get_record(
    FeatureGroupName="shells-of-all", RecordIdentifierValueAsString="7", FeatureNames=["rings"]
)["Record"]
assert float(record[0]["ValueAsString"]) > 4, record
(package,) = client.list_model_packages(ModelPackageGroupName="ShellModels")["ModelPackageSummaryList"]
described = client.describe_model_package(ModelPackageName=package["ModelPackageArn"])
source = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
found = (
    boto3.client("s3").get_object(Bucket=bucket, Key=source.removeprefix(f"s3://{bucket}/"))["Body"].read()
)
assert b"regression_metrics" in found, found
assert described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"].endswith("model.tar.gz")

# The training step was told no more than the name of the group: lineage knows where its data came from.
(made,) = client.list_artifacts(SourceUri=package["ModelPackageArn"])["ArtifactSummaries"]
led = client.query_lineage(StartArns=[made["ArtifactArn"]], Direction="Ascendants")["Vertices"]
types = {vertex["Type"] for vertex in led}
assert {"FeatureGroup", "ProcessingJob", "TrainingJob"} <= types, types
(raw,) = client.list_artifacts(SourceUri=data)["ArtifactSummaries"]
came = client.query_lineage(StartArns=[raw["ArtifactArn"]], Direction="Descendants")["Vertices"]
assert made["ArtifactArn"] in [vertex["Arn"] for vertex in came], came
print("FEATURE_PIPELINE OK")
