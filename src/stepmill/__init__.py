"""Stepmill runs machine-learning pipelines anywhere.

>>> from stepmill import Parameter, Pipeline, ProcessingStep
>>> words = Parameter("words", "Hello!")
>>> greet = ProcessingStep("Greet", code="greet.py", image="python", arguments=[words])
>>> Pipeline("Hello", [greet])
<Pipeline 'Hello': Greet>
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepmill.core.errors import DefinitionError, InvalidInputError, StepmillError
    from stepmill.platform.feature_store import FeaturesOf, FeatureStore
    from stepmill.platform.run_tables import runs_dataframe
    from stepmill.sdk import (
        After,
        Best,
        Between,
        CallbackStep,
        Channel,
        ClarifyCheckStep,
        CompiledPipeline,
        Condition,
        ConditionStep,
        FailStep,
        ForEachStep,
        Function,
        FunctionStep,
        Join,
        LambdaStep,
        ModelStep,
        Output,
        Parameter,
        Pipeline,
        ProcessingInput,
        ProcessingOutput,
        ProcessingStep,
        QualityCheckStep,
        RawStep,
        RegisterModelStep,
        Report,
        Retry,
        Script,
        Step,
        StepFunction,
        TrainingStep,
        TransformStep,
        TuningStep,
        Value,
        current_item,
        execution,
        load_pipeline,
        step,
    )

__version__ = "0.1.0"

__all__ = [
    "After",
    "Best",
    "Between",
    "CallbackStep",
    "Channel",
    "ClarifyCheckStep",
    "CompiledPipeline",
    "Condition",
    "ConditionStep",
    "DefinitionError",
    "FailStep",
    "FeatureStore",
    "FeaturesOf",
    "ForEachStep",
    "Function",
    "FunctionStep",
    "InvalidInputError",
    "Join",
    "LambdaStep",
    "ModelStep",
    "Output",
    "Parameter",
    "Pipeline",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingStep",
    "QualityCheckStep",
    "RawStep",
    "RegisterModelStep",
    "Report",
    "Retry",
    "Script",
    "Step",
    "StepFunction",
    "StepmillError",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
    "Value",
    "__version__",
    "current_item",
    "execution",
    "load_pipeline",
    "runs_dataframe",
    "step",
]

# Public names that are not of the SDK -> where they are.
_ELSEWHERE = {
    "DefinitionError": "stepmill.core.errors",
    "FeatureStore": "stepmill.platform.feature_store",
    "FeaturesOf": "stepmill.platform.feature_store",
    "InvalidInputError": "stepmill.core.errors",
    "StepmillError": "stepmill.core.errors",
    "runs_dataframe": "stepmill.platform.run_tables",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_ELSEWHERE.get(name, "stepmill.sdk")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
