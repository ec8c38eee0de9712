from __future__ import annotations

import subprocess
import sys

import pytest

import stepmill
import stepmill.sdk

PUBLIC = [
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

SDK = [
    "After",
    "Asset",
    "Best",
    "Between",
    "CallbackStep",
    "Channel",
    "ClarifyCheckStep",
    "CompiledPipeline",
    "Condition",
    "ConditionStep",
    "CurrentItem",
    "ExecutionVariable",
    "FailStep",
    "ForEachStep",
    "Function",
    "FunctionAsset",
    "FunctionStep",
    "Join",
    "JsonValue",
    "LambdaStep",
    "ModelStep",
    "Output",
    "Parameter",
    "Pipeline",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingStep",
    "Property",
    "QualityCheckStep",
    "RawStep",
    "RegisterModelStep",
    "Report",
    "Retry",
    "Script",
    "Step",
    "StepFunction",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
    "Value",
    "current_item",
    "execution",
    "load_pipeline",
    "step",
]


def test_what_stepmill_promises() -> None:
    assert sorted(stepmill.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(stepmill))


def test_what_the_sdk_promises() -> None:
    assert sorted(stepmill.sdk.__all__) == sorted(SDK)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_there(name: str) -> None:
    assert getattr(stepmill, name) is not None
    if name in SDK:
        assert getattr(stepmill, name) is getattr(stepmill.sdk, name)


@pytest.mark.parametrize("name", SDK)
def test_every_name_is_documented(name: str) -> None:
    thing = getattr(stepmill.sdk, name)
    assert thing.__doc__


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Pipelines'"):
        _ = stepmill.Pipelines


def test_importing_stepmill_imports_next_to_nothing() -> None:
    program = (
        "import sys, stepmill; print(sorted(name for name in sys.modules if name.startswith('stepmill')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['stepmill']"


def test_the_sdk_reaches_neither_engine_nor_storage() -> None:
    program = (
        "import sys, stepmill.sdk; print(sorted({name.split('.')[1] for name in sys.modules"
        " if name.startswith('stepmill.')}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['core', 'language', 'sdk']"
