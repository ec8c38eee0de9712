"""Steps that check data and models, and keep what they find as the next baseline.

Source: "QualityCheck step" and "ClarifyCheck step" in the SageMaker documentation; the steps of the
``sagemaker`` SDK 2.257.7, whose documents these are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Literal

from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, write_json
from stepmill.sdk.images import image_uri
from stepmill.sdk.models import ModelStep
from stepmill.sdk.processing import Source, s3_input
from stepmill.sdk.references import Property
from stepmill.sdk.site import Site
from stepmill.sdk.steps import Cache, JobStep, Number, Text, cache_document
from stepmill.sdk.values import Value, contents, render, render_text, render_texts

_BASE = "/opt/ml/processing"
_OUTPUT = f"{_BASE}/output"
_DATASET = f"{_BASE}/input/baseline_dataset_input"
_CONFIG, _DATA = f"{_BASE}/input/config", f"{_BASE}/input/data"
_FORMATS: Mapping[str, JsonObject] = {
    "csv": {"csv": {"header": True}},
    "csv-without-header": {"csv": {"header": False}},
    "json": {"json": {"lines": True}},
    "parquet": {"parquet": {}},
}


@dataclass(eq=False, repr=False, kw_only=True)
class _CheckStep(JobStep):
    """What the steps that check have in common.

    Args:
        check: What is looked at.
        data: An ``s3://`` address, a local file or folder, or what a step leaves.
        constraints: The previous baseline, what is checked against; ``None``: that of ``group``.
        group: Model package group: the baselines of its latest approved version are the previous ones.
        skip: Whether nothing is checked.
        register: Whether the new baseline is the one that others are to use.
        fail: Whether a violation fails the step.
        reports: ``s3://`` address of the reports; by default one of its own in each execution.
        environment: Variables of the job.
        instance_type: Machine.
        volume_size_gb: Its disk.
        max_runtime: After which the job is stopped.
        cache: ``True``, or for how long a result stays good (``"30d"``); ``None``: as the pipeline says.
    """

    _image: ClassVar[str]
    _output: ClassVar[str]

    check: str
    data: Source
    constraints: Source | None = None
    group: Text = ""
    skip: bool | Value = False
    register: bool | Value = False
    fail: bool | Value = True
    reports: str | Value | None = None
    environment: Mapping[str, object] = field(default_factory=dict)
    instance_type: Text = "ml.m5.xlarge"
    volume_size_gb: Number = 30
    max_runtime: timedelta | None = None
    cache: Cache | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.reports, str) and not self.reports.startswith("s3://"):
            raise InvalidInputError(
                f"{self.reports!r} is no s3:// address.",
                where=self.where,
                mend="Leave it out, and ask for step.new_constraints where it is needed.",
            )

    @property
    def new_constraints(self) -> Property:
        """The address of the baseline that the step computed."""
        return Property(self, ".CalculatedBaselineConstraints", text=True)

    @property
    def used_constraints(self) -> Property:
        """The address of the baseline that others are to use: the previous one, or the registered new one."""
        return Property(self, ".BaselineUsedForDriftCheckConstraints", text=True)

    @abstractmethod
    def _inputs(self, site: Site) -> list[Json]:
        """Return the inputs of the job."""

    def _reports_uri(self, site: Site) -> str | Value:
        if self.reports is not None:
            return self.reports
        if site.in_loop:
            # A definition has no word for the name of a check's job.
            raise InvalidInputError(
                "In a loop the reports of all iterations would go to the same address.",
                where=self.where,
                mend="Give reports, made with current_item: Join([base, current_item], on='/').",
            )
        return site.output_uri(self.name, "reports")

    def _environment(self) -> dict[str, Json]:
        return {}

    def _beside(self, site: Site) -> dict[str, Json]:
        """Return the keys of the step that only this kind of check has."""
        del site
        return {}

    def arguments_document(self, site: Site) -> JsonObject:
        """Return the CreateProcessingJob request."""
        document: dict[str, Json] = {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": render_text(self.instance_type),
                    "InstanceCount": 1,
                    "VolumeSizeInGB": render(self.volume_size_gb),
                }
            },
            "AppSpecification": {"ImageUri": image_uri(self._image, site.arns.region, self.where)},
            "RoleArn": site.role,
            "ProcessingInputs": self._inputs(site),
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": self._output,
                        "AppManaged": False,
                        "S3Output": {
                            "S3Uri": render(self._reports_uri(site)),
                            "LocalPath": _OUTPUT,
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        }
        if environment := self._environment() | render_texts(self.environment, self.where):
            document["Environment"] = environment
        if self.max_runtime is not None:
            document["StoppingCondition"] = {"MaxRuntimeInSeconds": int(self.max_runtime.total_seconds())}
        return document | self.tags_document()

    def extra_document(self, site: Site) -> JsonObject:
        """Return what is checked against what, retries and caching."""
        document: dict[str, Json] = {
            "CheckType": self.check,
            "SkipCheck": render(self.skip),
            "RegisterNewBaseline": render(self.register),
            "FailOnViolation": render(self.fail),
            **self._beside(site),
        }
        if isinstance(self.group, Value) or self.group:
            document["ModelPackageGroupName"] = render_text(self.group, self.where)
        if self.constraints is not None:
            given = site.source_uri(self.constraints, f"{self.where}, constraints")
            document["SuppliedBaselineConstraints"] = given
        return document | self.retries_document() | cache_document(self.cache, site, self.where)


@dataclass(eq=False, repr=False, kw_only=True)
class QualityCheckStep(_CheckStep):
    """Hold data, or a model's predictions, against what they were. See the how-to on checks.

    ``step.new_constraints`` and ``step.new_statistics`` are the addresses of the new baseline.

    Args:
        check: ``DATA_QUALITY``, or ``MODEL_QUALITY`` of data with predictions and the truth.
        statistics: The other half of the previous baseline.
        format: Of the data.
        problem: Of a model: ``Regression``, ``BinaryClassification``, ``MulticlassClassification``.
        truth: Of a model: the column with the truth, by name or place.
        predicted: Of a model: the column with what was predicted.
        probability: Of a binary model: the column with probabilities of 1.
        threshold: Of a binary model: what a probability must be above to mean 1.

    Example:
        >>> check = QualityCheckStep("Check", data="s3://my-data/new.csv", group="churn")
        >>> check.new_statistics
        <Check.CalculatedBaselineStatistics>
    """

    _type: ClassVar[str] = "QualityCheck"
    _image: ClassVar[str] = "model-monitor"
    _output: ClassVar[str] = "quality_check_output"

    check: Literal["DATA_QUALITY", "MODEL_QUALITY"] = "DATA_QUALITY"
    statistics: Source | None = None
    format: Literal["csv", "csv-without-header", "json", "parquet"] = "csv"
    problem: Literal["", "Regression", "BinaryClassification", "MulticlassClassification"] = ""
    truth: Text = ""
    predicted: Text = ""
    probability: Text = ""
    threshold: float | Value | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format not in _FORMATS:
            raise InvalidInputError(
                f"{self.format!r} is no format.", where=self.where, mend=f"Use one of {', '.join(_FORMATS)}."
            )
        if self.check == "MODEL_QUALITY" and not (self.problem and self.truth):
            raise InvalidInputError(
                "The quality of a model is that of predictions of something.",
                where=self.where,
                mend="Give problem and truth, and predicted or probability.",
            )

    @property
    def new_statistics(self) -> Property:
        """The address of the statistics that the step computed."""
        return Property(self, ".CalculatedBaselineStatistics", text=True)

    @property
    def used_statistics(self) -> Property:
        """The address of the statistics that others are to use. See ``used_constraints``."""
        return Property(self, ".BaselineUsedForDriftCheckStatistics", text=True)

    def _inputs(self, site: Site) -> list[Json]:
        uri = site.source_uri(self.data, f"{self.where}, data")
        return [s3_input("baseline_dataset_input", uri, _DATASET)]

    def _environment(self) -> dict[str, Json]:
        variables: dict[str, object] = {
            "output_path": _OUTPUT,
            "publish_cloudwatch_metrics": "Disabled",
            "dataset_format": write_json(_FORMATS[self.format]),
            "dataset_source": _DATASET,
        }
        if self.check == "MODEL_QUALITY":
            given = {
                "problem_type": self.problem,
                "ground_truth_attribute": self.truth,
                "inference_attribute": self.predicted,
                "probability_attribute": self.probability,
                "probability_threshold_attribute": "" if self.threshold is None else self.threshold,
            }
            variables["analysis_type"] = self.check
            variables |= {n: one for n, one in given.items() if isinstance(one, Value) or one != ""}
        return render_texts(variables, self.where)

    def _beside(self, site: Site) -> dict[str, Json]:
        if self.statistics is None:
            return {}
        return {"SuppliedBaselineStatistics": site.source_uri(self.statistics, f"{self.where}, statistics")}


@dataclass(eq=False, repr=False, kw_only=True)
class ClarifyCheckStep(_CheckStep):
    """Ask whether groups are treated alike, or what a model's predictions rest on, and whether that changed.

    ``step.new_constraints`` is the address of the new ``analysis.json``.

    Args:
        check: ``DATA_BIAS``, ``MODEL_BIAS`` or ``MODEL_EXPLAINABILITY``.
        analysis: What is asked, as ``analysis_config.json`` has it: plain JSON, no values of the pipeline.
        model: That is asked: the step that makes it, or the name of one that is there.

    Example:
        >>> asked = {"dataset_type": "text/csv", "label": "paid", "label_values_or_threshold": [1],
        ...          "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
        ...          "methods": {"pre_training_bias": {"methods": "all"}}}
        >>> ClarifyCheckStep("Bias", check="DATA_BIAS", data="s3://my-data/loans.csv", analysis=asked)
        <ClarifyCheckStep 'Bias'>
    """

    _type: ClassVar[str] = "ClarifyCheck"
    _image: ClassVar[str] = "clarify"
    _output: ClassVar[str] = "analysis_result"

    check: Literal["DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"]
    analysis: Mapping[str, object]
    model: ModelStep | Text | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(True for _ in contents(self.analysis)):
            raise InvalidInputError(
                "A value of the pipeline cannot stand in a file that is written before it runs.",
                where=f"{self.where}, analysis",
                mend="Write it out. The data is given by data, and a model by model.",
            )

    def _inputs(self, site: Site) -> list[Json]:
        document = write_json(render(self.analysis, f"{self.where}, analysis")).encode()
        config = site.add_files("analysis", {"analysis_config.json": document}, folder=False)
        data = site.source_uri(self.data, f"{self.where}, data")
        return [s3_input("analysis_config", config, _CONFIG), s3_input("dataset", data, _DATA)]

    def _beside(self, site: Site) -> dict[str, Json]:
        del site
        if self.model is None:
            return {}
        name = self.model.model_name if isinstance(self.model, ModelStep) else self.model
        return {"ModelName": render_text(name, self.where)}
