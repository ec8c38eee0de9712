from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.catalog.entities import LONGEST_ENTITY_NAME, usable_name
from stepmill.catalog.experiments import Experiments
from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.core.json import Json
from stepmill.core.service_models import service_model
from stepmill.storage.records import Selection, SortBy
from support.keeping import Keeping, keeping

JOB = "arn:aws:sagemaker:us-west-2:123456789012:training-job/job-1"
NEWEST = Selection(descending=True)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Keeping]:
    with keeping(tmp_path) as opened:
        yield opened


@pytest.fixture
def experiments(kept: Keeping) -> Experiments:
    return kept.experiments


def names(found: Any, member: str) -> list[str]:
    listed, token = found
    assert token is None
    return [one[member] for one in listed]


def assert_fits(answer: Any, operation: str) -> None:
    shape = service_model("sagemaker").answer(operation)
    assert set(shape.required) <= set(answer) <= set(shape.members)


class TestExperiments:
    def test_an_experiment_is_made_changed_and_deleted(self, experiments: Experiments, kept: Keeping) -> None:
        made = experiments.create({"ExperimentName": "Churn", "Tags": [{"Key": "a", "Value": "1"}]})
        arn = "arn:aws:sagemaker:us-west-2:123456789012:experiment/churn"
        assert made == {
            "ExperimentName": "Churn",
            "ExperimentArn": arn,
            "DisplayName": "Churn",
            "CreationTime": "2026-01-01T00:00:00Z",
            "CreatedBy": {},
            "LastModifiedTime": "2026-01-01T00:00:00Z",
            "LastModifiedBy": {},
        }
        assert_fits(made, "DescribeExperiment")
        assert experiments.describe("CHURN") == made
        kept.clock.advance(timedelta(hours=1))
        changed = experiments.update({"ExperimentName": "churn", "DisplayName": "D", "Description": "who"})
        assert changed == experiments.describe("Churn")
        assert changed == {
            **made, "DisplayName": "D", "Description": "who", "LastModifiedTime": "2026-01-01T01:00:00Z",
        }  # fmt: skip
        assert kept.tags.of(arn) == {"a": "1"}
        assert experiments.delete("Churn")["ExperimentArn"] == arn
        assert kept.tags.of(arn) == {}
        with pytest.raises(NotFoundError, match="no experiment 'Churn'"):
            experiments.describe("Churn")

    def test_a_name_is_taken_once_whatever_its_case(self, experiments: Experiments) -> None:
        experiments.create({"ExperimentName": "Churn"})
        with pytest.raises(ConflictError, match="'CHURN' already exists"):
            experiments.create({"ExperimentName": "CHURN"})

    @pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a" * 121, "a/b", None, 7])
    def test_a_name_that_aws_refuses_is_refused(self, experiments: Experiments, name: Json) -> None:
        with pytest.raises(InvalidInputError, match="cannot be taken for a name"):
            experiments.create({"ExperimentName": name})

    def test_one_with_trials_stays(self, experiments: Experiments) -> None:
        experiments.open("Churn", "First")
        with pytest.raises(WrongStateError, match="has trials"):
            experiments.delete("churn")
        experiments.delete_trial("first")
        experiments.delete("churn")

    def test_they_are_listed_in_pages(self, experiments: Experiments, kept: Keeping) -> None:
        for name in ("b", "C", "a"):
            experiments.create({"ExperimentName": name})
            kept.clock.advance(timedelta(seconds=1))
        first, token = experiments.list(replace(NEWEST, limit=2))
        assert [one["ExperimentName"] for one in first] == ["a", "C"]
        assert names(experiments.list(replace(NEWEST, limit=2, after=token)), "ExperimentName") == ["b"]
        by_name = experiments.list(Selection(sort_by=SortBy.NAME))
        assert names(by_name, "ExperimentName") == ["a", "b", "C"]

    def test_what_is_missing_is_opened_by_making_it_once(self, experiments: Experiments) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: experiments.open("Churn", "First"), range(16)))
        assert names(experiments.list(NEWEST), "ExperimentName") == ["Churn"]
        assert names(experiments.list_trials(NEWEST, experiment="churn"), "TrialName") == ["First"]
        experiments.open("Alone")
        assert names(experiments.list_trials(NEWEST, experiment="alone"), "TrialName") == []


