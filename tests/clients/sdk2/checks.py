"""Baselines and checks of data, as users make them. SDK 2.x. Called by ``fit.py``."""

import io
import json
import os
import tarfile
import tempfile

import boto3
from sagemaker import image_uris
from sagemaker.clarify import (
    BiasConfig,
    DataConfig,
    ModelConfig,
    PDPConfig,
    SageMakerClarifyProcessor,
    SHAPConfig,
)
from sagemaker.model_monitor import DefaultModelMonitor, ModelQualityMonitor
from sagemaker.model_monitor.dataset_format import DatasetFormat
from sagemaker.s3 import S3Downloader
from sagemaker.transformer import Transformer
from sagemaker.workflow.check_job_config import CheckJobConfig
from sagemaker.workflow.clarify_check_step import (
    ClarifyCheckStep,
    DataBiasCheckConfig,
    ModelExplainabilityCheckConfig,
)
from sagemaker.workflow.monitor_batch_transform_step import MonitorBatchTransformStep
from sagemaker.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep

CSV = DatasetFormat.csv(header=True)


def run(session, role, model):
    """Suggest a baseline, register one, let a pipeline pass and fail against it, watch a transform job."""
    bucket = session.default_bucket()
    folder = tempfile.mkdtemp()
    usual, odd = os.path.join(folder, "usual.csv"), os.path.join(folder, "odd.csv")
    write(usual, [(40 + index % 30, "in") for index in range(300)])
    write(odd, [(90 + index % 30, "out") for index in range(300)])
    suggest(session, role, usual)
    suggest_of_captured(session, role, folder)

    check = step(session, role, usual, bucket)
    pipeline = Pipeline(
        "Checks",
        parameters=[
            check.skip_check,
            check.register_new_baseline,
            check.quality_check_config.baseline_dataset,
        ],
        steps=[check],
        sagemaker_session=session,
    )
    pipeline.upsert(role)
    client = boto3.client("sagemaker")
    none = pipeline.start()
    assert "There is no previous baseline" in ended(client, none)["FailureReason"], ended(client, none)
    first = ended(client, pipeline.start({"Skip": True, "Register": True}))
    about = first["Metadata"]["QualityCheck"]
    assert about["BaselineUsedForDriftCheckStatistics"] == about["CalculatedBaselineStatistics"], about
    assert "ViolationReport" not in about, about
    register(client, about)
    passed = ended(client, pipeline.start())["Metadata"]["QualityCheck"]
    # The baseline of the approved version, not the reports of this check.
    assert passed["BaselineUsedForDriftCheckConstraints"].endswith("kept/constraints.json"), passed
    uploaded = session.upload_data(odd, bucket, "checks/odd")
    failed = ended(client, pipeline.start({"Data": uploaded}))
    assert failed["StepStatus"] == "Failed", failed
    assert "baseline_drift_check" in failed["FailureReason"], failed
    report = json.loads(S3Downloader.read_file(failed["Metadata"]["QualityCheck"]["ViolationReport"]))
    found = {(one["feature_name"], one["constraint_check_type"]) for one in report["violations"]}
    assert {("age", "baseline_drift_check"), ("place", "categorical_values_check")} <= found, found
    watch(session, role, model, session.upload_data(usual, bucket, "checks/usual"))
    bias(session, role, client)
    explain(session, role, client)


