"""A plugin for botocore in a user's program: clients that dial AWS by name arrive at AWS_ENDPOINT_URL.

The SDKs give their STS clients a fixed address, whatever the variables say. botocore loads this module where
``BOTOCORE_EXPERIMENTAL__PLUGINS`` names it. It stands alone: the program's environment has no Stepmill.
Whatever goes wrong here leaves the client as it was.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_AWS = (".amazonaws.com", ".amazonaws.com.cn")


def initialize_client_plugin(client: Any) -> None:
    """Have a client's requests to AWS's own hosts sent to the endpoint of the environment."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if client.meta.service_model.service_name != "sts" or not endpoint:
        return

    def redirect(request: Any, **_: object) -> None:
        here, there = urlsplit(endpoint), urlsplit(request.url)
        if (there.hostname or "").endswith(_AWS):
            request.url = urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))

    # Before it is signed: the host's name is part of what is signed.
    client.meta.events.register_first("before-sign.sts", redirect)
