"""URLs of queues: they begin with the address that the client called, so that they lead back here."""

from __future__ import annotations

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call
from stepmill.catalog.queue_records import queue_of_url
from stepmill.platform import Platform

_OF_AWS = ".amazonaws.com"


def url_of(platform: Platform, call: Call, name: str) -> str:
    """Return the URL of a queue for whoever calls."""
    host = call.request.headers.get("host", "")
    # Only by way of the proxy of ``stepmill exec`` does a call to a host of AWS come here.
    scheme = "https" if host.partition(":")[0].endswith(_OF_AWS) else "http"
    return f"{scheme}://{host}/{platform.settings.account}/{name}"


def queue_in(platform: Platform, call: Call) -> str:
    """Return the name of the queue that a call's ``QueueUrl`` means.

    Raises:
        ApiError: If it is no URL of a queue.
    """
    url = str(call.parameters["QueueUrl"])
    name = queue_of_url(url)
    if not name:
        raise ApiError(
            "InvalidAddress",
            f"{url[:200]!r} is not the URL of a queue.",
            where="QueueUrl",
            mend=f"Give one such as {url_of(platform, call, 'NAME')}.",
        )
    return name
