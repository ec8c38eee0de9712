"""The service Lambda, put together from the modules beside it."""

from __future__ import annotations

from stepmill.aws.service import Service
from stepmill.aws.services.lambda_ import functions, invoking, permissions, reading, tags, versions
from stepmill.platform import Platform


def lambda_(platform: Platform) -> Service:
    """Return the service over a platform."""
    return Service(
        "lambda",
        {
            **functions.handlers(platform),
            **reading.handlers(platform),
            **versions.handlers(platform),
            **invoking.handlers(platform),
            **permissions.handlers(platform),
            **tags.handlers(platform),
        },
    )
