"""Processing steps: a script, or an image's own program, with inputs and outputs as folders.

Source: CreateProcessingJob; "How Amazon SageMaker Processing runs your processing container image".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import ClassVar, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject
from stepmill.sdk.assets import Files
from stepmill.sdk.images import image_uri
from stepmill.sdk.named import Declared, NamedValues
from stepmill.sdk.names import nearest
from stepmill.sdk.references import Property, Report
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, JobStep, Number, Text, cache_document, check_names
from stepmill.sdk.values import Producer, Value, contents, render, render_text, render_texts

Source: TypeAlias = str | Path | Value
"""Where an input comes from: a local file or folder, an ``s3://`` address, or what a step leaves."""

_BASE = "/opt/ml/processing"
_CODE = f"{_BASE}/input/code"
# Requirements go into a folder of the job's own: without a container, the environment that the job
# runs in is also the user's. Where they were installed beforehand and kept, there is nothing to do.
_INSTALL = (
    'set -e; if [ -z "$STEPMILL_PACKAGES" ]; then '
    'packages=$(mktemp -d); python3 -m pip install --quiet --target "$packages" '
    f"-r {_CODE}/requirements.txt; "
    'export PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"; fi; exec "$@"'
)


@dataclass(frozen=True)
class ProcessingInput:
    """An input of a processing step, for when a plain source does not say enough.

    Args:
        source: Where it comes from.
        path: Where the job sees it; by default ``/opt/ml/processing/input/<name>``.
        sharded: Whether each of several instances gets a part of the files, instead of all.
        manifest: Whether ``source`` is a manifest that lists the files.
    """

    source: Source
    path: str = ""
    sharded: bool = False
    manifest: bool = False


@dataclass(frozen=True)
class ProcessingOutput:
    """An output of a processing step, for when its name does not say enough.

    Args:
        destination: ``s3://`` address; by default one of its own in each execution.
        path: Where the job writes it; by default ``/opt/ml/processing/output/<name>``.
        continuous: Whether it is stored while the job runs, instead of at its end.
    """

    destination: str | Value | None = None
    path: str = ""
    continuous: bool = False


@dataclass(frozen=True)
class Script:
    """A script given as text.

    Args:
        name: File name.
        text: Content.
        beside: Further files in its folder, by relative path.
    """

    name: str
    text: str
    beside: Mapping[str, Path | bytes] = field(default_factory=dict)


OutputsDeclaration: TypeAlias = "Sequence[str] | Mapping[str, str | Value | ProcessingOutput | None]"


def _declared_outputs(declaration: OutputsDeclaration) -> dict[str, ProcessingOutput]:
    if isinstance(declaration, str):
        declaration = [declaration]
    if not isinstance(declaration, Mapping):
        return {name: ProcessingOutput() for name in declaration}
    return {
        name: wish if isinstance(wish, ProcessingOutput) else ProcessingOutput(wish)
        for name, wish in declaration.items()
    }


def _output_values(step: ProcessingStep, declaration: OutputsDeclaration) -> NamedValues:
    names = _declared_outputs(declaration)
    path = ".ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"
    return NamedValues(step, "output", {name: Property(step, path.format(name), text=True) for name in names})


_OUTPUTS: Declared[OutputsDeclaration] = Declared((), _output_values)


