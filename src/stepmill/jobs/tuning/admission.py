"""Checks whether a tuning job can be done before it is taken: also what each of its training jobs needs.

Source: API reference, CreateHyperParameterTuningJob; developer guide, "Run a Warm Start Hyperparameter
Tuning Job".
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stepmill.algorithms.parameters import Kind
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, object_of
from stepmill.core.statuses import JobStatus
from stepmill.jobs.admission import Admitted
from stepmill.jobs.algorithms import check_search, nearest_metric_of
from stepmill.jobs.records import state_of
from stepmill.jobs.requests.training import read_training_request
from stepmill.jobs.tuning.findings import Findings
from stepmill.jobs.tuning.plan import Definition, Plan, WarmStart, WarmStartType
from stepmill.jobs.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange, Range, text_of_number
from stepmill.jobs.tuning.records import TUNING_JOB, plan_of
from stepmill.jobs.tuning.request import check_tuning_job_name, read_tuning_request
from stepmill.jobs.tuning.training_requests import training_request
from stepmill.storage.records import RecordStore

_KINDS = {
    IntegerRange: Kind.INTEGER,
    ContinuousRange: Kind.CONTINUOUS,
    CategoricalRange: Kind.CATEGORICAL,
}
_NO_METRIC = (
    "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
    "definitions."
)


class ChecksTraining(Protocol):
    """Says whether a training job can be done."""

    def check(self, document: Json) -> Admitted:
        """Check a request. See ``admission.admit``."""
        ...


def admit_tuning(
    document: Json, training: ChecksTraining, records: RecordStore, arns: Arns, project: Path
) -> Admitted:
    """Say that a tuning job can be done as it is asked for, as far as that is known now.

    Args:
        document: The request.
        training: Checks its training jobs.
        records: Where its parents are.
        arns: Builds ARNs.
        project: Folder that relative paths start from.

    Raises:
        InvalidInputError: If values cannot be taken; it tells of all of them.
        UnsupportedError: If it asks for what is not offered.
        StepmillError: What else keeps a training job from being taken.
    """
    plan = read_tuning_request(document)
    name = check_tuning_job_name(plan.name)
    findings = Findings()
    notes: list[str] = []
    for definition in plan.definitions:
        with findings.noted(definition.where):
            notes += _check_definition(definition, name, training, project)
    if plan.warm_start is not None:
        _check_parents(plan, plan.warm_start, records, findings)
    findings.tell()
    return Admitted(name, arns.sagemaker(TUNING_JOB, name), tuple(dict.fromkeys(notes)))


def _check_definition(
    definition: Definition, name: str, training: ChecksTraining, project: Path
) -> tuple[str, ...]:
    """Check the training jobs at both ends of what is searched."""
    first, last = ({one.name: _values(one)[place] for one in definition.ranges} for place in (0, -1))
    trial = f"{name}-001-00000000"
    request = read_training_request(training_request(definition, trial, last), project)
    metric = definition.objective.metric
    is_told = metric in {known.name for known in request.metrics}
    if request.algorithm and not is_told:
        raise _no_metric(nearest_metric_of(request.algorithm, metric))
    admitted = training.check(training_request(definition, trial, first))
    # Only now: an image that is not offered has no metrics either.
    if not is_told:
        raise _no_metric(f"Define {metric[:100]!r} there, with how it stands in the log.")
    if admitted.algorithm and request.algorithm:
        searched = {one.name: (_KINDS[type(one)], _values(one)) for one in definition.ranges}
        check_search(admitted.algorithm, definition.static, searched)
    return admitted.notes


def _no_metric(mend: str) -> InvalidInputError:
    return InvalidInputError(_NO_METRIC, where="AlgorithmSpecification.MetricDefinitions", mend=mend)


def _values(searched: Range) -> tuple[str, ...]:
    """Return the categories of a range, or its two ends."""
    if isinstance(searched, CategoricalRange):
        return searched.values
    return (text_of_number(searched.low), text_of_number(searched.high))


def _check_parents(plan: Plan, warm_start: WarmStart, records: RecordStore, findings: Findings) -> None:
    for index, parent in enumerate(warm_start.parents):
        where = f"WarmStartConfig.ParentHyperParameterTuningJobs[{index}]"
        with findings.noted(where):
            _check_parent(plan.definitions[0], warm_start.type, parent, records)


def _check_parent(definition: Definition, kind: WarmStartType, parent: str, records: RecordStore) -> None:
    record = records.find(TUNING_JOB, parent)
    if record is None:
        raise InvalidInputError(
            f"Could not find the parent tuning job {parent[:100]!r}.", mend="Check its name."
        )
    status = state_of(record).status
    if status not in (JobStatus.COMPLETED, JobStatus.STOPPED):
        raise InvalidInputError(
            f"The parent tuning job {parent!r} is {status}; only completed or stopped ones can be parents.",
            mend="Wait for its end, or choose another one.",
        )
    earlier = plan_of(record).definitions
    if len(earlier) > 1:
        raise InvalidInputError(f"The parent tuning job {parent!r} tuned several algorithms.")
    before = earlier[0]
    if before.objective != definition.objective:
        raise InvalidInputError(
            f"The objective metric must be the same as that of the parent tuning job {parent!r}: "
            f"{before.objective.direction} {before.objective.metric!r}."
        )
    if _size(before) != _size(definition):
        raise InvalidInputError(
            f"The total number of static plus tunable hyperparameters must remain the same as in the parent "
            f"tuning job {parent!r}: {_size(before)}, not {_size(definition)}."
        )
    if kind is WarmStartType.IDENTICAL and _image(before.document) != _image(definition.document):
        raise InvalidInputError(
            f"The training image must be that of the parent tuning job {parent!r}.",
            mend="For another image set WarmStartType to TransferLearning.",
        )


def _size(definition: Definition) -> int:
    return len(definition.static) + len(definition.ranges)


def _image(document: JsonObject) -> Json:
    return object_of(document.get("AlgorithmSpecification")).get("TrainingImage")
