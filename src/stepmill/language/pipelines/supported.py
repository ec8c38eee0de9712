"""Which types of steps run in this version. The others are read and checked, and refused at start."""

from __future__ import annotations

from stepmill.core.errors import UnsupportedError
from stepmill.core.findings import Finding
from stepmill.language.pipelines.codes import CODES, Code
from stepmill.language.pipelines.definition import PipelineDefinition, Step, StepType

SUPPORTED = frozenset(
    {
        StepType.PROCESSING,
        StepType.TRAINING,
        StepType.TUNING,
        StepType.TRANSFORM,
        StepType.CONDITION,
        StepType.FOR_EACH,
        StepType.FAIL,
        StepType.MODEL,
        StepType.QUALITY_CHECK,
        StepType.CLARIFY_CHECK,
        StepType.REGISTER_MODEL,
        StepType.LAMBDA,
        StepType.LINEAGE,
        StepType.CALLBACK,
    }
)
_MOST_SHOWN = 10


def unsupported_steps(definition: PipelineDefinition) -> tuple[Step, ...]:
    """Return the steps, nested ones too, whose type does not run in this version."""
    return tuple(step for step in definition.steps.values() if step.type not in SUPPORTED)


def unsupported_findings(definition: PipelineDefinition) -> tuple[Finding, ...]:
    """Return a warning for each step whose type does not run in this version."""
    info = CODES[Code.NOT_RUN_HERE]
    return tuple(
        Finding(
            code=Code.NOT_RUN_HERE,
            severity=info.severity,
            path=f"{step.path}.Type",
            message=f"{step.type} steps do not run in this version; a start of the pipeline here is refused.",
            mend=f"Run it on AWS, or use one of {', '.join(sorted(SUPPORTED))}.",
        )
        for step in unsupported_steps(definition)
    )


def refuse_unsupported(definition: PipelineDefinition) -> None:
    """Refuse a definition that has steps which do not run in this version.

    Raises:
        UnsupportedError: Names the steps and their types.
    """
    found = unsupported_steps(definition)
    if not found:
        return
    named = [f"{step.name} ({step.type})" for step in found[:_MOST_SHOWN]]
    more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    raise UnsupportedError(
        f"These steps are of types that do not run in this version: {', '.join(named)}{more}.",
        where=found[0].path,
        mend=f"The types that run are {', '.join(sorted(SUPPORTED))}.",
    )
