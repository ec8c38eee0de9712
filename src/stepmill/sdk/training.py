"""Training steps: a script in a framework's image, or an image's own algorithm, that leaves a model.

Source: CreateTrainingJob; the training toolkit's script mode, as the ``sagemaker`` SDK 2 asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.sdk.images import image_uri, runs_scripts
from stepmill.sdk.named import Declared, NamedValues
from stepmill.sdk.processing import Source
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, JobStep, Number, Text, cache_document, check_names
from stepmill.sdk.values import Join, Producer, Value, contents, render, render_text, render_texts

# A day: what AWS allows a training job that says nothing.
_LONGEST = timedelta(days=1)

MetricsDeclaration: TypeAlias = "Mapping[str, str] | tuple[()]"


@dataclass(frozen=True)
class Channel:
    """An input of a training step, for when a plain source does not say enough.

    Args:
        source: Where it comes from: a local path, an ``s3://`` address, or what a step leaves.
        content_type: For images that ask: ``text/csv``.
        mode: ``File``: all is there before the job starts; ``FastFile``: fetched when read.
        sharded: Whether each of several instances gets a part of the files, instead of all.
        manifest: Whether ``source`` is a manifest that lists the files.
        compression: ``Gzip`` if the files are, and are to be unpacked.
    """

    source: Source
    content_type: str = ""
    mode: Literal["", "File", "FastFile", "Pipe"] = ""
    sharded: bool = False
    manifest: bool = False
    compression: Literal["None", "Gzip"] = "None"


def _metric_values(step: TrainingStep, declaration: MetricsDeclaration) -> NamedValues:
    def value(name: str) -> Property:
        return step.properties.FinalMetricDataList[name].Value

    # Built-in algorithms have metrics that nobody declares.
    return NamedValues(step, "metric", {name: value(name) for name in declaration} if declaration else value)


_METRICS: Declared[MetricsDeclaration] = Declared((), _metric_values)


@dataclass(eq=False, repr=False, kw_only=True)
class TrainingStep(JobStep):
    """Train a model with a script (script mode), or with an image's own algorithm.

    ``step.model`` is the address of ``model.tar.gz``, ``step.metrics["validation:rmse"]`` the last value of
    a metric, ``step.output_data`` the address of ``output.tar.gz``.

    Args:
        entry_point: The script; without one the image's own program is run.
        source_dir: Folder that goes with it; ``entry_point`` is then relative to this folder. A
            ``requirements.txt`` in it is installed before the script runs.
        requirements: A requirements file, or a list of requirements, instead.
        image: ``sklearn``, ``xgboost``, ``pytorch``, ``tensorflow``, or an image's address.
        hyperparameters: Given to a script as ``--name value``.
        inputs: Channels by name; seen at ``/opt/ml/input/data/<name>``.
        metrics: Name -> regular expression whose first group is the value, tried on each line of the log.
        environment: Variables.
        instance_type: Machine.
        instance_count: How many of it.
        volume_size_gb: Its disk.
        max_runtime: After which the job is stopped.
        spot: Whether it runs on spot capacity, which costs less, and may be taken from it at any time.
        max_wait: After which a job on spot capacity is stopped, its waiting for capacity included; by default
            twice ``max_runtime``.
        checkpoints: Whether ``/opt/ml/checkpoints`` is kept while it runs, and is there again after an
            interruption. With an ``s3://`` address instead of ``True`` later executions go on from it, too.
        network_isolation: Whether the job can reach nothing.
        output_path: ``s3://`` address below which the model goes; by default one of its own in each
            execution.
        cache: ``True``, or for how long a result stays good (``"30d"``); ``None``: as the pipeline says.

    Example:
        >>> train = TrainingStep("Train", entry_point="train.py", hyperparameters={"alpha": 0.5},
        ...                      metrics={"validation:rmse": r"rmse=([0-9.]+)"})
        >>> train.model
        <Train.ModelArtifacts.S3ModelArtifacts>
        >>> train.metrics["validation:rmse"]
        <Train.FinalMetricDataList['validation:rmse'].Value>
    """

    _type: ClassVar[str] = "Training"

    entry_point: str | Path | None = None
    source_dir: str | Path | None = None
    requirements: str | Path | Sequence[str] = ()
    image: str | Value = "sklearn"
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    inputs: Mapping[str, Source | Channel] = field(default_factory=dict)
    metrics: Declared[MetricsDeclaration] = _METRICS
    environment: Mapping[str, object] = field(default_factory=dict)
    instance_type: Text = "ml.m5.large"
    instance_count: Number = 1
    volume_size_gb: Number = 30
    max_runtime: timedelta = _LONGEST
    spot: bool = False
    max_wait: timedelta | None = None
    checkpoints: bool | str | Value = False
    network_isolation: bool = False
    output_path: str | Value | None = None
    cache: Cache | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self.inputs, "channel", {}, self.where)
        scripted = self.entry_point is not None
        if not scripted and (self.source_dir is not None or self.requirements):
            raise InvalidInputError(
                "There are a source_dir or requirements, but no script.",
                where=self.where,
                mend="Give entry_point.",
            )
        if scripted and isinstance(self.image, str) and not runs_scripts(self.image):
            raise InvalidInputError(
                f"The image {self.image!r} has no training toolkit to run a script with.",
                where=self.where,
                mend="Use a framework's image (sklearn, pytorch ...), or a ProcessingStep.",
            )
        if self.max_wait is not None and not (self.spot and self.max_wait >= self.max_runtime):
            raise InvalidInputError(
                "max_wait counts the waiting for spot capacity, and the run.",
                where=self.where,
                mend="Give spot=True, and no less than max_runtime.",
            )

    @property
    def model(self) -> Property:
        """The address of ``model.tar.gz``: what the job left in ``/opt/ml/model``."""
        return Property(self, ".ModelArtifacts.S3ModelArtifacts", text=True)

    @property
    def output_data(self) -> Join:
        """The address of ``output.tar.gz``: what the job left in ``/opt/ml/output/data``."""
        base = self.properties.OutputDataConfig.S3OutputPath
        return Join([base, self.job_name, "output", "output.tar.gz"], on="/")

    @property
    def job_name(self) -> Property:
        """The name of the training job."""
        return Property(self, ".TrainingJobName", text=True)

    def contents(self) -> Iterator[Value | Producer]:
        """Yield the values and steps that this step speaks of."""
        yield from super().contents()
        yield from contents(_METRICS.declared(self))

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateTrainingJob request."""
        hyperparameters = self._hyperparameters(site)
        output = self.output_path if self.output_path is not None else site.training_uri(self.name)
        document: dict[str, Json] = {
            "AlgorithmSpecification": self._algorithm(site),
            "OutputDataConfig": {"S3OutputPath": render(output)},
            "StoppingCondition": self._time_limits(),
            "ResourceConfig": {
                "InstanceType": render_text(self.instance_type),
                "InstanceCount": render(self.instance_count),
                "VolumeSizeInGB": render(self.volume_size_gb),
            },
            "RoleArn": site.role,
        }
        if self.inputs:
            document["InputDataConfig"] = [
                _channel(name, source, site, self.where) for name, source in self.inputs.items()
            ]
        if hyperparameters:
            document["HyperParameters"] = hyperparameters
        if self.environment:
            document["Environment"] = render_texts(self.environment, self.where)
        if self.network_isolation:
            document["EnableNetworkIsolation"] = True
        if self.spot:
            document["EnableManagedSpotTraining"] = True
        if self.checkpoints:
            kept = site.checkpoint_uri(self.name) if self.checkpoints is True else self.checkpoints
            document["CheckpointConfig"] = {"S3Uri": render(kept)}
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return retries and caching."""
        return self.retries_document() | cache_document(self.cache, site, self.where)

    def _time_limits(self) -> JsonObject:
        limits = {"MaxRuntimeInSeconds": int(self.max_runtime.total_seconds())}
        if self.spot:
            longest = 2 * self.max_runtime if self.max_wait is None else self.max_wait
            limits["MaxWaitTimeInSeconds"] = int(longest.total_seconds())
        return limits

    def _algorithm(self, site: Site) -> JsonObject:
        image = self.image
        uri = image if isinstance(image, Value) else image_uri(image, site.arns.region, self.where)
        document: dict[str, Json] = {"TrainingImage": render_text(uri), "TrainingInputMode": "File"}
        if metrics := _METRICS.declared(self):
            document["MetricDefinitions"] = [
                {"Name": name, "Regex": regex} for name, regex in metrics.items()
            ]
        return document

    def _hyperparameters(self, site: Site) -> dict[str, Json]:
        where = f"{self.where}, hyperparameters"
        if self.entry_point is None:
            return {name: render_text(value, where) for name, value in self.hyperparameters.items()}
        entry, files = site.code_files(self.entry_point, self.source_dir, self.requirements, where)
        document = {name: script_text(value, where) for name, value in self.hyperparameters.items()}
        return document | {
            "sagemaker_program": write_json(entry),
            "sagemaker_submit_directory": write_json(site.add_archive(files)),
            "sagemaker_container_log_level": "20",
            "sagemaker_region": write_json(site.arns.region),
        }


def script_text(value: object, where: str) -> Json:
    """Return a hyperparameter such that the toolkit, which decodes JSON where it can, gives it to the script.

    A text goes plain, unless decoding it would change it: ``"1e3"`` would reach the script as ``1000.0``.
    """
    if not isinstance(value, str):
        return render_text(value, where)
    try:
        changed = str(json.loads(value)) != value
    except ValueError:
        changed = False
    return write_json(value) if changed else value


def _channel(name: str, wish: Source | Channel, site: Site, where: str) -> Json:
    given = wish if isinstance(wish, Channel) else Channel(wish)
    document: dict[str, Json] = {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "ManifestFile" if given.manifest else "S3Prefix",
                "S3Uri": site.source_uri(given.source, f"{where}, input {name!r}"),
                "S3DataDistributionType": "ShardedByS3Key" if given.sharded else "FullyReplicated",
            }
        },
    }
    if given.content_type:
        document["ContentType"] = given.content_type
    if given.mode:
        document["InputMode"] = given.mode
    if given.compression != "None":
        document["CompressionType"] = given.compression
    return document
