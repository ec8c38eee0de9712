"""How a machine logs, is traced and encrypted: checked, and as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.core.json import JsonObject


def checked_configurations(given: Mapping[str, Any]) -> dict[str, JsonObject | None]:
    """Return the configurations of a request, as ``MachineContent`` names them; ``None``: nothing was said.

    Raises:
        ApiError: If Step Functions would refuse one.
    """
    return {
        "logging": _logging(given.get("loggingConfiguration")),
        "tracing": given.get("tracingConfiguration"),
        "encryption": _encryption(given.get("encryptionConfiguration")),
    }


def _logging(given: JsonObject | None) -> JsonObject | None:
    if given is None:
        return None
    level = given.get("level", "OFF")
    destinations = given.get("destinations")
    count = len(destinations) if isinstance(destinations, list) else 0
    if count > 1 or (level != "OFF" and not count):
        raise ApiError(
            "InvalidLoggingConfiguration",
            "Invalid Logging Configuration: Must specify exactly one Log Destination.",
        )
    return {"level": level, "includeExecutionData": bool(given.get("includeExecutionData", False)), **given}


def _encryption(given: JsonObject | None) -> JsonObject | None:
    if given is not None and given.get("type") == "CUSTOMER_MANAGED_KMS_KEY":
        raise ApiError(
            "InvalidEncryptionConfiguration",
            "Keys of one's own are not offered: KMS is not.",
            mend="Leave encryptionConfiguration out, or say AWS_OWNED_KEY.",
        )
    return given