@dataclass(eq=False, repr=False, kw_only=True)
class ProcessingStep(JobStep):
    """Run a script (or an image) on inputs, and keep its outputs.

    ``step.outputs["train"]`` is the address of an output; ``step.report("evaluation.json")["mse"]`` a
    value in a JSON file that the step writes into one.

    Args:
        code: The script, a path; without one the image's own program is run.
        source_dir: Folder that goes with it; ``code`` is then relative to this folder.
        requirements: A requirements file, or a list of requirements, installed before the script runs.
        image: ``sklearn``, ``xgboost``, ``pytorch``, ``tensorflow``, ``python``, or an image's address.
        command: What runs the script.
        arguments: Of the script: a list, or names with values (``{"share": 0.2}``: ``--share 0.2``).
        inputs: By name; seen at ``/opt/ml/processing/input/<name>``. A single file lies in that folder.
        outputs: Names; written to ``/opt/ml/processing/output/<name>``. Or names with destinations.
        environment: Variables.
        instance_type: Machine.
        instance_count: How many of it.
        volume_size_gb: Its disk.
        max_runtime: After which the job is stopped.
        network_isolation: Whether the job can reach nothing.
        cache: ``True``, or for how long a result stays good (``"30d"``); ``None``: as the pipeline says.

    Example:
        >>> step = ProcessingStep("Prepare", code="prepare.py", inputs={"raw": "s3://b/raw.csv"},
        ...                       outputs=["train"], arguments=["--share", 0.2])
        >>> step.outputs["train"]
        <Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri>
    """

    _type: ClassVar[str] = "Processing"

    code: str | Path | Script | None = None
    source_dir: str | Path | None = None
    requirements: str | Path | Sequence[str] = ()
    image: str | Value = "sklearn"
    command: Sequence[str] = ("python3",)
    arguments: Sequence[object] | Mapping[str, object] = ()
    inputs: Mapping[str, Source | ProcessingInput] = field(default_factory=dict)
    outputs: Declared[OutputsDeclaration] = _OUTPUTS
    environment: Mapping[str, object] = field(default_factory=dict)
    instance_type: Text = "ml.m5.large"
    instance_count: Number = 1
    volume_size_gb: Number = 30
    max_runtime: timedelta | None = None
    network_isolation: bool = False
    cache: Cache | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._reports: dict[tuple[str, str], Report] = {}
        check_names(self.outputs, "output", {}, self.where)
        check_names(self.inputs, "input", {} if self.code is None else {"code": "the script"}, self.where)
        if self.code is None and (self.source_dir is not None or self.requirements):
            raise InvalidInputError(
                "There are a source_dir or requirements, but no script.", where=self.where, mend="Give code."
            )

    def report(self, path: str, *, output: str = "") -> Report:
        """Return a JSON file that the step writes, to read values from or to hand on.

        Args:
            path: Of the file, within the output.
            output: Name of the output; may be left out if there is only one.

        Raises:
            InvalidInputError: If there is no such output, or more than one to choose from.
        """
        if not output:
            output = self._only_output(path)
        key = (output, path)
        if key not in self._reports:
            uri = self.outputs[output] / path
            self._reports[key] = Report(self, output, path, self._report_name(path), uri)
        return self._reports[key]

    def _only_output(self, path: str) -> str:
        if len(self.outputs) != 1:
            raise InvalidInputError(
                f"It is not said which output holds {path!r}.",
                where=self.where,
                mend=f"Give output=... {nearest('', self.outputs)}",
            )
        return next(iter(self.outputs))

    def _report_name(self, path: str) -> str:
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(path).stem).strip("-")[:60] or "report"
        taken = {report.name for report in self._reports.values()}
        numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
        return next(name for name in (stem, *numbered) if name not in taken)

    def contents(self) -> Iterator[Value | Producer]:
        """Yield the values and steps that this step speaks of."""
        yield from super().contents()
        yield from contents(_OUTPUTS.declared(self))

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateProcessingJob request."""
        application, inputs = self._application(site)
        inputs += [_input(name, source, site, self.where) for name, source in self.inputs.items()]
        document: dict[str, Json] = {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": render_text(self.instance_type),
                    "InstanceCount": render(self.instance_count),
                    "VolumeSizeInGB": render(self.volume_size_gb),
                }
            },
            "AppSpecification": application,
            "RoleArn": site.role,
        }
        if inputs:
            document["ProcessingInputs"] = inputs
        if outputs := _declared_outputs(_OUTPUTS.declared(self)):
            document["ProcessingOutputConfig"] = {
                "Outputs": [self._output(name, wish, site) for name, wish in outputs.items()]
            }
        if environment := self.environment_document(site):
            document["Environment"] = environment
        if self.max_runtime is not None:
            document["StoppingCondition"] = {"MaxRuntimeInSeconds": int(self.max_runtime.total_seconds())}
        if self.network_isolation:
            document["NetworkConfig"] = {"EnableNetworkIsolation": True}
        return document | self.tags_document()

    def environment_document(self, site: Site) -> dict[str, Json]:
        """Return the variables that the job gets."""
        del site
        return render_texts(self.environment, self.where)

    def extra_document(self, site: Site) -> JsonObject:
        """Return retries, caching, and the reports that were asked for."""
        document: dict[str, Json] = dict(self.retries_document())
        document |= cache_document(self.cache, site, self.where)
        if self._reports:
            document["PropertyFiles"] = [
                {"PropertyFileName": report.name, "OutputName": report.output, "FilePath": report.path}
                for report in self._reports.values()
            ]
        return document

    def _application(self, site: Site) -> tuple[dict[str, Json], list[Json]]:
        """Return the AppSpecification, and the input that brings the script, if there is one."""
        image = self.image
        application: dict[str, Json] = {
            "ImageUri": render_text(
                image if isinstance(image, Value) else image_uri(image, site.arns.region, self.where)
            )
        }
        inputs: list[Json] = []
        if self.code is not None:
            entry, files = self._files(site, self.code)
            whole = len(files) > 1 or "/" in entry
            inputs = [s3_input("code", site.add_files("code", files, folder=whole), _CODE)]
            command: list[Json] = [*self.command, f"{_CODE}/{entry}"]
            if "requirements.txt" in files:
                command = ["/bin/bash", "-c", _INSTALL, "install", *command]
            application["ContainerEntrypoint"] = command
        if arguments := self._arguments():
            application["ContainerArguments"] = arguments
        return application, inputs

    def _files(self, site: Site, code: str | Path | Script) -> tuple[str, Files]:
        if isinstance(code, Script):
            files = {code.name: code.text.encode(), **code.beside}
            return code.name, files | site.requirements_file(self.requirements, self.where)
        return site.code_files(code, self.source_dir, self.requirements, self.where)

    def _arguments(self) -> list[Json]:
        where = f"{self.where}, arguments"
        if isinstance(self.arguments, Mapping):
            pairs = [(f"--{name}", value) for name, value in self.arguments.items()]
            return [text for name, value in pairs for text in (name, render_text(value, where))]
        return [render_text(value, where) for value in self.arguments]

    def _output(self, name: str, wish: ProcessingOutput, site: Site) -> Json:
        destination = wish.destination
        if isinstance(destination, str) and not destination.startswith("s3://"):
            raise InvalidInputError(
                f"{destination!r} is no s3:// address.",
                where=f"{self.where}, output {name!r}",
                mend="Leave it out, and ask for step.outputs['name'] where it is needed.",
            )
        return {
            "OutputName": name,
            "AppManaged": False,
            "S3Output": {
                "S3Uri": render(destination if destination is not None else site.output_uri(self.name, name)),
                "LocalPath": wish.path or f"{_BASE}/output/{name}",
                "S3UploadMode": "Continuous" if wish.continuous else "EndOfJob",
            },
        }


def _input(name: str, wish: Source | ProcessingInput, site: Site, where: str) -> Json:
    given = wish if isinstance(wish, ProcessingInput) else ProcessingInput(wish)
    uri = site.source_uri(given.source, f"{where}, input {name!r}")
    return s3_input(
        name,
        uri,
        given.path or f"{_BASE}/input/{name}",
        kind="ManifestFile" if given.manifest else "S3Prefix",
        distribution="ShardedByS3Key" if given.sharded else "FullyReplicated",
    )


def s3_input(
    name: str, uri: Json, path: str, *, kind: str = "S3Prefix", distribution: str = "FullyReplicated"
) -> Json:
    """Return the document of an input.

    Args:
        name: Of the input.
        uri: Where it comes from.
        path: Where the job sees it.
        kind: What the address stands for: a prefix, or a manifest.
        distribution: What each of several hosts gets.
    """
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": path,
            "S3DataType": kind,
            "S3InputMode": "File",
            "S3DataDistributionType": distribution,
            "S3CompressionType": "None",
        },
    }