def bias(session, role, client):
    """Measure bias by a job, and hold data against what it found by a step."""
    bucket = session.default_bucket()
    path = os.path.join(tempfile.mkdtemp(), "loans.csv")
    with open(path, "w") as file:
        file.write("f,1,1\nf,0,1\nf,0,0\nf,0,0\nm,1,1\nm,1,1\nm,0,1\nm,0,0\n")

    def data(output):
        return DataConfig(
            session.upload_data(path, bucket, "bias/data"),
            f"s3://{bucket}/bias/{output}",
            label="paid",
            headers=["sex", "paid", "said"],
            predicted_label="said",
        )

    facet = BiasConfig([1], "sex", ["f"])
    processor = SageMakerClarifyProcessor(
        role=role, instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session
    )
    processor.run_bias(data("job"), facet, model_config=None, logs=False)
    report = json.loads(S3Downloader.read_file(f"s3://{bucket}/bias/job/analysis.json"))
    found = {
        metric["name"]: metric["value"]
        for kind in ("pre", "post")
        for group in report[f"{kind}_training_bias_metrics"]["facets"]["sex"]
        for metric in group["metrics"]
    }
    assert (found["CI"], found["DPL"], found["DI"]) == (0.0, 0.25, 0.5 / 0.75), found
    assert "<h1>Analysis Report</h1>" in S3Downloader.read_file(f"s3://{bucket}/bias/job/report.html")

    check = ClarifyCheckStep(
        "Bias",
        clarify_check_config=DataBiasCheckConfig(data("step"), facet, methods=["CI", "DPL"]),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        supplied_baseline_constraints=f"s3://{bucket}/bias/job/analysis.json",
    )
    pipeline = Pipeline("Bias", steps=[check], sagemaker_session=session)
    pipeline.upsert(role)
    passed = ended(client, pipeline.start())
    assert passed["StepStatus"] == "Succeeded", passed
    about = passed["Metadata"]["ClarifyCheck"]
    assert about["CheckType"] == "DATA_BIAS", about
    assert about["CalculatedBaselineConstraints"] == f"s3://{bucket}/bias/step/analysis.json", about


SCRIPT = """
def preprocess_handler(inference_record):
    if inference_record.endpoint_input.data == "ping":
        return []
    return {"score": inference_record.endpoint_output.data, "age": inference_record.endpoint_input.data}
"""


def suggest_of_captured(session, role, folder):
    """Suggest a baseline of what an endpoint captured, as a script reads it."""
    lines = [
        {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "text/csv",
                    "mode": "INPUT",
                    "data": sent,
                    "encoding": "CSV",
                },
                "endpointOutput": {
                    "observedContentType": "text/csv",
                    "mode": "OUTPUT",
                    "data": "0.5",
                    "encoding": "CSV",
                },
            },
            "eventMetadata": {"eventId": str(number), "inferenceTime": "2026-11-20T23:33:12Z"},
            "eventVersion": "0",
        }
        for number, sent in enumerate(["31", "ping", "44"])
    ]
    data, script = os.path.join(folder, "captured.jsonl"), os.path.join(folder, "script.py")
    with open(data, "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    with open(script, "w") as file:
        file.write(SCRIPT)
    monitor = DefaultModelMonitor(role=role, sagemaker_session=session)
    monitor.suggest_baseline(
        data,
        DatasetFormat.sagemaker_capture_json(),
        record_preprocessor_script=script,
        output_s3_uri=f"s3://{session.default_bucket()}/suggested-of-captured",
        logs=False,
    )
    found = monitor.baseline_statistics().body_dict
    assert [one["name"] for one in found["features"]] == ["score", "age"], found
    assert found["dataset"]["item_count"] == 2, found


def watch(session, role, model, data):
    """Check the data of a transform job before it runs, by ``MonitorBatchTransformStep``."""
    bucket = session.default_bucket()
    inside = PipelineSession()
    transformer = Transformer(
        model,
        1,
        "ml.m5.large",
        output_path=f"s3://{bucket}/checks/answers",
        accept="text/csv",
        sagemaker_session=inside,
    )
    watched = MonitorBatchTransformStep(
        name="Watched",
        transform_step_args=transformer.transform(
            f"s3://{bucket}/fit/test", content_type="text/csv", split_type="Line", input_filter="$[1:]"
        ),
        monitor_configuration=DataQualityCheckConfig(
            baseline_dataset=data, dataset_format=CSV, output_s3_uri=f"s3://{bucket}/checks/watched"
        ),
        check_job_configuration=CheckJobConfig(role=role, sagemaker_session=inside),
        monitor_before_transform=True,
        supplied_baseline_statistics=f"s3://{bucket}/suggested/statistics.json",
        supplied_baseline_constraints=f"s3://{bucket}/suggested/constraints.json",
    )
    pipeline = Pipeline("Watched", steps=[watched], sagemaker_session=inside)
    pipeline.upsert(role)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=300)
    listed = execution.list_steps()
    check, transform = sorted(listed, key=lambda step: step["StartTime"])
    assert (check["StepName"], transform["StepName"]) == ("Watched-monitoring", "Watched-transform"), listed
    assert check["EndTime"] <= transform["StartTime"], listed


