"""Whatever is put together from the SDK's parts either is refused at once, or compiles without a finding."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepmill.sdk import (
    CallbackStep,
    ConditionStep,
    FailStep,
    Join,
    LambdaStep,
    ModelStep,
    Parameter,
    ProcessingStep,
    QualityCheckStep,
    RegisterModelStep,
    Step,
    TrainingStep,
    TransformStep,
    Value,
    execution,
)
from support.sdk import compiled

PARAMETERS = [Parameter("text", "x"), Parameter("count", 3), Parameter("share", 0.5), Parameter("flag", True)]


@st.composite
def values(draw: st.DrawFn, steps: list[Step]) -> Value:
    """Return a value that the steps so far, the parameters, or the execution give."""
    sources: list[Value] = [*PARAMETERS, execution.id, execution.now]
    for step in steps:
        match step:
            case ProcessingStep():
                sources += [step.outputs["out"], step.report("r.json", output="out")["a"]["b"][0]]
            case TrainingStep():
                sources += [step.model, step.job_name, step.metrics["loss"], step.output_data]
            case LambdaStep() | CallbackStep():
                sources += [step.outputs["score"], step.outputs["name"]]
            case ModelStep():
                sources.append(step.model_name)
            case RegisterModelStep():
                sources.append(step.package_arn)
            case TransformStep():
                sources.append(step.output)
            case QualityCheckStep():
                sources.append(step.new_statistics)
    plain = st.sampled_from(sources)
    parts = st.lists(
        st.one_of(plain, st.text("abc/-", max_size=3), st.integers(0, 9)), min_size=1, max_size=3
    )
    return draw(st.one_of(plain, plain, st.builds(Join, parts, st.sampled_from(["", "/", "-"]))))


@st.composite
def pipelines(draw: st.DrawFn) -> list[Step]:
    """Return steps, each of which may use values of those before it."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 5))):
        inputs = {
            name: draw(values(steps))
            for name in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
        }
        steps.append(draw(_step(f"s{number}", inputs, steps)))
    return steps


@st.composite
def _step(draw: st.DrawFn, name: str, inputs: dict[str, Value], before: list[Step]) -> Step:
    common: dict[str, Any] = {}
    if before and draw(st.booleans()):
        common["depends_on"] = [draw(st.sampled_from(before))]
    models = [step.model for step in before if isinstance(step, TrainingStep)] or ["s3://b/model.tar.gz"]
    outputs = {"score": float, "name": str}
    return draw(
        st.sampled_from(
            [
                lambda: ProcessingStep(name, image="python", arguments=inputs, outputs=["out"], **common),
                lambda: ProcessingStep(name, image="python", environment=inputs, outputs=["out"], **common),
                lambda: TrainingStep(name, hyperparameters=inputs, metrics={"loss": "x=(.*)"}, **common),
                lambda: LambdaStep(name, function="f", inputs=inputs, outputs=outputs, **common),
                lambda: CallbackStep(name, queue="q", inputs=inputs, outputs=outputs, **common),
                lambda: ModelStep(name, model=models[0], environment=inputs, **common),
                lambda: RegisterModelStep(name, group="g", model=models[0], metadata=inputs, **common),
                lambda: TransformStep(name, model="m", data="s3://b/in", environment=inputs, **common),
                lambda: QualityCheckStep(name, data="s3://b/in", environment=inputs, **common),
            ]
        )
    )()


@settings(max_examples=40, deadline=None)
@given(pipelines())
def test_it_compiles_without_a_finding(steps: list[Step]) -> None:
    document = json.loads(compiled(*steps).definition)
    assert {step["Name"] for step in document["Steps"]} == {step.name for step in steps}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_so_does_a_branch_of_it(data: st.DataObject) -> None:
    steps = data.draw(pipelines())
    left, right = data.draw(values(steps)), data.draw(values(steps))
    compared = data.draw(
        st.sampled_from([left <= right, left == "x", ~(left > 3), left.is_in([1, 2]) | (right < 1)])
    )
    gate = ConditionStep("gate", compared, then=[FailStep("stop", Join([left, " and ", right]))])
    document = json.loads(compiled(*steps, gate).definition)
    assert document["Steps"][-1]["Name"] == "gate"
