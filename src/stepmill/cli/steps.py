"""What is shown of an execution's steps, put together from what the platform knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepmill.cli.output import number
from stepmill.cli.progress import StepLine, facts_of
from stepmill.cli.trials import progress_text

if TYPE_CHECKING:
    from stepmill.engine.interpreters.pipelines.listing import StepView
    from stepmill.engine.summaries import ExecutionSummary
    from stepmill.jobs.records import Metric
    from stepmill.platform import Platform


def step_lines(platform: Platform, execution: str) -> list[StepLine]:
    """Return a line for every step of the execution's definition, started or not."""
    views = platform.executions.step_views(execution)
    arn = platform.executions.describe(execution).arn
    metrics = _metrics(platform, arn, views)
    tuned = _tuned(platform, arn, views)
    return [_line(view, metrics.get(view.name, ()), tuned.get(view.name, ())) for view in views]


def execution_document(platform: Platform, execution: str) -> dict[str, object]:
    """Return all that is known of an execution: itself, its steps as SageMaker lists them, its metrics."""
    summary = platform.executions.describe(execution)
    notes = platform.executions.step_notes(execution)
    jobs = platform.jobs.of_execution(summary.arn)
    metrics = _metrics(platform, summary.arn, platform.executions.step_views(execution))
    return {
        **summary_document(summary),
        "parameters": summary.parameters,
        "steps": platform.executions.steps(execution),
        "metrics": {
            step: {metric.name: metric.last.value for metric in several} for step, several in metrics.items()
        },
        "series": {
            step: {
                metric.name: [{"at": point.at, "value": point.value} for point in metric.points]
                for metric in several
            }
            for step, several in metrics.items()
        },
        "notes": notes,
        "jobs": [
            {
                "step": job.step,
                "name": job.name,
                "folder": job.folder,
                "isolation": job.isolation,
                "warm": job.warm,
            }
            for job in jobs
        ],
    }


def summary_document(summary: ExecutionSummary) -> dict[str, object]:
    """Return an execution as a whole."""
    return {
        "id": summary.id,
        "arn": summary.arn,
        "pipeline": summary.pipeline,
        "version": summary.version,
        "status": summary.status,
        "failureReason": summary.failure_reason,
        "displayName": summary.display_name,
        "createdAt": summary.created_at,
        "modifiedAt": summary.modified_at,
        "isInterrupted": summary.is_interrupted,
    }


def _metrics(platform: Platform, arn: str, views: Sequence[StepView]) -> dict[str, tuple[Metric, ...]]:
    """Return the metrics of every step that has any. What was reused was measured where it was made."""
    makers = {view.name: view.cached_from or view.reused_from or arn for view in views}
    measured = {
        (maker, job.step): job.metrics
        for maker in {arn, *makers.values()}
        for job in platform.jobs.of_execution(maker)
        # What a trial measured is told by its tuning job.
        if not job.is_trial
    }
    found = {name: measured.get((maker, name), ()) for name, maker in makers.items()}
    return {name: metrics for name, metrics in found.items() if metrics}


def _tuned(platform: Platform, arn: str, views: Sequence[StepView]) -> dict[str, tuple[str, ...]]:
    """Return how far the tuning job of every step is that has one; of a reused one, where it was made."""
    makers = {view.cached_from or view.reused_from or arn for view in views if view.step.type == "Tuning"}
    return {
        view.step: (progress_text(view),)
        for maker in makers
        for view in platform.tuning_jobs.of_execution(maker)
    }


def _line(view: StepView, metrics: Sequence[Metric], tuned: tuple[str, ...]) -> StepLine:
    reused = "cached" if view.cached_from else "reused" if view.reused_from else ""
    return StepLine(
        name=view.name,
        type=str(view.step.type),
        status=str(view.status),
        # The body of a ForEach waits for nothing but its loop.
        after=view.needs or ((view.parent,) if view.parent else ()),
        started_at=view.started_at,
        ended_at=view.ended_at,
        attempt=view.attempt,
        reused=reused,
        reason=view.failure_reason,
        remarks=view.notes,
        facts=(
            *facts_of(view.metadata),
            *tuned,
            *(f"{metric.name} {number(metric.last.value)}" for metric in metrics),
        ),
        repeats="" if view.index < 0 else view.step.name,
    )
