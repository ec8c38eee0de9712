"""A tuning job from its task to its final report, with a compute whose jobs are functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.catalog.tags import Tags
from stepmill.compute.spec import JobSpec
from stepmill.core.arns import Arns
from stepmill.core.errors import InvalidInputError, StorageFullError, UnsupportedError
from stepmill.core.json import object_of
from stepmill.core.statuses import JobStatus
from stepmill.core.tasks import TaskFailed, TaskStopped, TaskSucceeded
from stepmill.jobs.describing import describe
from stepmill.jobs.records import TRAINING_JOB, JobRecords, state_of
from stepmill.jobs.services import JobServices
from stepmill.jobs.training import training_handler
from stepmill.jobs.tuning.handler import RESOURCE, TuningHandler
from stepmill.jobs.tuning.jobs import TuningJobs
from stepmill.jobs.tuning.records import TUNING_JOB, TrialRecords
from support.cli import eventually
from support.fake_compute import FakeCompute, FakeImages, Reports, task_for
from support.job_data import SteppingClock, channel, open_store, put
from support.tuning import continuous, definition, ranges, tuning_request
from support.written_logs import WrittenLog

LIMIT_S = 60.0
OUT = {"S3OutputPath": "s3://data/out"}
RUN = {"ContainerEntrypoint": ["python3", "train.py"]}


def request(**more: Any) -> dict[str, Any]:
    """A request whose training jobs name what they run."""
    asked = tuning_request(**more)
    asked["TrainingJobDefinition"] = runnable(asked["TrainingJobDefinition"])
    return asked


def runnable(given: dict[str, Any]) -> dict[str, Any]:
    return {
        **given,
        "OutputDataConfig": OUT,
        "AlgorithmSpecification": {**given["AlgorithmSpecification"], **RUN},
    }


def hyperparameters(spec: JobSpec) -> dict[str, str]:
    ml = spec.mounts[0].source
    found: dict[str, str] = json.loads((ml / "input" / "config" / "hyperparameters.json").read_text())
    return found


def prints(value_of: Callable[[dict[str, str]], list[float]]) -> Callable[[JobSpec], int]:
    """A program that prints values of the objective."""

    def program(spec: JobSpec) -> int:
        log = WrittenLog(spec.folder)
        log.write([f"auc={value}\n".encode() for value in value_of(hyperparameters(spec))])
        log.end()
        return 0

    return program


class Home:
    """What outlives a process: the stores, and what runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store, self.records = open_store(folder / "home", "data")
        self.compute = FakeCompute(prints(lambda given: [float(given["eta"])]))
        self.images = FakeImages()
        self.reports = Reports()
        self._opened: list[Any] = []

    @property
    def arns(self) -> Arns:
        return Arns("us-west-2", "123456789012")

    def open(self) -> TuningHandler:
        """Open it, as a process that starts does."""
        self.close()
        services = JobServices(
            objects=self.store,
            records=self.records,
            compute=self.compute,
            images=self.images,
            clock=SteppingClock(),
            arns=self.arns,
            folder=self.folder / "home" / "jobs",
            project=self.folder,
            private=self.folder / "home",
        )
        training = training_handler(services)
        handler = TuningHandler(services, training)
        self._opened += [handler, training]
        return handler

    def close(self) -> None:
        for one in self._opened:
            one.close()
        self._opened.clear()

    def run(self, asked: dict[str, Any], reports: Reports | None = None) -> Any:
        """Do a tuning job to its end; return the last report."""
        reports = reports or self.reports
        name = asked["HyperParameterTuningJobName"]
        self.open().start(task_for(asked, RESOURCE, name), reports)
        eventually(lambda: reports.ended, f"{name} ends", LIMIT_S)
        return reports.last

    def described(self, name: str = "tune") -> dict[str, Any]:
        return TuningJobs(self.records, self.arns, SteppingClock()).describe(
            self.records.get(TUNING_JOB, name)
        )

    def begun(self) -> list[str]:
        return [spec.job_id for spec in self.compute.specs]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


