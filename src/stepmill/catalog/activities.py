"""Activities: work that workers outside fetch, and the tasks that wait to be fetched.

A task that waits is a record. It is given out once; who fetched it answers by its token, or its time runs
out.

Source: Step Functions API reference, CreateActivity to GetActivityTask; developer guide, "Activities".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from stepmill.catalog.state_machine_records import check_name
from stepmill.core.errors import ConflictError, NotFoundError
from stepmill.core.states_arns import ACTIVITY, StatesArn, StatesArns
from stepmill.storage.records import LONGEST_NAME, Record, RecordStore, Selection

ACTIVITY_KIND = "activity"
TASK_KIND = "activity-task"

_WAITING, _FETCHED = "waiting", "fetched"
_PAGE = 1000


@dataclass(frozen=True)
class ActivityWork:
    """What a worker is given.

    Args:
        task_id: Whose work it is.
        token: By which it is answered.
        input: JSON text.
    """

    task_id: str
    token: str
    input: str


@dataclass(frozen=True)
class ActivityPage:
    """Part of a list of activities; ``next_token`` is ``None`` on the last page."""

    records: tuple[Record, ...]
    next_token: str | None


class Activities:
    """Keeps activities, and the tasks that wait for a worker. Safe to share between threads and processes.

    Args:
        records: Where they are kept. Its changes survive a power cut.
        arns: Builds their ARNs.
    """

    def __init__(self, records: RecordStore, arns: StatesArns) -> None:
        self._records = records
        self.arns = arns

    def create(self, name: str) -> Record:
        """Make an activity; one that is there already is as good.

        Raises:
            InvalidInputError: If Step Functions would refuse the name.
        """
        check_name(name)
        try:
            return self._records.create(ACTIVITY_KIND, name, {})
        except ConflictError:
            return self._records.get(ACTIVITY_KIND, name)

    def get(self, name: str) -> Record:
        """Return an activity.

        Raises:
            NotFoundError: If there is none.
        """
        record = self._records.find(ACTIVITY_KIND, name) if name else None
        if record is None:
            raise NotFoundError(f"Activity Does Not Exist: '{self.arns.activity(name)}'")
        return record

    def delete(self, name: str) -> None:
        """Remove an activity; tasks that wait for a worker of it wait on. None of that name: do nothing."""
        try:
            self._records.delete(ACTIVITY_KIND, name)
        except NotFoundError:
            return

    def list(self, *, limit: int, after: str | None = None) -> ActivityPage:
        """Return activities in the order in which they were made.

        Raises:
            InvalidInputError: If the token is none.
        """
        page = self._records.list(ACTIVITY_KIND, limit=limit, after=after)
        return ActivityPage(page.records, page.next_token)

    # ---- tasks ---------------------------------------------------------------------------------

    def offer(self, arn: str, work: ActivityWork) -> None:
        """Have work wait for a worker. Work that was offered before, fetched or not, is not offered again.

        Raises:
            NotFoundError: If there is no such activity.
        """
        named = StatesArn.read(arn)
        name = self.get(named.name if named and named.kind == ACTIVITY else "").name
        try:
            self._records.create(
                TASK_KIND,
                _key(work.task_id),
                {"task": work.task_id, "token": work.token, "input": work.input},
                parent=name,
                status=_WAITING,
            )
        except ConflictError:
            return

    def fetch(self, name: str, worker: str) -> ActivityWork | None:
        """Give out the work that has waited longest; ``None`` if none waits.

        Args:
            name: Of the activity.
            worker: What the worker calls itself; may be empty.
        """
        chosen = Selection(parent=name, status=_WAITING, limit=_PAGE)
        for record in chosen.all(self._records, TASK_KIND):
            fetched = False

            def take(old: Record) -> Record:
                nonlocal fetched
                fetched = old.status == _WAITING
                return replace(old, status=_FETCHED, body={**old.body, "worker": worker}) if fetched else old

            try:
                self._records.update(TASK_KIND, record.name, take)
            except NotFoundError:
                continue
            if fetched:
                return _work(record)
        return None

    def withdraw(self, task_id: str) -> None:
        """Forget work that is over: answered, timed out, or no longer wanted. Unknown: do nothing."""
        try:
            self._records.delete(TASK_KIND, _key(task_id))
        except NotFoundError:
            return


def _key(task_id: str) -> str:
    return task_id if len(task_id) <= LONGEST_NAME else sha256(task_id.encode()).hexdigest()


def _work(record: Record) -> ActivityWork:
    return ActivityWork(str(record.body["task"]), str(record.body["token"]), str(record.body["input"]))
