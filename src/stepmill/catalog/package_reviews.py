"""What reviewers said of a version: decisions about its approval, and stages of its life. Pure.

Both are kept from the first to the newest, so that who asks later learns how a version came to where it is.

Source: SageMaker API reference, UpdateModelPackage, ModelLifeCycle; developer guide, "Staging construct for
your model lifecycle": stages and their statuses are names that an organization chooses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, objects_of

# API reference, ModelLifeCycle.
LONGEST_DESCRIPTION = 1024
_STAGE_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class ModelApprovalStatus(StrEnum):
    """Whether a version may be used, as its reviewers say."""

    APPROVED = "Approved"
    REJECTED = "Rejected"
    PENDING = "PendingManualApproval"

    @classmethod
    def read(cls, text: Json) -> ModelApprovalStatus:
        """Read a status as the wire spells it.

        Raises:
            InvalidInputError: If it is none.
        """
        for status in cls:
            if status == text:
                return status
        raise InvalidInputError(
            f"{str(text)[:80]!r} is not an approval status.",
            where="ModelApprovalStatus",
            mend=f"Use one of {', '.join(cls)}.",
        )


@dataclass(frozen=True)
class Approval:
    """One decision about a version, as it was made.

    Args:
        status: What was decided.
        description: Why; may be empty.
        at: When, ISO 8601.
        by: Name of the key that it was made with; empty for the terminal.
    """

    status: ModelApprovalStatus
    description: str
    at: str
    by: str = ""


@dataclass(frozen=True)
class StageEntered:
    """One stage of a version's life, as it was entered, or another status of it.

    Args:
        stage: ``Development``.
        status: ``PendingApproval``.
        description: Why; may be empty.
        at: When, ISO 8601.
        by: Name of the key that it was made with; empty for the terminal.
    """

    stage: str
    status: str
    description: str
    at: str
    by: str = ""


def read_life_cycle(value: Json) -> JsonObject:
    """Return a ModelLifeCycle if it can be taken.

    Raises:
        InvalidInputError: If it cannot.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            "A life cycle is an object.",
            where="ModelLifeCycle",
            mend='Write {"Stage": "Production", "StageStatus": "Approved"}.',
        )
    for member in ("Stage", "StageStatus"):
        name = value.get(member)
        if not (isinstance(name, str) and _STAGE_NAME.fullmatch(name)):
            raise InvalidInputError(
                f"{str(name)[:80]!r} cannot be the name of a stage or of its status.",
                where=f"ModelLifeCycle.{member}",
                mend="Use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends.",
            )
    description = value.get("StageDescription")
    if description is not None and not (
        isinstance(description, str) and len(description) <= LONGEST_DESCRIPTION
    ):
        raise InvalidInputError(
            f"The description of a stage is a text of at most {LONGEST_DESCRIPTION} characters.",
            where="ModelLifeCycle.StageDescription",
            mend="Shorten it.",
        )
    return value


def decided(state: JsonObject, request: JsonObject, *, at: str, by: str) -> JsonObject:
    """Return what of a version's state is new after a request that decides about its approval.

    Raises:
        InvalidInputError: If the status is none.
    """
    if "ModelApprovalStatus" not in request:
        if "ApprovalDescription" not in request:
            return {}
        return {"approval_description": request["ApprovalDescription"]}
    status = ModelApprovalStatus.read(request["ModelApprovalStatus"])
    description = str(request.get("ApprovalDescription") or "")
    decision: JsonObject = {"status": status, "description": description, "at": at, "by": by}
    return {"approval_description": description, "approvals": [*objects_of(state.get("approvals")), decision]}


def entered(state: JsonObject, request: JsonObject, *, at: str, by: str) -> JsonObject:
    """Return what of a version's state is new after a request that says its stage.

    Raises:
        InvalidInputError: If that is no stage.
    """
    if request.get("ModelLifeCycle") is None:
        return {}
    stage = read_life_cycle(request["ModelLifeCycle"])
    entry: JsonObject = {
        "stage": stage["Stage"],
        "status": stage["StageStatus"],
        "description": stage.get("StageDescription") or "",
        "at": at,
        "by": by,
    }
    return {"stages": [*objects_of(state.get("stages")), entry]}


def approvals_of(state: JsonObject) -> tuple[Approval, ...]:
    """Return the decisions about a version, the first one first."""
    return tuple(
        Approval(
            ModelApprovalStatus.read(one["status"]),
            str(one["description"]),
            str(one["at"]),
            str(one.get("by") or ""),
        )
        for one in objects_of(state.get("approvals"))
    )


def stages_of(state: JsonObject) -> tuple[StageEntered, ...]:
    """Return the stages of a version's life, the first one first."""
    return tuple(
        StageEntered(
            str(one["stage"]), str(one["status"]), str(one["description"]), str(one["at"]), str(one["by"])
        )
        for one in objects_of(state.get("stages"))
    )