# A model whose Shapley values anybody can tell: 3 a + b + a b, between 0 and 10.
INFERENCE = """
import numpy as np

def model_fn(folder):
    return None

def predict_fn(data, model):
    a, b = np.asarray(data, dtype=float).T[:2]
    return 3 * a + b + a * b
"""


def make_model(client, session, role, name):
    """Create the model in the way of every framework: an archive with its code."""
    path = os.path.join(tempfile.mkdtemp(), "model.tar.gz")
    with tarfile.open(path, "w:gz") as archive:
        content = INFERENCE.encode()
        told = tarfile.TarInfo("code/inference.py")
        told.size = len(content)
        archive.addfile(told, io.BytesIO(content))
    bucket = session.default_bucket()
    client.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": image_uris.retrieve("sklearn", session.boto_region_name, "1.2-1"),
            "ModelDataUrl": session.upload_data(path, bucket, "explain/model"),
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
        },
    )


def explain(session, role, client):
    """Explain a model by a job and by a step; the same order of features passes, another one fails."""
    bucket = session.default_bucket()
    make_model(client, session, role, "explained")
    path = os.path.join(tempfile.mkdtemp(), "points.csv")
    with open(path, "w") as file:
        file.write("".join(f"{a},{b},{a}\n" for a in (0, 1, 2) for b in (0, 1)))

    def data(output):
        return DataConfig(
            session.upload_data(path, bucket, "explain/data"),
            f"s3://{bucket}/explain/{output}",
            label="truth",
            headers=["a", "b", "truth"],
        )

    model = ModelConfig("explained", 1, "ml.m5.xlarge", accept_type="text/csv")
    shap = SHAPConfig([[0, 0]], num_samples=100, agg_method="mean_abs", save_local_shap_values=True)
    processor = SageMakerClarifyProcessor(
        role=role, instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session
    )
    processor.run_bias_and_explainability(
        data("job"), model, [shap, PDPConfig(["a"], 3)], BiasConfig([1, 2], "b", [0]), logs=False
    )
    report = json.loads(S3Downloader.read_file(f"s3://{bucket}/explain/job/analysis.json"))
    found = report["explanations"]["kernel_shap"]["label0"]
    # Of (2, 1): a has 3 * 2 and half of 2 * 1, b has 1 and the other half.
    assert found["expected_value"] == 0.0, found
    means = {name: round(value, 6) for name, value in found["global_shap_values"].items()}
    assert means == {"a": 3.25, "b": 0.75}, means
    local = S3Downloader.read_file(f"s3://{bucket}/explain/job/explanations_shap/out.csv").splitlines()
    assert local[0] == "a_label0,b_label0", local
    assert [round(float(value), 6) for value in local[-1].split(",")] == [7.0, 2.0], local
    (plot,) = report["explanations"]["pdp"]
    assert plot["feature_values"] == [0, 1, 2], plot
    assert plot["model_predictions"] == [[0.5, 4.0, 7.5]], plot
    after = report["post_training_bias_metrics"]["facets"]["b"]
    assert after[0]["value_or_threshold"] == "0", after
    page = S3Downloader.read_file(f"s3://{bucket}/explain/job/report.html")
    assert "<svg" in page, page

    check = ClarifyCheckStep(
        "Explain",
        clarify_check_config=ModelExplainabilityCheckConfig(data("step"), model, shap),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        supplied_baseline_constraints=ParameterString("Before", f"s3://{bucket}/explain/job/analysis.json"),
    )
    pipeline = Pipeline(
        "Explain",
        parameters=[check.supplied_baseline_constraints],
        steps=[check],
        sagemaker_session=session,
    )
    pipeline.upsert(role)
    passed = ended(client, pipeline.start())
    assert passed["StepStatus"] == "Succeeded", passed
    about = passed["Metadata"]["ClarifyCheck"]
    assert about["CheckType"] == "MODEL_EXPLAINABILITY", about
    odd = {"a": 0.1, "b": 5.0}
    report["explanations"]["kernel_shap"]["label0"]["global_shap_values"] = odd
    boto3.client("s3").put_object(Bucket=bucket, Key="explain/odd.json", Body=json.dumps(report))
    failed = ended(client, pipeline.start({"Before": f"s3://{bucket}/explain/odd.json"}))
    assert failed["StepStatus"] == "Failed", failed
    assert "feature_attribution_drift_check" in failed["FailureReason"], failed
    report = json.loads(S3Downloader.read_file(failed["Metadata"]["ClarifyCheck"]["ViolationReport"]))
    assert [one["label"] for one in report["violations"]] == ["label0"], report


