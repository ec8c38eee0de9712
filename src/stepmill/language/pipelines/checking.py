"""The two doors to definitions: ``check`` gives all findings, ``read`` gives the definition or raises."""

from __future__ import annotations

from dataclasses import dataclass

from stepmill.core.errors import DefinitionError
from stepmill.core.findings import Finding, Severity
from stepmill.core.json import JsonObject
from stepmill.language.pipelines.arguments import ServiceModels
from stepmill.language.pipelines.collector import Collector, TooManyFindingsError
from stepmill.language.pipelines.definition import PipelineDefinition
from stepmill.language.pipelines.document import load
from stepmill.language.pipelines.draft import Draft
from stepmill.language.pipelines.properties import PropertyCheck
from stepmill.language.pipelines.reading import read_document
from stepmill.language.pipelines.references import ReferenceCheck
from stepmill.language.pipelines.shape_check import ShapeCheck


@dataclass(frozen=True)
class Checked:
    """What a check gives.

    Args:
        definition: ``None`` if there is an error among the findings.
        findings: Errors first, then warnings, each in the order in which they were found.
    """

    definition: PipelineDefinition | None
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the definition."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that do not."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)


def check(document: str | bytes | JsonObject, models: ServiceModels) -> Checked:
    """Check a pipeline definition and find all that is wrong with it; never raises.

    Args:
        document: Its JSON text, or what that text says. Any input is taken, hostile ones too.
        models: Where the shapes of AWS's requests and answers come from:
            ``core.service_models.service_model``.
    """
    collector = Collector()
    try:
        definition = _read(document, models, collector)
    except TooManyFindingsError:
        return Checked(None, collector.findings(ended_early=True))
    return Checked(None if collector.errors else definition, collector.findings())


def read(document: str | bytes | JsonObject, models: ServiceModels) -> PipelineDefinition:
    """Return the definition that a document is.

    Raises:
        DefinitionError: If anything is wrong with it; carries all findings.
    """
    checked = check(document, models)
    if checked.definition is None:
        raise DefinitionError(checked.findings)
    return checked.definition


def _read(
    document: str | bytes | JsonObject, models: ServiceModels, collector: Collector
) -> PipelineDefinition | None:
    loaded = load(document, collector)
    if loaded is None:
        return None
    draft = Draft(collector)
    definition = read_document(draft, ShapeCheck(models, collector), loaded)
    ReferenceCheck(draft, definition, PropertyCheck(models, collector, definition.steps)).check()
    return definition
