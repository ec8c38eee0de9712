"""Pipelines in plain Python, compiled to the definition that AWS would take."""

from stepmill.sdk.assets import Asset, CompiledPipeline, FunctionAsset
from stepmill.sdk.checks import ClarifyCheckStep, QualityCheckStep
from stepmill.sdk.control import Best, ConditionStep, FailStep, ForEachStep
from stepmill.sdk.function_signature import Output
from stepmill.sdk.function_step import FunctionStep, StepFunction, step
from stepmill.sdk.functions import CallbackStep, Function, LambdaStep
from stepmill.sdk.load import load_pipeline
from stepmill.sdk.models import ModelStep, RegisterModelStep
from stepmill.sdk.parameters import ExecutionVariable, Parameter, execution
from stepmill.sdk.pipeline import Pipeline
from stepmill.sdk.processing import ProcessingInput, ProcessingOutput, ProcessingStep, Script
from stepmill.sdk.references import CurrentItem, JsonValue, Property, Report, current_item
from stepmill.sdk.steps import After, RawStep, Retry, Step
from stepmill.sdk.training import Channel, TrainingStep
from stepmill.sdk.transform import TransformStep
from stepmill.sdk.tuning import Between, TuningStep
from stepmill.sdk.values import Condition, Join, Value

__all__ = [
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
