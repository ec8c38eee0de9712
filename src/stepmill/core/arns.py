"""Amazon resource names, as SageMaker forms them, for things that live here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_SAGEMAKER = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]*):(?P<account>[0-9]{12}):"
    r"(?P<kind>[a-z-]+)/(?P<name>\S+)"
)


@dataclass(frozen=True)
class SageMakerArn:
    """The parts of an ARN of SageMaker's.

    Args:
        region: ``us-west-2``.
        account: Twelve digits.
        kind: ``training-job``, ``model-package``, ``pipeline``.
        name: All that follows: ``churn/3`` of a version, ``p/execution/abc`` of an execution.
    """

    region: str
    account: str
    kind: str
    name: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the parts of an ARN; ``None`` if it is no ARN of a resource of SageMaker's.

        Example:
            >>> SageMakerArn.read("arn:aws:sagemaker:us-west-2:123456789012:model/churn")
            SageMakerArn(region='us-west-2', account='123456789012', kind='model', name='churn')
        """
        match = _SAGEMAKER.fullmatch(text)
        return cls(match["region"], match["account"], match["kind"], match["name"]) if match else None


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

    def is_own(self, arn: SageMakerArn) -> bool:
        """Return whether an ARN is of this installation, not of another account or region."""
        return (arn.region, arn.account) == (self.region, self.account)

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

    def queue(self, name: str) -> str:
        """Return the ARN of a queue; its name keeps its case."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{name}"

    def topic(self, name: str) -> str:
        """Return the ARN of a topic; its name keeps its case."""
        return f"arn:aws:sns:{self.region}:{self.account}:{name}"

    def table(self, name: str) -> str:
        """Return the ARN of a DynamoDB table; its name keeps its case."""
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{name}"

    def batch(self, kind: str, name: str) -> str:
        """Return the ARN of a thing of Batch's: ``job-queue``, ``job-definition``, ``job``."""
        return f"arn:aws:batch:{self.region}:{self.account}:{kind}/{name}"

    def event(self, kind: str, name: str) -> str:
        """Return the ARN of a thing of EventBridge's: ``event-bus``, ``rule``."""
        return f"arn:aws:events:{self.region}:{self.account}:{kind}/{name}"

    def log_group(self, name: str) -> str:
        """Return the ARN of a group of CloudWatch Logs."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{name}"

    def role(self, name: str) -> str:
        """Return the ARN of an IAM role."""
        return f"arn:aws:iam::{self.account}:role/{name}"
