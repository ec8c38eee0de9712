"""AddTags, ListTags, DeleteTags: of every kind of resource that there is.

Source: SageMaker API reference, AddTags, ListTags, DeleteTags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import listing_mark, page_size_of, read_token, wrap_token
from stepmill.aws.services.sagemaker.names import check_own
from stepmill.catalog.entities import COMPONENT, EXPERIMENT, TRIAL
from stepmill.catalog.features.group import GROUP_KIND as FEATURE_GROUP
from stepmill.catalog.lineage.documents import WORDS
from stepmill.catalog.models import MODEL_KIND
from stepmill.catalog.packages import GROUP_KIND, PACKAGE_KIND
from stepmill.catalog.pipeline_records import PIPELINE_KIND
from stepmill.catalog.tags import MOST_TAGS, read_tags, write_tags
from stepmill.core.arns import SageMakerArn
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.jobs.records import JOB_KINDS, JobRecords, state_of
from stepmill.jobs.tuning.records import TUNING_JOB
from stepmill.platform import Platform

# Kinds of resources that are records under the name that their ARN says.
_RECORD_KINDS = frozenset(
    {FEATURE_GROUP, MODEL_KIND, GROUP_KIND, PACKAGE_KIND, EXPERIMENT.kind, TRIAL.kind, COMPONENT.kind}
)
# Jobs keep the case of their names; their ARNs do not.
_JOB_KINDS = frozenset({*JOB_KINDS, TUNING_JOB})
_LINEAGE_KINDS = frozenset(words.resource for words in WORDS.values())
_EXECUTION = "/execution/"
_EXECUTION_TAG = "sagemaker:pipeline-execution-arn"


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""

    def checked(call: Call) -> str:
        """Return the ARN of a resource that is here."""
        text = str(call.parameters["ResourceArn"])
        arn = SageMakerArn.read(text)
        if arn is None:
            raise InvalidInputError(
                f"{text[:200]!r} is not the ARN of a resource.",
                where="ResourceArn",
                mend=f"Give one such as {platform.settings.arns.sagemaker('model', 'NAME')}.",
            )
        check_own(arn, text, platform.settings.arns)
        if arn.kind in _LINEAGE_KINDS:
            platform.lineage.get(text)
        elif not _exists(platform, arn):
            raise NotFoundError(
                f"Could not find the {arn.kind} {arn.name!r}.",
                where="ResourceArn",
                mend="Check the name in the ARN.",
            )
        return text

    def add(call: Call) -> dict[str, Any]:
        tags = read_tags(call.parameters["Tags"])
        return {"Tags": write_tags(platform.tags.add(checked(call), tags))}

    def list_(call: Call) -> dict[str, Any]:
        arn, mark = checked(call), listing_mark(call)
        after = read_token(mark, call.parameters.get("NextToken"))
        tags, token = platform.tags.page(arn, limit=page_size_of(call, default=MOST_TAGS), after=after)
        if after is None:
            tags = [*_of_system(platform, arn), *tags]
        return {"Tags": write_tags(tags), **({"NextToken": wrap_token(mark, token)} if token else {})}

    def delete(call: Call) -> dict[str, Any]:
        platform.tags.remove(checked(call), call.parameters["TagKeys"])
        return {}

    return {"AddTags": add, "ListTags": list_, "DeleteTags": delete}


def _exists(platform: Platform, arn: SageMakerArn) -> bool:
    records = platform.records
    if arn.kind in _RECORD_KINDS:
        return records.find(arn.kind, arn.name) is not None
    if arn.kind in _JOB_KINDS:
        return _is_job(platform, arn)
    if arn.kind == PIPELINE_KIND:
        return _is_pipeline(platform, arn)
    return False


def _of_system(platform: Platform, text: str) -> list[tuple[str, str]]:
    """Return the tags that SageMaker itself puts on a job of a pipeline: the SDKs look for its execution."""
    arn = SageMakerArn.read(text)
    if arn is None or arn.kind not in _JOB_KINDS:
        return []
    record = JobRecords(platform.records, arn.kind).find(arn.name)
    execution = state_of(record).execution_arn if record else ""
    return [(_EXECUTION_TAG, execution)] if ":pipeline/" in execution else []


def _is_job(platform: Platform, arn: SageMakerArn) -> bool:
    if platform.records.find(arn.kind, arn.name) is not None:
        return True
    alike = platform.records.list(arn.kind, name_contains=arn.name, limit=1000).records
    return any(record.name.lower() == arn.name for record in alike)


def _is_pipeline(platform: Platform, arn: SageMakerArn) -> bool:
    name, is_execution, execution = arn.name.partition(_EXECUTION)
    if not is_execution:
        return platform.records.find(PIPELINE_KIND, name) is not None
    try:
        return platform.executions.describe(execution).pipeline.lower() == name
    except NotFoundError:
        return False
