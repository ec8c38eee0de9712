"""All services that are offered."""

from __future__ import annotations

from stepmill.aws.service import Service
from stepmill.aws.services.athena.service import athena
from stepmill.aws.services.batch.service import batch
from stepmill.aws.services.cloudwatch import cloudwatch
from stepmill.aws.services.dynamodb.service import dynamodb
from stepmill.aws.services.events.service import events
from stepmill.aws.services.featurestore_runtime import featurestore_runtime
from stepmill.aws.services.glue.service import glue
from stepmill.aws.services.iam.service import iam
from stepmill.aws.services.lambda_.service import lambda_
from stepmill.aws.services.logs.service import logs
from stepmill.aws.services.s3.service import s3
from stepmill.aws.services.sagemaker.service import sagemaker
from stepmill.aws.services.sagemaker_metrics import sagemaker_metrics
from stepmill.aws.services.sns.service import sns
from stepmill.aws.services.sqs.service import sqs
from stepmill.aws.services.stepfunctions.service import stepfunctions
from stepmill.aws.services.sts import sts
from stepmill.platform import Platform


def services_of(platform: Platform) -> tuple[Service, ...]:
    """Return the services over a platform, each made of the modules in its folder."""
    return (
        sagemaker(platform),
        sts(platform),
        iam(platform),
        s3(platform),
        lambda_(platform),
        sqs(platform),
        sns(platform),
        dynamodb(platform),
        batch(platform),
        events(platform),
        stepfunctions(platform),
        logs(platform),
        cloudwatch(platform),
        sagemaker_metrics(platform),
        athena(platform),
        glue(platform),
        featurestore_runtime(platform),
    )
