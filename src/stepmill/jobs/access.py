"""How a job reaches this installation: variables that AWS's SDKs read, and the plugin for fixed addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepmill.compute.spec import Mount
from stepmill.core.endpoint import PLUGIN, PLUGIN_FOLDER, PLUGIN_VARIABLE, Endpoint
from stepmill.core.errors import UnsupportedError
from stepmill.jobs.requests.common import JobRequest

# Where a job sees the plugin.
PLUGIN_PLACE = "/opt/stepmill/endpoint"


@dataclass(frozen=True)
class Access:
    """What a job gets so that it reaches an endpoint.

    Args:
        variables: Name -> value.
        mounts: What it sees beside its own.
    """

    variables: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether there is an endpoint."""
        return bool(self.variables)

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a job's variables: what is given comes before what this adds.

        Args:
            given: Those that the job has otherwise.
        """
        path = given.get("PYTHONPATH", "")
        both = f"{path}:{PLUGIN_PLACE}" if path else PLUGIN_PLACE
        return {**self.variables, **given, **({"PYTHONPATH": both} if self.is_there else {})}


def access_to(endpoint: Endpoint | None) -> Access:
    """Return what lets a job reach an endpoint; nothing if there is none."""
    if endpoint is None:
        return Access({})
    variables = {
        **endpoint.environment(),
        PLUGIN_VARIABLE: PLUGIN,
        # No machine of AWS's is to be asked for credentials.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Access(variables, (Mount(PLUGIN_FOLDER, PLUGIN_PLACE, read_only=True),))


def access_of(request: JobRequest, endpoint: Endpoint | None) -> Access:
    """Return how a job reaches this installation: not at all, if it is to have no network.

    Args:
        request: What it does.
        endpoint: Where this installation answers, if it does now.

    Raises:
        UnsupportedError: If the job can do nothing without.
    """
    access = access_to(endpoint if request.network else None)
    if request.needs_endpoint and not access.is_there:
        why = "there is no server here" if request.network else "this one may not use the network"
        raise UnsupportedError(
            "Jobs fetch the functions that the sagemaker SDK sends along (@step, @remote) from S3 by "
            f"themselves, and {why}.",
            mend="Start `stepmill serve`." if request.network else "Leave EnableNetworkIsolation out.",
        )
    return access
