from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.jobs.tuning.plan import Completion, Direction, Hyperband, Strategy, WarmStart, WarmStartType
from stepmill.jobs.tuning.ranges import CategoricalRange, ContinuousRange, IntegerRange, Scale
from stepmill.jobs.tuning.request import CONFIG, read_tuning_request
from support.tuning import OBJECTIVE, continuous, definition, plan, ranges, tuning_request

LIMITS = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
CATEGORIES = [{"Name": "kind", "Values": ["a", "b"]}, {"Name": "side", "Values": ["l", "r", "m"]}]


def refused(request: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_tuning_request(request)
    return str(caught.value)


def several(*names: str, **more: Any) -> dict[str, Any]:
    """A request with a definition of each name."""
    request = tuning_request()
    config = {"Strategy": "Random", "ResourceLimits": LIMITS, **more}
    own = {"TuningObjective": OBJECTIVE, "HyperParameterRanges": ranges(Continuous=[continuous()])}
    del request["TrainingJobDefinition"]
    definitions = [definition(DefinitionName=name, **own) for name in names]
    return {**request, CONFIG: config, "TrainingJobDefinitions": definitions}


class TestReading:
    def test_a_right_request_becomes_a_plan(self) -> None:
        read = plan(trials=7, parallel=3, RandomSeed=5)
        assert (read.name, read.strategy, read.most_trials, read.most_parallel) == (
            "tune",
            Strategy.BAYESIAN,
            7,
            3,
        )
        assert (read.seed, read.longest, read.early_stopping, read.warm_start) == (5, None, False, None)
        only = read.definitions[0]
        assert only.ranges == (ContinuousRange("eta", 0.01, 0.3),)
        assert (only.objective.direction, only.objective.metric) == (Direction.MAXIMIZE, "auc")
        assert only.static == {"rounds": "10"}

    def test_all_kinds_of_ranges_are_read_with_their_scales(self) -> None:
        read = plan(
            ParameterRanges=ranges(
                Integer=[continuous("depth", "1", "12", "Logarithmic")],
                Continuous=[continuous("momentum", "0.5", "0.999", "ReverseLogarithmic")],
                Categorical=[{"Name": "kind", "Values": ['"gbtree"', '"dart"', '"dart"']}],
            )
        )
        assert read.definitions[0].ranges == (
            IntegerRange("depth", 1, 12, Scale.LOGARITHMIC),
            ContinuousRange("momentum", 0.5, 0.999, Scale.REVERSE_LOGARITHMIC),
            CategoricalRange("kind", ('"gbtree"', '"dart"')),
        )

    def test_the_criteria_of_completion_are_read(self) -> None:
        read = plan(
            TuningJobCompletionCriteria={
                "TargetObjectiveMetricValue": 0.9,
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5},
                "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
            },
            ResourceLimits={**LIMITS, "MaxRuntimeInSeconds": 600},
            TrainingJobEarlyStoppingType="Auto",
        )
        assert read.completion == Completion(0.9, 5, on_convergence=True)
        assert read.longest == timedelta(minutes=10)
        assert read.watches

    def test_warm_start_names_its_parents_once(self) -> None:
        parents = [{"HyperParameterTuningJobName": name} for name in ("one", "two", "one")]
        start = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "TransferLearning"}
        read = read_tuning_request({**tuning_request(), "WarmStartConfig": start})
        assert read.warm_start == WarmStart(WarmStartType.TRANSFER, ("one", "two"))

    def test_definitions_take_turns(self) -> None:
        read = read_tuning_request(several("linear", "forest", "boost"))
        assert [one.name for one in read.definitions] == ["linear", "forest", "boost"]
        assert [read.slot(number) for number in range(1, 6)] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]

    def test_a_grid_has_as_many_trials_as_combinations(self) -> None:
        limits = {"MaxParallelTrainingJobs": 2}
        read = plan(Strategy="Grid", ParameterRanges=ranges(Categorical=CATEGORIES), ResourceLimits=limits)
        assert read.most_trials == 6
        assert [read.slot(number) for number in (1, 6)] == [(0, 0), (0, 5)]

    def test_the_trials_of_a_grid_go_definition_by_definition(self) -> None:
        request = several("one", "two", Strategy="Grid", ResourceLimits={"MaxParallelTrainingJobs": 2})
        for one in request["TrainingJobDefinitions"]:
            one["HyperParameterRanges"] = ranges(Categorical=CATEGORIES[:1])
        read = read_tuning_request(request)
        assert [read.slot(number) for number in range(1, read.most_trials + 1)] == [
            (0, 0),
            (0, 1),
            (1, 0),
            (1, 1),
        ]

    @pytest.mark.parametrize("name", ["epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs"])
    def test_hyperband_finds_its_most_in_a_static_hyperparameter(self, name: str) -> None:
        request = tuning_request(Strategy="Hyperband")
        request["TrainingJobDefinition"]["StaticHyperParameters"] = {name: '"27"'}
        assert read_tuning_request(request).hyperband == Hyperband(1, 27)

    def test_hyperband_takes_its_configuration(self) -> None:
        config = {"HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": 50}}
        assert plan(Strategy="Hyperband", StrategyConfig=config).hyperband == Hyperband(2, 50)

    def test_a_definition_may_have_ranges_and_objective_of_its_own(self) -> None:
        request = tuning_request()
        del request[CONFIG]["ParameterRanges"], request[CONFIG]["HyperParameterTuningJobObjective"]
        own = {"Type": "Minimize", "MetricName": "loss"}
        request["TrainingJobDefinition"] |= {
            "TuningObjective": own,
            "HyperParameterRanges": ranges(Continuous=[continuous("lr")]),
        }
        only = read_tuning_request(request).definitions[0]
        assert (only.objective.metric, only.ranges[0].name) == ("loss", "lr")


