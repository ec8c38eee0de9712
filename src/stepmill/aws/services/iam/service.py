"""The service IAM, put together from the modules beside it."""

from __future__ import annotations

from stepmill.aws.service import Service
from stepmill.aws.services.iam import policies, roles
from stepmill.platform import Platform


def iam(platform: Platform) -> Service:
    """Return the service over a platform."""
    return Service("iam", {**roles.handlers(platform), **policies.handlers(platform)})
