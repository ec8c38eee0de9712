"""Parts of MLflow's API that are not offered, each by its name, and what to do instead."""

from __future__ import annotations

from stepmill.mlflow_rest.errors import NO_ENDPOINT, NOT_OFFERED, MlflowError

_REGISTRY = "Register models with SageMaker's API: CreateModelPackage, or `stepmill models`."
_EXPERIMENTS = "Log runs, metrics, parameters, artifacts and models instead."
# First segments after ``mlflow/`` -> what they are, what to do.
_FAMILIES = {
    "registered-models": ("registered models", _REGISTRY),
    "model-versions": ("versions of registered models", _REGISTRY),
    "traces": ("traces", _EXPERIMENTS),
    "assessments": ("assessments", _EXPERIMENTS),
    "datasets": ("evaluation datasets", "Log datasets as inputs of runs: mlflow.log_input."),
    "scorers": ("scorers", _EXPERIMENTS),
    "issues": ("issues", _EXPERIMENTS),
    "label-schemas": ("label schemas", _EXPERIMENTS),
    "review-queues": ("review queues", _EXPERIMENTS),
    "prompts": ("prompts", _EXPERIMENTS),
    "gateway": ("the AI gateway", _EXPERIMENTS),
    "workspaces": ("workspaces", "Use another home for what is to be apart: STEPMILL_HOME."),
    "webhooks": ("webhooks", "Let a rule of EventBridge tell of changes."),
    "users": ("users", "Make a key for each: `stepmill keys`."),
    "permissions": ("permissions", "Bound jobs by the policies of their roles."),
}
_PATHS = {
    "mlflow/artifacts/presigned-upload-url": "presigned links",
    "mlflow/artifacts/presigned-download-url": "presigned links",
    "mlflow/metrics/get-history-bulk-interval": "sampled histories of metrics",
    "mlflow/metrics/get-history-bulk": "histories of many runs' metrics at once",
}


def refusal_of(method: str, path: str) -> MlflowError:
    """Return the error of a call that nobody answers.

    Args:
        method: ``POST``.
        path: Below ``/api/2.0/``.
    """
    first, _, rest = path.partition("/")
    family = rest.partition("/")[0] if first == "mlflow" else ""
    if first == "mlflow-artifacts" and rest.startswith(("mpu/", "presigned/")):
        return MlflowError(
            NOT_OFFERED,
            "Stepmill does not offer uploads in parts and presigned links for MLflow's artifacts.",
            mend="Leave MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD and _DOWNLOAD unset: files go through the "
            "server, whatever their size.",
        )
    if path in _PATHS:
        return MlflowError(NOT_OFFERED, f"Stepmill does not offer {_PATHS[path]} of MLflow's API.")
    if family in _FAMILIES:
        called, mend = _FAMILIES[family]
        return MlflowError(NOT_OFFERED, f"Stepmill does not offer {called} of MLflow's API.", mend=mend)
    return MlflowError(NO_ENDPOINT, f"There is no {method[:16]} {path[:200]} in MLflow's API here.")
