"""Runs in MLflow's API: what they log, and searching them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stepmill.catalog.packages import part
from stepmill.catalog.tracking.filters import OF_RUNS, Subject, arranged, read_filter, read_orders
from stepmill.catalog.tracking.runs import Logged, NewRun
from stepmill.catalog.tracking.tracking import Tracking
from stepmill.catalog.tracking.values import RunStatus, Stage, TrackedMetric, TrackedRun
from stepmill.core.endpoint import JobIdentity
from stepmill.core.json import Json, JsonObject, object_of, objects_of, read_json, write_json
from stepmill.mlflow_rest.asking import Answer, Asked, Route
from stepmill.mlflow_rest.bounds import Bounds
from stepmill.mlflow_rest.documents import (
    info_document,
    metric_document,
    page_of,
    pairs,
    run_document,
    stages_of,
)
from stepmill.mlflow_rest.errors import INVALID, MlflowError
from stepmill.mlflow_rest.fields import Fields

# MLflow's documentation, "MLflow REST API", request limits.
_MOST_METRICS, _MOST_PARAMS, _MOST_TAGS, _MOST_OF_ALL = 1000, 100, 100, 1000
_LARGEST_BATCH_BYTES = 1_000_000
_LARGEST_PAGE, _USUAL_PAGE, _METRICS_PAGE = 50_000, 1000, 25_000
_MOST_INPUTS = 1000
_MOST_EXPERIMENTS = 1000
_NEWEST_FIRST = ("start_time DESC", "run_id ASC")
_STATUSES = {
    "1": RunStatus.RUNNING, "2": RunStatus.SCHEDULED, "3": RunStatus.FINISHED, "4": RunStatus.FAILED,
    "5": RunStatus.KILLED,
}  # fmt: skip
_MODEL_HISTORY = "mlflow.log-model.history"


class JobFacts(Protocol):
    """Knows of a job what its MLflow runs are to say."""

    def tags(self, job: JobIdentity) -> Mapping[str, str]:
        """Return the tags of its runs."""
        ...

    def trial(self, job: JobIdentity) -> str:
        """Return the name of the trial of its execution; may be empty."""
        ...


class RunCalls:
    """Answers calls about runs.

    Args:
        tracking: What there is.
        bounds: Tells what jobs may do.
        facts: Tells of jobs.
    """

    def __init__(self, tracking: Tracking, bounds: Bounds, facts: JobFacts) -> None:
        self._runs = tracking.runs
        self._models = tracking.models
        self._bounds = bounds
        self._facts = facts

    def routes(self) -> tuple[Route, ...]:
        """Return who answers what."""
        return (
            Route("POST", "mlflow/runs/create", self._create, "CreateRun"),
            Route("GET", "mlflow/runs/get", self._get, "GetRun"),
            Route("POST", "mlflow/runs/update", self._update, "UpdateRun"),
            Route("POST", "mlflow/runs/delete", self._delete, "DeleteRun"),
            Route("POST", "mlflow/runs/restore", self._restore, "RestoreRun"),
            Route("POST", "mlflow/runs/search", self._search, "SearchRuns"),
            Route("POST", "mlflow/runs/log-metric", self._log_metric, "LogMetric"),
            Route("POST", "mlflow/runs/log-parameter", self._log_param, "LogParam"),
            Route("POST", "mlflow/runs/log-batch", self._log_batch, "LogBatch"),
            Route("POST", "mlflow/runs/set-tag", self._set_tag, "SetTag"),
            Route("POST", "mlflow/runs/delete-tag", self._delete_tag, "DeleteTag"),
            Route("POST", "mlflow/runs/log-inputs", self._log_inputs, "LogInputs"),
            Route("POST", "mlflow/runs/outputs", self._log_outputs, "LogOutputs"),
            Route("POST", "mlflow/runs/log-model", self._log_model, "LogModel"),
            Route("GET", "mlflow/metrics/get-history", self._history, "GetMetricHistory"),
        )

    def _create(self, asked: Asked) -> Answer:
        given = asked.fields
        job = asked.caller.job
        told = self._facts.tags(job) if job else {}
        new = NewRun(
            experiment_id=given.text("experiment_id", default="0") or "0",
            name=given.text("run_name", default=""),
            user_id=given.text("user_id", default=""),
            start_ms=given.integer("start_time", default=0),
            tags={**pairs(given.objects("tags", _MOST_OF_ALL)), **told},
            trial=self._facts.trial(job) if job else "",
            maker=asked.maker,
        )
        return {"run": run_document(self._runs.create(new))}

    def _get(self, asked: Asked) -> Answer:
        return {"run": run_document(self._runs.get(asked.run_id()))}

    def _update(self, asked: Asked) -> Answer:
        given, run_id = asked.fields, self._own(asked, "UpdateRun")
        text = given.text("status", default="")
        status = _STATUSES.get(text) or next((one for one in RunStatus if one.value == text), None)
        if text and status is None:
            raise MlflowError(INVALID, f"Invalid run status {text[:80]!r}.")
        end_ms = given.integer("end_time") if "end_time" in given else None
        name = given.text("run_name", default="")
        return {"run_info": info_document(self._runs.update(run_id, status=status, end_ms=end_ms, name=name))}

    def _delete(self, asked: Asked) -> Answer:
        self._runs.set_stage(self._own(asked, "DeleteRun"), Stage.DELETED)
        return {}

    def _restore(self, asked: Asked) -> Answer:
        self._runs.set_stage(self._own(asked, "RestoreRun"), Stage.ACTIVE)
        return {}

    def _search(self, asked: Asked) -> Answer:
        given = asked.fields
        conditions = read_filter(given.text("filter", default=""), OF_RUNS)
        orders = read_orders([*given.texts("order_by"), *_NEWEST_FIRST], OF_RUNS)
        stages = stages_of(given.text("run_view_type", default="ACTIVE_ONLY"))
        experiments = dict.fromkeys(given.texts("experiment_ids"))
        if len(experiments) > _MOST_EXPERIMENTS:
            raise MlflowError(INVALID, f"At most {_MOST_EXPERIMENTS} experiments are searched at once.")
        # Those of all runs are read only to choose among them; else those of the page.
        groups = {*(one.group for one in conditions), *(one.group for one in orders)}
        has_metrics = "metrics" in groups
        kept: list[tuple[Subject, TrackedRun]] = []
        for experiment in experiments:
            for run in self._runs.within(experiment, with_metrics=has_metrics):
                if run.stage in stages:
                    subject = _subject(run)
                    if all(condition.holds(subject) for condition in conditions):
                        kept.append((subject, run))
        found, token = page_of(arranged(kept, orders), given, most=_LARGEST_PAGE, usual=_USUAL_PAGE)
        shown = found if has_metrics else self._runs.with_metrics(found)
        return {"runs": [run_document(run) for run in shown], **token}

    def _log_metric(self, asked: Asked) -> Answer:
        return self._log(asked, "LogMetric", Logged(metrics=[_metric(asked.fields)]))

    def _log_param(self, asked: Asked) -> Answer:
        given = asked.fields
        params = {given.text("key"): given.text("value", default="")}
        return self._log(asked, "LogParam", Logged(params=params))

    def _log_batch(self, asked: Asked) -> Answer:
        if len(asked.request.body) > _LARGEST_BATCH_BYTES:
            raise MlflowError(
                INVALID,
                f"Batched logging API requests must be at most {_LARGEST_BATCH_BYTES} bytes, got a request "
                f"of size {len(asked.request.body)}.",
            )
        given = asked.fields
        metrics = given.objects("metrics", _MOST_METRICS)
        params = given.objects("params", _MOST_PARAMS)
        tags = given.objects("tags", _MOST_TAGS)
        total = len(metrics) + len(params) + len(tags)
        if total > _MOST_OF_ALL:
            raise MlflowError(
                INVALID,
                f"A batch logging request can contain at most {_MOST_OF_ALL} metrics, params, and tags in "
                f"total. Got {total}.",
            )
        told: dict[str, str] = {}
        for one in params:
            key, value = one.text("key"), one.text("value", default="")
            if told.setdefault(key, value) != value:
                raise MlflowError(INVALID, f"Duplicate parameter keys have been submitted: {key[:250]!r}.")
        return self._log(asked, "LogBatch", Logged([_metric(one) for one in metrics], told, pairs(tags)))

    def _set_tag(self, asked: Asked) -> Answer:
        given = asked.fields
        tags = {given.text("key"): given.text("value", default="")}
        return self._log(asked, "SetTag", Logged(tags=tags))

    def _delete_tag(self, asked: Asked) -> Answer:
        self._runs.delete_tag(self._own(asked, "DeleteTag"), asked.fields.text("key"))
        return {}

    def _log_inputs(self, asked: Asked) -> Answer:
        given, run_id = asked.fields, self._own(asked, "LogInputs")
        datasets = [_dataset_input(one) for one in given.objects("datasets", _MOST_INPUTS)]
        models = [one.text("model_id") for one in given.objects("models", _MOST_INPUTS)]

        def changed(own: JsonObject) -> Mapping[str, Json]:
            kept = {_dataset_key(one): one for one in _list(own.get("datasets"))}
            # What was logged before stays as it was, with the tags of the newest call.
            kept.update({_dataset_key(one): one for one in datasets})
            models_in = dict.fromkeys([*map(str, _list(own.get("models_in"))), *models])
            return {"datasets": list(kept.values()), "models_in": list(models_in)}

        named = {
            str(part(one, "dataset")["name"])[:128]: {"Value": str(part(one, "dataset")["source"])}
            for one in datasets
        }
        self._runs.change_own(run_id, changed, named, "InputArtifacts")
        return {}

    def _log_outputs(self, asked: Asked) -> Answer:
        run_id = self._own(asked, "LogOutputs")
        models = {
            one.text("model_id"): one.integer("step", default=0)
            for one in asked.fields.objects("models", _MOST_INPUTS)
        }
        named = {id_: {"Value": self._models.get(id_).artifact_uri} for id_ in models}

        def changed(own: JsonObject) -> Mapping[str, Json]:
            return {"models_out": {**part(own, "models_out"), **models}}

        self._runs.change_own(run_id, changed, named, "OutputArtifacts")
        return {}

    def _log_model(self, asked: Asked) -> Answer:
        run_id = self._own(asked, "LogModel")
        model = read_json(asked.fields.text("model_json"))
        if not isinstance(model, Mapping) or not {"artifact_path", "flavors"} <= set(model):
            raise MlflowError(INVALID, "'model_json' is no model: it has no artifact_path or no flavors.")

        def changed(own: JsonObject) -> Mapping[str, Json]:
            tags = part(own, "tags")
            history = _list(read_json(str(tags.get(_MODEL_HISTORY) or "[]")))
            return {"tags": {**tags, _MODEL_HISTORY: write_json([*history, model])}}

        self._runs.change_own(run_id, changed)
        return {}

    def _history(self, asked: Asked) -> Answer:
        given = asked.fields
        run_id, key = asked.run_id(), given.text("metric_key")
        limit = min(given.integer("max_results", default=_METRICS_PAGE), _METRICS_PAGE)
        token = given.text("page_token", default="0")
        if limit < 1 or not (token.isascii() and token.isdecimal() and len(token) < 13):
            raise MlflowError(INVALID, "Invalid max_results or page_token.")
        start = int(token)
        found = [
            metric_document(one) for one in self._runs.history(run_id, key, start=start, limit=limit + 1)
        ]
        more = {"next_page_token": str(start + limit)} if len(found) > limit else {}
        return {"metrics": found[:limit], **more}

    def _log(self, asked: Asked, action: str, logged: Logged) -> Answer:
        run_id = self._own(asked, action)
        self._runs.log(run_id, logged)
        if any(metric.model_id for metric in logged.metrics):
            self._models.measure(logged.metrics, run_id)
        return {}

    def _own(self, asked: Asked, action: str) -> str:
        """Return the id of the run that a caller may change."""
        run_id = asked.run_id()
        self._bounds.hold(asked, action, lambda: self._runs.maker(run_id))
        return run_id


def _metric(given: Fields) -> TrackedMetric:
    return TrackedMetric(
        given.text("key"),
        given.number("value"),
        given.integer("timestamp"),
        given.integer("step", default=0),
        given.text("model_id", default=""),
        given.text("dataset_name", default=""),
        given.text("dataset_digest", default=""),
    )


def _dataset_input(given: Fields) -> JsonObject:
    dataset = given.part("dataset")
    tags: list[Json] = [
        {"key": key, "value": value} for key, value in pairs(given.objects("tags", _MOST_TAGS)).items()
    ]
    return {
        "tags": tags,
        "dataset": {
            "name": _short(dataset, "name", 500),
            "digest": _short(dataset, "digest", 36),
            "source_type": dataset.text("source_type"),
            "source": _short(dataset, "source", 65_535),
            "schema": dataset.text("schema", default=""),
            "profile": dataset.text("profile", default=""),
        },
    }


def _short(given: Fields, name: str, most: int) -> str:
    text = given.text(name)
    if len(text) > most:
        raise MlflowError(INVALID, f"'{name}' exceeds the maximum length of {most} characters.")
    return text


def _dataset_key(one: Json) -> tuple[str, str]:
    dataset = part(object_of(one), "dataset")
    return str(dataset.get("name")), str(dataset.get("digest"))


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _subject(run: TrackedRun) -> Subject:
    return Subject(
        {
            "run_id": run.id,
            "run_name": run.name,
            "experiment_id": run.experiment_id,
            "user_id": run.user_id,
            "status": run.status.value,
            "start_time": run.start_ms,
            "end_time": run.end_ms,
            "artifact_uri": run.artifact_uri,
        },
        {metric.key: metric.value for metric in run.metrics},
        run.params,
        run.tags,
        [_dataset_subject(one) for one in run.datasets],
    )


def _dataset_subject(one: JsonObject) -> Mapping[str, str]:
    dataset = part(one, "dataset")
    tags = objects_of(one.get("tags"))
    context = next((str(tag["value"]) for tag in tags if tag.get("key") == "mlflow.data.context"), "")
    return {"name": str(dataset["name"]), "digest": str(dataset["digest"]), "context": context}
