"""A right step of every type that the helpers in ``documents`` do not build."""

from __future__ import annotations

from typing import Any

from support.documents import IMAGE, QUEUE, ROLE, processing

PROCESSING = processing("Prep")["Arguments"]
OTHERS: dict[str, dict[str, Any]] = {
    "Tuning": {
        "Arguments": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": {
                    "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0", "MaxValue": "1"}],
                    "CategoricalParameterRanges": [{"Name": "k", "Values": ['"a"', '"b"']}],
                },
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": {"rounds": "10"},
                "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
                "RoleArn": ROLE,
                "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
                "HyperParameterTuningResourceConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
        }
    },
    "Transform": {
        "Arguments": {
            "ModelName": "m",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }
    },
    "Model": {"Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}}},
    "RegisterModel": {"Arguments": {"ModelPackageGroupName": "group", "ModelApprovalStatus": "Approved"}},
    "AutoML": {
        "Arguments": {
            "InputDataConfig": [
                {
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}},
                    "TargetAttributeName": "y",
                }
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
            "AutoMLJobConfig": {"Mode": "ENSEMBLING"},
            "RoleArn": ROLE,
        }
    },
    "Callback": {
        "SqsQueueUrl": QUEUE,
        "Arguments": {"a": 1},
        "OutputParameters": [{"OutputName": "ok", "OutputType": "Boolean"}],
    },
    "QualityCheck": {
        "CheckType": "DATA_QUALITY",
        "Arguments": PROCESSING,
        "ModelPackageGroupName": None,
        "SkipCheck": False,
        "FailOnViolation": True,
        "RegisterNewBaseline": {"Get": "Execution.PipelineName"},
        "SuppliedBaselineStatistics": None,
        "SuppliedBaselineConstraints": "s3://bucket/c.json",
    },
    "ClarifyCheck": {"CheckType": "DATA_BIAS", "Arguments": PROCESSING, "ModelName": "m", "SkipCheck": True},
    "EMR": {
        "Arguments": {
            "ClusterId": "j-1",
            "StepConfig": {
                "HadoopJarStep": {"Jar": "x.jar", "Args": ["a"], "Properties": [{"Key": "a", "Value": "b"}]}
            },
        }
    },
    "EMRServerless": {
        "Arguments": {
            "ExecutionRoleArn": ROLE,
            "ApplicationId": "app",
            "JobConfig": {
                "executionRoleArn": ROLE,
                "applicationId": "app",
                "jobDriver": {"sparkSubmit": {"entryPoint": "s3://bucket/x.py"}},
                "executionTimeoutMinutes": 5,
            },
        }
    },
    "EndpointConfig": {
        "Arguments": {
            "ProductionVariants": [
                {
                    "VariantName": "a",
                    "ModelName": "m",
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                }
            ]
        }
    },
    "Endpoint": {"Arguments": {"EndpointName": "e", "EndpointConfigName": "c"}},
    "InferenceComponent": {"Arguments": {"EndpointName": "e", "VariantName": "a"}},
    "Lineage": {
        "Arguments": {
            "Actions": [{"ActionName": "act", "Source": {"SourceUri": "s3://bucket/a"}, "ActionType": "t"}],
            "Associations": [
                {
                    "Source": {"Name": "act", "Type": "Action"},
                    "Destination": {"Arn": "arn:aws:sagemaker:us-west-2:123456789012:artifact/a"},
                    "AssociationType": "Produced",
                }
            ],
        }
    },
    "Job": {
        "Arguments": {
            "JobCategory": "DataTransformation",
            "JobConfigSchemaVersion": "1.0.0",
            "JobConfigDocument": {"Std:Join": {"On": "", "Values": ["{", "}"]}},
            "RoleArn": ROLE,
        }
    },
}
