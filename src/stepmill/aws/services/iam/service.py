"""The service IAM, put together from the modules beside it."""

from __future__ import annotations

from stepmill.aws.service import Service, joined
from stepmill.aws.services.iam import policies, roles, simulating
from stepmill.platform import Platform


def iam(platform: Platform) -> Service:
    """Return the service over a platform."""
    parts = (roles.handlers(platform), policies.handlers(platform), simulating.handlers(platform))
    return Service("iam", joined(parts))
