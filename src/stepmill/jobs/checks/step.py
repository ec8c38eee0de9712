"""QualityCheck and ClarifyCheck steps: the job that looks, and the judgement on what it found.

Source: developer guide, "Baseline calculation, drift detection and lifecycle with ClarifyCheck and
QualityCheck steps": which baseline is checked against, and which one is handed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from stepmill.core.errors import InvalidInputError, NotFoundError, StepmillError
from stepmill.core.json import Json, JsonObject, object_of, objects_of, read_json
from stepmill.core.tasks import (
    Report,
    Task,
    TaskFailed,
    TaskHandler,
    TaskReport,
    TaskStarted,
    TaskStopped,
    TaskSucceeded,
)
from stepmill.jobs import failures
from stepmill.jobs.checks.asking import Baseline, Check, output_of, read_check
from stepmill.jobs.checks.preparing import Packages, baseline_in, previous_baseline, with_baseline, with_model
from stepmill.jobs.locations import read_location
from stepmill.jobs.records import PROCESSING_JOB, JobRecords, request_of
from stepmill.storage.objects.store import ObjectStore
from stepmill.storage.records import RecordStore

RESOURCE, CLARIFY_RESOURCE = "stepmill:qualityCheck", "stepmill:clarifyCheck"

VIOLATIONS = "constraint_violations.json"
_LARGEST_REPORT_BYTES = 16 * 1024 * 1024
_MOST_TOLD = 5
_LONGEST_TOLD = 200


class CheckHandler:
    """Does the task of a check step: a processing job, and what follows of its reports.

    Args:
        jobs: Does processing jobs.
        records: Where jobs are kept.
        packages: Where model packages are kept.
        objects: Where reports are stored.
        project: Folder that relative paths start from.
    """

    def __init__(
        self,
        jobs: TaskHandler,
        records: RecordStore,
        packages: Packages,
        objects: ObjectStore,
        project: Path,
    ) -> None:
        self._jobs = jobs
        self._records = JobRecords(records, PROCESSING_JOB)
        self._packages = packages
        self._objects = objects
        self._project = project

    def start(self, task: Task, report: Report) -> None:
        """Begin the job, or pick it up; report how the check ends."""
        try:
            check = read_check(task.extra)
            job, previous = self._prepared(task, check)
            address = output_of(object_of(job.payload))
        except StepmillError as error:
            report(TaskFailed(task.id, failures.CLIENT_ERROR, str(error)))
            return
        self._jobs.start(job, partial(self._relay, check, previous, address, report))

    def stop(self, task: Task) -> None:
        """Ask the job to end."""
        self._jobs.stop(task)

    def prepared(self, task: Task) -> Task:
        """Return the task of the job that a check's task asks for. See ``previous_baseline`` for errors."""
        return self._prepared(task, read_check(task.extra))[0]

    def _prepared(self, task: Task, check: Check) -> tuple[Task, Baseline]:
        begun = self._records.find(task.name)
        if begun is not None and not check.skip:
            # Since the job began another version may have been approved: the job holds on to its baseline.
            request = request_of(begun)
            return msgspec.structs.replace(task, payload=request), baseline_in(request)
        previous = previous_baseline(check, self._packages)
        request = with_model(with_baseline(object_of(task.payload), check, previous), check)
        return msgspec.structs.replace(task, payload=request), previous

    def _relay(
        self, check: Check, previous: Baseline, address: str, report: Report, told: TaskReport
    ) -> None:
        if not isinstance(told, TaskStarted | TaskSucceeded | TaskFailed | TaskStopped):
            report(told)
            return
        about = _about(check, previous, address, object_of(told.metadata))
        if not isinstance(told, TaskSucceeded):
            report(msgspec.structs.replace(told, metadata={check.member: about}))
            return
        report(self._judged(told, check, address, about))

    def _judged(
        self, told: TaskSucceeded, check: Check, address: str, about: JsonObject
    ) -> TaskSucceeded | TaskFailed:
        output = {**object_of(told.output), **_properties(about)}
        violations: Sequence[JsonObject] = ()
        if not check.skip:
            place = f"{address}/{VIOLATIONS}"
            try:
                violations = objects_of(object_of(self._read(place)).get("violations"))
            except (StepmillError, OSError) as error:
                cause = f"The job of the check left no report: {error}"
                return TaskFailed(told.task_id, failures.CLIENT_ERROR, cause, {check.member: about}, output)
            if violations:
                about = {**about, "ViolationReport": place}
        if violations and check.fail:
            cause = _told(violations, check, str(about["ViolationReport"]))
            return TaskFailed(told.task_id, failures.CLIENT_ERROR, cause, {check.member: about}, output)
        return TaskSucceeded(told.task_id, output, {check.member: about})

    def _read(self, address: str) -> Json:
        location = read_location(address, self._project)
        if not isinstance(location, Path):
            return read_json(self._objects.read_bytes(location, limit_bytes=_LARGEST_REPORT_BYTES))
        if not location.is_file():
            raise NotFoundError(f"There is no file {address}.")
        if location.stat().st_size > _LARGEST_REPORT_BYTES:
            raise InvalidInputError(f"{address} is longer than {_LARGEST_REPORT_BYTES} bytes.")
        return read_json(location.read_bytes())


def _about(check: Check, previous: Baseline, address: str, metadata: JsonObject) -> JsonObject:
    """Return what the step's listing shows of a check."""
    new = check.baseline_at(address)
    used = new if check.register else previous
    found: dict[str, Json] = {
        "CheckType": check.type,
        "BaselineUsedForDriftCheckConstraints": used.constraints,
        "BaselineUsedForDriftCheckStatistics": used.statistics,
        "CalculatedBaselineConstraints": new.constraints,
        "CalculatedBaselineStatistics": new.statistics,
        "ModelPackageGroupName": check.group,
        "CheckJobArn": object_of(metadata.get("ProcessingJob")).get("Arn"),
        "SkipCheck": check.skip,
        "RegisterNewBaseline": check.register,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _properties(about: JsonObject) -> JsonObject:
    """Return what others read of the step: ``Steps.<name>.CalculatedBaselineConstraints`` and its like."""
    return {name: value for name, value in about.items() if "Baseline" in name and isinstance(value, str)}


def _told(violations: Sequence[JsonObject], check: Check, address: str) -> str:
    shown = [
        f"{_subject(one)}: {one.get('constraint_check_type')}: {one.get('description')}"[:_LONGEST_TOLD]
        for one in violations[:_MOST_TOLD]
    ]
    more = f"; and {len(violations) - _MOST_TOLD} more" if len(violations) > _MOST_TOLD else ""
    count = f"{len(violations)} violation{'s' if len(violations) > 1 else ''}"
    return f"The {check.type} check found {count}: {'; '.join(shown)}{more}. The report: {address}"


def _subject(violation: JsonObject) -> str:
    """Return what a violation is of: a feature, a metric, or a metric of a facet's group or of a label."""
    if "facet" in violation:
        group = f"{violation['facet']} = {violation.get('facet_value')}"
        return f"{violation.get('metric_name')} of {group}"
    if "label" in violation:
        return f"{violation.get('metric_name')} of {violation['label']}"
    return str(violation.get("feature_name") or violation.get("metric_name"))
