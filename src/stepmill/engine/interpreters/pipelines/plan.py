"""What is fixed for all executions of a definition: who waits for whom, and which step does what.

Steps with the same needs share a gate. In layers that are fully connected there is one gate per
layer, so an end of a step touches one gate instead of every step of the next layer, and a plan is
as large as the definition, not as the number of pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from stepmill.language.pipelines.definition import Branch, PipelineDefinition, Step, StepType, Trigger
from stepmill.language.pipelines.dependencies import StepDependencies, dependencies

# What a step waits for: an outcome of another step, or that a Condition takes the branch it stands in.
Outcome: TypeAlias = Trigger | Branch
Need: TypeAlias = tuple[str, Outcome]

# Who does the outside work of a step. Types without an entry need nobody outside.
RESOURCES: Mapping[StepType, str] = {
    StepType.ATHENA: "athena:startQueryExecution",
    StepType.AUTO_ML: "sagemaker:createAutoMLJob",
    StepType.BEDROCK_CUSTOM_MODEL: "bedrock:createModelCustomizationJob",
    StepType.BEDROCK_CUSTOM_MODEL_DEPLOYMENT: "bedrock:createCustomModelDeployment",
    StepType.BEDROCK_MODEL_IMPORT: "bedrock:createModelImportJob",
    StepType.BEDROCK_PROVISIONED_MODEL_THROUGHPUT: "bedrock:createProvisionedModelThroughput",
    StepType.CALLBACK: "callback",
    StepType.CLARIFY_CHECK: "stepmill:clarifyCheck",
    StepType.CLEANUP: "stepmill:cleanup",
    StepType.EMR: "elasticmapreduce:addStep",
    StepType.EMR_SERVERLESS: "emr-serverless:startJobRun",
    StepType.ENDPOINT: "sagemaker:createEndpoint",
    StepType.ENDPOINT_CONFIG: "sagemaker:createEndpointConfig",
    StepType.HUB_CONTENT: "sagemaker:importHubContent",
    StepType.INFERENCE_COMPONENT: "sagemaker:createInferenceComponent",
    StepType.JOB: "sagemaker:createJob",
    StepType.LAMBDA: "lambda:invoke",
    StepType.LINEAGE: "stepmill:lineage",
    StepType.MODEL: "sagemaker:createModel",
    StepType.PROCESSING: "sagemaker:createProcessingJob",
    StepType.QUALITY_CHECK: "stepmill:qualityCheck",
    StepType.REGISTER_MODEL: "sagemaker:createModelPackage",
    StepType.TRAINING: "sagemaker:createTrainingJob",
    StepType.TRANSFORM: "sagemaker:createTransformJob",
    StepType.TUNING: "sagemaker:createHyperParameterTuningJob",
}
READ_JSON = "stepmill:readJson"


@dataclass(frozen=True, slots=True)
class Gate:
    """Steps with the same needs: they may start at the same moment.

    Args:
        name: Of its first step.
        needs: What they wait for.
        instant: Those that need nobody outside and take no slot.
        working: Those with outside work, in the order of the document.
        loop: Name of the ForEach whose body they stand in; empty outside. Then there is one gate
            per iteration.
    """

    name: str
    needs: tuple[Need, ...]
    instant: tuple[str, ...]
    working: tuple[str, ...]
    loop: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """All of its steps."""
        return self.instant + self.working


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step and its place in the plan.

    Args:
        step: As the definition has it.
        gate: Name of the gate that it waits at.
        feeds: The gates that wait for each of its outcomes.
        reacts_to: Steps whose failure or stop makes it start.
        loop: Name of the ForEach whose body it stands in; empty outside.
        first_gates: Of a ForEach: the gates of its body that are open from the beginning.
    """

    step: Step
    gate: str
    feeds: Mapping[Outcome, tuple[str, ...]]
    reacts_to: tuple[str, ...] = ()
    loop: str = ""
    first_gates: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """Who does its work; empty if it needs nobody outside."""
        return RESOURCES.get(self.step.type, "")


