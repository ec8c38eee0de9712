"""What a job may do because it is that job, whatever its role allows: reach its inputs, its outputs, itself.

A Deny of its role's policies wins over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from stepmill.catalog.features.group import GROUP_KIND
from stepmill.catalog.job_components import component_name
from stepmill.catalog.permissions.conditions import Condition
from stepmill.catalog.permissions.documents import Statement
from stepmill.catalog.permissions.patterns import Pattern
from stepmill.catalog.permissions.templates import Fixed, Template
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import JsonObject, read_json
from stepmill.jobs.requests.common import JobRequest
from stepmill.storage.objects.uri import S3Uri

_READ = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectTagging")
_WRITE = (
    *_READ, "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject",
    "s3:PutObjectAcl", "s3:PutObjectTagging",
)  # fmt: skip
_OF_COMPONENTS = (
    "sagemaker:AddTags", "sagemaker:AssociateTrialComponent", "sagemaker:BatchPutMetrics",
    "sagemaker:CreateTrialComponent", "sagemaker:DescribeTrialComponent", "sagemaker:ListTags",
    "sagemaker:UpdateTrialComponent",
)  # fmt: skip
_OF_EXPERIMENTS = (
    "sagemaker:AssociateTrialComponent", "sagemaker:DescribeExperiment", "sagemaker:DescribeTrial",
    "sagemaker:ListTags",
)  # fmt: skip
# The job itself puts the records, and may look at what is there before.
_OF_GROUPS = (
    "sagemaker:BatchGetRecord", "sagemaker:BatchWriteRecord", "sagemaker:DeleteRecord",
    "sagemaker:DescribeFeatureGroup", "sagemaker:GetRecord", "sagemaker:ListTags", "sagemaker:PutRecord",
    "sagemaker:UpdateRecord",
)  # fmt: skip
_OF_LOGS = ("logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents")
# What the SDK's script mode fetches by itself, and where functions that it sends along lie.
_CODE_PARAMETER = "sagemaker_submit_directory"
_FUNCTION_ARGUMENT = "--s3_base_uri"


def allow(actions: Sequence[str], resources: Iterable[Pattern], *conditions: Condition) -> Statement:
    """Return a statement that allows some actions on some resources."""
    return Statement(
        allows=True,
        actions=tuple(Template(action, lower=True) for action in actions),
        resources=tuple(Fixed(resource) for resource in resources),
        conditions=conditions,
    )


def grants_of_logs(arns: Arns, group: str, stream: str) -> Statement:
    """Return what a job may do with its own log.

    Args:
        arns: Builds ARNs.
        group: ``/aws/sagemaker/TrainingJobs``.
        stream: What the names of its streams begin with.
    """
    return allow(_OF_LOGS, [Pattern.beginning(f"{arns.log_group(group)}:log-stream:{stream}")])


def grants_of_role(arns: Arns, role: str) -> Statement:
    """Return what whoever has a role may ask of it: the SDKs look their own role's path up."""
    return allow(["iam:GetRole"], [Pattern.exactly(arns.role(role))])


def grants_of_request(
    request: JobRequest,
    *,
    member: str,
    name: str,
    arn: str,
    arns: Arns,
    written: Iterable[S3Uri],
    hyperparameters: dict[str, str],
) -> tuple[Statement, ...]:
    """Return what a processing or training job may do.

    Args:
        request: What it was asked.
        member: ``TrainingJob``.
        name: Of the job.
        arn: Of the job.
        arns: Builds ARNs.
        written: Folders that its files go to.
        hyperparameters: Of a training job.
    """
    read = [one.source for one in request.inputs if isinstance(one.source, S3Uri)]
    statements = [
        allow([f"sagemaker:Describe{member}", "sagemaker:ListTags"], [Pattern.exactly(arn)]),
        grants_of_logs(arns, f"/aws/sagemaker/{member}s", f"{name}/"),
    ]
    for uri in read:
        statements += _reading(uri)
    if code := _code(hyperparameters):
        statements.append(allow(_READ, [Pattern.exactly(_object(code))]))
    folders = [*written, *_of_functions(request)]
    for uri in folders:
        statements += _writing(uri)
    if request.feature_groups:
        groups = [
            Pattern.exactly(arns.sagemaker(GROUP_KIND, output.group)) for output in request.feature_groups
        ]
        statements.append(allow(_OF_GROUPS, groups))
    return (*statements, *_of_experiments(request.document, member, name, arns))


def _reading(uri: S3Uri) -> list[Statement]:
    """Return what reads a prefix: as SageMaker means it, all keys that begin so."""
    return [allow(_READ, [Pattern.beginning(_object(uri))]), *_listing(uri, uri.key)]


def _writing(uri: S3Uri) -> list[Statement]:
    folder = f"{uri.key.rstrip('/')}/" if uri.key else ""
    below = Pattern.beginning(_object(S3Uri(uri.bucket, folder)))
    return [allow(_WRITE, [below]), *_listing(uri, folder.rstrip("/"))]


def _listing(uri: S3Uri, prefix: str) -> list[Statement]:
    bucket = [Pattern.exactly(f"arn:aws:s3:::{uri.bucket}")]
    begins = Condition("StringLike", "s3:prefix", (Fixed(Pattern.beginning(prefix)),))
    return [
        allow(["s3:GetBucketLocation"], bucket),
        allow(["s3:ListBucket"], bucket, *([begins] if prefix else [])),
    ]


def _object(uri: S3Uri) -> str:
    return f"arn:aws:s3:::{uri.bucket}/{uri.key}"


def _code(hyperparameters: dict[str, str]) -> S3Uri | None:
    text = hyperparameters.get(_CODE_PARAMETER, "")
    if text.startswith('"'):
        # The SDK writes every value as JSON.
        try:
            value = read_json(text)
        except InvalidInputError:
            return None
        text = value if isinstance(value, str) else ""
    return _address(text)


def _of_functions(request: JobRequest) -> list[S3Uri]:
    if not request.needs_endpoint:
        return []
    given = dict(pairwise(request.arguments))
    found = _address(given.get(_FUNCTION_ARGUMENT, ""))
    return [] if found is None or not found.key else [found]


def _address(text: str) -> S3Uri | None:
    if not text.startswith("s3://"):
        return None
    try:
        return S3Uri.parse(text)
    except InvalidInputError:
        return None


def _of_experiments(document: JsonObject, member: str, name: str, arns: Arns) -> list[Statement]:
    """Return what a job may do with what experiments keep of it, and with those that its request names."""
    given = document.get("ExperimentConfig")
    config = given if isinstance(given, dict) else {}
    experiment, trial, run = (
        str(config.get(key) or "") for key in ("ExperimentName", "TrialName", "RunName")
    )
    components = [component_name(name, member), *([f"{experiment}-{run}"] if experiment and run else [])]
    kind = "experiment-trial-component"
    own = [Pattern.exactly(arns.sagemaker(kind, component)) for component in components]
    named = [
        Pattern.exactly(arns.sagemaker(kind, value))
        for kind, value in (("experiment", experiment), ("experiment-trial", trial))
        if value
    ]
    return [allow(_OF_COMPONENTS, own), *([allow(_OF_EXPERIMENTS, named)] if named else [])]