class TestRefusing:
    @pytest.mark.parametrize(
        ("config", "text", "where"),
        [
            ({"Strategy": "Guess"}, "none of Bayesian, Random, Hyperband, Grid", f"{CONFIG}.Strategy"),
            ({"RandomSeed": -1}, "at least 0", f"{CONFIG}.RandomSeed"),
            (
                {"ResourceLimits": {**LIMITS, "MaxRuntimeInSeconds": 60}},
                "at least 120",
                "MaxRuntimeInSeconds",
            ),
            (
                {"ResourceLimits": {"MaxParallelTrainingJobs": 2}},
                "MaxNumberOfTrainingJobs is missing",
                "Limits",
            ),
            ({"ParameterRanges": {}}, "no hyperparameter has a range", f"{CONFIG}.ParameterRanges"),
            ({"Strategy": "Grid"}, "supports only categorical", f"{CONFIG}.ParameterRanges"),
            (
                {"Strategy": "Hyperband"},
                "MaxResource parameter is not provided and could not be inferred",
                "HyperbandStrategyConfig.MaxResource",
            ),
            (
                {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 3, "MinResource": 1}}},
                "the strategy is another one",
                "HyperbandStrategyConfig",
            ),
            (
                {
                    "Strategy": "Hyperband",
                    "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 3, "MinResource": 4}},
                },
                "MinResource 4 is greater than MaxResource 3",
                "HyperbandStrategyConfig",
            ),
            (
                {
                    "Strategy": "Hyperband",
                    "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}},
                    "TrainingJobEarlyStoppingType": "Auto",
                },
                "must be Off to use Hyperband",
                "TrainingJobEarlyStoppingType",
            ),
            (
                {
                    "TuningJobCompletionCriteria": {
                        "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 2}
                    }
                },
                "at least 3",
                "MaxNumberOfTrainingJobsNotImproving",
            ),
        ],
    )
    def test_a_wrong_configuration_is_told_with_its_place(
        self, config: dict[str, Any], text: str, where: str
    ) -> None:
        told = refused(tuning_request(**config))
        assert text in told
        assert where in told

    @pytest.mark.parametrize(
        ("kind", "item", "text"),
        [
            ("Continuous", continuous(low="1", high="0.5"), "MinValue 1 is greater than MaxValue 0.5"),
            ("Continuous", continuous(low="x"), "'x' is no number"),
            ("Continuous", continuous(high="inf"), "'inf' is no number"),
            ("Continuous", continuous(low="0", scale="Logarithmic"), "only values greater than 0"),
            ("Continuous", continuous(high="1", scale="ReverseLogarithmic"), "entirely within 0<=x<1.0"),
            (
                "Integer",
                continuous(low="1", high="9", scale="ReverseLogarithmic"),
                "only for continuous ranges",
            ),
            ("Integer", continuous(low="0.5", high="9"), "'0.5' is no whole number"),
            ("Integer", continuous(low="1", high="1e300"), "'1e300' is no whole number"),
            ("Categorical", {"Name": "kind", "Values": []}, "has no values"),
            ("Categorical", {"Name": "kind", "Values": [str(n) for n in range(31)]}, "At most 30 values"),
            ("Categorical", {"Name": "", "Values": ["a"]}, "1 to 256 characters"),
            ("Continuous", {"Name": "eta", "MinValue": "0"}, "MaxValue is missing"),
        ],
    )
    def test_a_wrong_range_is_told(self, kind: str, item: dict[str, Any], text: str) -> None:
        assert text in refused(tuning_request(ParameterRanges=ranges(**{kind: [item]})))

    def test_everything_that_is_wrong_is_told_at_once(self) -> None:
        request = tuning_request(
            ParameterRanges=ranges(
                Continuous=[continuous(low="1", high="0"), continuous("mu", low="x")],
                Integer=[continuous("n", "a")],
            ),
            RandomSeed=-4,
        )
        told = refused(request)
        assert told.startswith("4 errors detected: ")
        assert f"{CONFIG}.ParameterRanges.ContinuousParameterRanges[1].MinValue" in told

    def test_a_name_with_two_ranges_is_refused(self) -> None:
        both = ranges(Continuous=[continuous("x")], Categorical=[{"Name": "x", "Values": ["1"]}])
        assert "'x' has 2 ranges" in refused(tuning_request(ParameterRanges=both))

    def test_more_than_30_hyperparameters_are_refused(self) -> None:
        many = ranges(
            Continuous=[continuous(f"x{n}") for n in range(20)],
            Integer=[continuous(f"n{n}", "1", "2") for n in range(11)],
        )
        assert "at most 30 hyperparameters, not 31" in refused(tuning_request(ParameterRanges=many))

    def test_a_static_hyperparameter_with_a_range_is_refused(self) -> None:
        request = tuning_request(ParameterRanges=ranges(Continuous=[continuous("rounds")]))
        assert "TrainingJobDefinition.StaticHyperParameters['rounds']" in refused(request)

    def test_a_grid_of_another_size_is_refused(self) -> None:
        told = refused(
            tuning_request(trials=5, Strategy="Grid", ParameterRanges=ranges(Categorical=CATEGORIES))
        )
        assert "MaxNumberOfTrainingJobs is 5, and the grid has 6 combinations" in told

    @pytest.mark.parametrize("name", ["", "-a", "a-", "a" * 33, "a_b", "a" + "-" * 40])
    def test_a_wrong_name_is_refused(self, name: str) -> None:
        if name:
            assert "cannot be the name of a tuning job" in refused(tuning_request(name=name))
        else:
            assert read_tuning_request(tuning_request(name=name)).name == ""

    def test_one_definition_or_a_list_is_needed(self) -> None:
        request = tuning_request()
        both = {**request, "TrainingJobDefinitions": [request["TrainingJobDefinition"]]}
        none = {name: value for name, value in request.items() if name != "TrainingJobDefinition"}
        assert "Exactly one" in refused(both)
        assert "Exactly one" in refused(none)

    def test_definitions_of_the_same_name_are_refused(self) -> None:
        assert "2 definitions have the name 'a'" in refused(several("a", "a"))

    def test_warm_start_and_early_stopping_are_for_one_definition(self) -> None:
        request = several("a", "b", TrainingJobEarlyStoppingType="Auto")
        request["WarmStartConfig"] = {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "p"}],
            "WarmStartType": "TransferLearning",
        }
        told = refused(request)
        assert "Early stopping is available only when tuning a single algorithm" in told
        assert "Warm start is available only when tuning a single algorithm" in told

    def test_six_parents_are_too_many(self) -> None:
        parents = [{"HyperParameterTuningJobName": f"p{n}"} for n in range(6)]
        start = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "TransferLearning"}
        assert "1 to 5 parents" in refused({**tuning_request(), "WarmStartConfig": start})

    def test_autotune_is_refused_by_its_name(self) -> None:
        with pytest.raises(UnsupportedError, match="Autotune"):
            read_tuning_request({**tuning_request(), "Autotune": {"Mode": "Enabled"}})
        auto = {"AutoParameters": [{"Name": "eta", "ValueHint": "0.1"}]}
        with pytest.raises(UnsupportedError, match=r"Autotune.*AutoParameters"):
            read_tuning_request(tuning_request(ParameterRanges=auto))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([CONFIG, "TrainingJobDefinition", "Strategy", "ResourceLimits", "Name"]),
                    inner,
                )
            ),
        )
    )
    def test_whatever_comes_is_read_or_refused(self, document: Any) -> None:
        with pytest.raises((InvalidInputError, UnsupportedError)):
            read_tuning_request(document)
