"""Where this installation answers AWS clients, and the variables that point a program at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair of keys that requests are signed with.

    Args:
        id: The public half: ``AKIA`` and 16 letters and digits.
        secret: The secret half; never logged or shown.
        name: What its owner calls it.
    """

    id: str
    secret: str
    name: str

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r}, name={self.name!r})"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with the key to use there.

    Args:
        url: ``http://127.0.0.1:8000``.
        region: A real region's name.
        key: Signs the requests.
    """

    url: str
    region: str
    key: AccessKey

    def environment(self) -> dict[str, str]:
        """Return the variables that AWS's SDKs read: address, region and keys.

        Example:
            >>> endpoint = Endpoint("http://127.0.0.1:8000", "us-west-2", AccessKey("AKIA", "s", "default"))
            >>> sorted(endpoint.environment())[:2]
            ['AWS_ACCESS_KEY_ID', 'AWS_DEFAULT_REGION']
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key.id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret,
        }
