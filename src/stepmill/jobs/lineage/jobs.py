"""Draws up the lineage of a job: when it begins what it takes, when it has ended what it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from stepmill.catalog.entities import usable_name
from stepmill.catalog.lineage.documents import place_of
from stepmill.catalog.models import MODEL_KIND
from stepmill.core.json import Json, JsonObject
from stepmill.core.statuses import JobStatus
from stepmill.jobs.lineage.facts import MODEL, JobFacts, facts_of
from stepmill.jobs.lineage.sheet import Sheet
from stepmill.jobs.lineage.touches import TOUCH_KIND, Touch, Way
from stepmill.jobs.records import JobState, request_of, state_of
from stepmill.storage.database import to_micros
from stepmill.storage.lineage import AssociationType, Entity, Mark
from stepmill.storage.records import Record

# Of a job whose inputs are drawn up: the mark's stamp says which job of that name.
BEGUN = "begun:"
# Of what lies at and around an address, so much is looked at.
_MOST_AROUND = 100


def draw_up_job(
    sheet: Sheet, record: Record, software: Mapping[str, str], touches: Sequence[Touch] = ()
) -> None:
    """Draw up a job, as far as it has come.

    Args:
        sheet: Where.
        record: Of the job.
        software: What stood for its image, by name: its version.
        touches: Which feature groups its calls have written and read.
    """
    state = state_of(record)
    facts = facts_of(record.kind, request_of(record), model=state.model)
    properties = _properties(state, software)
    job = sheet.component(record.kind, record.name, state.arn, record.created_at, properties)
    born = to_micros(record.created_at)
    if sheet.store.stamp(f"{BEGUN}{record.kind}", record.name) < born:
        _draw_inputs(sheet, job, facts, record, state)
        sheet.marks.append(Mark(f"{BEGUN}{record.kind}", record.name, born))
    _draw_groups(sheet, job, state, touches)
    if state.status.is_final:
        _draw_outputs(sheet, job, facts, state)
        sheet.marks.append(Mark(record.kind, record.name, to_micros(record.modified_at)))


def _draw_inputs(sheet: Sheet, job: str, facts: JobFacts, record: Record, state: JobState) -> None:
    at = record.created_at
    if facts.image:
        sheet.connect(sheet.image(facts.image, at), job, AssociationType.CONTRIBUTED_TO, at)
    if facts.served:
        # What it was made of is drawn with the model itself.
        uri = sheet.arns.sagemaker(MODEL_KIND, facts.served)
        model = sheet.artifact(uri, MODEL, at, name=usable_name(facts.served))
        sheet.connect(model, job, AssociationType.CONTRIBUTED_TO, at)
    for thing in facts.inputs:
        before = len(sheet.new)
        arn = sheet.data(thing, at, of=state.arn, unchanged_since=state.started_at)
        sheet.connect(arn, job, AssociationType.CONTRIBUTED_TO, at)
        if len(sheet.new) == before:
            continue
        for other in _made_around(sheet, sheet.versions.address(thing.uri), at):
            # It lies in what another job made, or holds it.
            sheet.connect(other, arn, AssociationType.CONTRIBUTED_TO, at)
    if state.execution_arn:
        context = sheet.execution(state.execution_arn, at)
        sheet.connect(context, job, AssociationType.ASSOCIATED_WITH, at)


def _draw_outputs(sheet: Sheet, job: str, facts: JobFacts, state: JobState) -> None:
    at = state.ended_at
    if at is None or state.status is JobStatus.FAILED:
        return
    for thing in facts.outputs:
        version = sheet.versions.look(thing.uri)
        if version is not None:
            arn = sheet.data_as(version, thing, at, of=state.arn, unchanged_since=at)
            sheet.connect(job, arn, AssociationType.PRODUCED, at)
    for name in facts.feature_groups:
        sheet.connect(
            job, sheet.feature_group(name, at), AssociationType.CONTRIBUTED_TO, state.started_at or at
        )


def _draw_groups(sheet: Sheet, job: str, state: JobState, touches: Sequence[Touch]) -> None:
    """Draw the groups that a job has written and read, be it that it failed later.

    Each edge tells a moment: a group was written from then on, and read until then. Who wrote it later than
    that led to nothing that came of it.
    """
    for touch in touches:
        group = sheet.feature_group(touch.group, touch.at)
        if touch.way is Way.WRITTEN:
            sheet.connect(job, group, AssociationType.CONTRIBUTED_TO, touch.at)
        elif state.status.is_final:
            sheet.connect(group, job, AssociationType.CONTRIBUTED_TO, state.ended_at or touch.at)
        if touch.record:
            sheet.marks.append(Mark(TOUCH_KIND, touch.record, to_micros(touch.at)))


def _made_around(sheet: Sheet, uri: str, before: datetime) -> list[str]:
    """Return the artifacts that jobs made above and below an address: of each place the newest."""
    place = place_of(uri)
    above = [place[:at] for at in range(len("s3://") + 1, len(place)) if place[at] == "/"]
    found = [*sheet.store.at(above, limit=_MOST_AROUND), *sheet.store.below(place, limit=_MOST_AROUND)]
    drawn = [one for one in sheet.entities.values() if _is_around(one.place, place)]
    newest: dict[str, Entity] = {}
    for one in sorted((*found, *drawn), key=lambda one: one.created_at):
        if one.created_at <= before and _is_produced(sheet, one):
            newest[one.place] = one
    return [one.arn for one in newest.values()]


def _is_around(one: str, place: str) -> bool:
    return bool(one) and (one.startswith(f"{place}/") or place.startswith(f"{one}/"))


def _is_produced(sheet: Sheet, entity: Entity) -> bool:
    if any(
        edge.destination == entity.arn and edge.type == AssociationType.PRODUCED
        for edge in sheet.edges.values()
    ):
        return True
    links = sheet.store.links([entity.id], upstream=True, limit=_MOST_AROUND) if entity.id else []
    return any(link.type == AssociationType.PRODUCED for link in links)


def _properties(state: JobState, software: Mapping[str, str]) -> JsonObject:
    told: dict[str, Json] = {
        "StepName": state.step,
        "PipelineExecutionArn": state.execution_arn,
        "Software": " ".join(f"{name}={version}" for name, version in sorted(software.items()) if version),
    }
    return {name: value for name, value in told.items() if value}
