"""The pipeline of this folder as the SageMaker SDK 2.x writes it: ``stepmill exec -- python sdk2.py``.

It leaves the definition as definition.json, and puts it to S3, where the pipeline takes it from, as a project
template does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import sagemaker
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.pytorch import PyTorch, PyTorchProcessor
from sagemaker.sklearn import SKLearnProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import ProcessingStep, TrainingStep

NAME = "Digits-SDK"

session = PipelineSession()
role = sagemaker.get_execution_role()
machine = {"role": role, "instance_count": 1, "instance_type": "ml.m5.large", "sagemaker_session": session}
pytorch = {"framework_version": "2.6", "py_version": "py312", **machine}

epochs = ParameterInteger("epochs", default_value=12)
batch_size = ParameterInteger("batch_size", default_value=32)
learning_rate = ParameterFloat("learning_rate", default_value=0.001)
limit = ParameterFloat("limit", default_value=0.95)

prepare = ProcessingStep(
    "Prepare",
    step_args=SKLearnProcessor(framework_version="1.2-1", **machine).run(
        code="prepare.py",
        arguments=["--test-share", "0.25"],
        outputs=[
            ProcessingOutput(output_name=name, source=f"/opt/ml/processing/output/{name}")
            for name in ("train", "test")
        ],
    ),
)


def prepared(name: str) -> str:
    return prepare.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def variant(name: str, group: str, **capacity: object) -> list[object]:
    kept = [f"s3://{session.default_bucket()}", NAME, ExecutionVariables.PIPELINE_EXECUTION_ID, name]
    estimator = PyTorch(
        entry_point="train.py",
        source_dir="source",
        hyperparameters={"epochs": epochs, "learning-rate": learning_rate, "batch-size": batch_size},
        checkpoint_s3_uri=Join("/", [*kept, "checkpoints"]),
        max_run=3600,
        tags=[{"Key": "capacity", "Value": "spot" if capacity else "on demand"}],
        **capacity,
        **pytorch,
    )
    train = TrainingStep(f"Train{name}", step_args=estimator.fit({"train": TrainingInput(prepared("train"))}))
    found = train.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile("report", output_name="evaluation", path="evaluation.json")
    there = Join("/", [*kept, "evaluation"])
    evaluate = ProcessingStep(
        f"Evaluate{name}",
        step_args=PyTorchProcessor(**pytorch).run(
            code="evaluate.py",
            source_dir="source",
            inputs=[
                ProcessingInput(found, "/opt/ml/processing/input/model"),
                ProcessingInput(prepared("test"), "/opt/ml/processing/input/test"),
            ],
            outputs=[
                ProcessingOutput(
                    output_name="evaluation", source="/opt/ml/processing/output/evaluation", destination=there
                )
            ],
        ),
        property_files=[report],
    )

    image = sagemaker.image_uris.retrieve(
        "pytorch",
        session.boto_region_name,
        version="2.6",
        py_version="py312",
        instance_type="ml.m5.large",
        image_scope="inference",
    )
    register = ModelStep(
        f"Register{name}",
        step_args=Model(image, found, role=role, sagemaker_session=session).register(
            content_types=["application/json"],
            response_types=["application/json"],
            model_package_group_name=group,
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource("application/json", Join("/", [there, "evaluation.json"]))
            ),
        ),
    )
    passes = ConditionGreaterThanOrEqualTo(JsonGet(evaluate.name, report, "accuracy"), limit)
    return [train, evaluate, ConditionStep(f"{name}Passes", conditions=[passes], if_steps=[register])]


pipeline = Pipeline(
    NAME,
    [epochs, batch_size, learning_rate, limit],
    steps=[
        prepare,
        *variant("Spot", "digits-spot", use_spot_instances=True, max_wait=7200),
        *variant("OnDemand", "digits-on-demand"),
    ],
    sagemaker_session=session,
)
definition = Path("definition.json")
definition.write_text(pipeline.definition())
session.upload_data(str(definition), key_prefix=NAME)
place = {"Bucket": session.default_bucket(), "ObjectKey": f"{NAME}/{definition.name}"}
client = session.sagemaker_client
known = client.list_pipelines(PipelineNamePrefix=NAME)["PipelineSummaries"]
put = client.update_pipeline if known else client.create_pipeline
put(PipelineName=NAME, PipelineDefinitionS3Location=place, RoleArn=role)
print(f"{NAME} is there, of s3://{place['Bucket']}/{place['ObjectKey']}")
if "--start" in sys.argv:
    execution = pipeline.start()
    execution.wait(delay=2, max_attempts=240)
    for step in reversed(execution.list_steps()):
        print(step["StepName"], step["StepStatus"])
