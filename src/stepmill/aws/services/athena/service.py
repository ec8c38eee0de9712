"""The service: each group of operations is in a module of its own.

Source: Athena API reference.
"""

from __future__ import annotations

from stepmill.aws.service import Service, joined
from stepmill.aws.services.athena import executions, metadata, saved, work_groups
from stepmill.platform import Platform


def athena(platform: Platform) -> Service:
    """Return Athena over a platform."""
    return Service(
        "athena",
        joined(
            (
                executions.handlers(platform),
                work_groups.handlers(platform),
                saved.handlers(platform),
                metadata.handlers(platform),
            )
        ),
        waits={"GetQueryExecution": executions.has_ended},
        patience={"GetQueryExecution": lambda call: executions.patience(platform, call)},
    )
