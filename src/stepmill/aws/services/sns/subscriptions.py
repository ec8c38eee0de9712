"""Operations on subscriptions.

Source: SNS API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler
from stepmill.aws.services.identity import caller_arn
from stepmill.aws.services.sns.names import INVALID, PENDING_ARN, subscription_in, topic_in
from stepmill.catalog.topic_attributes import FILTER, SCOPE, retries_of
from stepmill.catalog.topic_records import Subscription, subscription_of_arn
from stepmill.catalog.topics import Wish
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import write_json
from stepmill.jobs.functions.function import parse_reference
from stepmill.jobs.publishing.chat import check_address, mail_url
from stepmill.platform import Platform

_PAGE = 100
_LONGEST_ENDPOINT = 2048
# Whose endpoints answer for themselves: nobody is told who has not asked for it.
_TO_CONFIRM = frozenset({"http", "https", "email", "email-json"})
_CHAT = "apprise"
PROTOCOLS = (*sorted(_TO_CONFIRM), "lambda", "sqs", _CHAT)

_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:\S{1,300}")
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    topics, publisher = platform.publishing.topics, platform.publishing.publisher

    def subscribe(call: Call) -> dict[str, Any]:
        given = call.parameters
        topic, protocol = topic_in(given), str(given["Protocol"])
        topics.get(topic)
        endpoint = _endpoint(platform, protocol, str(given.get("Endpoint") or ""))
        wish = Wish(
            protocol,
            endpoint,
            given.get("Attributes") or {},
            call.caller.name,
            is_confirmed=protocol not in _TO_CONFIRM,
        )
        made = topics.subscribe(topic, wish)
        if not made.is_confirmed:
            publisher.ask(made)
        is_told = made.is_confirmed or given.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": topics.subscription_arn(made) if is_told else "pending confirmation"}

    def confirm(call: Call) -> dict[str, Any]:
        confirmed = topics.confirm(topic_in(call.parameters), str(call.parameters["Token"]))
        return {"SubscriptionArn": topics.subscription_arn(confirmed)}

    def unsubscribe(call: Call) -> None:
        identifier = subscription_of_arn(str(call.parameters["SubscriptionArn"]))
        if not identifier:
            subscription_in(platform, call.parameters)
        topics.unsubscribe(identifier)

    return {
        "Subscribe": subscribe,
        "ConfirmSubscription": confirm,
        "Unsubscribe": unsubscribe,
        **_looking(platform),
    }


def _looking(platform: Platform) -> dict[str, Handler]:
    topics = platform.publishing.topics

    def written(found: list[Subscription], token: str | None) -> dict[str, Any]:
        listed = [
            {
                "SubscriptionArn": topics.subscription_arn(one) if one.is_confirmed else PENDING_ARN,
                "Owner": platform.settings.account,
                "Protocol": one.protocol,
                "Endpoint": one.endpoint,
                "TopicArn": topics.arn(one.topic),
            }
            for one in found
        ]
        return {"Subscriptions": listed, **({"NextToken": token} if token else {})}

    def list_(call: Call) -> dict[str, Any]:
        return written(*topics.subscription_page(_PAGE, call.parameters.get("NextToken")))

    def list_by_topic(call: Call) -> dict[str, Any]:
        topic = topics.get(topic_in(call.parameters)).name
        return written(*topics.subscription_page(_PAGE, call.parameters.get("NextToken"), topic))

    def get_attributes(call: Call) -> dict[str, Any]:
        return {"Attributes": _told(platform, subscription_in(platform, call.parameters))}

    def set_attribute(call: Call) -> None:
        given = call.parameters
        found = subscription_in(platform, given)
        topics.set_subscription_attribute(
            found.id, str(given["AttributeName"]), given.get("AttributeValue") or ""
        )

    return {
        "ListSubscriptions": list_,
        "ListSubscriptionsByTopic": list_by_topic,
        "GetSubscriptionAttributes": get_attributes,
        "SetSubscriptionAttributes": set_attribute,
    }


def _endpoint(platform: Platform, protocol: str, endpoint: str) -> str:
    """Return an endpoint, held against what its protocol takes."""
    if protocol not in PROTOCOLS:
        raise ApiError(
            INVALID,
            f"Invalid parameter: Protocol Reason: {protocol[:40]} is not offered.",
            mend=f"Stepmill offers {', '.join(PROTOCOLS)}.",
        )
    if not endpoint or len(endpoint) > _LONGEST_ENDPOINT:
        raise ApiError(INVALID, f"Invalid parameter: {protocol} endpoint")
    if protocol in ("http", "https"):
        _check_url(protocol, endpoint)
    elif protocol == "sqs":
        _require(_QUEUE.fullmatch(endpoint), "SQS endpoint ARN")
    elif protocol == "lambda":
        _require(_FUNCTION.fullmatch(endpoint), "Lambda endpoint ARN")
        try:
            parse_reference(endpoint)
        except InvalidInputError as error:
            raise ApiError(INVALID, "Invalid parameter: Lambda endpoint ARN") from error
    elif protocol == _CHAT:
        check_address(endpoint, "Endpoint")
    else:
        _check_mail(platform, endpoint)
    return endpoint


def _check_url(protocol: str, endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        has_host = (bool(parts.hostname) and parts.port is not None) or bool(parts.hostname)
    except ValueError:
        has_host = False
    is_plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint
    if not has_host or not is_plain:
        raise ApiError(INVALID, "Invalid parameter: Invalid URL")
    if parts.scheme.lower() != protocol:
        raise ApiError(INVALID, "Invalid parameter: Endpoint must match the specified protocol")


def _check_mail(platform: Platform, endpoint: str) -> None:
    _require(_MAIL.fullmatch(endpoint), "Email address")
    base = platform.settings.email
    if not base:
        raise ApiError(
            INVALID,
            "Invalid parameter: Protocol Reason: Stepmill has not been told how to send e-mail.",
            mend='Write into stepmill.toml:\n    [notifications]\n    email = "mailto://USER:PASSWORD@HOST"',
        )
    check_address(mail_url(base, endpoint), "Endpoint")


def _require(found: object, what: str) -> None:
    if not found:
        raise ApiError(INVALID, f"Invalid parameter: {what}")


def _told(platform: Platform, found: Subscription) -> dict[str, str]:
    """Return all that is told of a subscription."""
    topics = platform.publishing.topics
    topic = topics.get(found.topic)
    said = {name: text for name, text in found.attributes.items() if text}
    if FILTER in said:
        said.setdefault(SCOPE, "MessageAttributes")
    told = {
        "RawMessageDelivery": "false",
        **said,
        "SubscriptionArn": topics.subscription_arn(found),
        "TopicArn": topics.arn(found.topic),
        "Owner": platform.settings.account,
        "Protocol": found.protocol,
        "Endpoint": found.endpoint,
        "PendingConfirmation": str(not found.is_confirmed).lower(),
        "ConfirmationWasAuthenticated": str(found.protocol not in _TO_CONFIRM).lower(),
        "SubscriptionPrincipal": caller_arn(found.owner or "stepmill", platform.settings.account),
    }
    if found.protocol in ("http", "https"):
        policy = {"healthyRetryPolicy": retries_of(found.attributes, topic.attributes).document}
        told["EffectiveDeliveryPolicy"] = write_json(policy)
    return told
