"""Makes the request of a check's job: the previous baseline joins its inputs."""

from __future__ import annotations

from typing import Protocol

from stepmill.catalog.package_reviews import ModelApprovalStatus
from stepmill.core.errors import InvalidInputError, NotFoundError
from stepmill.core.json import Json, JsonObject, object_of, objects_of
from stepmill.jobs.checks.asking import Baseline, Check, baseline_of_package

# A member that no client can send: the model that a ClarifyCheck step names beside its job's request.
STEP_MODEL = "stepmill:ModelName"
CONSTRAINTS_INPUT, STATISTICS_INPUT = "baseline_constraints", "baseline_statistics"
_FOLDER = "/opt/ml/processing/baseline"


class Packages(Protocol):
    """Where model packages are kept. See ``catalog.registry.ModelRegistry``."""

    def versions(
        self, group: str, *, status: ModelApprovalStatus | None = None, limit: int = 100
    ) -> tuple[list[JsonObject], str | None]:
        """Return what Describe answers for the versions of a group, newest first."""
        ...


def previous_baseline(check: Check, packages: Packages) -> Baseline:
    """Return the baseline of before: what is supplied, else that of the latest approved version.

    Raises:
        NotFoundError: If one is needed and there is none.
    """
    found = Baseline()
    if check.group and not (check.supplied.constraints and check.supplied.statistics):
        found = _latest_approved(check, packages)
    found = Baseline(
        check.supplied.constraints or found.constraints, check.supplied.statistics or found.statistics
    )
    is_whole = found.constraints and (found.statistics or not check.needs_statistics)
    if check.needs_previous and not is_whole:
        missing = "constraints" if not found.constraints else "statistics"
        raise NotFoundError(
            f"There is no previous baseline for the {check.type} check: no {missing}.",
            where="SuppliedBaselineConstraints" if not found.constraints else "SuppliedBaselineStatistics",
            mend="Supply it, or name a model package group whose latest approved version has "
            "DriftCheckBaselines; the first time, set SkipCheck and RegisterNewBaseline to true.",
        )
    return found


def _latest_approved(check: Check, packages: Packages) -> Baseline:
    try:
        versions, _ = packages.versions(check.group, status=ModelApprovalStatus.APPROVED, limit=1)
    except NotFoundError:
        # Before the first version is registered there is no group either.
        return Baseline()
    return baseline_of_package(check, versions[0]) if versions else Baseline()


def with_baseline(request: JsonObject, check: Check, previous: Baseline) -> JsonObject:
    """Return the request of a job that also holds the data against a baseline.

    Raises:
        InvalidInputError: If an input of the request has the name of a baseline's.
    """
    given = objects_of(request.get("ProcessingInputs"))
    named = {CONSTRAINTS_INPUT: previous.constraints, STATISTICS_INPUT: previous.statistics}
    if any(one.get("InputName") in named for one in given):
        raise InvalidInputError(
            f"The inputs {CONSTRAINTS_INPUT!r} and {STATISTICS_INPUT!r} are those of the baseline.",
            where="Arguments.ProcessingInputs",
            mend="Supply a baseline by SuppliedBaselineConstraints and SuppliedBaselineStatistics.",
        )
    if check.skip:
        return request
    inputs: list[Json] = [*given]
    variables = dict(object_of(request.get("Environment")))
    for name, address in named.items():
        if address:
            inputs.append(_input(name, address))
            variables[name] = f"{_FOLDER}/{name}"
    return {**request, "ProcessingInputs": inputs, "Environment": variables}


def with_model(request: JsonObject, check: Check) -> JsonObject:
    """Return the request of a job that asks the model which the step names, if it names one."""
    return {**request, STEP_MODEL: check.model} if check.model else request


def baseline_in(request: JsonObject) -> Baseline:
    """Return the baseline that a job's request names."""
    found = {
        str(one.get("InputName")): str(object_of(one.get("S3Input")).get("S3Uri") or "")
        for one in objects_of(request.get("ProcessingInputs"))
    }
    return Baseline(found.get(CONSTRAINTS_INPUT, ""), found.get(STATISTICS_INPUT, ""))


def _input(name: str, address: str) -> Json:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": address,
            "LocalPath": f"{_FOLDER}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }
