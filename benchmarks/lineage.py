"""Lineage over 100,000 entities: what made this, what came of that, what changed, and QueryLineage.

10,000 trainings of one pipeline over 100 versions of raw data, each with its prepared data, code, model,
version and approval, all with one image: hubs of 10,000 edges, as years of work leave them.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.support import bench_platform, environment
from stepmill.catalog.lineage.graph import shown
from stepmill.catalog.lineage.walk import Direction, Filters, Question
from stepmill.platform import Platform
from stepmill.storage.lineage import Edge, Entity, LineageKind

TRAININGS = 10_000
RAW = 100
ASKED = 100
MARK_MS = 100.0
START = datetime(2026, 1, 1, tzinfo=UTC)
_PREFIX = "arn:aws:sagemaker:us-west-2:123456789012"


def entity(kind: LineageKind, type_: str, name: str, number: int, **properties: str) -> Entity:
    """Return an entity as the system records it."""
    at = START + timedelta(minutes=number)
    resource = {"TrialComponent": "experiment-trial-component"}.get(kind, kind.lower())
    uri = f"s3://bucket/{name}" if kind is LineageKind.ARTIFACT else f"{_PREFIX}:x/{name}"
    digest = f"sha256:{number:064x}" if kind is LineageKind.ARTIFACT else ""
    body = {"source": {"SourceUri": uri}, "Properties": properties}
    return Entity(f"{_PREFIX}:{resource}/{name}", kind, type_, name, uri, at, at, uri, digest, body)


def training(number: int) -> tuple[list[Entity], list[Edge]]:
    """Return the entities and edges of one training."""
    raw = entity(LineageKind.ARTIFACT, "DataSet", f"raw-{number % RAW}", number % RAW)
    image = entity(LineageKind.ARTIFACT, "Image", "image", 0)
    code = entity(LineageKind.ARTIFACT, "Code", f"code-{number}", number)
    prepared = entity(LineageKind.ARTIFACT, "DataSet", f"prepared-{number}", number)
    model = entity(LineageKind.ARTIFACT, "Model", f"model-{number}", number)
    package = entity(LineageKind.ARTIFACT, "ModelPackage", f"package-{number}", number)
    execution = entity(LineageKind.CONTEXT, "PipelineExecution", f"execution-{number}", number)
    group = entity(LineageKind.CONTEXT, "ModelGroup", "group", 0)
    first = entity(
        LineageKind.COMPONENT, "SageMakerProcessingJob", f"prepare-{number}", number, StepName="Prepare"
    )
    second = entity(
        LineageKind.COMPONENT, "SageMakerTrainingJob", f"train-{number}", number, StepName="Train"
    )
    approval = entity(LineageKind.ACTION, "Approval", f"approval-{number}", number)
    evaluation = entity(LineageKind.ARTIFACT, "DataSet", f"evaluation-{number}", number)
    all_ = [
        raw, image, code, prepared, model, package, execution, group, first, second, approval, evaluation,
    ]  # fmt: skip
    produced = [(first, prepared), (second, model)]
    pairs = [
        (raw, first), (image, first), (execution, first), (prepared, second), (code, second),
        (image, second), (execution, second), (second, evaluation), (model, package), (image, package),
        (approval, package), (package, group), (second, group),
    ]  # fmt: skip
    edges = [Edge(a.arn, b.arn, "Produced", START) for a, b in produced]
    edges += [Edge(a.arn, b.arn, "ContributedTo", START) for a, b in pairs]
    return all_, edges


def fill(platform: Platform) -> int:
    """Write all of it, and return how many entities that is."""
    arns: set[str] = set()
    for begin in range(0, TRAININGS, 500):
        entities: list[Entity] = []
        edges: list[Edge] = []
        for number in range(begin, begin + 500):
            some, between = training(number)
            entities += some
            edges += between
        platform.lineage.store.record(entities, edges)
        arns |= {one.arn for one in entities}
    return len(arns)


def measure(name: str, do: Callable[[int], object]) -> None:
    """Print how long a question takes, asked of many places."""
    chance = random.Random(7)
    taken: list[float] = []
    for _ in range(ASKED):
        number = chance.randrange(TRAININGS)
        begin = time.perf_counter()
        do(number)
        taken.append((time.perf_counter() - begin) * 1000)
    taken.sort()
    worst = taken[int(ASKED * 0.99) - 1]
    verdict = "ok" if worst < MARK_MS else "MISSED"
    print(
        f"  {name:<46} median {statistics.median(taken):6.1f} ms   p99 {worst:6.1f} ms   "
        f"(mark < {MARK_MS:.0f} ms: {verdict})"
    )


def main() -> None:
    """Print the figures."""
    print(environment())
    with bench_platform() as (platform, _):
        begin = time.perf_counter()
        count = fill(platform)
        print(f"{count} entities, written in {time.perf_counter() - begin:.1f} s")
        lineage, store = platform.lineage, platform.lineage.store
        lineage.catch_up()

        def at(resource: str, name: str) -> Entity:
            return lineage.get(f"{_PREFIX}:{resource}/{name}")

        measure("what made this model", lambda n: shown(store, at("artifact", f"package-{n}"), upstream=True))
        measure(
            "what came of this data (100 trainings)",
            lambda n: shown(store, at("artifact", f"raw-{n % RAW}"), upstream=False),
        )
        measure(
            "what came of this image (10,000)",
            lambda _: shown(store, at("artifact", "image"), upstream=False),
        )
        measure(
            "what changed between two versions",
            lambda n: platform.lineage_comparing.changes(
                at("artifact", f"package-{n}"), at("artifact", f"package-{(n + 1) % TRAININGS}")
            ),
        )
        for name, resource, thing, direction, filters in (
            ("QueryLineage up from a version", "artifact", "package-{}", Direction.UP, Filters()),
            ("QueryLineage both ways from a job", "experiment-trial-component", "train-{}", Direction.BOTH,
             Filters()),
            ("QueryLineage down from data, models only", "artifact", "prepared-{}", Direction.DOWN,
             Filters(types=frozenset({"Model"}))),
            ("QueryLineage down from the image, first 1,000", "artifact", "image", Direction.DOWN, Filters()),
        ):  # fmt: skip
            measure(
                name,
                lambda n, r=resource, t=thing, d=direction, f=filters: lineage.ask(  # type: ignore[misc]
                    Question([f"{_PREFIX}:{r}/{t.format(n)}"], d, f, include_edges=True)
                ),
            )
        measure(
            "found by its address", lambda n: platform.lineage_finder.find(f"s3://bucket/prepared-{n}/x.csv")
        )


if __name__ == "__main__":
    main()
