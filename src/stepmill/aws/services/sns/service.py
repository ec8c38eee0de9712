"""The service: operations on topics here, the others beside.

Source: SNS API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, Service
from stepmill.aws.services.sns import publishing, subscriptions
from stepmill.aws.services.sns.names import topic_in
from stepmill.catalog.tags import read_tags, write_tags
from stepmill.catalog.topic_attributes import retries_of
from stepmill.catalog.topic_records import Topic
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import write_json
from stepmill.platform import Platform

_PAGE = 100


def sns(platform: Platform) -> Service:
    """Return SNS over a platform."""
    return Service(
        "sns",
        {
            **_of_topics(platform),
            **_of_tags(platform),
            **subscriptions.handlers(platform),
            **publishing.handlers(platform),
        },
    )


def _of_topics(platform: Platform) -> dict[str, Handler]:
    topics = platform.publishing.topics

    def create(call: Call) -> dict[str, Any]:
        given = call.parameters
        tags = _tags(given.get("Tags") or [])
        made = topics.create(str(given["Name"]), given.get("Attributes") or {}, tags)
        return {"TopicArn": topics.arn(made.name)}

    def delete(call: Call) -> None:
        topics.delete(topic_in(call.parameters))

    def list_(call: Call) -> dict[str, Any]:
        found, token = topics.page(_PAGE, call.parameters.get("NextToken"))
        answer: dict[str, Any] = {"Topics": [{"TopicArn": topics.arn(topic.name)} for topic in found]}
        return {**answer, "NextToken": token} if token else answer

    def get_attributes(call: Call) -> dict[str, Any]:
        return {"Attributes": _told(platform, topics.get(topic_in(call.parameters)))}

    def set_attributes(call: Call) -> None:
        given = call.parameters
        topics.set_attribute(topic_in(given), str(given["AttributeName"]), given.get("AttributeValue") or "")

    return {
        "CreateTopic": create,
        "DeleteTopic": delete,
        "ListTopics": list_,
        "GetTopicAttributes": get_attributes,
        "SetTopicAttributes": set_attributes,
    }


def _of_tags(platform: Platform) -> dict[str, Handler]:
    topics, kept = platform.publishing.topics, platform.tags

    def checked(call: Call) -> str:
        """Return the ARN of a topic that is here."""
        try:
            return topics.arn(topics.get(topic_in(call.parameters, "ResourceArn")).name)
        except NotFoundError as error:
            raise ApiError("ResourceNotFound", "Resource does not exist", status=404) from error

    def tag(call: Call) -> dict[str, Any]:
        kept.add(checked(call), _tags(call.parameters["Tags"]))
        return {}

    def untag(call: Call) -> dict[str, Any]:
        kept.remove(checked(call), call.parameters["TagKeys"])
        return {}

    def list_(call: Call) -> dict[str, Any]:
        return {"Tags": write_tags(kept.of(checked(call)))}

    return {"TagResource": tag, "UntagResource": untag, "ListTagsForResource": list_}


def _tags(given: list[Mapping[str, Any]]) -> dict[str, str]:
    try:
        return read_tags(given)
    except InvalidInputError as error:
        raise InvalidInputError(f"Invalid parameter: Tags Reason: {error.what}", mend=error.mend) from error


def _told(platform: Platform, topic: Topic) -> dict[str, str]:
    """Return all that is told of a topic."""
    publishing_, account = platform.publishing, platform.settings.account
    confirmed = [one.is_confirmed for one in publishing_.topics.subscriptions(topic.name)]
    arn = publishing_.topics.arn(topic.name)
    policy = {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission",
                    "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe",
                    "SNS:ListSubscriptionsByTopic", "SNS:Publish",
                ],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
            }
        ],
    }  # fmt: skip
    return {
        "Policy": write_json(policy),
        "DisplayName": "",
        **topic.attributes,
        "TopicArn": arn,
        "Owner": account,
        "SubscriptionsConfirmed": str(sum(confirmed)),
        "SubscriptionsPending": str(len(confirmed) - sum(confirmed)),
        "SubscriptionsDeleted": str(topic.deleted),
        "EffectiveDeliveryPolicy": write_json(
            {
                "http": {
                    "defaultHealthyRetryPolicy": retries_of(topic.attributes).document,
                    "disableSubscriptionOverrides": False,
                }
            }
        ),
    }
