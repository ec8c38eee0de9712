"""Costs of the jobs of a home: its table of prices, and all jobs that have ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from stepmill.catalog.prices import FILE_NAME, PriceTable, read_prices, shipped_prices
from stepmill.catalog.tags import Tags, read_tags
from stepmill.core.errors import InvalidInputError, StepmillError, StorageError
from stepmill.core.json import JsonObject
from stepmill.jobs.costs import JobCost, cost_of, instances_of
from stepmill.jobs.records import JOB_KINDS, TRAINING_JOB, request_of, state_of
from stepmill.storage.records import Record, RecordStore, Selection

_PAGE = 1000


class Costs:
    """Tells what jobs cost.

    Args:
        records: Where jobs are kept.
        tags: Of jobs.
        project: Its ``prices.toml`` is read, if there is one.
        region: Where the jobs would have run.
    """

    def __init__(self, records: RecordStore, tags: Tags, project: Path, region: str) -> None:
        self._records = records
        self._tags = tags
        self._region = region
        self.path = project / FILE_NAME

    def text(self) -> str:
        """Return the text of the table of prices: the user's, or the one that ships with Stepmill.

        An empty file is none: `stepmill prices show > prices.toml` finds the one that the shell has made.
        """
        try:
            return self.path.read_text(encoding="utf-8").strip() or shipped_prices()
        except FileNotFoundError:
            return shipped_prices()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"The table of prices cannot be read: {error}.") from error

    def prices(self) -> PriceTable:
        """Return the table of prices.

        Raises:
            InvalidInputError: If the user's cannot be taken.
        """
        return read_prices(self.text())

    def spot_share(self, request: JsonObject) -> float:
        """Return which share of the time of a training job on spot capacity is billed: 1 if not known.

        A table that cannot be read is no reason to fail a job at its end: `stepmill costs` tells of it.
        """
        try:
            prices = self.prices()
        except StepmillError:
            return 1.0
        known = [prices.price(self._region, name) for name, _ in instances_of(TRAINING_JOB, request)]
        return known[0].spot_share if known and known[0] is not None else 1.0

    def of_jobs(self, since: datetime | None = None) -> Iterator[JobCost]:
        """Yield what each job that has ended took and cost.

        Args:
            since: Only of those that were asked for at that moment or later.
        """
        prices, now = self.prices(), datetime.now(UTC)
        for kind in JOB_KINDS:
            for record in Selection(created_after=since, limit=_PAGE).all(self._records, kind):
                cost = cost_of(record, self._tags_of(record), prices, self._region, now)
                if cost is not None:
                    yield cost

    def _tags_of(self, record: Record) -> dict[str, str]:
        try:
            asked = read_tags(request_of(record).get("Tags"))
        except InvalidInputError:
            asked = {}
        return {**asked, **self._tags.of(state_of(record).arn)}
