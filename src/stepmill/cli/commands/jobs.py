"""``stepmill jobs``: look at training and processing jobs, and take spot capacity away from them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from stepmill.cli.context import AsJson, Limit, open_platform
from stepmill.cli.output import Output
from stepmill.core.errors import NotFoundError

if TYPE_CHECKING:
    from stepmill.platform import Platform
    from stepmill.storage.records import Record

_PAGE = 1000

jobs_app = typer.Typer(no_args_is_help=True, help="Training and processing jobs.")

JobName = Annotated[str, typer.Argument(help="Name of the job.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(jobs_app, name="jobs")


@jobs_app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List training, processing and transform jobs, the newest first, whoever began them."""
    from stepmill.cli.job_view import jobs_table, listed_job

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        records = _newest(platform, limit)
    output.answer(
        [listed_job(record) for record in records],
        jobs_table(records, datetime.now(UTC)) if records else "There is no job yet.",
    )


def _newest(platform: Platform, limit: int) -> list[Record]:
    from stepmill.jobs.records import JOB_KINDS
    from stepmill.storage.records import Selection

    pages = Selection(descending=True, limit=min(limit, _PAGE))
    found = [record for kind in JOB_KINDS for record in islice(pages.all(platform.records, kind), limit)]
    return sorted(found, key=lambda record: record.created_at, reverse=True)[:limit]


@jobs_app.command()
def show(name: JobName, as_json: AsJson = False) -> None:
    """Show a job: how it stands, its attempts, its metrics and what it uses of the machine, as curves."""
    from stepmill.cli.job_view import job_document, job_lines
    from stepmill.jobs.usage import usage_of

    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        record = platform.running_metrics.seen(_found(platform, name))
        used = usage_of(record, platform.layout.jobs / record.kind / record.name)
    output.answer(job_document(record, used), *job_lines(record, used))


def _found(platform: Platform, name: str) -> Record:
    from stepmill.jobs.records import JOB_KINDS, JobRecords

    for kind in JOB_KINDS:
        record = JobRecords(platform.records, kind).find(name)
        if record is not None:
            return record
    raise NotFoundError(f"There is no job {name!r}.", mend="`stepmill jobs list` shows those that there are.")


@jobs_app.command()
def interrupt(name: JobName, as_json: AsJson = False) -> None:
    """Take the spot capacity away from a training job that runs; it goes on from its last checkpoint."""
    output = Output(as_json=as_json)
    with open_platform(output) as platform:
        record = platform.interruptions.interrupt(_found(platform, name).name)
    output.answer(
        {"job": record.name, "status": "Interrupting"},
        f"{record.name} is being interrupted: its program got SIGTERM.",
    )