@dataclass(frozen=True)
class Plan:
    """The plan of a definition.

    Args:
        definition: The definition.
        steps: Every step by name, those in branches and bodies too.
        gates: Every gate by name.
    """

    definition: PipelineDefinition
    steps: Mapping[str, PlannedStep]
    gates: Mapping[str, Gate]

    @classmethod
    def of(cls, definition: PipelineDefinition) -> Plan:
        """Return the plan of a definition. Takes time linear in its steps and dependencies."""
        return _Builder(definition).build()

    @property
    def resources(self) -> Mapping[str, str]:
        """Who is needed to run this: step name -> resource, for steps with outside work."""
        return {name: planned.resource for name, planned in self.steps.items() if planned.resource}

    @property
    def loops(self) -> tuple[str, ...]:
        """Names of the ForEach steps."""
        return tuple(name for name, each in self.steps.items() if each.step.for_each)


def needs_of(found: StepDependencies) -> tuple[Need, ...]:
    """Return what a step waits for, each once, in the order of the document."""
    needs: dict[Need, None] = {}
    if found.parent and found.branch in (Branch.IF, Branch.ELSE):
        needs[found.parent, found.branch] = None
    named = {each.step for each in found.explicit}
    needs.update({(each.step, each.trigger): None for each in found.explicit})
    # A step that is waited for with a trigger may be read as well; it need not have succeeded then.
    needs.update({(name, Trigger.COMPLETED): None for name in found.references if name not in named})
    return tuple(needs)


class _Builder:
    def __init__(self, definition: PipelineDefinition) -> None:
        self.definition = definition
        self.needs = {name: needs_of(found) for name, found in dependencies(definition).items()}
        self.gate_of: dict[str, str] = {}

    def build(self) -> Plan:
        gates = {gate.name: gate for gate in self._gates()}
        feeds = self._feeds(gates.values())
        steps = {
            name: PlannedStep(
                step=step,
                gate=self.gate_of[name],
                feeds={outcome: tuple(found) for outcome, found in feeds.get(name, {}).items()},
                reacts_to=tuple(s for s, outcome in self.needs[name] if _is_reaction(outcome)),
                loop=_loop_of(step),
                first_gates=tuple(g.name for g in self._gates_of(step, gates) if not g.needs),
            )
            for name, step in self.definition.steps.items()
        }
        return Plan(self.definition, steps, gates)

    def _gates(self) -> Iterable[Gate]:
        groups: dict[tuple[str, frozenset[Need]], list[str]] = {}
        for name, step in self.definition.steps.items():
            groups.setdefault((_loop_of(step), frozenset(self.needs[name])), []).append(name)
        for (loop, _), names in groups.items():
            self.gate_of.update(dict.fromkeys(names, names[0]))
            working = tuple(n for n in names if self.definition.steps[n].type in RESOURCES)
            instant = tuple(n for n in names if self.definition.steps[n].type not in RESOURCES)
            yield Gate(names[0], self.needs[names[0]], instant, working, loop)

    def _feeds(self, gates: Iterable[Gate]) -> dict[str, dict[Outcome, list[str]]]:
        feeds: dict[str, dict[Outcome, list[str]]] = {}
        for gate in gates:
            for step, outcome in gate.needs:
                feeds.setdefault(step, {}).setdefault(outcome, []).append(gate.name)
        return feeds

    def _gates_of(self, step: Step, gates: Mapping[str, Gate]) -> Iterable[Gate]:
        if not step.for_each:
            return ()
        return [gates[name] for name in dict.fromkeys(self.gate_of[child] for child in step.children)]


def _is_reaction(outcome: Outcome) -> bool:
    return outcome in (Trigger.FAILED, Trigger.STOPPED, Trigger.ANY)


def _loop_of(step: Step) -> str:
    return step.parent if step.branch is Branch.BODY else ""
