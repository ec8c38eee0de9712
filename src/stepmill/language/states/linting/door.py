"""``lint``: all that a check finds, and more: what AWS takes and what will go wrong all the same."""

from __future__ import annotations

from stepmill.language.pipelines.arguments import ServiceModels
from stepmill.language.states.checking import Checked, check
from stepmill.language.states.collector import Collector, TooManyFindingsError
from stepmill.language.states.linting.dataflow import check_data
from stepmill.language.states.linting.failures import check_failures
from stepmill.language.states.linting.requests import check_requests
from stepmill.language.states.linting.sizes import check_sizes


def lint(text: str | bytes, models: ServiceModels) -> Checked:
    """Check a definition, and follow its data, its failures and its calls; never raises.

    Args:
        text: JSON. Any text is taken, hostile ones too.
        models: Where the shapes of AWS's requests come from: ``core.service_models.service_model``.
    """
    checked = check(text)
    if checked.machine is None:
        return checked
    collector = Collector()
    try:
        check_data(checked.machine, collector)
        check_failures(checked.machine, collector)
        check_requests(checked.machine, models, collector)
        check_sizes(checked.machine, collector)
    except TooManyFindingsError:
        return Checked(checked.machine, checked.findings + collector.findings(ended_early=True))
    return Checked(checked.machine, checked.findings + collector.findings())
