"""Reads a CreateHyperParameterTuningJob request: all that is wrong with it is told at once.

Source: API reference, CreateHyperParameterTuningJob and the shapes below it; developer guide, "Understand the
hyperparameter tuning strategies", "Tune Multiple Algorithms": warm start and early stopping are for one
algorithm only.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from enum import StrEnum

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import Json
from stepmill.jobs.requests.fields import Fields
from stepmill.jobs.tuning.findings import Findings
from stepmill.jobs.tuning.plan import (
    Completion,
    Definition,
    Direction,
    Hyperband,
    Objective,
    Plan,
    Strategy,
    WarmStart,
    WarmStartType,
)
from stepmill.jobs.tuning.ranges import CategoricalRange, combinations, number_of
from stepmill.jobs.tuning.reading_ranges import read_ranges

CONFIG = "HyperParameterTuningJobConfig"
NAME = "HyperParameterTuningJobName"

_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_DEFINITION_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}")
LONGEST_NAME = 32
_LONGEST_DEFINITION_NAME = 64
# API reference, the shapes' limits.
_MOST_DEFINITIONS = 10
_MOST_PARENTS = 5
_RUNTIME_S = (120, 15_768_000)
_LEAST_NOT_IMPROVING = 3
_MOST_RESOURCE = 20_000
# API reference, HyperbandStrategyConfig: where MaxResource is looked for.
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")


class _EarlyStopping(StrEnum):
    OFF = "Off"
    AUTO = "Auto"


class _OnConvergence(StrEnum):
    DISABLED = "Disabled"
    ENABLED = "Enabled"


def read_tuning_request(document: Json) -> Plan:
    """Read the request.

    Args:
        document: The request, resolved.

    Raises:
        InvalidInputError: If values cannot be taken; it tells of all of them.
        UnsupportedError: If it asks for what is not offered.
    """
    fields = Fields(document)
    if fields.has("Autotune"):
        raise UnsupportedError(
            "Autotune is not offered: SageMaker does not document how it chooses.",
            where="Autotune",
            mend="Give ranges, limits and a strategy.",
        )
    findings = Findings()
    plans: list[Plan] = []
    with findings.noted():
        plans.append(_read(fields, findings))
    findings.tell()
    return plans[0]


def check_tuning_job_name(name: str, where: str = NAME) -> str:
    """Return the name of a tuning job.

    Raises:
        InvalidInputError: If SageMaker would not take it.
    """
    # The length comes first: the pattern takes time to say no to a long row of hyphens.
    if len(name) > LONGEST_NAME or not _JOB_NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:100]!r} cannot be the name of a tuning job.",
            where=where,
            mend=f"Take 1 to {LONGEST_NAME} letters, digits and hyphens, no hyphen at either end.",
        )
    return name


def _read(fields: Fields, findings: Findings) -> Plan:
    name = fields.text(NAME, "")
    if name:
        with findings.noted():
            check_tuning_job_name(name)
    config = fields.fields(CONFIG, required=True)
    strategy = config.choice("Strategy", Strategy)
    definitions = _definitions(fields, config, findings)
    limits = config.fields("ResourceLimits", required=True)
    early = _EarlyStopping.OFF
    with findings.noted():
        early = config.choice("TrainingJobEarlyStoppingType", _EarlyStopping, _EarlyStopping.OFF)
    plan = Plan(
        name=name,
        document=fields.members,
        strategy=strategy,
        definitions=definitions,
        most_trials=_most_trials(limits, strategy, definitions, findings),
        most_parallel=_whole(limits, "MaxParallelTrainingJobs", findings, least=1) or 1,
        longest=_longest(limits, findings),
        early_stopping=early is _EarlyStopping.AUTO,
        completion=_completion(config, findings),
        hyperband=_hyperband(config, strategy, definitions, findings),
        warm_start=_warm_start(fields, findings),
        seed=_whole(config, "RandomSeed", findings, least=0) if config.has("RandomSeed") else None,
    )
    _check_together(plan, findings)
    return plan


def _definitions(fields: Fields, config: Fields, findings: Findings) -> tuple[Definition, ...]:
    several = fields.each("TrainingJobDefinitions")
    if fields.has("TrainingJobDefinition") == bool(several):
        raise InvalidInputError(
            "Exactly one of TrainingJobDefinition and TrainingJobDefinitions is needed.",
            where="TrainingJobDefinition",
            mend="Give one definition, or a list of them.",
        )
    if len(several) > _MOST_DEFINITIONS:
        findings.add(f"At most {_MOST_DEFINITIONS} definitions are possible.", "TrainingJobDefinitions")
    items = several or [fields.fields("TrainingJobDefinition")]
    found = []
    for item in items:
        with findings.noted():
            found.append(_definition(item, config, findings, is_named=bool(several)))
    for name, count in Counter(one.name for one in found if one.name).items():
        if count > 1:
            findings.add(f"{count} definitions have the name {name!r}.", "TrainingJobDefinitions")
    return tuple(found)


def _definition(item: Fields, config: Fields, findings: Findings, *, is_named: bool) -> Definition:
    name = item.text("DefinitionName", None if is_named else "")
    if name and (len(name) > _LONGEST_DEFINITION_NAME or not _DEFINITION_NAME.fullmatch(name)):
        findings.add(f"{name[:100]!r} cannot be the name of a definition.", item.place("DefinitionName"))
    own = item.fields("HyperParameterRanges")
    source = own if own.members or is_named else config.fields("ParameterRanges")
    ranges = read_ranges(source, findings)
    if not any(source.each(f"{kind}ParameterRanges") for kind in ("Integer", "Continuous", "Categorical")):
        findings.add(
            "There is nothing to tune: no hyperparameter has a range.",
            source.where,
            "Give IntegerParameterRanges, ContinuousParameterRanges or CategoricalParameterRanges.",
        )
    static = item.text_map("StaticHyperParameters")
    for one in ranges:
        if one.name in static:
            findings.add(
                f"The hyperparameter {one.name!r} is static and has a range, too.",
                f"{item.place('StaticHyperParameters')}[{one.name!r}]",
                "Leave out one of them.",
            )
    item.fields("StoppingCondition", required=True)
    item.text("RoleArn")
    return Definition(name, item.where, _objective(item, config), ranges, static, item.members)


def _objective(item: Fields, config: Fields) -> Objective:
    own = item.fields("TuningObjective")
    objective = own if own.members else config.fields("HyperParameterTuningJobObjective", required=True)
    return Objective(objective.choice("Type", Direction), objective.text("MetricName"))


def _most_trials(
    limits: Fields, strategy: Strategy, definitions: tuple[Definition, ...], findings: Findings
) -> int:
    if strategy is not Strategy.GRID:
        return _whole(limits, "MaxNumberOfTrainingJobs", findings, least=1) or 1
    for definition in definitions:
        for one in definition.ranges:
            if not isinstance(one, CategoricalRange):
                findings.add(
                    f"Grid search supports only categorical hyperparameters; {one.name!r} is none.",
                    f"{CONFIG}.ParameterRanges",
                    "Give it CategoricalParameterRanges, or choose another strategy.",
                )
    size = sum(combinations(definition.ranges) for definition in definitions)
    if not limits.has("MaxNumberOfTrainingJobs"):
        return size
    most = _whole(limits, "MaxNumberOfTrainingJobs", findings, least=1)
    if most is not None and most != size:
        findings.add(
            f"MaxNumberOfTrainingJobs is {most}, and the grid has {size} combinations.",
            limits.place("MaxNumberOfTrainingJobs"),
            "Leave it out, or give that number.",
        )
    return most or 1


def _whole(
    fields: Fields, member: str, findings: Findings, *, least: int, most: int | None = None
) -> int | None:
    """Return a whole number; ``None`` if it is wrong, which is noted."""
    with findings.noted():
        value = fields.integer(member, least=least)
        if most is None or value <= most:
            return value
        findings.add(f"{member} is at most {most}, not {value}.", fields.place(member))
    return None


def _longest(limits: Fields, findings: Findings) -> timedelta | None:
    if not limits.has("MaxRuntimeInSeconds"):
        return None
    least, most = _RUNTIME_S
    seconds = _whole(limits, "MaxRuntimeInSeconds", findings, least=least, most=most)
    return timedelta(seconds=seconds) if seconds is not None else None


def _completion(config: Fields, findings: Findings) -> Completion:
    criteria = config.fields("TuningJobCompletionCriteria")
    target = None
    if criteria.has("TargetObjectiveMetricValue"):
        target = number_of(criteria.text("TargetObjectiveMetricValue"))
        if target is None:
            findings.add("A number is expected here.", criteria.place("TargetObjectiveMetricValue"))
    not_improving = None
    below = criteria.fields("BestObjectiveNotImproving")
    if below.has("MaxNumberOfTrainingJobsNotImproving"):
        not_improving = _whole(
            below, "MaxNumberOfTrainingJobsNotImproving", findings, least=_LEAST_NOT_IMPROVING
        )
    convergence = criteria.fields("ConvergenceDetected")
    on_convergence = _OnConvergence.DISABLED
    with findings.noted():
        on_convergence = convergence.choice("CompleteOnConvergence", _OnConvergence, _OnConvergence.DISABLED)
    return Completion(target, not_improving, on_convergence is _OnConvergence.ENABLED)


def _hyperband(
    config: Fields, strategy: Strategy, definitions: tuple[Definition, ...], findings: Findings
) -> Hyperband | None:
    strategy_config = config.fields("StrategyConfig")
    below = strategy_config.fields("HyperbandStrategyConfig")
    if strategy is not Strategy.HYPERBAND:
        if below.members:
            findings.add(
                "HyperbandStrategyConfig is given, and the strategy is another one.",
                below.where,
                "Leave it out, or set Strategy to Hyperband.",
            )
        return None
    least = _whole(below, "MinResource", findings, least=1) if below.has("MinResource") else 1
    most: int | None
    if below.has("MaxResource"):
        most = _whole(below, "MaxResource", findings, least=1, most=_MOST_RESOURCE)
    else:
        most = _epochs(definitions)
        if most is None:
            findings.add(
                "MaxResource parameter is not provided and could not be inferred from provided static "
                "hyperparameters of TrainingJobDefinition.",
                below.place("MaxResource"),
                f"Give it, or one of {', '.join(_EPOCHS)} in StaticHyperParameters.",
            )
    if least is None or most is None:
        return None
    if least > most:
        findings.add(f"MinResource {least} is greater than MaxResource {most}.", below.where)
    return Hyperband(least, most)


def _epochs(definitions: tuple[Definition, ...]) -> int | None:
    for definition in definitions:
        for name in _EPOCHS:
            value = number_of(definition.static.get(name, "").strip('"'))
            if value is not None and value.is_integer() and 1 <= value <= _MOST_RESOURCE:
                return int(value)
    return None


def _warm_start(fields: Fields, findings: Findings) -> WarmStart | None:
    if not fields.has("WarmStartConfig"):
        return None
    config = fields.fields("WarmStartConfig")
    items = config.each("ParentHyperParameterTuningJobs")
    if not 1 <= len(items) <= _MOST_PARENTS:
        findings.add(
            f"1 to {_MOST_PARENTS} parents are expected here, not {len(items)}.",
            config.place("ParentHyperParameterTuningJobs"),
        )
    names = dict.fromkeys(item.text(NAME) for item in items)
    return WarmStart(config.choice("WarmStartType", WarmStartType), tuple(names))


def _check_together(plan: Plan, findings: Findings) -> None:
    early = f"{CONFIG}.TrainingJobEarlyStoppingType"
    if plan.early_stopping and plan.strategy is Strategy.HYPERBAND:
        findings.add(
            "TrainingJobEarlyStoppingType must be Off to use Hyperband, which has early stopping of its own.",
            early,
            "Leave it out.",
        )
    if len(plan.definitions) > 1:
        if plan.early_stopping:
            findings.add("Early stopping is available only when tuning a single algorithm.", early)
        if plan.warm_start is not None:
            findings.add("Warm start is available only when tuning a single algorithm.", "WarmStartConfig")
