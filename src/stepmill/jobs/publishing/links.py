"""Links that whoever has one may follow without a key: each is signed for the one thing that it does."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from stepmill.core.endpoint import Endpoint

_VERSION = "2010-03-31"
# A token of SNS's holds for two days; a presigned link, for seven at most.
CONFIRM_WITHIN = timedelta(days=2)
UNSUBSCRIBE_WITHIN = timedelta(days=7)


def confirm_url(endpoint: Endpoint | None, topic_arn: str, token: str) -> str:
    """Return the link that confirms a subscription; empty where no server answers."""
    return _url(
        endpoint, CONFIRM_WITHIN, {"Action": "ConfirmSubscription", "TopicArn": topic_arn, "Token": token}
    )


def unsubscribe_url(endpoint: Endpoint | None, subscription_arn: str) -> str:
    """Return the link that ends a subscription; empty where no server answers."""
    return _url(endpoint, UNSUBSCRIBE_WITHIN, {"Action": "Unsubscribe", "SubscriptionArn": subscription_arn})


def _url(endpoint: Endpoint | None, within: timedelta, parameters: dict[str, str]) -> str:
    if endpoint is None:
        return ""
    # They take a tenth of a second to load, which a terminal that publishes nothing should not wait for.
    from botocore.auth import SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    query = urlencode({**parameters, "Version": _VERSION})
    request = AWSRequest("GET", f"{endpoint.url}/?{query}")
    key = Credentials(endpoint.key.id, endpoint.key.secret)
    SigV4QueryAuth(key, "sns", endpoint.region, expires=int(within.total_seconds())).add_auth(request)
    return str(request.url)
