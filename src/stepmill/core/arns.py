"""Amazon resource names, as SageMaker forms them, for things that live here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arns:
    """Builds the ARNs of one installation.

    Args:
        region: A real AWS region; the SDKs look it up in a table (``us-west-2``).
        account: Twelve digits.

    Example:
        >>> Arns("us-west-2", "123456789012").pipeline("Abalone")
        'arn:aws:sagemaker:us-west-2:123456789012:pipeline/abalone'
    """

    region: str
    account: str

    def sagemaker(self, kind: str, name: str) -> str:
        """Return the ARN of a SageMaker resource: ``training-job``, ``model``; names in lower case."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"

    def pipeline(self, name: str) -> str:
        """Return the ARN of a pipeline."""
        return self.sagemaker("pipeline", name)

    def execution(self, pipeline: str, execution_id: str) -> str:
        """Return the ARN of a pipeline's execution."""
        return f"{self.pipeline(pipeline)}/execution/{execution_id}"

    def model_package(self, group: str, version: int) -> str:
        """Return the ARN of a version of a model package group."""
        return self.sagemaker("model-package", f"{group}/{version}")

    def function(self, name: str) -> str:
        """Return the ARN of a Lambda function; its name keeps its case."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"

    def role(self, name: str) -> str:
        """Return the ARN of an IAM role."""
        return f"arn:aws:iam::{self.account}:role/{name}"
