"""What jobs would have cost, and what spot capacity saved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.prices import read_prices
from stepmill.catalog.tags import Tags
from stepmill.core.errors import InvalidInputError, StorageError
from stepmill.core.statuses import JobStatus
from stepmill.jobs.costs import NOTHING, JobCost, cost_of, grouped, instances_of, total
from stepmill.jobs.describing import describe
from stepmill.jobs.records import PROCESSING_JOB, TRAINING_JOB, Attempt, JobRecords, JobState
from stepmill.jobs.warm_pools import Pool
from stepmill.platform.costs import Costs
from stepmill.storage.records import Record
from stepmill.storage.sql_records import SqlRecordStore
from support.job_data import T0, open_store, processing_document, training_document

PRICES = read_prices(
    '[prices."*"]\n"ml.m5.xlarge" = {on_demand = 3.6, spot = 0.9}\n"ml.dear" = {on_demand = 36}'
)
EXECUTION = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/churn/execution/abc"
S = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> SqlRecordStore:
    return open_store(tmp_path / "home")[1]


def ended(seconds: int = 100, **more: Any) -> JobState:
    times = {"started_at": T0, "ended_at": T0 + seconds * S, "status": JobStatus.COMPLETED}
    return JobState("task", more.pop("arn", "arn:j"), **{**times, **more})


def job(store: SqlRecordStore, state: JobState, name: str = "j", **changes: Any) -> Record:
    return JobRecords(store, TRAINING_JOB).open(name, training_document(**changes), state)


def cost(record: Record, **tags: str) -> JobCost:
    found = cost_of(record, tags, PRICES, "us-west-2", T0 + 400 * S)
    assert found is not None
    return found


def test_a_job_on_demand(store: SqlRecordStore) -> None:
    found = cost(job(store, ended(execution_arn=EXECUTION, step="Train")), team="a")
    assert (found.seconds, found.billable_seconds, found.on_spot) == (100, 100, False)
    assert found.cost == pytest.approx(0.1)
    assert found.saved == 0
    assert (found.pipeline, found.step, found.tags) == ("churn", "Train", {"team": "a"})


def test_a_machine_that_is_kept_costs_as_one_in_use(store: SqlRecordStore) -> None:
    kept = Pool(T0).kept(T0 + 100 * S, T0 + 700 * S)
    found = cost(job(store, ended(pool=kept)))
    assert (found.seconds, found.kept_seconds) == (100, 300)
    assert found.cost == pytest.approx(0.4)
    assert found.saved == 0
    assert total(grouped([found, found], "job")).kept_seconds == 600


def test_a_job_on_spot_capacity(store: SqlRecordStore) -> None:
    found = cost(job(store, ended(), EnableManagedSpotTraining=True))
    assert found.cost == pytest.approx(0.025)
    assert found.saved == pytest.approx(0.075)
    assert found.billable_seconds == 25


def test_waiting_costs_nothing_and_each_attempt_does(store: SqlRecordStore) -> None:
    attempts = (Attempt(T0, T0 + 10 * S, "Interrupted"), Attempt(T0 + 500 * S, T0 + 530 * S))
    found = cost(job(store, ended(530, attempts=attempts), EnableManagedSpotTraining=True))
    assert found.seconds == 40


def test_many_instances_cost_more(store: SqlRecordStore) -> None:
    groups = [
        {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "InstanceGroupName": "a"},
        {"InstanceType": "ml.dear", "InstanceCount": 1, "InstanceGroupName": "b"},
    ]
    found = cost(job(store, ended(), ResourceConfig={"InstanceGroups": groups}))
    assert found.cost == pytest.approx(0.2 + 1.0)


def test_what_is_not_known_is_not_guessed(store: SqlRecordStore) -> None:
    unknown = job(store, ended(), ResourceConfig={"InstanceType": "ml.new", "InstanceCount": 1})
    assert (cost(unknown).cost, cost(unknown).saved) == (None, None)
    none = job(store, ended(), "none", ResourceConfig={})
    assert cost(none).cost is None
    # No spot price: it costs what it costs on demand.
    dear = {"InstanceType": "ml.dear", "InstanceCount": 1}
    found = cost(job(store, ended(), "dear", ResourceConfig=dear, EnableManagedSpotTraining=True))
    assert (found.cost, found.saved) == (1.0, 0.0)


def test_one_that_has_not_ended_costs_nothing_yet(store: SqlRecordStore) -> None:
    assert cost_of(job(store, JobState("t", "arn", started_at=T0)), {}, PRICES, "us-west-2", T0) is None


def test_instances_of_processing_jobs() -> None:
    assert instances_of(PROCESSING_JOB, processing_document()) == [("ml.m5.xlarge", 1)]
    assert instances_of(PROCESSING_JOB, {}) == []
    odd = {"ResourceConfig": {"InstanceType": "x", "InstanceCount": "many"}}
    assert instances_of(TRAINING_JOB, odd) == [("x", 1)]


def of(name: str, price: float | None, **more: Any) -> JobCost:
    return JobCost(
        name, TRAINING_JOB, more.pop("type", "ml.a"), more.pop("spot", False), 10, 10, price, 0, **more
    )


JOBS = [
    of("a", 1.0, pipeline="p", step="s", tags={"team": "x"}),
    of("b", 5.0, pipeline="q", step="s", tags={"team": "y"}, spot=True),
    of("c", None, tags={"team": "x"}),
]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("job", ["b", "a", "c"]),
        ("pipeline", ["q", "p", NOTHING]),
        ("step", ["q/s", "p/s", NOTHING]),
        ("type", ["ml.a spot", "ml.a"]),
        ("tag:team", ["y", "x"]),
        ("tag:other", [NOTHING]),
    ],
)
def test_groups_the_dearest_first(by: str, names: list[str]) -> None:
    groups = grouped(JOBS, by)
    assert [group.name for group in groups] == names
    whole = total(groups)
    assert (whole.jobs, whole.cost, whole.seconds, whole.without_price) == (3, 6.0, 30, 1)


@pytest.mark.parametrize("by", ["", "tag:", "team"])
def test_other_groups_are_refused(by: str) -> None:
    with pytest.raises(InvalidInputError, match="Costs are not told by"):
        grouped(JOBS, by)


class TestHome:
    def costs(self, store: SqlRecordStore, project: Path) -> Costs:
        return Costs(store, Tags(store), project, "us-west-2")

    def test_tags_of_the_request_and_of_later(self, store: SqlRecordStore, tmp_path: Path) -> None:
        arn = "arn:aws:sagemaker:us-west-2:123456789012:training-job/j"
        job(store, ended(arn=arn), Tags=[{"Key": "team", "Value": "x"}, {"Key": "a", "Value": "1"}])
        job(store, ended(), "wrong", Tags="none")
        Tags(store).set(arn, {"team": "y"})
        costs = self.costs(store, tmp_path)
        assert [each.tags for each in costs.of_jobs()] == [{"team": "y", "a": "1"}, {}]
        assert list(costs.of_jobs(since=T0 + timedelta(days=3650))) == []

    def test_the_table_of_the_project_holds(self, store: SqlRecordStore, tmp_path: Path) -> None:
        costs = self.costs(store, tmp_path)
        request = training_document(EnableManagedSpotTraining=True)
        assert costs.spot_share(request) == pytest.approx(0.4)
        costs.path.write_text('[prices."us-west-2"]\n"ml.m5.xlarge" = {on_demand = 1, spot = 0.25}')
        assert costs.spot_share(request) == 0.25
        # A job that has ended is not failed for it.
        costs.path.write_text("[")
        assert costs.spot_share(request) == 1.0
        with pytest.raises(InvalidInputError):
            costs.prices()
        costs.path.unlink()
        costs.path.mkdir()
        with pytest.raises(StorageError):
            costs.prices()

    def test_an_empty_table_is_none(self, store: SqlRecordStore, tmp_path: Path) -> None:
        # `stepmill prices show > prices.toml`: the shell makes the file before anybody reads it.
        costs = self.costs(store, tmp_path)
        examples = costs.text()
        (tmp_path / "prices.toml").write_text("\n")
        assert costs.text() == examples


def test_what_describe_says_of_the_savings(store: SqlRecordStore) -> None:
    found = describe(job(store, ended(spot_share=0.4), EnableManagedSpotTraining=True))
    assert (found["TrainingTimeInSeconds"], found["BillableTimeInSeconds"]) == (100, 40)
