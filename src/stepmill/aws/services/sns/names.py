"""Which topic or subscription a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.catalog.topic_records import Subscription, subscription_of_arn, topic_of_arn
from stepmill.core.errors import NotFoundError
from stepmill.platform import Platform

INVALID = "InvalidParameter"
PENDING_ARN = "PendingConfirmation"


def topic_in(given: Mapping[str, Any], member: str = "TopicArn") -> str:
    """Return the name of the topic that a call means.

    Raises:
        ApiError: If it is no ARN of a topic.
    """
    arn = str(given.get(member) or "")
    name = topic_of_arn(arn)
    if not name:
        raise ApiError(INVALID, f"Invalid parameter: {member}")
    return name


def subscription_in(platform: Platform, given: Mapping[str, Any]) -> Subscription:
    """Return the subscription that a call means.

    Raises:
        ApiError: If it is no ARN of one.
        NotFoundError: If there is none.
    """
    arn = str(given["SubscriptionArn"])
    identifier = subscription_of_arn(arn)
    if not identifier:
        parts = max(arn.count(":") + 1, 1)
        raise ApiError(
            INVALID,
            f"Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not {parts}"
            if parts < len(("arn", "partition", "service", "region", "account", "resource"))
            else "Invalid parameter: SubscriptionArn",
        )
    try:
        return platform.publishing.topics.subscription(identifier)
    except NotFoundError as error:
        raise ApiError("NotFound", error.what, status=404) from error
