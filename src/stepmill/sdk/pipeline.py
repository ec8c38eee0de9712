"""A pipeline: its steps and parameters, and how they become a definition."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepmill.core.arns import Arns
from stepmill.core.errors import DefinitionError, InvalidInputError
from stepmill.core.json import Json, write_json
from stepmill.core.service_models import service_model
from stepmill.language.pipelines.checking import check
from stepmill.sdk.assets import CompiledPipeline
from stepmill.sdk.control import as_steps
from stepmill.sdk.layout import add_parameter, lay_out
from stepmill.sdk.names import check_pipeline_name
from stepmill.sdk.parameters import Parameter
from stepmill.sdk.site import DEFAULT_ACCOUNT, DEFAULT_REGION, Site
from stepmill.sdk.steps import Cache, Step


class Pipeline:
    """Steps that make up a pipeline.

    Steps that a listed one waits for or takes values from belong to it without being listed.

    Args:
        name: At most 256 letters and digits, with ``-`` between them.
        steps: The last ones, or all of them.
        parameters: Those that are to come first, or that no step uses. The others are found.
        description: For humans.
        cache: For steps that say nothing of it themselves: whether, or for how long, a result of a
            processing or training step stays good (``True``, ``"30d"``, a ``timedelta``).
        max_parallel_steps: How many steps may run at once.
        metadata: Texts by name, kept in the definition.
        role: ARN of the role that jobs run under on AWS; ``compile`` can be given another.
        folder: Where relative local paths begin; by default the folder of the file that makes the
            pipeline.

    Raises:
        InvalidInputError: If two steps share a name, one stands in two places, some wait for each
            other, or two parameters of one name differ.

    Example:
        >>> from stepmill import Parameter, Pipeline, ProcessingStep
        >>> limit = Parameter("limit", 10)
        >>> greet = ProcessingStep("Greet", image="python", command=["echo"], arguments=[limit])
        >>> pipeline = Pipeline("Hello", [greet])
        >>> [parameter.name for parameter in pipeline.parameters]
        ['limit']
    """

    def __init__(
        self,
        name: str,
        steps: Step | Sequence[Step],
        *,
        parameters: Sequence[Parameter] = (),
        description: str = "",
        cache: Cache = False,
        max_parallel_steps: int | None = None,
        metadata: Mapping[str, str] | None = None,
        role: str = "",
        folder: str | Path | None = None,
    ) -> None:
        check_pipeline_name(name)
        self.name = name
        self.description = description
        self.cache = cache
        self.max_parallel_steps = max_parallel_steps
        self.metadata = dict(metadata or {})
        self.role = role
        self.folder = Path(folder).absolute() if folder is not None else _folder_of_caller()
        self._listed = as_steps(steps, f"pipeline {name!r}")
        self._named_parameters = tuple(parameters)
        if max_parallel_steps is not None and max_parallel_steps < 1:
            raise InvalidInputError(
                f"{max_parallel_steps} steps cannot run at once.",
                where=f"pipeline {name!r}",
                mend="Give 1 or more.",
            )
        if not self._listed:
            raise InvalidInputError(
                "The pipeline has no steps.", where=f"pipeline {name!r}", mend="Give some."
            )
        self._layout = lay_out(self._listed, name)
        self._parameters = self._all_parameters()

    def __repr__(self) -> str:
        return f"<Pipeline {self.name!r}: {', '.join(step.name for step in self.steps)}>"

    @property
    def steps(self) -> tuple[Step, ...]:
        """The outermost steps, each after what it needs."""
        return self._layout.top

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters: first those given to the pipeline, then those that steps use."""
        return self._parameters

    def compile(
        self,
        *,
        code_prefix: str = "",
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        role: str = "",
    ) -> CompiledPipeline:
        """Return the definition, and what has to be brought to its place before it runs.

        Args:
            code_prefix: ``s3://bucket`` or ``s3://bucket/prefix``, below which code, local inputs and
                outputs go; by default the bucket that the ``sagemaker`` SDK would take.
            region: For which images and ARNs are written.
            account: Twelve digits.
            role: ARN of the role that jobs run under; by default the pipeline's, else one of the usual
                name in the account.

        Raises:
            InvalidInputError: If a file is missing, or a value cannot stand where it is used.
            DefinitionError: If the definition breaks a rule of the language.
        """
        arns = Arns(region, account)
        site = Site(
            pipeline=self.name,
            prefix=_prefix(code_prefix or f"s3://sagemaker-{region}-{account}"),
            folder=self.folder,
            arns=arns,
            role=role or self.role or arns.role("SageMakerExecutionRole"),
            cache=self.cache,
        )
        # Steps may have been told to wait for others since the pipeline was made.
        self._layout = lay_out(self._listed, self.name)
        document: dict[str, Json] = {
            "Version": "2020-12-01",
            "Metadata": self.metadata,
            "Parameters": [parameter.document() for parameter in self._all_parameters()],
            "PipelineExperimentConfig": {
                "ExperimentName": {"Get": "Execution.PipelineName"},
                "TrialName": {"Get": "Execution.PipelineExecutionId"},
            },
            "Steps": [step.document(site) for step in self._layout.top],
        }
        definition = write_json(document)
        checked = check(definition, service_model)
        if checked.errors:
            raise DefinitionError(checked.findings)
        return CompiledPipeline(
            name=self.name,
            definition=definition,
            assets=tuple(site.assets.values()),
            functions=tuple(site.functions.values()),
            description=self.description,
            max_parallel_steps=self.max_parallel_steps,
            warnings=checked.warnings,
        )

    def _all_parameters(self) -> tuple[Parameter, ...]:
        known: dict[str, Parameter] = {}
        for parameter in (*self._named_parameters, *self._layout.parameters):
            add_parameter(known, parameter, f"pipeline {self.name!r}")
        return tuple(known.values())


def _prefix(address: str) -> str:
    if not address.startswith("s3://") or not address.removeprefix("s3://").strip("/"):
        raise InvalidInputError(
            f"{address!r} is no s3:// address.",
            where="code_prefix",
            mend="Give s3://bucket or s3://bucket/prefix.",
        )
    return address.rstrip("/")


def _folder_of_caller() -> Path:
    """Return the folder of the file that calls the constructor; interactively, the current one."""
    here = inspect.currentframe()
    constructor = here.f_back if here else None
    caller = constructor.f_back if constructor else None
    file = caller.f_globals.get("__file__") if caller else None
    return Path(file).absolute().parent if isinstance(file, str) else Path.cwd()
