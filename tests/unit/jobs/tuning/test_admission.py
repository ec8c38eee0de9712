"""Whether a tuning job can be done is known before it is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError, StepmillError, UnsupportedError
from stepmill.core.json import Json
from stepmill.core.statuses import JobStatus
from stepmill.jobs.admission import Admitted
from stepmill.jobs.algorithms import algorithm_asked
from stepmill.jobs.records import JobRecords, JobState
from stepmill.jobs.tuning.admission import admit_tuning
from stepmill.jobs.tuning.records import TUNING_JOB
from support.job_data import ended, open_store
from support.tuning import continuous, definition, ranges, tuning_request

KMEANS = "x.io/kmeans:1"


class Training:
    """Takes each training job, or refuses each; keeps what it was asked."""

    def __init__(self, refusal: StepmillError | None = None, notes: tuple[str, ...] = ()) -> None:
        self.asked: list[Any] = []
        self._refusal = refusal
        self._notes = notes

    def check(self, document: Json) -> Admitted:
        self.asked.append(document)
        if self._refusal is not None:
            raise self._refusal
        assert isinstance(document, dict)
        return Admitted("job", "arn", self._notes, algorithm=algorithm_asked(document))


@pytest.fixture
def jobs(tmp_path: Path) -> JobRecords:
    return JobRecords(open_store(tmp_path)[1], TUNING_JOB)


def admit(jobs: JobRecords, document: dict[str, Any], training: Training | None = None) -> Admitted:
    records = jobs._records
    return admit_tuning(
        document, training or Training(), records, Arns("us-west-2", "123456789012"), Path("/")
    )


def of_kmeans(metric: str = "test:msd", low: str = "2", high: str = "9", name: str = "k") -> dict[str, Any]:
    """A tuning job of a built-in algorithm."""
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/in"}}}
    return {
        **tuning_request(
            ParameterRanges=ranges(Integer=[{"Name": name, "MinValue": low, "MaxValue": high}]),
            HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": metric},
        ),
        "TrainingJobDefinition": definition(
            AlgorithmSpecification={"TrainingImage": KMEANS, "TrainingInputMode": "File"},
            StaticHyperParameters={"feature_dim": "3"},
            InputDataConfig=[channel],
        ),
    }


def test_both_ends_of_each_range_are_tried(jobs: JobRecords) -> None:
    training = Training(notes=("smaller than asked for",))
    admitted = admit(jobs, tuning_request(), training)
    assert admitted.name == "tune"
    assert admitted.arn.endswith(":hyper-parameter-tuning-job/tune")
    assert admitted.notes == ("smaller than asked for",)
    assert training.asked[0]["HyperParameters"]["eta"] == "0.01"


def test_what_keeps_a_trial_from_being_taken_is_told_before_its_metric(jobs: JobRecords) -> None:
    # Of an image that is not there nobody can say which metrics it has.
    document = tuning_request(HyperParameterTuningJobObjective={"Type": "Maximize", "MetricName": "f1"})
    refusal = UnsupportedError("The built-in algorithm 'ntm' is not offered yet.")
    with pytest.raises(StepmillError, match="'ntm' is not offered"):
        admit(jobs, document, Training(refusal))


def test_a_script_has_no_metric_but_those_that_are_defined(jobs: JobRecords) -> None:
    document = tuning_request(HyperParameterTuningJobObjective={"Type": "Maximize", "MetricName": "f1"})
    with pytest.raises(InvalidInputError, match=r"A metric is required .* Define 'f1'"):
        admit(jobs, document)


class TestBuiltInAlgorithms:
    def test_their_metrics_need_no_definition(self, jobs: JobRecords) -> None:
        assert admit(jobs, of_kmeans()).name == "tune"

    def test_own_metrics_are_taken_too(self, jobs: JobRecords) -> None:
        document = of_kmeans("mine")
        specification = document["TrainingJobDefinition"]["AlgorithmSpecification"]
        specification["MetricDefinitions"] = [{"Name": "mine", "Regex": "mine=(.*)"}]
        assert admit(jobs, document).name == "tune"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"metric": "test:mse"}, "A metric is required .* Did you mean 'test:msd'?"),
            ({"metric": "loss"}, "A metric is required .* kmeans reports train:msd"),
            ({"low": "0"}, "The value '0' is not valid for the 'k' hyperparameter"),
            ({"name": "kk"}, "'kk' was unexpected.* Did you mean 'k'?"),
        ],
    )
    def test_ranges_and_objective_are_held_against_the_algorithm(
        self, jobs: JobRecords, changes: dict[str, str], message: str
    ) -> None:
        with pytest.raises(InvalidInputError, match=message):
            admit(jobs, of_kmeans(**changes))


class TestParents:
    def of(self, kind: str = "IdenticalDataAndAlgorithm", **config: Any) -> dict[str, Any]:
        parent = {"HyperParameterTuningJobName": "earlier"}
        warm = {"WarmStartType": kind, "ParentHyperParameterTuningJobs": [parent]}
        return {**tuning_request(**config), "WarmStartConfig": warm}

    def finish(self, jobs: JobRecords, status: JobStatus = JobStatus.COMPLETED, **config: Any) -> None:
        jobs.open("earlier", tuning_request(name="earlier", **config), JobState("t", "arn:earlier"))
        jobs.change("earlier", lambda state: ended(state, status=status))

    @pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.STOPPED])
    def test_one_that_has_ended_is_taken(self, jobs: JobRecords, status: JobStatus) -> None:
        self.finish(jobs, status)
        assert admit(jobs, self.of()).name == "tune"

    def test_one_that_is_not_there(self, jobs: JobRecords) -> None:
        with pytest.raises(InvalidInputError, match="Could not find the parent tuning job 'earlier'"):
            admit(jobs, self.of())

    @pytest.mark.parametrize("status", [JobStatus.IN_PROGRESS, JobStatus.FAILED])
    def test_one_that_has_no_results(self, jobs: JobRecords, status: JobStatus) -> None:
        self.finish(jobs, status)
        with pytest.raises(InvalidInputError, match=f"is {status}; only completed or stopped ones"):
            admit(jobs, self.of())

    def test_another_objective(self, jobs: JobRecords) -> None:
        self.finish(jobs, HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "auc"})
        with pytest.raises(InvalidInputError, match=r"objective metric must be the same .* Minimize 'auc'"):
            admit(jobs, self.of())

    def test_another_number_of_hyperparameters(self, jobs: JobRecords) -> None:
        self.finish(jobs, ParameterRanges=ranges(Continuous=[continuous(), continuous("gamma")]))
        with pytest.raises(InvalidInputError, match=r"must remain the same .*: 3, not 2"):
            admit(jobs, self.of())

    def test_another_image_is_for_transfer_learning(self, jobs: JobRecords) -> None:
        self.finish(jobs)
        specification = {"TrainingImage": "other:1", "MetricDefinitions": [{"Name": "auc", "Regex": "a=(.)"}]}
        document = {"TrainingJobDefinition": definition(AlgorithmSpecification=specification)}
        with pytest.raises(InvalidInputError, match="training image must be that of the parent"):
            admit(jobs, {**self.of(), **document})
        assert admit(jobs, {**self.of("TransferLearning"), **document}).name == "tune"
