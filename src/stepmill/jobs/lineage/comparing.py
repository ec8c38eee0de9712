"""What changed between two models, or two of anything: data, code, parameters, software, metrics."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from stepmill.catalog.lineage.graph import shown
from stepmill.catalog.lineage.kept_code import KeptCode
from stepmill.catalog.lineage.versions import Versions
from stepmill.catalog.packages import part
from stepmill.core.arns import SageMakerArn
from stepmill.core.errors import NotFoundError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.jobs.lineage.executions import PARAMETER
from stepmill.jobs.lineage.facts import CODE, facts_of
from stepmill.jobs.lineage.sources import SourceFile, source_files
from stepmill.jobs.records import JobRecords, request_of, state_of
from stepmill.storage.lineage import Entity, LineageKind, LineageStore
from stepmill.storage.records import Record, RecordStore

MOST_DIFF_LINES = 400
_LONGEST_VALUE = 200
_MOST_NEAR = 1000


@dataclass(frozen=True)
class Change:
    """Something that differs.

    Args:
        step: In which step; empty: in the thing itself.
        what: ``data``, ``code``, ``parameter``, ``argument``, ``pipeline parameter``, ``image``,
            ``software``, ``environment``, ``resources``, ``metric``, ``step``, ``property``.
        name: Of the input, parameter, metric.
        before: Value there; ``None``: there was none.
        after: Value here; ``None``: there is none.
        lines: Of code: a unified diff.
    """

    step: str
    what: str
    name: str
    before: str | None
    after: str | None
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Job:
    entity: Entity
    record: Record | None
    inputs: Mapping[str, Entity]
    image: str


class Comparing:
    """Compares.

    Args:
        store: Holds the graph.
        records: Where jobs are kept.
        versions: Completes addresses.
        code: Where code is kept.
    """

    def __init__(self, store: LineageStore, records: RecordStore, versions: Versions, code: KeptCode) -> None:
        self._store = store
        self._records = records
        self._versions = versions
        self._code = code

    def changes(self, before: Entity, after: Entity) -> list[Change]:
        """Return what differs between two entities and all that led to them, step by step."""
        found = list(_of_mapping("", "property", _told(before), _told(after)))
        old_way, new_way = self._led_to(before), self._led_to(after)
        given = (self._given_to(thing, way) for thing, way in ((before, old_way), (after, new_way)))
        found += _of_mapping("", "pipeline parameter", *given)
        earlier, later = self._jobs(old_way), self._jobs(new_way)
        for step in dict.fromkeys((*earlier, *later)):
            old, new = earlier.get(step), later.get(step)
            if old is None or new is None:
                found.append(Change(step, "step", step, _name(old), _name(new)))
            elif old.entity.arn != new.entity.arn:
                found += self._of_jobs(step, old, new)
        return found

    def jobs(self, entity: Entity) -> dict[str, _Job]:
        """Return the jobs that led to something, by the names of their steps, the first one first."""
        return self._jobs(self._led_to(entity))

    def _led_to(self, entity: Entity) -> list[Entity]:
        return list(shown(self._store, entity, upstream=True).entities.values())

    def _given_to(self, entity: Entity, way: Sequence[Entity]) -> dict[str, str]:
        """Return the parameters of the execution that made something: its own, or that of its last job."""
        last = max((one for one in way if one.kind is LineageKind.COMPONENT), key=_age, default=entity)
        for one in (entity, last):
            near = self._store.neighbours([one.id], upstream=True, limit=_MOST_NEAR)
            runs = [run for run in way if run.type == "PipelineExecution" and run.id in near]
            if runs:
                # Those that reused a result came later.
                told = part(min(runs, key=_age).body, "Properties")
                return {n.removeprefix(PARAMETER): str(v) for n, v in told.items() if n.startswith(PARAMETER)}
        return {}

    def _jobs(self, way: Sequence[Entity]) -> dict[str, _Job]:
        found = [one for one in way if one.kind is LineageKind.COMPONENT]
        jobs: dict[str, _Job] = {}
        for one in sorted(found, key=lambda one: one.created_at):
            name = str(part(one.body, "Properties").get("StepName") or one.type.removeprefix("SageMaker"))
            # The last of several: the one that the thing came of.
            jobs[name] = self._job(one)
        return jobs

    def _job(self, entity: Entity) -> _Job:
        record = self._record(entity)
        links = self._store.links([entity.id], upstream=True, limit=1000)
        sources = self._store.entities([link.source for link in links]).values()
        artifacts = {one.source_uri: one for one in sources if one.kind is LineageKind.ARTIFACT}
        if record is None:
            named = {uri: one for uri, one in artifacts.items() if one.type != "Image"}
            image = next((uri for uri, one in artifacts.items() if one.type == "Image"), "")
            return _Job(entity, None, named, image)
        facts = facts_of(record.kind, request_of(record))
        inputs = {
            thing.name: artifacts[address]
            for thing in facts.inputs
            if (address := self._versions.address(thing.uri)) in artifacts
        }
        return _Job(entity, record, inputs, facts.image)

    def _record(self, entity: Entity) -> Record | None:
        arn = SageMakerArn.read(entity.source_uri)
        return JobRecords(self._records, arn.kind).find(arn.name) if arn else None

    def _of_jobs(self, step: str, old: _Job, new: _Job) -> Iterator[Change]:
        for name in dict.fromkeys((*old.inputs, *new.inputs)):
            yield from self._of_inputs(step, name, old.inputs.get(name), new.inputs.get(name))
        if old.image != new.image:
            yield Change(step, "image", "image", old.image or None, new.image or None)
        before, after = (_words(one.entity) for one in (old, new))
        yield from _of_mapping(step, "software", before, after)
        for what, kept in _PARTS.items():
            yield from _of_mapping(step, what, kept(old.record), kept(new.record))

    def _of_inputs(self, step: str, name: str, old: Entity | None, new: Entity | None) -> Iterator[Change]:
        is_code = CODE in [one.type for one in (old, new) if one]
        if old is None or new is None:
            yield Change(step, "code" if is_code else "data", name, _content(old), _content(new))
        elif old.arn == new.arn or (old.digest == new.digest and old.digest.startswith("sha256:")):
            return
        elif not is_code:
            yield Change(step, "data", name, _content(old), _content(new))
        else:
            lines = self._difference(old, new)
            # An archive of the same files, packed at another time, is the same code.
            if lines is None or lines:
                told = lines or ("its code was not kept",)
                yield Change(step, "code", name, _content(old), _content(new), tuple(told))

    def _difference(self, old: Entity, new: Entity) -> list[str] | None:
        try:
            before, after = source_files(self._code, old), source_files(self._code, new)
        except NotFoundError:
            return None
        lines = list(islice(unified(before, after), MOST_DIFF_LINES + 1))
        if len(lines) > MOST_DIFF_LINES:
            lines[-1] = "... and more"
        return lines


def unified(before: Sequence[SourceFile], after: Sequence[SourceFile]) -> Iterator[str]:
    """Yield the lines of a unified diff of files of code."""
    old, new = {one.name: one for one in before}, {one.name: one for one in after}
    if len(old) == len(new) == 1 and old.keys() != new.keys():
        # A single script that was renamed, or whose address is made of its content.
        new = {next(iter(old)): next(iter(new.values()))}
    for name in sorted({*old, *new}):
        here, there = old.get(name), new.get(name)
        if here is not None and there is not None and here.data == there.data:
            continue
        texts = [one.text if one else "" for one in (here, there)]
        if None in texts:
            yield f"Binary file {name} differs"
            continue
        yield from difflib.unified_diff(
            (texts[0] or "").splitlines(),
            (texts[1] or "").splitlines(),
            name if here else "/dev/null",
            name if there else "/dev/null",
            lineterm="",
        )


def _of_mapping(step: str, what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Change(step, what, name, old.get(name), new.get(name))


def _age(entity: Entity) -> tuple[datetime, int]:
    return entity.created_at, entity.id


def _told(entity: Entity) -> dict[str, str]:
    """Return the properties of an entity itself; the content of data, if it is data."""
    told = {name: _text(v) for name, v in part(entity.body, "Properties").items() if name != "StepName"}
    if entity.kind is LineageKind.COMPONENT:
        return {}
    return {**told, **({"content": entity.digest[:19]} if entity.digest.startswith("sha256:") else {})}


def _words(entity: Entity) -> dict[str, str]:
    """Return the software that a job had, by name: its version."""
    text = str(part(entity.body, "Properties").get("Software") or "")
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def _parameters(record: Record | None) -> dict[str, str]:
    if record is None:
        return {}
    request = request_of(record)
    given = {name: _text(value) for name, value in part(request, "HyperParameters").items()}
    given.pop("sagemaker_submit_directory", None)  # the code is compared itself
    given.pop("sagemaker_job_name", None)
    algorithm = part(request, "AlgorithmSpecification") or part(request, "AppSpecification")
    if "ContainerEntrypoint" in algorithm:
        given["ContainerEntrypoint"] = _text(algorithm["ContainerEntrypoint"])
    return given


def _arguments(record: Record | None) -> dict[str, str]:
    return {} if record is None else arguments_of(request_of(record))


def arguments_of(request: JsonObject) -> dict[str, str]:
    """Return the arguments of a job by their names; where some have none, all of them as one.

    Args:
        request: That made the job.

    Example:
        >>> arguments_of({"AppSpecification": {"ContainerArguments": ["--rows", "10", "--fast"]}})
        {'--rows': '10', '--fast': ''}
    """
    algorithm = part(request, "AlgorithmSpecification") or part(request, "AppSpecification")
    words = algorithm.get("ContainerArguments")
    if not isinstance(words, Sequence) or isinstance(words, str):
        return {}
    given: dict[str, str] = {}
    name = ""
    for word in map(str, words):
        if word.startswith("--"):
            name, _, value = word.partition("=")
            # What is given twice is a list.
            if name in given:
                return {"ContainerArguments": _text(list(words))}
            given[name] = _text(value)
        elif name and not given[name]:
            given[name] = _text(word)
        else:
            return {"ContainerArguments": _text(list(words))}
    return given


def _environment(record: Record | None) -> dict[str, str]:
    """Return which variables a job had, with what tells values apart: they may be secrets."""
    if record is None:
        return {}
    variables = part(request_of(record), "Environment")
    return {name: f"sha256:{sha256(_text(v).encode()).hexdigest()[:12]}" for name, v in variables.items()}


def _resources(record: Record | None) -> dict[str, str]:
    if record is None:
        return {}
    request = request_of(record)
    given = part(request, "ResourceConfig") or part(part(request, "ProcessingResources"), "ClusterConfig")
    return {name: _text(value) for name, value in given.items()}


def _metrics(record: Record | None) -> dict[str, str]:
    return {} if record is None else {one.name: f"{one.last.value:.6g}" for one in state_of(record).metrics}


_PARTS = {
    "parameter": _parameters,
    "argument": _arguments,
    "environment": _environment,
    "resources": _resources,
    "metric": _metrics,
}


def _content(entity: Entity | None) -> str | None:
    if entity is None:
        return None
    digest = entity.digest[:19] if entity.digest.startswith("sha256:") else "not digested"
    size = str(part(entity.body, "Properties").get("Bytes") or "")
    told = f"{int(size):,} bytes" if size.isdigit() else ""
    return "  ".join(word for word in (digest, told, entity.source_uri) if word)


def _name(job: _Job | None) -> str | None:
    return job.entity.name if job else None


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else write_json(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
