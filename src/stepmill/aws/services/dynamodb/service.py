"""The service: its operations, each in the module of its kind."""

from __future__ import annotations

from stepmill.aws.service import Service
from stepmill.aws.services.dynamodb import batches, indexes, items, reading, settings, tables, transactions
from stepmill.platform import Platform


def dynamodb(platform: Platform) -> Service:
    """Return DynamoDB over a platform."""
    modules = (tables, indexes, settings, items, reading, batches, transactions)
    return Service(
        "dynamodb",
        {name: handler for module in modules for name, handler in module.handlers(platform).items()},
    )
