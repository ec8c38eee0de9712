"""What a check step asks for, beside the request of its job.

Source: developer guide, "QualityCheck step", "ClarifyCheck step", "Baseline calculation, drift detection and
lifecycle"; API reference, QualityCheckStepMetadata, ClarifyCheckStepMetadata, DriftCheckBaselines.
"""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json, JsonObject, object_of, objects_of

DATA_QUALITY, MODEL_QUALITY = "DATA_QUALITY", "MODEL_QUALITY"
DATA_BIAS, MODEL_BIAS, MODEL_EXPLAINABILITY = "DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"
# Check -> where the baselines of a model package have its constraints and its statistics, if it has any.
_BASELINES = {
    DATA_BIAS: ("Bias", "PreTrainingConstraints", ""),
    MODEL_BIAS: ("Bias", "PostTrainingConstraints", ""),
    MODEL_EXPLAINABILITY: ("Explainability", "Constraints", ""),
    DATA_QUALITY: ("ModelDataQuality", "Constraints", "Statistics"),
    MODEL_QUALITY: ("ModelQuality", "Constraints", "Statistics"),
}
QUALITY_CHECKS = (DATA_QUALITY, MODEL_QUALITY)
CONSTRAINTS, STATISTICS, ANALYSIS = "constraints.json", "statistics.json", "analysis.json"


@dataclass(frozen=True)
class Baseline:
    """Addresses of a baseline; each may be empty.

    Args:
        constraints: Of ``constraints.json``.
        statistics: Of ``statistics.json``.
    """

    constraints: str = ""
    statistics: str = ""


@dataclass(frozen=True)
class Check:
    """What a check step asks for.

    Args:
        type: ``DATA_QUALITY``, ``MODEL_QUALITY``, ``DATA_BIAS``, ``MODEL_BIAS``, ``MODEL_EXPLAINABILITY``.
        skip: Whether nothing is held against the previous baseline.
        register: Whether the new baseline is the one that is to be used from now on.
        fail: Whether a violation fails the step.
        group: Of the model package whose baselines are the previous ones; may be empty.
        supplied: The previous baseline, if it is given.
        model: Name of the model that is asked; may be empty.
    """

    type: str
    skip: bool = False
    register: bool = False
    fail: bool = True
    group: str = ""
    supplied: Baseline = Baseline()
    model: str = ""

    @property
    def needs_previous(self) -> bool:
        """Whether there must be a previous baseline: to check against, or to go on with."""
        return not (self.skip and self.register)

    @property
    def needs_statistics(self) -> bool:
        """Whether statistics belong to a baseline that can be checked against."""
        return self.type == DATA_QUALITY

    @property
    def member(self) -> str:
        """The name of what the step's listing shows of a check."""
        return "QualityCheck" if self.type in QUALITY_CHECKS else "ClarifyCheck"

    def baseline_at(self, folder: str) -> Baseline:
        """Return the new baseline, from the address of the folder with the job's reports."""
        if self.type in QUALITY_CHECKS:
            return Baseline(f"{folder}/{CONSTRAINTS}", f"{folder}/{STATISTICS}")
        return Baseline(f"{folder}/{ANALYSIS}")


def read_check(extra: JsonObject) -> Check:
    """Read the keys of a step, with their expressions resolved.

    Raises:
        InvalidInputError: If a value cannot be taken.
        UnsupportedError: If the check is not offered.
    """
    kind = _text(extra, "CheckType")
    if kind not in _BASELINES:
        raise UnsupportedError(
            f"The check {kind[:100]!r} is not offered.",
            where="CheckType",
            mend=f"Those that are: {', '.join(_BASELINES)}.",
        )
    return Check(
        type=kind,
        skip=_flag(extra, "SkipCheck", default=False),
        register=_flag(extra, "RegisterNewBaseline", default=False),
        fail=_flag(extra, "FailOnViolation", default=True),
        group=_text(extra, "ModelPackageGroupName"),
        supplied=Baseline(
            _text(extra, "SuppliedBaselineConstraints"), _text(extra, "SuppliedBaselineStatistics")
        ),
        model=_text(extra, "ModelName"),
    )


def baseline_of_package(check: Check, described: JsonObject) -> Baseline:
    """Return the baseline that a model package keeps for a check.

    Args:
        check: Which.
        described: What DescribeModelPackage answers.
    """
    member, constraints, statistics = _BASELINES[check.type]
    kept = object_of(object_of(described.get("DriftCheckBaselines")).get(member))
    return Baseline(_address(kept.get(constraints)), _address(kept.get(statistics) if statistics else None))


def output_of(request: JsonObject) -> str:
    """Return the address of the folder that a check's job stores its reports in.

    Raises:
        InvalidInputError: If the request names none.
    """
    folder = object_of(request.get("Environment")).get("output_path")
    outputs = objects_of(object_of(request.get("ProcessingOutputConfig")).get("Outputs"))
    stores = [object_of(output.get("S3Output")) for output in outputs]
    asked = [one for one in stores if one.get("LocalPath") == folder] or stores[:1]
    address = asked[0].get("S3Uri") if asked else None
    if not isinstance(address, str) or not address:
        raise InvalidInputError(
            "The job of the check stores no reports.",
            where="Arguments.ProcessingOutputConfig.Outputs",
            mend="Give it an output for the folder that its environment variable output_path names.",
        )
    return address.rstrip("/")


def _address(source: Json) -> str:
    address = object_of(source).get("S3Uri")
    return address if isinstance(address, str) else ""


def _text(extra: JsonObject, name: str) -> str:
    value = extra.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInputError("A text is expected here.", where=name, mend="Give a string.")
    return value


def _flag(extra: JsonObject, name: str, *, default: bool) -> bool:
    value = extra.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidInputError("A truth value is expected here.", where=name, mend="Give true or false.")
