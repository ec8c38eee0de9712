"""Steps of the SDK that check data and models."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import InvalidInputError
from stepmill.sdk import (
    ClarifyCheckStep,
    ForEachStep,
    Join,
    ModelStep,
    Parameter,
    ProcessingStep,
    QualityCheckStep,
    RegisterModelStep,
    Retry,
    current_item,
)
from support.sdk import compiled, step_document

BIAS: dict[str, Any] = {
    "dataset_type": "text/csv",
    "label": "paid",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    "methods": {"pre_training_bias": {"methods": "all"}},
}
SHAP: dict[str, Any] = {
    "dataset_type": "text/csv",
    "methods": {"shap": {"seed": 1}},
    "predictor": {"content_type": "text/csv"},
}
CHECKED = ("CheckType", "SkipCheck", "RegisterNewBaseline", "FailOnViolation")


def test_least_of_data() -> None:
    document = step_document(QualityCheckStep("Check", data="s3://b/new.csv"))
    assert document["Type"] == "QualityCheck"
    assert [document[name] for name in CHECKED] == ["DATA_QUALITY", False, False, True]
    assert "SuppliedBaselineConstraints" not in document
    arguments = document["Arguments"]
    (output,) = arguments["ProcessingOutputConfig"]["Outputs"]
    # An address of its own in each execution.
    assert {"Get": "Execution.PipelineExecutionId"} in output["S3Output"]["S3Uri"]["Std:Join"]["Values"]
    assert arguments["AppSpecification"]["ImageUri"].endswith("/sagemaker-model-monitor-analyzer:latest")
    assert arguments["Environment"] == {
        "output_path": "/opt/ml/processing/output",
        "publish_cloudwatch_metrics": "Disabled",
        "dataset_format": '{"csv":{"header":true}}',
        "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
    }
    (given,) = arguments["ProcessingInputs"]
    assert given["InputName"] == "baseline_dataset_input"
    assert given["S3Input"]["S3Uri"] == "s3://b/new.csv"


def test_most_of_data(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("1,2\n")
    first = Parameter("first", False)
    step = QualityCheckStep(
        "Check",
        data="new.csv",
        format="csv-without-header",
        constraints="s3://b/old/constraints.json",
        statistics="s3://b/old/statistics.json",
        group="churn",
        skip=first,
        register=first,
        fail=False,
        reports="s3://b/reports",
        environment={"categorical_drift_method": "LInfinity"},
        instance_type="ml.m5.large",
        volume_size_gb=5,
        max_runtime=timedelta(minutes=5),
        retry=Retry(),
        tags={"a": "b"},
        cache="30d",
    )
    document = step_document(step, folder=tmp_path, parameters=[first])
    assert [document[name] for name in CHECKED] == [
        "DATA_QUALITY", {"Get": "Parameters.first"}, {"Get": "Parameters.first"}, False,
    ]  # fmt: skip
    assert document["ModelPackageGroupName"] == "churn"
    assert document["SuppliedBaselineConstraints"] == "s3://b/old/constraints.json"
    assert document["SuppliedBaselineStatistics"] == "s3://b/old/statistics.json"
    assert document["CacheConfig"] == {"Enabled": True, "ExpireAfter": "30d"}
    assert document["RetryPolicies"]
    arguments = document["Arguments"]
    assert arguments["Environment"]["dataset_format"] == '{"csv":{"header":false}}'
    assert arguments["Environment"]["categorical_drift_method"] == "LInfinity"
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert arguments["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] == "s3://b/reports"
    assert arguments["ProcessingInputs"][0]["S3Input"]["S3Uri"].startswith("s3://bucket/prefix/")
    assert arguments["Tags"] == [{"Key": "a", "Value": "b"}]


def test_the_quality_of_a_model() -> None:
    predict = ProcessingStep("Predict", image="python", outputs=["said"])
    step = QualityCheckStep(
        "Check",
        check="MODEL_QUALITY",
        data=predict.outputs["said"],
        format="parquet",
        problem="BinaryClassification",
        truth="paid",
        probability="score",
        threshold=0.4,
    )
    document = step_document(step, predict)
    environment = document["Arguments"]["Environment"]
    assert document["CheckType"] == environment["analysis_type"] == "MODEL_QUALITY"
    assert environment["dataset_format"] == '{"parquet":{}}'
    named = {name: value for name, value in environment.items() if "attribute" in name or "problem" in name}
    assert named == {
        "problem_type": "BinaryClassification",
        "ground_truth_attribute": "paid",
        "probability_attribute": "score",
        "probability_threshold_attribute": "0.4",
    }


def test_least_of_bias() -> None:
    step = ClarifyCheckStep("Bias", check="DATA_BIAS", data="s3://b/loans.csv", analysis=BIAS)
    result = compiled(step)
    (document,) = json.loads(result.definition)["Steps"]
    assert (document["Type"], document["CheckType"]) == ("ClarifyCheck", "DATA_BIAS")
    assert "ModelName" not in document
    arguments = document["Arguments"]
    assert arguments["AppSpecification"]["ImageUri"].endswith("/sagemaker-clarify-processing:1.0")
    assert "Environment" not in arguments
    places = {one["InputName"]: one["S3Input"]["LocalPath"] for one in arguments["ProcessingInputs"]}
    assert places == {
        "analysis_config": "/opt/ml/processing/input/config",
        "dataset": "/opt/ml/processing/input/data",
    }
    (asset,) = result.assets
    assert asset.uri == arguments["ProcessingInputs"][0]["S3Input"]["S3Uri"]
    assert asset.uri.endswith("/analysis_config.json")
    assert json.loads(asset.read()) == BIAS


def test_a_model_is_explained_by_the_name_that_it_gets() -> None:
    model = ModelStep("Model", model="s3://b/model.tar.gz")
    step = ClarifyCheckStep(
        "Explain", check="MODEL_EXPLAINABILITY", data="s3://b/x.csv", analysis=SHAP, model=model
    )
    assert step_document(step, model)["ModelName"] == {"Get": "Steps.Model.ModelName"}
    named = ClarifyCheckStep(
        "Explain", check="MODEL_EXPLAINABILITY", data="s3://b/x.csv", analysis=SHAP, model="mine"
    )
    assert step_document(named)["ModelName"] == "mine"


def test_others_use_the_baselines() -> None:
    check = QualityCheckStep("Check", data="s3://b/new.csv", register=True, skip=True)
    bias = ClarifyCheckStep("Bias", check="DATA_BIAS", data="s3://b/new.csv", analysis=BIAS)
    register = RegisterModelStep(
        "Register",
        group="g",
        model="s3://b/model.tar.gz",
        request={
            "DriftCheckBaselines": {
                "ModelDataQuality": {
                    "Constraints": {"ContentType": "application/json", "S3Uri": check.used_constraints},
                    "Statistics": {"ContentType": "application/json", "S3Uri": check.used_statistics},
                },
                "Bias": {
                    "PreTrainingConstraints": {
                        "ContentType": "application/json",
                        "S3Uri": bias.new_constraints,
                    }
                },
            }
        },
    )
    kept = step_document(register, check, bias)["Arguments"]["DriftCheckBaselines"]
    assert kept["ModelDataQuality"]["Constraints"]["S3Uri"] == {
        "Get": "Steps.Check.BaselineUsedForDriftCheckConstraints"
    }
    assert kept["ModelDataQuality"]["Statistics"]["S3Uri"] == {
        "Get": "Steps.Check.BaselineUsedForDriftCheckStatistics"
    }
    assert kept["Bias"]["PreTrainingConstraints"]["S3Uri"] == {
        "Get": "Steps.Bias.CalculatedBaselineConstraints"
    }


def test_in_a_loop_each_iteration_needs_a_place_for_its_reports() -> None:
    items = ["s3://b/1", "s3://b/2"]
    check = QualityCheckStep("Check", data=current_item)
    with pytest.raises(InvalidInputError, match="would go to the same address"):
        compiled(ForEachStep("Loop", items=items, body=[check]))
    check = QualityCheckStep("Check", data=current_item, reports=Join([current_item, "reports"], on="/"))
    loop = ForEachStep("Loop", items=items, body=[check])
    assert step_document(loop)["Type"] == "ForEach"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reports": "here"}, "'here' is no s3:// address"),
        ({"format": "xml"}, "'xml' is no format"),
        ({"check": "MODEL_QUALITY"}, "The quality of a model is that of predictions"),
    ],
)
def test_what_quality_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        QualityCheckStep("Check", data="s3://b/new.csv", **given)


def test_an_analysis_has_no_values_of_the_pipeline() -> None:
    with pytest.raises(InvalidInputError, match="cannot stand in a file"):
        ClarifyCheckStep(
            "Bias", check="DATA_BIAS", data="s3://b/x.csv", analysis={"label": Parameter("label", "paid")}
        )
