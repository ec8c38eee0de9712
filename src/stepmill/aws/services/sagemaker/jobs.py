"""What the operations on both kinds of job share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from stepmill.aws.errors import ApiError
from stepmill.aws.service import Call, Handler, IsSettled
from stepmill.aws.services.sagemaker.listing import listed_in_memory, read_listing
from stepmill.aws.services.sagemaker.refusals import VALIDATION, told_as
from stepmill.catalog.tags import read_tags
from stepmill.core.clock import as_text
from stepmill.core.errors import NotFoundError, WrongStateError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.describing import describe
from stepmill.jobs.records import TRAINING_JOB, JobRecords, JobState, request_of, state_of
from stepmill.jobs.warm_pools import is_available, pool_document
from stepmill.platform import Platform
from stepmill.storage.records import Record, SortBy

# So many records are read at once where all are looked at.
_PAGE = 1000
_SORT: Mapping[str, SortBy] = {
    "CreationTime": SortBy.CREATED,
    "Name": SortBy.NAME,
    "Status": SortBy.STATUS,
}


@dataclass(frozen=True)
class JobOperations:
    """In what the operations on a kind of job differ from those on the other.

    Args:
        kind: Of the records: ``training-job``.
        member: What operations and members are called by: ``TrainingJob``.
        missing: What is said of a job that is not there; ``{}`` stands for its name.
        ended: Member of a summary that says when the job ended.
        more: What a summary says beyond name, ARN, status and times.
        no_job_has: Filters of the listing by what no job has here.
        newest_first: How the listing is sorted if the client does not say.
        can_be_deleted: Whether there is an operation for that.
    """

    kind: str
    member: str
    missing: str
    ended: str
    more: Callable[[JobState], Mapping[str, Any]]
    no_job_has: tuple[str, ...] = ()
    newest_first: bool = False
    can_be_deleted: bool = True

    @property
    def name(self) -> str:
        """The member that names the job."""
        return f"{self.member}Name"

    @property
    def arn(self) -> str:
        """The member that has its ARN."""
        return f"{self.member}Arn"

    def handlers(self, platform: Platform) -> dict[str, Handler]:
        """Return operation -> who answers it."""

        def create(call: Call) -> dict[str, Any]:
            tags = read_tags(call.parameters.get("Tags"))
            arn = state_of(platform.direct_jobs.create(self.kind, call.parameters)).arn
            if tags:
                platform.tags.set(arn, tags)
            return {self.arn: arn}

        def stop(call: Call) -> None:
            name = call.parameters[self.name]
            with told_as(VALIDATION, NotFoundError, self.missing.format(name)):
                platform.direct_jobs.stop(self.kind, self.find(platform, name)[0].name)

        def delete(call: Call) -> None:
            record, state = self.find(platform, call.parameters[self.name])
            with told_as("ResourceInUse", WrongStateError):
                _check_nothing_is_kept(record, state)
                platform.lineage.catch_up()  # what came of it is known for good
                platform.direct_jobs.delete(self.kind, record.name)
            platform.tags.clear(state.arn)

        def list_(call: Call) -> dict[str, Any]:
            if status := call.parameters.get("WarmPoolStatusEquals"):
                return self._with_pools(platform, call, status)
            listing = read_listing(call, sort=_SORT, descending=self.newest_first)
            page = listing.page(platform.records, self.kind)
            is_possible = not any(call.parameters.get(name) for name in self.no_job_has)
            found = page.records if is_possible else ()
            token = page.next_token if is_possible else None
            return listing.answer(f"{self.member}Summaries", map(self._summary, found), token)

        return {
            f"Create{self.member}": create,
            f"Describe{self.member}": lambda call: describe(
                platform.running_metrics.seen(self.find(platform, call.parameters[self.name])[0]),
                datetime.now(UTC),
            ),
            f"Stop{self.member}": stop,
            **({f"Delete{self.member}": delete} if self.can_be_deleted else {}),
            f"List{self.member}s": list_,
        }

    def waits(self) -> dict[str, IsSettled]:
        """Return the operations whose waiting clients are held, and when an answer is settled."""

        def has_ended(_call: Call, answer: Mapping[str, Any]) -> bool:
            return JobStatus(answer[f"{self.member}Status"]).is_final

        return {f"Describe{self.member}": has_ended}

    def find(self, platform: Platform, name: str) -> tuple[Record, JobState]:
        """Return the record of a job, and how it stands.

        Raises:
            ApiError: If there is no such job, in the words that SDKs match.
        """
        record = JobRecords(platform.records, self.kind).find(name)
        if record is None:
            raise ApiError(VALIDATION, self.missing.format(name))
        return record, state_of(record)

    def _with_pools(self, platform: Platform, call: Call, status: str) -> dict[str, Any]:
        """Answer a listing of those whose warm pool stands so: the store knows nothing of that."""
        selection = read_listing(call, sort=_SORT, descending=self.newest_first).selection
        records = replace(selection, limit=_PAGE, after=None).all(platform.records, self.kind)
        every = [self._summary(record) for record in records]
        found = [one for one in every if one.get("WarmPoolStatus", {}).get("Status") == status]
        page, token = listed_in_memory(call, found, key=lambda one: str(one[self.name]))
        more = {} if token is None else {"NextToken": token}
        return {f"{self.member}Summaries": list(page), **more}

    def _summary(self, record: Record) -> dict[str, Any]:
        state = state_of(record)
        summary: dict[str, Any] = {
            self.name: record.name,
            self.arn: state.arn,
            f"{self.member}Status": str(state.status),
            "CreationTime": as_text(record.created_at),
            "LastModifiedTime": as_text(record.modified_at),
            **self.more(state),
            **_pool_of(record, state),
        }
        if state.ended_at is not None:
            summary[self.ended] = as_text(state.ended_at)
        return summary


def _pool_of(record: Record, state: JobState) -> dict[str, Any]:
    if record.kind != TRAINING_JOB:
        return {}
    now = datetime.now(UTC)
    return pool_document(request_of(record), state.pool, now, has_ended=state.status.is_final)


def _check_nothing_is_kept(record: Record, state: JobState) -> None:
    # API reference, DeleteTrainingJob.
    if is_available(state.pool, datetime.now(UTC)):
        raise WrongStateError(
            f"The training job {record.name!r} retains a warm pool that is Available.",
            mend="Set its KeepAlivePeriodInSeconds to 0 by UpdateTrainingJob first, or wait.",
        )
