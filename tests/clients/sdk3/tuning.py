"""Tuning: tune, wait, analytics, warm start, stop, and a Tuning step. SDK 3."""

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter
from sagemaker.core.workflow.parameters import ParameterFloat
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import TuningStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

METRICS = [{"Name": "train:mse", "Regex": "train_mse=(.*?);"}]


def run(session: Session, role: str, image: str, code: str, data: str) -> None:
    """Tune the training of ``train.py`` on its data."""
    bucket = session.default_bucket()
    channels = [InputData(channel_name="train", data_source=data)]

    def tuner(base: str, own: Session = session, **more: object) -> HyperparameterTuner:
        trainer = ModelTrainer(
            training_image=image,
            role=role,
            sagemaker_session=own,
            base_job_name=base,
            compute=Compute(instance_type="ml.m5.xlarge", instance_count=1),
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/tuned"),
            source_code=SourceCode(source_dir=f"{code}/source", entry_script="train.py"),
        )
        given = {
            "hyperparameter_ranges": {"alpha": ContinuousParameter(0.001, 100, scaling_type="Logarithmic")},
            "max_jobs": 2,
            "max_parallel_jobs": 2,
            "strategy": "Random",
            **more,
        }
        return HyperparameterTuner(
            trainer,
            objective_metric_name="train:mse",
            metric_definitions=METRICS,
            objective_type="Minimize",
            base_tuning_job_name=base,
            **given,
        )

    first = tuner("first", strategy="Bayesian", early_stopping_type="Auto", random_seed=4)
    first.tune(channels, wait=True)
    frame = first.analytics().dataframe()
    assert sorted(frame["TrainingJobStatus"]) == ["Completed"] * 2, frame
    assert first.best_training_job() == frame.sort_values("FinalObjectiveValue").iloc[0]["TrainingJobName"]
    assert first.describe().objective_status_counters.succeeded == 2

    grid = tuner(
        "grid", strategy="Grid", hyperparameter_ranges={"alpha": CategoricalParameter([0.1, 10])}, max_jobs=2
    )
    grid.tune(channels, wait=False)
    endless = tuner("endless", max_jobs=500, max_parallel_jobs=1)
    endless.tune(channels, wait=False)
    grid.wait()
    assert sorted(grid.analytics().dataframe()["alpha"]) == [0.1, 10.0]
    endless.stop_tuning_job()
    endless.wait()
    assert endless.describe().hyper_parameter_tuning_job_status == "Stopped"

    own = PipelineSession()
    most = ParameterFloat("MostAlpha", default_value=10.0)
    tune = TuningStep(
        "Tune",
        step_args=tuner("step", own, hyperparameter_ranges={"alpha": ContinuousParameter(0.1, most)}).tune(
            channels
        ),
    )
    # It reads what the step gave: the pipeline fails with the address of the best model.
    told = FailStep(
        "Told", error_message=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix="tuned")
    )
    pipeline = Pipeline("Tuned3", steps=[tune, told], parameters=[most], sagemaker_session=own)
    pipeline.upsert(role)
    execution = pipeline.start()
    try:
        execution.wait(delay=1, max_attempts=240)
    except Exception:
        steps = {one["StepName"]: one for one in execution.list_steps()}
    assert steps["Tune"]["StepStatus"] == "Succeeded", steps
    address = steps["Told"]["Metadata"]["Fail"]["ErrorMessage"]
    assert address.startswith(f"s3://{bucket}/tuned/"), address
    assert address.endswith("/output/model.tar.gz"), address
