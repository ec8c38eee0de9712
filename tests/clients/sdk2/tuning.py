"""Tuning: fit, analytics, attach, warm start, several estimators, stop, and a Tuning step. SDK 2.x."""

import os

import sagemaker
from sagemaker.inputs import TrainingInput
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
    TuningJobCompletionCriteriaConfig,
)
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import TuningStep

METRICS = [{"Name": "train:mse", "Regex": "train_mse=(.*?);"}]
OBJECTIVE = {
    "objective_metric_name": "train:mse",
    "metric_definitions": METRICS,
    "objective_type": "Minimize",
}
ALPHA = {"alpha": ContinuousParameter(0.001, 100, scaling_type="Logarithmic")}


def run(session: sagemaker.Session, role: str, code: str, data: str) -> None:
    """Tune the training of ``fit.py`` on its data, in all the ways that the SDK has."""

    def estimator(own: sagemaker.Session = session, **more: object) -> SKLearn:
        return SKLearn(
            entry_point="train.py",
            source_dir=os.path.join(code, "source"),
            framework_version="1.2-1",
            instance_type="ml.m5.xlarge",
            instance_count=1,
            role=role,
            sagemaker_session=own,
            **more,
        )

    ranges = {**ALPHA, "shape": CategoricalParameter(["round", "flat"]), "seed": IntegerParameter(1, 9)}
    criteria = TuningJobCompletionCriteriaConfig(target_objective_metric_value=-1.0)
    tuner = HyperparameterTuner(
        estimator(),
        hyperparameter_ranges=ranges,
        max_jobs=3,
        max_parallel_jobs=2,
        random_seed=1,
        base_tuning_job_name="shells",
        early_stopping_type="Auto",
        completion_criteria_config=criteria,
        tags=[{"Key": "team", "Value": "shells"}],
        **OBJECTIVE,
    )
    tuner.fit({"train": data}, wait=False)
    tuner.wait()
    frame = tuner.analytics().dataframe()
    assert sorted(frame["TrainingJobStatus"]) == ["Completed"] * 3, frame
    best = frame.sort_values("FinalObjectiveValue").iloc[0]
    assert tuner.best_training_job() == best["TrainingJobName"], (tuner.describe(), frame)
    assert set(frame["shape"]) <= {'"round"', '"flat"'}, frame
    assert tuner.best_estimator().model_data.endswith(f"{best['TrainingJobName']}/output/model.tar.gz")
    name = tuner.latest_tuning_job.name
    attached = HyperparameterTuner.attach(name, sagemaker_session=session)
    assert attached.best_training_job() == best["TrainingJobName"]
    assert set(attached.hyperparameter_ranges()["ContinuousParameterRanges"][0]) >= {"MinValue", "MaxValue"}

    warm = tuner.identical_dataset_and_algorithm_tuner()
    # The SDK does not take them along.
    warm.max_jobs, warm.metric_definitions = 1, METRICS
    # Its names have minutes: two of one base, begun in one minute, would share one.
    warm.base_tuning_job_name = "warm"
    warm.fit({"train": data}, wait=False)
    several = HyperparameterTuner.create(
        estimator_dict={"one": estimator(), "two": estimator(hyperparameters={"seed": 3})},
        objective_metric_name_dict={"one": "train:mse", "two": "train:mse"},
        metric_definitions_dict={"one": METRICS, "two": METRICS},
        hyperparameter_ranges_dict={"one": ALPHA, "two": ALPHA},
        objective_type="Minimize",
        strategy="Random",
        max_jobs=2,
        max_parallel_jobs=2,
        base_tuning_job_name="both",
    )
    both = {"one": {"train": data}, "two": {"train": data}}
    several.fit(both, include_cls_metadata={}, wait=False)
    endless = HyperparameterTuner(
        estimator(),
        hyperparameter_ranges=ALPHA,
        max_jobs=500,
        max_parallel_jobs=1,
        strategy="Random",
        base_tuning_job_name="endless",
        **OBJECTIVE,
    )
    endless.fit({"train": data}, wait=False)
    warm.wait()
    assert warm.describe()["OverallBestTrainingJob"]["TuningJobName"] in (name, warm.latest_tuning_job.name)
    several.wait()
    assert set(several.analytics().dataframe()["TrainingJobDefinitionName"]) == {"one", "two"}
    endless.stop_tuning_job()
    endless.wait()
    assert endless.describe()["HyperParameterTuningJobStatus"] == "Stopped", endless.describe()
    in_a_pipeline(session, estimator, data)


def in_a_pipeline(session: sagemaker.Session, estimator, data: str) -> None:
    """Tune in a step, and make a model of the best training job."""
    own = PipelineSession()
    bucket = session.default_bucket()
    tuner = HyperparameterTuner(
        estimator(own, output_path=f"s3://{bucket}/tuned"),
        hyperparameter_ranges=ALPHA,
        max_jobs=2,
        max_parallel_jobs=2,
        strategy="Random",
        **OBJECTIVE,
    )
    tune = TuningStep("Tune", step_args=tuner.fit({"train": TrainingInput(data)}))
    model = SKLearnModel(
        model_data=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="tuned"),
        role=tuner.estimator.role,
        entry_point="train.py",
        source_dir=tuner.estimator.source_dir,
        framework_version="1.2-1",
        sagemaker_session=own,
    )
    keep = ModelStep("Keep", step_args=model.create())
    pipeline = Pipeline("Tuned", steps=[tune, keep], sagemaker_session=own)
    pipeline.upsert(tuner.estimator.role)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=240)
    entry = next(one for one in execution.list_steps() if one["StepName"] == "Tune")
    told = session.sagemaker_client.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=entry["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    )
    assert told["TrainingJobStatusCounters"]["Completed"] == 2, told
    made = next(one for one in execution.list_steps() if one["StepName"] == "Keep-CreateModel")
    described = session.sagemaker_client.describe_model(
        ModelName=made["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    )
    data_url = described["PrimaryContainer"]["ModelDataUrl"]
    assert told["BestTrainingJob"]["TrainingJobName"] in data_url, (told, described)
