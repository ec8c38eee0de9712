"""A server of the AWS wire in this process, and the real client for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import botocore.config

from stepmill.aws.admission import Admission, Admitted
from stepmill.aws.service import Caller, Service
from stepmill.aws.wire import Request
from stepmill.core.endpoint import AccessKey, Endpoint
from stepmill.core.settings import Settings
from stepmill.platform import Platform, load_settings
from stepmill.server.doors import doors_of
from stepmill.server.listening import Listening
from stepmill.server.main import prepare
from stepmill.server.serving import Serving
from support.answers import checked

LIMIT_S = 60.0
# For servers that let anybody in.
KEY_ID, SECRET = "AKIATESTTESTTESTTEST", "a-secret-of-tests"


class AnybodyAdmission:
    """Lets everyone in, as whom they say they are. For tests of what is behind the door."""

    def admit(self, request: Request, path: str) -> Admitted:
        credential = request.headers.get("authorization", "").partition("Credential=")[2]
        return Admitted(Caller(credential.partition("/")[0] or KEY_ID, "test"), request)


@dataclass(frozen=True)
class Wire:
    """A server that runs, and clients for it.

    Args:
        url: Its address.
        platform: What is behind it.
        serving: It.
        key: Signs what its clients send.
    """

    url: str
    platform: Platform
    serving: Serving
    key: AccessKey
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> Endpoint:
        """Where it is, for programs of their own."""
        return Endpoint(self.url, self.platform.settings.region, self.key)

    def client(self, service: str, **config: Any) -> Any:
        """Return boto3's client of a service; one for all who want it as it is by default."""
        if config:
            return self._make(service, config)
        if service not in self._clients:
            self._clients[service] = self._make(service, {})
        return self._clients[service]

    def _make(self, service: str, config: dict[str, Any]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.platform.settings.region,
            aws_access_key_id=self.key.id,
            aws_secret_access_key=self.key.secret,
            config=botocore.config.Config(
                # As ``stepmill env`` has it.
                **{"retries": {"total_max_attempts": 1}, "inject_host_prefix": False, **config}
            ),
        )


@contextmanager
def _opened(settings: Settings) -> Iterator[Platform]:
    """Give a platform as the command line opens it."""
    with Platform(settings, remark=lambda _text: None, serves=True) as platform:
        prepare(platform)
        yield platform


@contextmanager
def running_server(
    home: Path,
    *,
    services: tuple[Service, ...] | None = None,
    admission: Admission | None = None,
    listening: Listening | None = None,
    holds: bool = True,
) -> Iterator[Wire]:
    """Give a server of a home, on a thread of this process.

    Args:
        home: Its folder, which is made.
        services: What it offers; by default everything that Stepmill offers.
        admission: Who is let in; by default whoever signs with a key of the home.
        listening: Where; by default on a free port of loopback.
        holds: Whether clients that wait are held.
    """
    home.mkdir(parents=True, exist_ok=True)
    settings = load_settings(home, {"STEPMILL_HOME": str(home)})
    with (
        _opened(settings) as platform,
        Serving(platform, listening or Listening(port=0)) as serving,
    ):
        doors = doors_of(platform)
        offered = services or tuple(checked(service) for service in doors.services)
        doors = replace(doors, services=offered, holds=holds)
        if admission is not None:
            doors = replace(doors, admission=admission)
        ready = threading.Event()
        thread = threading.Thread(target=serving.run, args=(doors, ready.set), daemon=True)
        thread.start()
        try:
            assert ready.wait(LIMIT_S), "the server never answered"
            yield Wire(serving.url, platform, serving, platform.keys.ensure("test"))
        finally:
            serving.stop()
            thread.join(LIMIT_S)
            assert not thread.is_alive(), "the server never ended"
