"""Tuning steps: one training, tried with many hyperparameters. Source: CreateHyperParameterTuningJob."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import ClassVar, Literal, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, JobStep, Number, cache_document
from stepmill.sdk.training import TrainingStep, script_text
from stepmill.sdk.values import Join, Producer, Value, contents, render, render_text

Scale: TypeAlias = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]
Strategy: TypeAlias = Literal["Bayesian", "Random", "Hyperband", "Grid"]

# Members of a training job's request that those of a tuning job have, too.
_SHARED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "Environment",
    "EnableNetworkIsolation",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
)


@dataclass(frozen=True)
class Between:
    """A range of numbers, both ends included. Whole ends make a range of whole numbers.

    Args:
        low: The least.
        high: The greatest.
        scale: On which the values are equally likely at first; ``Auto``: logarithmic for a wide range above
            zero, else linear.
        whole: Whether only whole numbers are tried; ``None``: if both ends are ``int``.
    """

    low: float | Value
    high: float | Value
    scale: Scale = "Auto"
    whole: bool | None = None

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are tried."""
        if self.whole is not None:
            return self.whole
        return isinstance(self.low, int) and isinstance(self.high, int)


Searched: TypeAlias = "Between | Sequence[object]"


@dataclass(eq=False, repr=False, kw_only=True)
class TuningStep(JobStep):
    """Try a training with many hyperparameters, and keep the best.

    ``step.model`` is the address of the best ``model.tar.gz``, ``step.best`` the value of its objective,
    ``step.hyperparameter("alpha")`` the value that was found.

    Args:
        training: What is tried. It is no step of the pipeline itself; its ``metrics`` have the objective.
        ranges: Hyperparameter -> ``Between(low, high)``, or the list of values to try.
        minimize: Name of the metric that is to be small.
        maximize: Name of the metric that is to be great; give one of both.
        trials: So many trainings at most; of a grid all combinations.
        parallel: So many at once.
        strategy: How hyperparameters are chosen.
        epochs: For Hyperband: the least and the most values of the objective that a training prints.
        early_stopping: Whether trainings that do badly are stopped.
        target: Value of the objective that will do.
        seed: With the same one the same values are tried.
        max_tuning_time: After which it is over.
        cache: ``True``, or for how long a result stays good; ``None``: as the pipeline says.

    Example:
        >>> fit = TrainingStep("Fit", entry_point="train.py", metrics={"rmse": r"rmse=([0-9.]+)"})
        >>> tune = TuningStep("Tune", training=fit, ranges={"alpha": Between(0.001, 10.0)}, minimize="rmse")
        >>> tune.best
        <Tune.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value>
    """

    _type: ClassVar[str] = "Tuning"

    training: TrainingStep
    ranges: Mapping[str, Searched] = field(default_factory=dict)
    minimize: str = ""
    maximize: str = ""
    trials: Number = 10
    parallel: Number = 1
    strategy: Strategy = "Bayesian"
    epochs: tuple[int, int] | None = None
    early_stopping: bool = False
    target: float | Value | None = None
    seed: Number | None = None
    max_tuning_time: timedelta | None = None
    cache: Cache | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.minimize) == bool(self.maximize):
            raise InvalidInputError(
                "A tuning step has one objective.",
                where=self.where,
                mend="Give minimize or maximize: the name of a metric of the training.",
            )
        if not self.ranges:
            raise InvalidInputError(
                "There is nothing to tune.",
                where=self.where,
                mend="Give ranges: {'alpha': Between(0.1, 10.0)}.",
            )

    @property
    def model(self) -> Join:
        """The address of the ``model.tar.gz`` of the best training."""
        return self.model_of(0)

    @property
    def best(self) -> Property:
        """The best value of the objective."""
        return self.properties.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value

    def model_of(self, place: int) -> Join:
        """Return the address of the ``model.tar.gz`` of one of the best 50 trainings.

        Args:
            place: 0 for the best.
        """
        base = self.properties.TrainingJobDefinition.OutputDataConfig.S3OutputPath
        name = self.properties.TrainingJobSummaries[place].TrainingJobName
        return Join([base, name, "output", "model.tar.gz"], on="/")

    def hyperparameter(self, name: str) -> Property:
        """Return the value that the best training had, as text."""
        return self.properties.BestTrainingJob.TunedHyperParameters[name]

    def contents(self) -> Iterator[Value | Producer]:
        """Yield the values and steps that this step, with its training, speaks of."""
        for each in fields(self):
            if each.name != "training":
                yield from contents(getattr(self, each.name))
        yield from self.training.contents()

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateHyperParameterTuningJob request."""
        objective, direction = (self.minimize, "Minimize") if self.minimize else (self.maximize, "Maximize")
        limits: dict[str, Json] = {"MaxParallelTrainingJobs": render(self.parallel)}
        if self.strategy != "Grid":
            limits["MaxNumberOfTrainingJobs"] = render(self.trials)
        if self.max_tuning_time is not None:
            limits["MaxRuntimeInSeconds"] = int(self.max_tuning_time.total_seconds())
        config: dict[str, Json] = {
            "Strategy": self.strategy,
            "HyperParameterTuningJobObjective": {"Type": direction, "MetricName": objective},
            "ResourceLimits": limits,
            "ParameterRanges": self._ranges(),
            "TrainingJobEarlyStoppingType": "Auto" if self.early_stopping else "Off",
        }
        if self.epochs is not None:
            least, most = self.epochs
            config["StrategyConfig"] = {
                "HyperbandStrategyConfig": {"MinResource": least, "MaxResource": most}
            }
        if self.target is not None:
            config["TuningJobCompletionCriteria"] = {"TargetObjectiveMetricValue": render(self.target)}
        if self.seed is not None:
            config["RandomSeed"] = render(self.seed)
        document: dict[str, Json] = {
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": self._definition(site),
        }
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return retries and caching."""
        return self.retries_document() | cache_document(self.cache, site, self.where)

    def _definition(self, site: Site) -> JsonObject:
        # Each trial keeps its checkpoints below its own name anyway, and nothing else is named for its job.
        given = dict(self.training.arguments_document(replace(site, in_loop=False)))
        if self.training.output_path is None:
            given["OutputDataConfig"] = {"S3OutputPath": render(site.training_uri(self.name))}
        document = {name: given[name] for name in _SHARED if name in given}
        static = given.get("HyperParameters")
        if isinstance(static, Mapping):
            document["StaticHyperParameters"] = {
                name: value for name, value in static.items() if name not in self.ranges
            }
        return document

    def _ranges(self) -> JsonObject:
        found: dict[str, list[Json]] = {}
        for name, searched in self.ranges.items():
            if isinstance(searched, Between):
                kind = "Integer" if searched.is_whole else "Continuous"
                item: dict[str, Json] = {
                    "Name": name,
                    "MinValue": render_text(searched.low, self.where),
                    "MaxValue": render_text(searched.high, self.where),
                    "ScalingType": searched.scale,
                }
            else:
                kind = "Categorical"
                item = {"Name": name, "Values": [self._category(value) for value in searched]}
            found.setdefault(f"{kind}ParameterRanges", []).append(item)
        return dict(found)

    def _category(self, value: object) -> Json:
        where = f"{self.where}, ranges"
        is_script = self.training.entry_point is not None
        return script_text(value, where) if is_script else render_text(value, where)