def write(path, rows):
    with open(path, "w") as file:
        file.write("age,place\n" + "".join(f"{age},{place}\n" for age, place in rows))


def suggest(session, role, data):
    monitor = DefaultModelMonitor(role=role, sagemaker_session=session)
    monitor.suggest_baseline(
        data, CSV, output_s3_uri=f"s3://{session.default_bucket()}/suggested", logs=False
    )
    (age, place) = monitor.suggested_constraints().body_dict["features"]
    assert (age["inferred_type"], place["string_constraints"]) == ("Integral", {"domains": ["in"]}), (
        age,
        place,
    )
    (age, place) = monitor.baseline_statistics().body_dict["features"]
    assert age["numerical_statistics"]["mean"] == 54.5, age
    told = monitor.latest_baselining_job.describe()
    assert told["ExitMessage"].startswith("Completed: "), told
    predicted = os.path.join(os.path.dirname(data), "predicted.csv")
    with open(predicted, "w") as file:
        file.write(
            "label,score\n" + "".join(f"{index % 2},{0.3 + index % 2 * 0.4}\n" for index in range(200))
        )
    quality = ModelQualityMonitor(role=role, sagemaker_session=session)
    quality.suggest_baseline(
        predicted,
        CSV,
        problem_type="BinaryClassification",
        probability_attribute="score",
        probability_threshold_attribute="0.5",
        ground_truth_attribute="label",
        output_s3_uri=f"s3://{session.default_bucket()}/quality",
        wait=True,
        logs=False,
    )
    found = quality.suggested_constraints().body_dict["binary_classification_constraints"]
    assert found["auc"] == {"threshold": 1.0, "comparison_operator": "LessThanThreshold"}, found
    metrics = quality.baseline_statistics().body_dict["binary_classification_metrics"]
    assert metrics["accuracy"] == {"value": 1.0, "standard_deviation": 0.0}, metrics


def step(session, role, data, bucket):
    return QualityCheckStep(
        "Check",
        quality_check_config=DataQualityCheckConfig(
            baseline_dataset=ParameterString("Data", session.upload_data(data, bucket, "checks/usual")),
            dataset_format=CSV,
            output_s3_uri=f"s3://{bucket}/checks/reports",
        ),
        check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
        skip_check=ParameterBoolean("Skip", default_value=False),
        register_new_baseline=ParameterBoolean("Register", default_value=False),
        model_package_group_name="checked",
    )


def register(client, about):
    """Register a version whose baselines are these, and approve it."""
    s3 = boto3.client("s3")
    bucket = about["CalculatedBaselineConstraints"].split("/")[2]
    kept = {}
    for name in ("Constraints", "Statistics"):
        source = about[f"BaselineUsedForDriftCheck{name}"].split("/", 3)[3]
        target = f"checks/kept/{name.lower()}.json"
        s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})
        kept[name] = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/{target}"}
    client.create_model_package_group(ModelPackageGroupName="checked")
    client.create_model_package(
        ModelPackageGroupName="checked",
        ModelApprovalStatus="Approved",
        DriftCheckBaselines={"ModelDataQuality": kept},
    )


def ended(client, execution):
    """Wait for an execution, and return the listing of its only step."""
    try:
        execution.wait(delay=1, max_attempts=300)
    except Exception as error:
        assert "Failed" in str(error), error
    (step,) = client.list_pipeline_execution_steps(PipelineExecutionArn=execution.arn)[
        "PipelineExecutionSteps"
    ]
    return step
