"""Hypothesis strategies for pipeline definitions: documents that a check finds nothing wrong with.

The steps form random directed acyclic graphs, by references, by DependsOn with and without triggers,
by branches of conditions, and by ForEach bodies; the lists of steps are in no particular order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import strategies as st

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Document: TypeAlias = dict[str, Any]

ROLE = "arn:aws:iam::123456789012:role/Role"
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
_PARAMETERS: Mapping[str, tuple[str, Any]] = {
    "Rate": ("Float", 0.5),
    "Count": ("Integer", 1),
    "Flag": ("Boolean", True),
    "Where": ("String", "s3://bucket/in"),
}
_COMPARATORS = ("Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
_TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
_DEEPEST = 2


@dataclass(frozen=True)
class _Known:
    """A step that later ones may refer to."""

    name: str
    properties: tuple[str, ...] = ()
    property_file: str = ""


@dataclass
class _Maker:
    draw: Draw
    steps_left: int
    count: int = 0
    used: set[str] = field(default_factory=set)

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def parameter(self, *names: str) -> Document:
        name = self.draw(st.sampled_from(names or tuple(_PARAMETERS)))
        self.used.add(name)
        return {"Get": f"Parameters.{name}"}

    def steps(self, known: list[_Known], depth: int, *, in_body: bool = False) -> list[Document]:
        """Make some steps; what they add to ``known`` is theirs to refer to."""
        kinds = ["Processing", "Training", "Lambda", "Callback", "Model", "RegisterModel"]
        if not in_body:
            kinds += ["Fail"] if depth else []
            kinds += ["Condition", "ForEach"] if depth < _DEEPEST else []
        made: list[Document] = []
        for _ in range(self.draw(st.integers(1, 4))):
            if self.steps_left <= 0 and made:
                break
            self.steps_left -= 1
            kind = self.draw(st.sampled_from(kinds))
            made.append(self.step(kind, known, depth, in_body=in_body))
        return self.draw(st.permutations(made))  # type: ignore[no-any-return]

    def step(self, kind: str, known: list[_Known], depth: int, *, in_body: bool) -> Document:
        step: Document = {"Name": self.name(kind), "Type": kind}
        makers: Mapping[str, Callable[[Document, list[_Known]], _Known | None]] = {
            "Processing": self._processing,
            "Training": self._training,
            "Lambda": self._function,
            "Callback": self._function,
            "Model": self._model,
            "RegisterModel": self._register,
            "Fail": self._fail,
            "Condition": lambda made, visible: self._condition(made, visible, depth),
            "ForEach": lambda made, visible: self._for_each(made, visible, depth),
        }
        if in_body and self.draw(st.booleans()):
            step["Description"] = "runs once per item"
        before = list(known)
        added = makers[kind](step, known)
        self._depends_on(step, before)
        if added:
            known.append(added)
        return step

    def _depends_on(self, step: Document, known: list[_Known]) -> None:
        # A step that is read must have succeeded, so a trigger goes only where nothing is read.
        text = str(step)
        names = [each.name for each in known if f"Steps.{each.name}." not in text]
        if not names or not self.draw(st.booleans()):
            return
        chosen = self.draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=3))
        step["DependsOn"] = [
            {"Step": name, "Trigger": self.draw(st.sampled_from(_TRIGGERS))}
            if self.draw(st.booleans())
            else name
            for name in chosen
        ]

    def value(self, known: list[_Known]) -> Any:
        """Make a text, or an expression that gives one."""
        readable = [each for each in known if each.properties]
        choice = self.draw(st.integers(0, 3))
        if choice == 0 and readable:
            step = self.draw(st.sampled_from(readable))
            return {"Get": f"Steps.{step.name}.{self.draw(st.sampled_from(step.properties))}"}
        if choice == 1:
            return self.parameter("Where")
        if choice == 2:
            values = [self.draw(st.sampled_from(["s3://bucket", "a", 1, True])), self.parameter()]
            values.append({"Get": "Execution.PipelineExecutionId"})
            return {"Std:Join": {"On": "/", "Values": values}}
        return "s3://bucket/key"

    def _processing(self, step: Document, known: list[_Known]) -> _Known:
        outputs = [f"out{index}" for index in range(self.draw(st.integers(1, 2)))]
        cluster = {
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": self.parameter("Count"),
            "VolumeSizeInGB": 30,
        }
        step["Arguments"] = {
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["--in", self.value(known)]},
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": "data",
                    "S3Input": {
                        "S3Uri": self.value(known),
                        "LocalPath": "/opt/ml/processing/in",
                        "S3DataType": "S3Prefix",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": name,
                        "S3Output": {
                            "S3Uri": f"s3://bucket/{step['Name']}/{name}",
                            "LocalPath": f"/opt/ml/processing/{name}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for name in outputs
                ]
            },
        }
        file = ""
        if self.draw(st.booleans()):
            file = "Report"
            entry = {"PropertyFileName": file, "OutputName": outputs[0], "FilePath": "report.json"}
            step["PropertyFiles"] = [entry]
        self._reliability(step)
        properties = [f"ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri" for name in outputs]
        return _Known(step["Name"], (*properties, "ProcessingInputs[0].S3Input.S3Uri"), file)

    def _training(self, step: Document, known: list[_Known]) -> _Known:
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.value(known)}}
        step["Arguments"] = {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
            },
            "HyperParameters": {"rate": "0.1", "from": self.value(known)},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "RoleArn": ROLE,
        }
        self._reliability(step)
        return _Known(step["Name"], ("ModelArtifacts.S3ModelArtifacts", "HyperParameters['rate']"))

    def _reliability(self, step: Document) -> None:
        if self.draw(st.booleans()):
            step["CacheConfig"] = {"Enabled": self.draw(st.booleans()), "ExpireAfter": "P30D"}
        if self.draw(st.booleans()):
            limit = self.draw(st.sampled_from([{"MaxAttempts": 3}, {"ExpireAfterMin": 10}, {}]))
            step["RetryPolicies"] = [{"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 1, **limit}]

    def _function(self, step: Document, known: list[_Known]) -> _Known:
        step["Arguments"] = {"where": self.value(known), "deep": [{"er": self.value(known)}], "n": 3}
        step["OutputParameters"] = [{"OutputName": "score", "OutputType": "Float"}]
        if step["Type"] == "Lambda":
            step["FunctionArn"] = "arn:aws:lambda:us-west-2:123456789012:function:f"
        else:
            step["SqsQueueUrl"] = "https://sqs.us-west-2.amazonaws.com/123456789012/q"
        return _Known(step["Name"], ("OutputParameters['score']",))

    def _model(self, step: Document, known: list[_Known]) -> _Known:
        container = {"Image": IMAGE, "ModelDataUrl": self.value(known), "Environment": {"A": "b"}}
        step["Arguments"] = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
        return _Known(step["Name"], ("ModelName",))

    def _register(self, step: Document, known: list[_Known]) -> _Known:
        containers = [{"Image": IMAGE, "ModelDataUrl": self.value(known)}]
        step["Arguments"] = {
            "ModelPackageGroupName": "group",
            "InferenceSpecification": {"Containers": containers, "SupportedContentTypes": ["text/csv"]},
            "ModelApprovalStatus": "PendingManualApproval",
        }
        return _Known(step["Name"], ("ModelPackageArn",))

    def _fail(self, step: Document, known: list[_Known]) -> None:
        step["Arguments"] = {"ErrorMessage": self.value(known)}

    def _condition(self, step: Document, known: list[_Known], depth: int) -> _Known:
        arguments: Document = {"Conditions": [self._one_condition(known, 0)]}
        step["Arguments"] = arguments
        inside = [*known, _Known(step["Name"], ("Outcome",))]
        arguments["IfSteps"] = self.steps(list(inside), depth + 1) if self.draw(st.booleans()) else []
        arguments["ElseSteps"] = self.steps(list(inside), depth + 1) if self.draw(st.booleans()) else []
        return _Known(step["Name"], ("Outcome",))

    def _one_condition(self, known: list[_Known], depth: int) -> Document:
        choice = self.draw(st.integers(0, 3 if depth < _DEEPEST else 1))
        if choice == 1:
            kind = self.draw(st.sampled_from(["In", "NotIn"]))
            return {"Type": kind, "QueryValue": self.parameter("Where"), "Values": ["a", "s3://bucket/in"]}
        if choice == 2:
            return {"Type": "Not", "Condition": self._one_condition(known, depth + 1)}
        if choice == 3:
            return {"Type": "Or", "Conditions": [self._one_condition(known, depth + 1) for _ in range(2)]}
        kind = self.draw(st.sampled_from(_COMPARATORS))
        return {"Type": kind, "LeftValue": self._number(known), "RightValue": self.parameter("Rate", "Count")}

    def _number(self, known: list[_Known]) -> Any:
        files = [each for each in known if each.property_file]
        if files and self.draw(st.booleans()):
            step = self.draw(st.sampled_from(files))
            file = {"Get": f"Steps.{step.name}.PropertyFiles.{step.property_file}"}
            return {"Std:JsonGet": {"PropertyFile": file, "Path": "metrics.loss[0]['value']"}}
        return self.draw(st.sampled_from([0, 1, 0.5, -3]))

    def _for_each(self, step: Document, known: list[_Known], depth: int) -> _Known:
        literals = st.lists(st.sampled_from(["a", "b", 1, 2.5, True]), min_size=1, max_size=3)
        items = self.draw(st.one_of(literals, st.just({"Std:Join": {"On": "", "Values": ["[1, 2]"]}})))
        arguments: Document = {"IterableItems": items, "MaxConcurrency": self.draw(st.integers(1, 50))}
        step["Arguments"] = arguments
        body = self.steps(list(known), depth + 1, in_body=True)
        item = {"Get": "ForEach.CurrentItem"}
        for inner in body:
            if inner["Type"] in ("Lambda", "Callback"):
                inner["Arguments"]["item"] = item
        arguments["ForEachBody"] = body
        properties = ["Status", "SucceededStepCount"]
        for inner in body:
            if inner["Type"] in ("Lambda", "Callback"):
                properties.append(f"IterationOutputs[0].{inner['Name']}.OutputParameters['score']")
                field = {"Get": f"IterationOutput.{inner['Name']}.OutputParameters['score']"}
                arguments["Selector"] = {"Pick": "MaxBy", "Field": field}
        return _Known(step["Name"], tuple(properties))


@st.composite
def pipeline_documents(draw: st.DrawFn, max_steps: int = 12) -> Document:
    """Return definitions of up to about ``max_steps`` steps in which nothing is wrong.

    All types of steps that run in this version occur, as do all kinds of conditions, triggers, and
    expressions of every namespace. Parameters all have defaults.
    """
    maker = _Maker(draw, max_steps)
    known: list[_Known] = []
    steps: list[Document] = []
    for _ in range(draw(st.integers(1, 3))):
        steps += maker.steps(known, 0)
        if maker.steps_left <= 0:
            break
    parameters = [
        {"Name": name, "Type": _PARAMETERS[name][0], "DefaultValue": _PARAMETERS[name][1]}
        for name in sorted(maker.used)
    ]
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": parameters,
        "Steps": draw(st.permutations(steps)),
    }
