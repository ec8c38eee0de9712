"""Operations on experiments, trials and trial components.

Source: SageMaker API reference. The SDKs look for "already exists" in a ValidationException.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stepmill.aws.service import Call, Handler
from stepmill.aws.services.sagemaker.listing import read_listing
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.catalog.packages import part
from stepmill.core.errors import ConflictError, InvalidInputError
from stepmill.core.json import JsonObject
from stepmill.platform import Platform

# API reference: so many entries a component may have.
MOST_ENTRIES: Mapping[str, int] = {"Parameters": 300, "InputArtifacts": 60, "OutputArtifacts": 60}


def handlers(platform: Platform) -> Mapping[str, Handler]:
    """Return operation -> who answers it."""
    return {**_experiments(platform), **_trials(platform), **_components(platform)}


def _experiments(platform: Platform) -> dict[str, Handler]:
    kept = platform.experiments

    def list_(call: Call) -> dict[str, Any]:
        listing = read_listing(call)
        found, token = kept.list(listing.selection)
        return listing.answer("ExperimentSummaries", (_summary(one, "Experiment") for one in found), token)

    return {
        "CreateExperiment": _answering("ExperimentArn", kept.create),
        "DescribeExperiment": lambda call: kept.describe(call.parameters["ExperimentName"]),
        "UpdateExperiment": _answering("ExperimentArn", kept.update),
        "DeleteExperiment": lambda call: _only(
            "ExperimentArn", kept.delete(call.parameters["ExperimentName"])
        ),
        "ListExperiments": list_,
    }


def _trials(platform: Platform) -> dict[str, Handler]:
    kept = platform.experiments

    def list_(call: Call) -> dict[str, Any]:
        listing, given = read_listing(call), call.parameters
        found, token = kept.list_trials(
            listing.selection,
            experiment=given.get("ExperimentName", ""),
            component=given.get("TrialComponentName", ""),
        )
        return listing.answer("TrialSummaries", (_summary(one, "Trial") for one in found), token)

    return {
        "CreateTrial": _answering("TrialArn", kept.create_trial),
        "DescribeTrial": lambda call: kept.describe_trial(call.parameters["TrialName"]),
        "UpdateTrial": _answering("TrialArn", kept.update_trial),
        "DeleteTrial": lambda call: _only("TrialArn", kept.delete_trial(call.parameters["TrialName"])),
        "ListTrials": list_,
    }


def _components(platform: Platform) -> dict[str, Handler]:
    experiments, kept = platform.experiments, platform.experiments.components

    def create(request: JsonObject) -> JsonObject:
        _check_entries(request)
        return kept.create(request)

    def delete(call: Call) -> dict[str, Any]:
        return _only("TrialComponentArn", kept.delete(call.parameters["TrialComponentName"]))

    def list_(call: Call) -> dict[str, Any]:
        given = call.parameters
        filters = [name for name in ("ExperimentName", "TrialName", "SourceArn") if given.get(name)]
        if len(filters) > 1:
            raise InvalidInputError(
                f"Trial components are listed by {filters[0]} or {filters[1]}, not by both.",
                where=filters[1],
                mend="Give one of them.",
            )
        listing = read_listing(call)
        found, token = experiments.list_components(
            listing.selection,
            experiment=given.get("ExperimentName", ""),
            trial=given.get("TrialName", ""),
            source=given.get("SourceArn", ""),
        )
        summaries = (_summary(one, "TrialComponent") for one in found)
        return listing.answer("TrialComponentSummaries", summaries, token)

    def associate(call: Call) -> dict[str, Any]:
        return _pair(kept.associate(call.parameters["TrialComponentName"], call.parameters["TrialName"]))

    def disassociate(call: Call) -> dict[str, Any]:
        return _pair(kept.disassociate(call.parameters["TrialComponentName"], call.parameters["TrialName"]))

    return {
        "CreateTrialComponent": _answering("TrialComponentArn", create),
        "DescribeTrialComponent": lambda call: kept.describe(call.parameters["TrialComponentName"]),
        "UpdateTrialComponent": _answering(
            "TrialComponentArn", lambda request: kept.update(request, check=_check_entries)
        ),
        "DeleteTrialComponent": delete,
        "ListTrialComponents": list_,
        "AssociateTrialComponent": associate,
        "DisassociateTrialComponent": disassociate,
    }


def _answering(member: str, do: Callable[[JsonObject], JsonObject]) -> Handler:
    """Return the handler of an operation that takes its whole request and answers an ARN."""

    def handle(call: Call) -> dict[str, Any]:
        with told_as(VALIDATION, ConflictError):
            # Moments are kept as text.
            return _only(member, do(msgspec.to_builtins(call.parameters)))

    return handle


def _check_entries(document: JsonObject) -> None:
    for member, most in MOST_ENTRIES.items():
        if len(part(document, member)) > most:
            raise InvalidInputError(
                f"A trial component has at most {most} entries in {member}.",
                where=member,
                mend="Remove some first.",
            )


def _only(member: str, described: JsonObject) -> dict[str, Any]:
    return {member: described[member]}


def _pair(arns: tuple[str, str]) -> dict[str, Any]:
    return {"TrialComponentArn": arns[0], "TrialArn": arns[1]}


def _summary(described: JsonObject, member: str) -> JsonObject:
    """Return the entry in a list: there, the source is called after what it is the source of."""
    return {**described, **({f"{member}Source": described["Source"]} if "Source" in described else {})}
