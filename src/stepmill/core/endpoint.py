"""Where this installation answers AWS clients, and the variables that point a program at it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# A folder with one module and nothing else, to be put on the path of a program that has no Stepmill.
PLUGIN_FOLDER = Path(__file__).with_name("client_plugin")
PLUGIN_VARIABLE = "BOTOCORE_EXPERIMENTAL__PLUGINS"
PLUGIN = "stepmill=stepmill_endpoint"
# MLflow's documentation, "Environment variables".
TRACKING_URI = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True, slots=True)
class JobIdentity:
    """Which job a key is of, so that another one of the same name is told from it.

    Args:
        kind: Of its record: ``training-job``, ``function-call``.
        name: Of its record.
        task: Digest of the task that it was made for.
    """

    kind: str
    name: str
    task: str


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair of keys that requests are signed with.

    Args:
        id: The public half: ``AKIA`` and 16 letters and digits; of a session ``ASIA``.
        secret: The secret half; never logged.
        name: What its owner calls it.
        token: Of a session: must be sent, too. Empty for keys that last.
        expires_at: Of a session: when it is over. Aware.
        job: Whose key it is, if it is a job's: it may do what its job may.
    """

    id: str
    secret: str
    name: str
    token: str = ""
    expires_at: datetime | None = None
    job: JobIdentity | None = None

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
        """Return the variables that AWS's SDKs and MLflow's client read: address, region and keys.

        Example:
            >>> endpoint = Endpoint("http://127.0.0.1:8000", "us-west-2", AccessKey("AKIA", "s", "default"))
            >>> sorted(endpoint.environment())[:2]
            ['AWS_ACCESS_KEY_ID', 'AWS_DEFAULT_REGION']
        """
        session = {"AWS_SESSION_TOKEN": self.key.token} if self.key.token else {}
        return {
            **session,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.key.id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret,
            # StartSyncExecution and TestState go to a host ``sync-...`` otherwise, which no address here has.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            TRACKING_URI: self.url,
            "MLFLOW_TRACKING_TOKEN": bearer_token(self.key),
        }


def bearer_token(key: AccessKey) -> str:
    """Return a key as one text, for programs that know of bearer tokens alone.

    Example:
        >>> bearer_token(AccessKey("AKIA", "s", "default"))
        'QUtJQTpzOg=='
    """
    return urlsafe_b64encode(f"{key.id}:{key.secret}:{key.token}".encode()).decode()
