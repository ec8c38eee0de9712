"""Tells HTTP endpoints: one request, bounded in time and in what is read of its answer; no redirects.

Source: SNS developer guide, "Amazon SNS message delivery retries": an endpoint that answers 429 or 5xx, or
not within fifteen seconds, is asked again; one that answers another 4xx is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stepmill.core.json import JsonObject
from stepmill.core.made_once import made_once
from stepmill.jobs.deliveries import DeliveryError

if TYPE_CHECKING:
    import urllib3

TIMEOUT_S = 15.0
_CONNECT_S = 5.0
_TOO_MANY, _FIRST_BAD, _FIRST_BROKEN = 429, 300, 500


class HttpSender:
    """Posts documents. Safe to share between threads."""

    @made_once
    def _pool(self) -> urllib3.PoolManager:
        # Loaded here, so that a terminal that tells nobody does not wait for it.
        import urllib3

        timeout = urllib3.Timeout(connect=_CONNECT_S, read=TIMEOUT_S, total=TIMEOUT_S)
        return urllib3.PoolManager(num_pools=20, timeout=timeout, retries=False)

    def __call__(self, document: JsonObject) -> None:
        """Post ``text`` to ``url`` with ``headers``.

        Raises:
            DeliveryError: If the endpoint does not take it.
        """
        said = document["headers"]
        headers = {name: str(value) for name, value in said.items()} if isinstance(said, Mapping) else {}
        pool = self._pool
        from urllib3.exceptions import HTTPError

        try:
            answer = pool.request(
                "POST",
                str(document["url"]),
                body=str(document["text"]).encode(),
                headers=headers,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, ValueError, OSError) as error:
            raise DeliveryError(f"{document['url']} cannot be reached: {error}") from error
        # What an endpoint says is of no use, however much it is.
        answer.close()
        if answer.status >= _FIRST_BAD:
            is_final = answer.status < _FIRST_BROKEN and answer.status != _TOO_MANY
            raise DeliveryError(f"{document['url']} answered {answer.status}", is_final=is_final)