class TestTrials:
    def test_a_trial_is_made_changed_and_deleted(self, experiments: Experiments) -> None:
        experiments.create({"ExperimentName": "Churn"})
        made = experiments.create_trial(
            {"TrialName": "First", "ExperimentName": "CHURN", "MetadataProperties": {"CommitId": "c"}}
        )
        assert_fits(made, "DescribeTrial")
        assert made["ExperimentName"] == "Churn"
        assert made["TrialArn"] == "arn:aws:sagemaker:us-west-2:123456789012:experiment-trial/first"
        assert made["MetadataProperties"] == {"CommitId": "c"}
        assert experiments.update_trial({"TrialName": "first", "DisplayName": "D"})["DisplayName"] == "D"
        experiments.delete_trial("First")
        with pytest.raises(NotFoundError, match="no trial 'First'"):
            experiments.describe_trial("First")

    def test_a_trial_needs_its_experiment_and_a_name_of_its_own(self, experiments: Experiments) -> None:
        with pytest.raises(NotFoundError, match="no experiment 'none'"):
            experiments.create_trial({"TrialName": "First", "ExperimentName": "none"})
        experiments.open("churn", "first")
        with pytest.raises(ConflictError, match="already exists"):
            experiments.create_trial({"TrialName": "First", "ExperimentName": "churn"})

    def test_trials_are_listed_by_experiment_and_by_component(self, experiments: Experiments) -> None:
        for experiment, trial in (("a", "t1"), ("a", "t2"), ("b", "t3")):
            experiments.open(experiment, trial)
        for component in ("c", "cc"):
            experiments.components.create({"TrialComponentName": component})
        experiments.components.associate("c", "t1")
        experiments.components.associate("c", "t3")
        experiments.components.associate("cc", "t2")
        by_name = Selection(sort_by=SortBy.NAME)
        assert names(experiments.list_trials(by_name), "TrialName") == ["t1", "t2", "t3"]
        assert names(experiments.list_trials(by_name, experiment="A"), "TrialName") == ["t1", "t2"]
        assert names(experiments.list_trials(by_name, component="C"), "TrialName") == ["t1", "t3"]
        assert names(experiments.list_trials(by_name, experiment="b", component="c"), "TrialName") == ["t3"]
        with pytest.raises(NotFoundError):
            experiments.list_trials(by_name, experiment="none")
        with pytest.raises(NotFoundError):
            experiments.list_trials(by_name, component="none")

    def test_one_with_components_stays(self, experiments: Experiments) -> None:
        experiments.open("a", "t")
        experiments.components.create({"TrialComponentName": "c"})
        experiments.components.associate("c", "t")
        with pytest.raises(WrongStateError, match="are associated"):
            experiments.delete_trial("t")
        experiments.components.disassociate("c", "t")
        experiments.delete_trial("t")


class TestComponentsOf:
    def test_components_are_listed_by_experiment_trial_and_source(self, experiments: Experiments) -> None:
        components = experiments.components
        experiments.open("a", "t1")
        experiments.open("a", "t2")
        experiments.open("b", "t3")
        for name in ("c1", "c2", "c3"):
            components.create({"TrialComponentName": name})
        components.create({"TrialComponentName": "job-1"}, source={"SourceArn": JOB, "SourceType": "x"})
        for name, trial in (("c1", "t1"), ("c1", "t2"), ("c2", "t2"), ("c3", "t3")):
            components.associate(name, trial)

        def listed(**filters: str) -> list[str]:
            found = experiments.list_components(Selection(sort_by=SortBy.NAME), **filters)
            return names(found, "TrialComponentName")

        assert listed() == ["c1", "c2", "c3", "job-1"]
        assert listed(trial="T2") == ["c1", "c2"]
        assert listed(experiment="a") == ["c1", "c2"]
        assert listed(experiment="b") == ["c3"]
        assert listed(source=JOB) == ["job-1"]
        assert listed(source=f"{JOB}0") == []
        for missing in ({"trial": "none"}, {"experiment": "none"}):
            with pytest.raises(NotFoundError):
                listed(**missing)

    def test_the_components_of_a_trial_come_in_pages_too(
        self, experiments: Experiments, kept: Keeping
    ) -> None:
        experiments.open("a", "t")
        for number in range(5):
            kept.clock.advance(timedelta(seconds=1))
            experiments.components.create({"TrialComponentName": f"c{number}"})
            experiments.components.associate(f"c{number}", "t")
        gathered: list[Json] = []
        token = None
        while True:
            found, token = experiments.list_components(replace(NEWEST, limit=2, after=token), trial="t")
            gathered += [one["TrialComponentName"] for one in found]
            if token is None:
                break
        assert gathered == ["c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("Churn", "Churn"), ("a_b c", "a-b-c"), ("--x--", "x"), ("", "unnamed"), ("é", "unnamed"),
     ("a" * 300, "a" * LONGEST_ENTITY_NAME), ("a" * 119 + "-b", "a" * 119)],
)  # fmt: skip
def test_the_nearest_name_that_aws_takes(experiments: Experiments, text: str, name: str) -> None:
    assert usable_name(text) == name
    experiments.create({"ExperimentName": name})