class TestRunning:
    def test_a_tuning_job_runs_its_trials_and_tells_the_best_first(self, home: Home) -> None:
        ended = home.run(request(trials=6, parallel=2, Strategy="Random", RandomSeed=7))
        assert isinstance(ended, TaskSucceeded)
        assert ended.metadata == {"TuningJob": {"Arn": home.arns.sagemaker(TUNING_JOB, "tune")}}
        output = ended.output
        assert isinstance(output, dict)
        values = [
            one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            for one in output["TrainingJobSummaries"]
        ]
        assert values == sorted(values, reverse=True)
        assert len(values) == 6
        assert output["BestTrainingJob"] == output["TrainingJobSummaries"][0]
        assert output["HyperParameterTuningJobStatus"] == "Completed"
        assert output["TrainingJobStatusCounters"]["Completed"] == 6
        assert output["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}

    def test_trials_are_ordinary_training_jobs_that_name_their_tuning_job(self, home: Home) -> None:
        home.run({**request(trials=1), "Tags": [{"Key": "team", "Value": "blue"}]})
        (trial,) = TrialRecords(home.records).of("tune")
        assert trial.name.startswith("tune-001-")
        assert len(trial.name) == len("tune-001-") + 8
        job = describe(home.records.get(TRAINING_JOB, trial.name))
        assert job["TuningJobArn"] == home.arns.sagemaker(TUNING_JOB, "tune")
        assert job["HyperParameters"] == {"rounds": "10", "_tuning_objective_metric": "auc", **trial.tuned}
        assert job["FinalMetricDataList"][0]["Value"] == trial.objective
        assert Tags(home.records).of(job["TrainingJobArn"]) == {"team": "blue"}

    def test_trials_are_recorded_where_the_execution_is(self, home: Home) -> None:
        config = {"ExperimentName": "shells", "TrialName": "first"}
        task = task_for(request(trials=1), RESOURCE, "tune")
        home.open().start(msgspec.structs.replace(task, extra={"ExperimentConfig": config}), home.reports)
        eventually(lambda: home.reports.ended, "it ends", LIMIT_S)
        (trial,) = TrialRecords(home.records).of("tune")
        assert describe(home.records.get(TRAINING_JOB, trial.name))["ExperimentConfig"] == config

    def test_no_more_trials_run_at_once_than_asked_for(self, home: Home) -> None:
        home.compute.held = True
        home.open().start(task_for(request(trials=5, parallel=2), RESOURCE, "tune"), home.reports)
        for begun in (2, 4, 5):
            eventually(lambda begun=begun: len(home.begun()) == begun, f"{begun} have begun", LIMIT_S)
            assert home.described()["TrainingJobStatusCounters"]["InProgress"] <= 2
            home.compute.release()
        eventually(lambda: home.reports.ended, "it ends", LIMIT_S)

    def test_the_same_seed_proposes_the_same(self, home: Home) -> None:
        for name in ("one", "two"):
            home.run(request(name=name, trials=4, parallel=1, RandomSeed=3), Reports())
        one, two = ([trial.tuned for trial in TrialRecords(home.records).of(name)] for name in ("one", "two"))
        assert one == two

    def test_a_grid_runs_each_combination_once(self, home: Home) -> None:
        home.compute.program = prints(lambda given: [float(given["a"])])
        grid = ranges(Categorical=[{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y"]}])
        limits = {"MaxParallelTrainingJobs": 3}
        home.run(request(Strategy="Grid", ParameterRanges=grid, ResourceLimits=limits))
        tuned = [tuple(trial.tuned.values()) for trial in TrialRecords(home.records).of("tune")]
        assert tuned == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
        limits_told = home.described()["HyperParameterTuningJobConfig"]["ResourceLimits"]
        assert limits_told["MaxNumberOfTrainingJobs"] == 4

    def test_definitions_take_turns_and_each_has_a_best(self, home: Home) -> None:
        asked = request(trials=4)
        own = {
            "TuningObjective": {"Type": "Maximize", "MetricName": "auc"},
            "HyperParameterRanges": ranges(Continuous=[continuous()]),
        }
        del asked["TrainingJobDefinition"]
        asked["TrainingJobDefinitions"] = [
            runnable(definition(DefinitionName=name, **own)) for name in ("forest", "boost")
        ]
        asked["HyperParameterTuningJobConfig"] = {
            "Strategy": "Bayesian",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        }
        output = home.run(asked).output
        names = sorted(one["TrainingJobDefinitionName"] for one in output["TrainingJobSummaries"])
        assert names == ["boost", "boost", "forest", "forest"]
        statics = [one["StaticHyperParameters"] for one in output["TrainingJobDefinitions"]]
        assert all(static["_tuning_objective_metric"] == "auc" for static in statics)

    def test_a_target_that_is_reached_ends_the_job(self, home: Home) -> None:
        criteria = {"TargetObjectiveMetricValue": 0.001}
        home.run(request(trials=9, parallel=1, TuningJobCompletionCriteria=criteria))
        assert len(home.begun()) == 1
        assert state_of(home.records.get(TUNING_JOB, "tune")).notes == (
            "TargetObjectiveMetricValue (0.001) is reached",
        )


class TestFailing:
    def test_a_failed_trial_does_not_fail_the_job(self, home: Home) -> None:
        fine = home.compute.program

        def every_second_fails(spec: JobSpec) -> int:
            return 1 if "-002-" in spec.job_id else fine(spec)

        home.compute.program = every_second_fails
        output = home.run(request(trials=3, parallel=1)).output
        assert output["TrainingJobStatusCounters"]["NonRetryableError"] == 1
        assert output["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}

    def test_a_job_fails_after_five_failures_and_says_of_what(self, home: Home) -> None:
        home.compute.program = lambda _spec: 1
        ended = home.run(request(trials=20, parallel=1))
        assert isinstance(ended, TaskFailed)
        assert ended.cause.startswith("No training job succeeded after 5 attempts.")
        assert "tune-001-" in ended.cause
        assert len(home.begun()) == 5
        assert home.described()["FailureReason"].startswith("No training job succeeded after 5 attempts.")

    def test_a_metric_that_nobody_prints_fails_the_job(self, home: Home) -> None:
        home.compute.program = prints(lambda _given: [])
        ended = home.run(request(trials=2))
        assert isinstance(ended, TaskFailed)
        assert ended.cause.startswith("No objective metrics found after running 2 training jobs.")

    def test_a_task_whose_request_is_wrong_fails_at_once(self, home: Home) -> None:
        ended = home.run({**request(), "HyperParameterTuningJobConfig": {}})
        assert isinstance(ended, TaskFailed)
        assert home.records.find(TUNING_JOB, "tune") is None


class TestStopping:
    def test_stopping_stops_the_trials_and_then_the_job(self, home: Home) -> None:
        home.compute.held = True
        handler = home.open()
        task = task_for(request(trials=9, parallel=2), RESOURCE, "tune")
        handler.start(task, home.reports)
        eventually(lambda: len(home.begun()) == 2, "two run", LIMIT_S)
        handler.stop(task)
        eventually(lambda: len(home.compute.stopped) == 2, "both are asked to stop", LIMIT_S)
        assert home.described()["HyperParameterTuningJobStatus"] == "Stopping"
        home.compute.release()
        eventually(lambda: home.reports.ended, "it ends", LIMIT_S)
        assert isinstance(home.reports.last, TaskStopped)
        assert len(home.begun()) == 2
        assert home.described()["HyperParameterTuningJobStatus"] == "Stopped"

    def test_stopping_what_is_not_there_or_has_ended_does_nothing(self, home: Home) -> None:
        home.open().stop(task_for({}, RESOURCE, "nobody"))
        home.run(request(trials=1))
        home.open().stop(task_for({}, RESOURCE, "tune"))
        assert home.described()["HyperParameterTuningJobStatus"] == "Completed"

    def test_a_trial_that_does_worse_than_the_median_is_stopped(self, home: Home) -> None:
        good = prints(lambda _given: [0.8, 0.9])

        def fourth_is_bad_and_goes_on(spec: JobSpec) -> int:
            if "-004-" not in spec.job_id:
                return good(spec)
            log = WrittenLog(spec.folder)
            log.write([b"auc=0.1\n"])
            eventually(lambda: spec.folder in home.compute.stopped, "it is asked to stop", LIMIT_S)
            log.end()
            return 0

        home.compute.program = fourth_is_bad_and_goes_on
        home.run(request(trials=4, parallel=1, TrainingJobEarlyStoppingType="Auto"))
        trials = TrialRecords(home.records).of("tune")
        assert [trial.series for trial in trials] == [(0.8, 0.9)] * 3 + [(0.1,)]
        assert {folder.name for folder in home.compute.stopped} == {trials[3].name}

    def test_hyperband_stops_what_is_not_among_the_best_third(self, home: Home) -> None:
        values = {1: [0.9] * 3, 2: [0.8] * 3}

        def the_first_is_best(spec: JobSpec) -> int:
            number = int(spec.job_id.split("-")[1])
            log = WrittenLog(spec.folder)
            log.write([f"auc={value}\n".encode() for value in values.get(number, [0.1])])
            if number > 1:
                eventually(lambda: spec.folder in home.compute.stopped, "it is asked to stop", LIMIT_S)
            log.end()
            return 0

        home.compute.program = the_first_is_best
        config = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
        home.run(request(trials=3, parallel=1, Strategy="Hyperband", StrategyConfig=config))
        assert {folder.name[:8] for folder in home.compute.stopped} == {"tune-002", "tune-003"}


class TestGoingOn:
    def test_whoever_comes_next_goes_on_with_every_trial(self, home: Home) -> None:
        home.compute.held = True
        task = task_for(request(trials=5, parallel=2, RandomSeed=4), RESOURCE, "tune")
        home.open().start(task, Reports())
        eventually(lambda: len(home.begun()) == 2, "two run", LIMIT_S)
        begun = home.begun()
        home.open().start(task, home.reports)
        eventually(lambda: len(home.begun()) == 4, "both are picked up", LIMIT_S)
        assert sorted(home.begun()[2:]) == sorted(begun)
        home.compute.held = False
        home.compute.release()
        eventually(lambda: home.reports.ended, "it ends", LIMIT_S)
        assert [trial.number for trial in TrialRecords(home.records).of("tune")] == [1, 2, 3, 4, 5]

    def test_a_trial_that_ended_unseen_is_not_run_again(self, home: Home) -> None:
        asked = request(trials=2, parallel=1)
        home.run(asked, Reports())
        _, second = TrialRecords(home.records).of("tune")
        # As a crash leaves it between the end of the training job and that of its trial.
        home.records.update(
            "tuning-trial",
            second.name,
            lambda record: replace(record, body={**record.body, "status": "InProgress", "objective": None}),
        )
        state = {"status": JobStatus.IN_PROGRESS, "ended_at": None}
        home.records.update(
            TUNING_JOB,
            "tune",
            lambda record: replace(
                record, body={**record.body, "state": {**object_of(record.body["state"]), **state}}
            ),
        )
        count = len(home.begun())
        assert isinstance(home.run(asked), TaskSucceeded)
        assert len(home.begun()) == count
        assert TrialRecords(home.records).of("tune")[1].objective == second.objective

    def test_a_job_that_has_ended_is_only_told_again(self, home: Home) -> None:
        asked = request(trials=1)
        first = home.run(asked, Reports())
        again = home.run(asked)
        assert isinstance(again, TaskSucceeded)
        assert again.output == first.output
        assert len(home.begun()) == 1

    def test_a_job_that_was_asked_to_stop_stops_when_it_is_picked_up(self, home: Home) -> None:
        home.compute.held = True
        task = task_for(request(trials=5, parallel=1), RESOURCE, "tune")
        handler = home.open()
        handler.start(task, Reports())
        eventually(lambda: len(home.begun()) == 1, "one runs", LIMIT_S)
        handler.close()
        handler.stop(task)
        home.compute.held = False
        home.open().start(task, home.reports)
        eventually(lambda: home.reports.ended, "it ends", LIMIT_S)
        assert isinstance(home.reports.last, TaskStopped)

    def test_a_store_that_is_full_for_a_while_is_waited_for(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left = [2]

        def while_full(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any) -> Any:
                if left[0] > 0:
                    left[0] -= 1
                    raise StorageFullError("No room is left.")
                return real(*given)

            return call

        monkeypatch.setattr(TrialRecords, "add", while_full(TrialRecords.add))
        assert isinstance(home.run(request(trials=3, parallel=1)), TaskSucceeded)
        assert left == [0]
        assert [trial.number for trial in TrialRecords(home.records).of("tune")] == [1, 2, 3]
        assert len(home.begun()) == 3


class TestWarmStart:
    def start(self, kind: str, *parents: str, name: str = "child", **more: Any) -> dict[str, Any]:
        items = [{"HyperParameterTuningJobName": parent} for parent in parents]
        config = {"ParentHyperParameterTuningJobs": items, "WarmStartType": kind}
        return {**request(name=name, trials=2, **more), "WarmStartConfig": config}

    def test_the_overall_best_may_be_a_parents(self, home: Home) -> None:
        home.compute.program = prints(lambda _given: [0.9])
        home.run(request(trials=2), Reports())
        home.compute.program = prints(lambda _given: [0.5])
        home.run(self.start("IdenticalDataAndAlgorithm", "tune"))
        described = home.described("child")
        overall = described["OverallBestTrainingJob"]
        assert overall["TuningJobName"] == "tune"
        assert overall["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.9
        assert described["BestTrainingJob"]["TrainingJobName"].startswith("child-")

    def test_transfer_learning_has_no_overall_best(self, home: Home) -> None:
        home.run(request(trials=1), Reports())
        home.run(self.start("TransferLearning", "tune"))
        assert "OverallBestTrainingJob" not in home.described("child")

    def test_parents_must_be_there_have_ended_and_tune_for_the_same(self, home: Home) -> None:
        home.run(request(trials=1), Reports())
        handler = home.open()
        with pytest.raises(InvalidInputError, match="Could not find the parent tuning job 'nobody'"):
            handler.check(self.start("TransferLearning", "nobody"))
        other = {"Type": "Minimize", "MetricName": "auc"}
        with pytest.raises(InvalidInputError, match="The objective metric must be the same"):
            handler.check(self.start("TransferLearning", "tune", HyperParameterTuningJobObjective=other))
        wider = ranges(Continuous=[continuous(), continuous("mu")])
        with pytest.raises(InvalidInputError, match="must remain the same as in the parent"):
            handler.check(self.start("TransferLearning", "tune", ParameterRanges=wider))


class TestChecking:
    def test_a_right_request_is_admitted(self, home: Home) -> None:
        admitted = home.open().check(request())
        assert admitted.arn == home.arns.sagemaker(TUNING_JOB, "tune")

    def test_an_objective_that_no_metric_definition_has_is_refused(self, home: Home) -> None:
        asked = request(HyperParameterTuningJobObjective={"Type": "Maximize", "MetricName": "f1"})
        with pytest.raises(InvalidInputError, match="A metric is required for this hyperparameter") as caught:
            home.open().check(asked)
        assert caught.value.where == "TrainingJobDefinition.AlgorithmSpecification.MetricDefinitions"

    def test_what_a_training_job_would_be_refused_for_is_told_with_its_place(self, home: Home) -> None:
        asked = request()
        asked["TrainingJobDefinition"]["OutputDataConfig"] = {}
        with pytest.raises(InvalidInputError) as caught:
            home.open().check(asked)
        assert caught.value.where == "TrainingJobDefinition.OutputDataConfig.S3OutputPath"

    def test_several_hosts_are_refused_as_for_training_jobs(self, home: Home) -> None:
        asked = request()
        asked["TrainingJobDefinition"]["AlgorithmSpecification"]["AlgorithmName"] = "market"
        del asked["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"]
        with pytest.raises(UnsupportedError) as caught:
            home.open().check(asked)
        assert caught.value.where == "TrainingJobDefinition.AlgorithmSpecification.AlgorithmName"

    def boosted(self, home: Home, **more: Any) -> dict[str, Any]:
        """A tuning job of XGBoost's algorithm mode: no command, no metric definitions."""
        home.images.algorithm = "xgboost"
        put(home.store, **{"train/a.csv": "1,2"})
        objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
        asked = tuning_request(HyperParameterTuningJobObjective=objective, **more)
        train = {**channel("train", "s3://data/train"), "ContentType": "text/csv"}
        asked["TrainingJobDefinition"] = {
            **asked["TrainingJobDefinition"],
            "OutputDataConfig": OUT,
            "AlgorithmSpecification": {
                "TrainingImage": "x.io/sagemaker-xgboost:1.7-1",
                "TrainingInputMode": "File",
            },
            "StaticHyperParameters": {"num_round": "5"},
            "InputDataConfig": [train],
        }
        return asked

    def test_a_built_in_algorithm_needs_no_metric_definitions(self, home: Home) -> None:
        admitted = home.open().check(self.boosted(home))
        assert (admitted.name, admitted.arn) == ("tune", home.arns.sagemaker(TUNING_JOB, "tune"))

    @pytest.mark.parametrize(
        ("searched", "message"),
        [
            (ranges(Continuous=[continuous(low="0.1", high="1.5")]), "Hyperparameter eta: 1.5 is not in"),
            (
                ranges(Continuous=[continuous("etta")]),
                "found: etta. Did you mean 'eta'?",
            ),
            (
                ranges(Integer=[{"Name": "eta", "MinValue": "0", "MaxValue": "1"}]),
                "Hyperparameter eta is of type Continuous: it cannot have a Integer range.",
            ),
        ],
    )
    def test_ranges_are_held_against_what_an_algorithm_takes(
        self, home: Home, searched: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InvalidInputError) as caught:
            home.open().check(self.boosted(home, ParameterRanges=searched))
        assert message in caught.value.what

    def test_an_objective_that_the_algorithm_does_not_have(self, home: Home) -> None:
        asked = self.boosted(home)
        asked["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] = "loss"
        with pytest.raises(InvalidInputError, match="A metric is required"):
            home.open().check(asked)


def test_trials_of_deleted_tuning_jobs_stay_as_training_jobs(home: Home) -> None:
    home.run(request(trials=2))
    names = [trial.name for trial in TrialRecords(home.records).of("tune")]
    TuningJobs(home.records, home.arns, SteppingClock()).forget("tune")
    assert TrialRecords(home.records).of("tune") == []
    assert all(JobRecords(home.records, TRAINING_JOB).find(name) for name in names)


def test_a_task_knows_its_job_by_its_name(home: Home) -> None:
    home.open().start(task_for(request(name="other", trials=1), RESOURCE, "tune"), home.reports)
    eventually(lambda: home.reports.ended, "it ends", LIMIT_S)
    assert home.described()["HyperParameterTuningJobStatus"] == "Completed"
    assert home.records.find(TUNING_JOB, "other") is None
