"""The pipeline of this folder as the SageMaker SDK 2.x writes it: ``stepmill exec -- python sdk2.py``."""

from __future__ import annotations

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingOutput, ScriptProcessor
from sagemaker.transformer import Transformer
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep, TrainingStep, TransformStep

session = PipelineSession()
role = sagemaker.get_execution_role()
image = sagemaker.image_uris.retrieve("forecasting-deepar", session.boto_region_name)
machine = {"role": role, "instance_count": 1, "instance_type": "ml.m5.large", "sagemaker_session": session}

numbers = {
    "context_length": 14,
    "prediction_length": 14,
    "epochs": 25,
    "mini_batch_size": 32,
    "num_cells": 30,
}
numbers |= {"num_layers": 2, "num_eval_samples": 100, "embedding_dimension": 4, "early_stopping_patience": 10}
words = {
    "time_freq": "D",
    "cardinality": "auto",
    "num_dynamic_feat": "auto",
    "likelihood": "negative-binomial",
}
words |= {"dropout_rate": "0.1", "learning_rate": "0.01", "test_quantiles": "[0.1, 0.5, 0.9]"}
asked = {name: ParameterInteger(name, default_value=value) for name, value in numbers.items()}
asked |= {name: ParameterString(name, default_value=value) for name, value in words.items()}

processor = ScriptProcessor(
    image_uri="123456789012.dkr.ecr.us-west-2.amazonaws.com/demand/features:1", command=["python3"], **machine
)
features = ProcessingStep(
    "Features",
    step_args=processor.run(
        code="features.py",
        arguments=[
            *("--executionId", ExecutionVariables.PIPELINE_EXECUTION_ID),
            *("--items", "8", "--shops", "3", "--days", "200"),
            *("--horizon", asked["prediction_length"].to_string()),
        ],
        outputs=[
            ProcessingOutput(output_name=name, source=f"/opt/ml/processing/output/{name}")
            for name in ("train", "test", "requests", "came")
        ],
    ),
)


def made(name: str) -> str:
    return features.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


estimator = Estimator(image, hyperparameters=asked, **machine)
train = TrainingStep(
    "Train", step_args=estimator.fit({name: TrainingInput(made(name)) for name in ("train", "test")})
)

model = Model(image, train.properties.ModelArtifacts.S3ModelArtifacts, role=role, sagemaker_session=session)
create = ModelStep("Model", step_args=model.create(instance_type="ml.m5.large"))
register = ModelStep(
    "Register",
    step_args=model.register(
        content_types=["application/jsonlines"],
        response_types=["application/jsonlines"],
        model_package_group_name="demand",
    ),
)

transformer = Transformer(
    create.properties.ModelName,
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="SingleRecord",
    assemble_with="Line",
    accept="application/jsonlines",
    env={"DEEPAR_INFERENCE_CONFIG": '{"num_samples": 100, "output_types": ["mean"]}'},
    sagemaker_session=session,
)
forecast = TransformStep(
    "Forecast",
    step_args=transformer.transform(
        made("requests"), content_type="application/jsonlines", split_type="Line"
    ),
)

steps = [features, train, create, forecast, register]
pipeline = Pipeline("Demand-SDK", [*asked.values()], steps=steps, sagemaker_session=session)
pipeline.upsert(role_arn=role)
execution = pipeline.start(parameters={"epochs": 10})
execution.wait(delay=5, max_attempts=240)
for step in reversed(execution.list_steps()):
    print(step["StepName"], step["StepStatus"])
