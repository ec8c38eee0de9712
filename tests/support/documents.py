"""Pipeline documents for tests, built from small pieces, and a check with the real service models."""

from __future__ import annotations

import json
from typing import Any

from stepmill.core.findings import Finding
from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import Checked, check
from stepmill.language.pipelines.definition import PipelineDefinition

ROLE = "arn:aws:iam::123456789012:role/Role"
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:score"
QUEUE = "https://sqs.us-west-2.amazonaws.com/123456789012/approvals"

Step = dict[str, Any]


def get(text: str) -> dict[str, str]:
    return {"Get": text}


def read_file(step: str, name: str, path: str) -> Step:
    return {"Std:JsonGet": {"PropertyFile": get(f"Steps.{step}.PropertyFiles.{name}"), "Path": path}}


def processing(
    name: str, *, inputs: dict[str, Any] | None = None, outputs: tuple[str, ...] = (), **keys: Any
) -> Step:
    arguments: Step = {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "/opt/ml/code/run.py"]},
        "RoleArn": ROLE,
    }
    if inputs:
        arguments["ProcessingInputs"] = [
            {
                "InputName": key,
                "S3Input": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{key}", "S3DataType": "S3Prefix"},
            }
            for key, uri in inputs.items()
        ]
    if outputs:
        arguments["ProcessingOutputConfig"] = {
            "Outputs": [
                {
                    "OutputName": key,
                    "S3Output": {
                        "S3Uri": f"s3://bucket/{name}/{key}",
                        "LocalPath": f"/opt/ml/processing/{key}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for key in outputs
            ]
        }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **keys}


def training(name: str, *, channels: dict[str, Any] | None = None, **arguments: Any) -> Step:
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "RoleArn": ROLE,
            "InputDataConfig": [
                {
                    "ChannelName": key,
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
                }
                for key, uri in (channels or {"train": "s3://bucket/train"}).items()
            ],
            **arguments,
        },
    }


def function(name: str, *outputs: str, arguments: Step | None = None, **keys: Any) -> Step:
    return {
        "Name": name,
        "Type": "Lambda",
        "FunctionArn": FUNCTION,
        "Arguments": arguments or {},
        "OutputParameters": [{"OutputName": output, "OutputType": "Float"} for output in outputs],
        **keys,
    }


def condition(
    name: str,
    *conditions: Any,
    then: list[Step] | None = None,
    otherwise: list[Step] | None = None,
    **keys: Any,
) -> Step:
    always = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
    return {
        "Name": name,
        "Type": "Condition",
        "Arguments": {
            "Conditions": list(conditions) or [always],
            "IfSteps": then or [],
            "ElseSteps": otherwise or [],
        },
        **keys,
    }


def for_each(name: str, *body: Step, items: Any = ("a", "b"), **arguments: Any) -> Step:
    return {
        "Name": name,
        "Type": "ForEach",
        "Arguments": {
            "IterableItems": list(items) if isinstance(items, tuple) else items,
            "MaxConcurrency": 2,
            "ForEachBody": list(body),
            **arguments,
        },
    }


def fail(name: str, message: Any = "no good") -> Step:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def document(*steps: Any, parameters: list[Any] | None = None, **keys: Any) -> Step:
    top = {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(steps)}
    return {**top, **keys}


def checked(value: Any) -> Checked:
    text = value if isinstance(value, str | bytes) else json.dumps(value)
    return check(text, service_model)


def findings_of(*steps: Any, **keys: Any) -> list[tuple[str, str]]:
    """Return code and path of what is found in a document of these steps."""
    return [(str(each.code), each.path) for each in checked(document(*steps, **keys)).findings]


def only_finding(*steps: Any, **keys: Any) -> Finding:
    """Return the one finding in a document of these steps."""
    findings = checked(document(*steps, **keys)).findings
    assert len(findings) == 1, [str(each) for each in findings]
    return findings[0]


def definition_of(*steps: Any, **keys: Any) -> PipelineDefinition:
    """Return the definition that a document of these steps is."""
    result = checked(document(*steps, **keys))
    assert result.definition is not None, [str(each) for each in result.findings]
    return result.definition
