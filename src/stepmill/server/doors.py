"""What is behind an address: the services, and who may ask them for what."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.aws.admission import Admission, Permissions, Witness
from stepmill.aws.app import App
from stepmill.aws.auth.signatures import SignatureCheck
from stepmill.aws.authorization.permissions import JobPermissions
from stepmill.aws.group_calls import GroupWitness
from stepmill.aws.hosts import Hosts
from stepmill.aws.service import Service
from stepmill.aws.services.all import services_of
from stepmill.core.clock import SystemClock
from stepmill.core.http import Door
from stepmill.mlflow_rest.door import MlflowDoor
from stepmill.platform import Platform
from stepmill.server.door_keys import DoorKeys


@dataclass(frozen=True)
class Doors:
    """What is behind an address.

    Args:
        services: Those that are offered.
        admission: Checks signatures.
        holds: Whether answers to waiting clients are held until there is nothing to wait for.
        permissions: Checks what a caller may do; ``None``: everybody may do everything.
        witness: Hears of what jobs have done; ``None``: nobody does.
        beside: Doors for clients other than AWS's.
    """

    services: tuple[Service, ...]
    admission: Admission
    holds: bool = True
    permissions: Permissions | None = None
    witness: Witness | None = None
    beside: tuple[Door, ...] = ()

    def app(self, hosts: Hosts) -> App:
        """Return what answers at the address.

        Args:
            hosts: The names that requests may be sent to.
        """
        return App(
            self.services,
            self.admission,
            hosts,
            holds=self.holds,
            permissions=self.permissions,
            witness=self.witness,
            beside=self.beside,
        )


def doors_of(platform: Platform, *, only: str = "") -> Doors:
    """Return all that Stepmill offers over a platform, to whoever has one of its keys.

    Args:
        platform: What is behind the doors.
        only: Name of the one key of the owner's that is taken; empty: all are. Those of jobs are always.
    """
    keys = DoorKeys(platform.keys, platform.job_sessions, only=only)
    admission = SignatureCheck(keys, SystemClock())
    permissions = JobPermissions(platform.settings.arns, platform.job_sessions, platform.role_policies)
    holds = not platform.settings.parity
    beside = (MlflowDoor(platform, keys),)
    return Doors(
        services_of(platform),
        admission,
        holds=holds,
        permissions=permissions,
        witness=GroupWitness(lambda: platform.group_touches),
        beside=beside,
    )
