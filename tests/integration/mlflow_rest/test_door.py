"""MLflow's door, asked without a client: refusals, limits, hostile input, bounds of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepmill.core.endpoint import AccessKey, JobIdentity, bearer_token
from stepmill.core.http import FileRange, Request, Response
from stepmill.mlflow_rest.door import MlflowDoor
from stepmill.platform import Platform
from stepmill.storage.series import SeriesPoint
from support.cli import Cli

JOB = AccessKey("ASIAJOB", "s", "Narrow/one", job=JobIdentity("training-job", "one", "t"))
OTHER = AccessKey("ASIAOTHER", "s", "Narrow/two", job=JobIdentity("training-job", "two", "t"))
WIDE = AccessKey("ASIAWIDE", "s", "Wide/three", job=JobIdentity("training-job", "three", "t"))
OWNER = AccessKey("AKIAOWNER", "s", "default")
NOTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}],
    }
)


class Keys:
    def find(self, access_key: str, _token: str) -> AccessKey | None:
        return {key.id: key for key in (JOB, OTHER, WIDE, OWNER)}.get(access_key)


class Asking:
    """Asks the door, as the owner or another."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.door = MlflowDoor(platform, Keys())

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: str = "",
        key: AccessKey | None = OWNER,
        **headers: str,
    ) -> Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["authorization"] = f"Bearer {bearer_token(key)}"
        request = Request(method, path, query, given, body)
        assert self.door.takes(request)
        return self.door.answer(request, "an-id")

    def __call__(
        self, method: str, path: str, document: Any = None, *, query: str = "", key: AccessKey = OWNER
    ) -> tuple[int, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        answer = self.raw(method, f"/api/2.0/{path}", body, query=query, key=key)
        assert isinstance(answer.body, bytes)
        return answer.status, json.loads(answer.body)

    def ok(self, method: str, path: str, document: Any = None, **more: Any) -> Any:
        status, answer = self(method, path, document, **more)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, document: Any = None, **more: Any) -> tuple[int, str, str]:
        status, answer = self(method, path, document, **more)
        assert set(answer) == {"error_code", "message"}
        return status, answer["error_code"], answer["message"]

    def run(self, key: AccessKey = OWNER, **members: Any) -> str:
        made = self.ok("POST", "mlflow/runs/create", {"experiment_id": "0", **members}, key=key)
        return str(made["run"]["info"]["run_id"])


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asking]:
    with closing(Cli(tmp_path, tmp_path / "home")) as cli, cli.platform() as platform:
        yield Asking(platform)


# ---- who may ask ---------------------------------------------------------------------------------


def test_nobody_gets_in_without_a_key(ask: Asking) -> None:
    answer = ask.raw("GET", "/api/2.0/mlflow/experiments/search", key=None)
    assert answer.status == 401
    assert b"UNAUTHENTICATED" in bytes(answer.body)  # type: ignore[arg-type]
    # A browser that is asked for a key would send it along for any page.
    assert "www-authenticate" not in {name.lower() for name, _ in answer.headers}


def test_pages_of_other_sites_are_refused(ask: Asking) -> None:
    answer = ask.raw("POST", "/api/2.0/mlflow/runs/create", b"{}", sec_fetch_site="cross-site")
    assert answer.status == 403


def test_anybody_may_ask_whether_it_is_there(ask: Asking) -> None:
    assert ask.raw("GET", "/health", key=None).body == b"OK"
    assert ask.raw("GET", "/version", key=None).status == 200


def test_the_newer_and_the_pages_addresses_are_answered_too(ask: Asking) -> None:
    for prefix in ("/api/3.0/", "/ajax-api/2.0/"):
        assert ask.raw("POST", f"{prefix}mlflow/experiments/search", b"{}").status == 200


@pytest.mark.parametrize("path", ["/bucket/key", "/api/2.0/other", "/api/2.0/mlflowx/a", "/api/9.0/mlflow/a"])
def test_what_is_for_others_is_left_to_them(ask: Asking, path: str) -> None:
    assert not ask.door.takes(Request("GET", path))


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("mlflow/registered-models/create", "registered models"),
        ("mlflow/model-versions/create", "versions of registered models"),
        ("mlflow/traces", "traces"),
        ("mlflow/datasets/create", "evaluation datasets"),
        ("mlflow/scorers/register", "scorers"),
        ("mlflow/issues", "issues"),
        ("mlflow/label-schemas/create", "label schemas"),
        ("mlflow/review-queues/create", "review queues"),
        ("mlflow/workspaces", "workspaces"),
        ("mlflow/webhooks", "webhooks"),
        ("mlflow/artifacts/presigned-upload-url", "presigned links"),
        ("mlflow-artifacts/mpu/create/0/a", "uploads in parts"),
    ],
)
def test_parts_that_are_not_offered_are_refused_by_name(ask: Asking, path: str, named: str) -> None:
    status, code, message = ask.refused("POST", path, {})
    assert (status, code) == (501, "NOT_IMPLEMENTED")
    assert f"does not offer {named}" in message or named in message


def test_an_unknown_call_is_no_endpoint(ask: Asking) -> None:
    assert ask.refused("POST", "mlflow/runs/sing", {})[:2] == (404, "ENDPOINT_NOT_FOUND")
    assert ask.refused("GET", "mlflow/runs/create")[:2] == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff", b"[" * 100_000, b'"x"'])
def test_a_body_that_is_no_object_is_refused(ask: Asking, body: bytes) -> None:
    answer = ask.raw("POST", "/api/2.0/mlflow/runs/create", body)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("runs/log-metric", {"key": "a", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a", "value": "x", "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a", "value": True, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a", "value": 1, "timestamp": -1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a", "value": 1, "timestamp": 2**63}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a", "value": 1, "timestamp": 1, "step": 2**63}),
        ("runs/log-metric", {"run_id": "RUN", "key": "../a", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a\0", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": "RUN", "key": "a" * 251, "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"run_id": "RUN", "key": "a", "value": "x" * 6001}),
        ("runs/set-tag", {"run_id": "RUN", "key": "a", "value": "x" * 8001}),
        ("runs/set-tag", {"run_id": "RUN", "key": "a?", "value": "x"}),
        ("runs/update", {"run_id": "RUN", "status": "DANCING"}),
        ("runs/create", {"experiment_id": "0", "start_time": -5}),
        ("runs/create", {"experiment_id": "0", "tags": {"a": "b"}}),
        ("runs/search", {"experiment_ids": ["0"], "max_results": 50_001}),
        ("runs/search", {"experiment_ids": ["0"], "page_token": "x"}),
        ("runs/search", {"experiment_ids": ["0"], "filter": "metrics.a ~ 1"}),
        ("runs/search", {"experiment_ids": ["0"], "run_view_type": "SOME"}),
        ("experiments/create", {"name": ""}),
        ("experiments/create", {"name": "x" * 501}),
        ("experiments/create", {"name": "a", "artifact_location": "runs:/x"}),
        ("experiments/delete", {"experiment_id": "0"}),
        ("logged-models", {"experiment_id": "0", "name": "a/b"}),
        ("runs/log-model", {"run_id": "RUN", "model_json": "[]"}),
    ],
)
def test_what_mlflow_would_refuse_is_refused(ask: Asking, path: str, document: dict[str, Any]) -> None:
    run = ask.run()
    given = {name: run if value == "RUN" else value for name, value in document.items()}
    assert ask.refused("POST", f"mlflow/{path}", given)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "mlflow/runs/get", "run_id=nobody"),
        ("GET", "mlflow/experiments/get", "experiment_id=77"),
        ("GET", "mlflow/experiments/get-by-name", "experiment_name=nobody"),
        ("GET", "mlflow/metrics/get-history", "run_id=nobody&metric_key=a"),
        ("GET", "mlflow/logged-models/m-none", ""),
        ("GET", "mlflow-artifacts/artifacts/0/none/artifacts/a", ""),
    ],
)
def test_what_is_not_there_does_not_exist(ask: Asking, method: str, path: str, query: str) -> None:
    assert ask.refused(method, path, query=query)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_second_experiment_of_a_name_is_refused(ask: Asking) -> None:
    ask.ok("POST", "mlflow/experiments/create", {"name": "Ä b"})
    status, code, _ = ask.refused("POST", "mlflow/experiments/create", {"name": "Ä b"})
    assert (status, code) == (400, "RESOURCE_ALREADY_EXISTS")


# ---- logging -------------------------------------------------------------------------------------


def batch(metrics: int = 0, params: int = 0, tags: int = 0) -> dict[str, Any]:
    return {
        "metrics": [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(metrics)],
        "params": [{"key": f"p{n}", "value": "v"} for n in range(params)],
        "tags": [{"key": f"t{n}", "value": "v"} for n in range(tags)],
    }


@pytest.mark.parametrize("sizes", [(1001, 0, 0), (0, 101, 0), (0, 0, 101), (950, 30, 30)])
def test_a_batch_beyond_the_limits_is_refused_whole(ask: Asking, sizes: tuple[int, int, int]) -> None:
    run = ask.run()
    assert ask.refused("POST", "mlflow/runs/log-batch", {"run_id": run, **batch(*sizes)})[0] == 400
    data = ask.ok("GET", "mlflow/runs/get", query=f"run_id={run}")["run"]["data"]
    assert data["metrics"] == []
    assert data["params"] == []


def test_a_batch_of_too_many_bytes_is_refused(ask: Asking) -> None:
    tags = [{"key": f"t{n}", "value": "v" * 8000} for n in range(100)]
    document = {"run_id": ask.run(), "tags": tags, "params": [{"key": "a" * 200_001, "value": ""}]}
    assert "at most 1000000 bytes" in ask.refused("POST", "mlflow/runs/log-batch", document)[2]


def test_a_full_batch_is_kept_and_its_history_comes_in_pages(ask: Asking) -> None:
    run = ask.run()
    ask.ok("POST", "mlflow/runs/log-batch", {"run_id": run, **batch(1000)})
    first = ask.ok("GET", "mlflow/metrics/get-history", query=f"run_id={run}&metric_key=m&max_results=600")
    token = first["next_page_token"]
    more = ask.ok(
        "GET",
        "mlflow/metrics/get-history",
        query=f"run_id={run}&metric_key=m&max_results=600&page_token={token}",
    )
    assert [one["step"] for one in first["metrics"] + more["metrics"]] == list(range(1000))
    assert "next_page_token" not in more


def test_a_parameter_keeps_its_value(ask: Asking) -> None:
    run = ask.run()
    for _ in range(2):
        ask.ok("POST", "mlflow/runs/log-parameter", {"run_id": run, "key": "lr", "value": "0.10"})
    _, _, message = ask.refused(
        "POST", "mlflow/runs/log-parameter", {"run_id": run, "key": "lr", "value": "0.1"}
    )
    assert "Changing param values is not allowed" in message
    params = ask.ok("GET", "mlflow/runs/get", query=f"run_id={run}")["run"]["data"]["params"]
    assert params == [{"key": "lr", "value": "0.10"}]


def test_numbers_that_json_does_not_know_come_back(ask: Asking) -> None:
    run = ask.run()
    for name, value in {"a": "NaN", "b": "Infinity", "c": "-Infinity"}.items():
        document = {"run_id": run, "key": name, "value": value, "timestamp": "5"}
        ask.ok("POST", "mlflow/runs/log-metric", document)
    metrics = ask.ok("GET", "mlflow/runs/get", query=f"run_id={run}")["run"]["data"]["metrics"]
    assert {one["key"]: one["value"] for one in metrics} == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}


def test_a_metric_that_is_said_again_is_kept_once(ask: Asking) -> None:
    run = ask.run()
    document = {"run_id": run, "key": "a", "value": 1, "timestamp": 5, "step": 2}
    for _ in range(2):
        ask.ok("POST", "mlflow/runs/log-metric", document)
    history = ask.ok("GET", "mlflow/metrics/get-history", query=f"run_id={run}&metric_key=a")
    assert len(history["metrics"]) == 1


def test_a_deleted_run_logs_no_more_and_can_be_restored(ask: Asking) -> None:
    run = ask.run()
    ask.ok("POST", "mlflow/runs/delete", {"run_id": run})
    tag = {"run_id": run, "key": "a", "value": "b"}
    assert "must be in the 'active' state" in ask.refused("POST", "mlflow/runs/set-tag", tag)[2]
    search = {"experiment_ids": ["0"], "run_view_type": "DELETED_ONLY"}
    assert len(ask.ok("POST", "mlflow/runs/search", search)["runs"]) == 1
    ask.ok("POST", "mlflow/runs/restore", {"run_id": run})
    ask.ok("POST", "mlflow/runs/set-tag", tag)
    assert ask.ok("POST", "mlflow/runs/search", search)["runs"] == []


def test_a_search_shows_metrics_whether_it_asks_for_them_or_not(ask: Asking) -> None:
    # One of the SDK's, whose name has a case.
    components = ask.platform.experiments.components
    ask.platform.experiments.open("Churn", "group")
    components.create({"TrialComponentName": "Of-The-SDK"})
    components.associate("Of-The-SDK", "group")
    components.metrics.put(
        "Of-The-SDK".lower(), {"auc": [SeriesPoint(datetime(2026, 1, 1, tzinfo=UTC), 0.5)]}
    )
    found = ask.ok("GET", "mlflow/experiments/get-by-name", query="experiment_name=Churn")
    document = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    for more in (
        {},
        {"filter": "metrics.auc > 0.1"},
        {"order_by": ["metrics.auc"]},
        {"filter": "status != 'x'"},
    ):
        [run] = ask.ok("POST", "mlflow/runs/search", {**document, **more})["runs"]
        assert [(one["key"], one["value"]) for one in run["data"]["metrics"]] == [("auc", 0.5)], more


def test_a_search_comes_in_pages_in_order(ask: Asking) -> None:
    runs = [ask.run(run_name=f"r{n}", start_time=1000 + n) for n in range(5)]
    found: list[str] = []
    token = ""
    while True:
        document = {"experiment_ids": ["0"], "max_results": 2, "order_by": ["start_time ASC"]}
        page = ask.ok("POST", "mlflow/runs/search", {**document, **({"page_token": token} if token else {})})
        found += [run["info"]["run_id"] for run in page["runs"]]
        token = page.get("next_page_token", "")
        if not token:
            break
    assert found == runs


def test_a_run_is_a_trial_component_of_its_experiment(ask: Asking) -> None:
    experiment = ask.ok("POST", "mlflow/experiments/create", {"name": "churn"})["experiment_id"]
    run = ask.run(experiment_id=experiment, run_name="first")
    ask.ok("POST", "mlflow/runs/log-parameter", {"run_id": run, "key": "depth", "value": "3"})
    ask.ok("POST", "mlflow/runs/log-metric", {"run_id": run, "key": "auc", "value": 0.5, "timestamp": 1})
    ask.ok("POST", "mlflow/runs/update", {"run_id": run, "status": "FINISHED", "end_time": 2000})
    described = ask.platform.experiments.components.describe(run)
    assert described["DisplayName"] == "first"
    assert described["Parameters"] == {"depth": {"NumberValue": 3}}
    assert described["Status"] == {"PrimaryStatus": "Completed"}
    assert described["Metrics"][0]["Last"] == 0.5  # type: ignore[index, call-overload]
    [trial] = ask.platform.experiments.components.trials_of(run)
    assert trial.parent == "churn"


# ---- artifacts -----------------------------------------------------------------------------------

BAD_PATHS = [
    "..", "a/../../b", "a%2F..%2F..%2Fb", "%2e%2e/x", "a%00b", "a%0Ab", "a%5Cb", "a//b", "%ff", "a" * 1100
]  # fmt: skip
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


def test_artifacts_go_up_and_down_and_are_listed_and_deleted(ask: Asking) -> None:
    run = ask.run()
    for name in ("a.txt", "sub/b%20c.txt"):
        assert ask.raw("PUT", f"{ARTIFACTS}/0/{run}/artifacts/{name}", b"hello").status == 200
    down = ask.raw("GET", f"{ARTIFACTS}/0/{run}/artifacts/sub/b%20c.txt")
    assert isinstance(down.body, FileRange)
    assert down.body.path.read_bytes() == b"hello"
    files = ask.ok("GET", "mlflow-artifacts/artifacts", query=f"path=0/{run}/artifacts")["files"]
    assert files == [{"path": "a.txt", "is_dir": False, "file_size": 5}, {"path": "sub", "is_dir": True}]
    below = ask.ok("GET", "mlflow/artifacts/list", query=f"run_id={run}&path=sub")["files"]
    assert below == [{"path": "sub/b c.txt", "is_dir": False, "file_size": 5}]
    assert ask.raw("DELETE", f"{ARTIFACTS}/0/{run}/artifacts").status == 200
    assert ask.ok("GET", "mlflow/artifacts/list", query=f"run_id={run}")["files"] == []


@pytest.mark.parametrize(
    "path",
    ["..", "a/../../b", "a%2F..%2F..%2Fb", "%2e%2e/x", "a%00b", "a%0Ab", "a%5Cb", "a//b", "%ff", "a" * 1100],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_paths_that_lead_elsewhere_are_refused(ask: Asking, method: str, path: str) -> None:
    assert ask.raw(method, f"{ARTIFACTS}/0/{path}", b"x").status == 400


def test_a_list_leads_nowhere_else(ask: Asking) -> None:
    assert ask.refused("GET", "mlflow-artifacts/artifacts", query="path=../secret")[0] == 400
    run = ask.run()
    assert ask.refused("GET", "mlflow/artifacts/list", query=f"run_id={run}&path=../..")[0] == 400


# ---- logged models -------------------------------------------------------------------------------


def test_a_logged_model_lives(ask: Asking) -> None:
    run = ask.run()
    made = ask.ok(
        "POST",
        "mlflow/logged-models",
        {"experiment_id": "0", "name": "m", "source_run_id": run, "params": [{"key": "a", "value": "1"}]},
    )["model"]
    id_ = made["info"]["model_id"]
    one = f"mlflow/logged-models/{id_}"
    assert made["info"]["status"] == "LOGGED_MODEL_PENDING"
    ready = ask.ok("PATCH", one, {"model_id": id_, "status": "LOGGED_MODEL_READY"})["model"]["info"]
    assert ready["status"] == "LOGGED_MODEL_READY"
    ask.ok("PATCH", f"{one}/tags", {"tags": [{"key": "t", "value": "v"}]})
    ask.ok("POST", f"{one}/params", {"params": [{"key": "b", "value": "2"}]})
    assert ask.refused("POST", f"{one}/params", {"params": [{"key": "b", "value": "3"}]})[0] == 400
    metric = {"run_id": run, "key": "auc", "value": 0.9, "timestamp": 1, "model_id": id_}
    ask.ok("POST", "mlflow/runs/log-metric", metric)
    ask.ok("POST", "mlflow/runs/outputs", {"run_id": run, "models": [{"model_id": id_, "step": 3}]})
    search = {"experiment_ids": ["0"], "filter": "metrics.auc > 0.5 and tags.t = 'v' and params.b = '2'"}
    [found] = ask.ok("POST", "mlflow/logged-models/search", search)["models"]
    assert found["data"]["metrics"][0]["value"] == 0.9
    outputs = ask.ok("GET", "mlflow/runs/get", query=f"run_id={run}")["run"]["outputs"]
    assert outputs == {"model_outputs": [{"model_id": id_, "step": 3}]}
    ask.ok("DELETE", f"{one}/tags/t")
    assert ask.refused("DELETE", f"{one}/tags/t")[0] == 404
    ask.ok("DELETE", one)
    assert ask.refused("GET", one)[0] == 404
    assert ask.ok("GET", one, query="allow_deleted=true")["model"]["info"]["model_id"] == id_


# ---- jobs ----------------------------------------------------------------------------------------


@pytest.fixture
def narrow(ask: Asking) -> Asking:
    """A door where one role may do nothing."""
    roles = ask.platform.roles
    roles.create(msgspec.structs.replace(roles.get("Narrow"), inline={"nothing": NOTHING}))
    return ask


def test_a_job_logs_and_ends_its_own_runs_whatever_its_role(narrow: Asking) -> None:
    run = narrow.run(JOB)
    for path, more in {
        "set-tag": {"key": "a", "value": "b"},
        "log-metric": {"key": "a", "value": 1, "timestamp": 1},
        "update": {"status": "FINISHED"},
        "delete": {},
    }.items():
        narrow.ok("POST", f"mlflow/runs/{path}", {"run_id": run, **more}, key=JOB)
    ended = narrow.ok("GET", "mlflow/runs/get", query=f"run_id={run}")["run"]
    assert (ended["info"]["status"], ended["info"]["lifecycle_stage"]) == ("FINISHED", "deleted")
    assert {"key": "a", "value": "b"} in ended["data"]["tags"]
    assert [metric["value"] for metric in ended["data"]["metrics"]] == [1]


@pytest.mark.parametrize(
    ("path", "more", "action"),
    [
        ("set-tag", {"key": "a", "value": "b"}, "SetTag"),
        ("log-metric", {"key": "a", "value": 1, "timestamp": 1}, "LogMetric"),
        ("update", {"status": "FINISHED"}, "UpdateRun"),
        ("delete", {}, "DeleteRun"),
    ],
)
def test_a_job_changes_runs_of_others_only_if_its_role_lets_it(
    narrow: Asking, path: str, more: dict[str, Any], action: str
) -> None:
    for maker in (OTHER, OWNER):
        document = {"run_id": narrow.run(maker), **more}
        status, code, message = narrow.refused("POST", f"mlflow/runs/{path}", document, key=JOB)
        assert (status, code) == (403, "PERMISSION_DENIED")
        assert f"sagemaker-mlflow:{action}" in message
        # One whose role nobody narrowed may.
        narrow.ok("POST", f"mlflow/runs/{path}", document, key=WIDE)


def test_a_job_changes_no_experiment_without_its_role(narrow: Asking) -> None:
    made = narrow.ok("POST", "mlflow/experiments/create", {"name": "a"}, key=JOB)
    for path in ("delete", "update"):
        document = {**made, "new_name": "b"}
        assert narrow.refused("POST", f"mlflow/experiments/{path}", document, key=JOB)[0] == 403
    narrow.ok("POST", "mlflow/experiments/update", {**made, "new_name": "b"}, key=WIDE)


def test_a_job_reaches_its_own_artifacts_and_no_others(narrow: Asking) -> None:
    own, foreign = narrow.run(JOB), narrow.run(OTHER)
    assert narrow.raw("PUT", f"{ARTIFACTS}/0/{own}/artifacts/a", b"x", key=JOB).status == 200
    assert narrow.raw("PUT", f"{ARTIFACTS}/0/{foreign}/artifacts/a", b"x", key=OTHER).status == 200
    assert narrow.raw("GET", f"{ARTIFACTS}/0/{own}/artifacts/a", key=JOB).status == 200
    # Neither the run of another one, nor its own run's name in another place, nor nobody's.
    for path in (f"0/{foreign}/artifacts/a", f"7/{own}/artifacts/a", "0/none/artifacts/a", "loose"):
        for method in ("GET", "PUT", "DELETE"):
            body = b"x" if method == "PUT" else b""
            assert narrow.raw(method, f"{ARTIFACTS}/{path}", body, key=JOB).status == 403
    assert narrow.refused("GET", "mlflow-artifacts/artifacts", query="path=0", key=JOB)[0] == 403
    assert narrow.raw("GET", f"{ARTIFACTS}/0/{foreign}/artifacts/a", key=WIDE).status == 200


DENIES = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "x", "Resource": "*"}]}


def deny(ask: Asking, action: str) -> None:
    document = json.dumps(DENIES).replace('"x"', json.dumps(action))
    roles = ask.platform.roles
    roles.create(msgspec.structs.replace(roles.get("Narrow"), inline={"denies": document}))


def test_what_a_role_denies_a_job_may_not_do_to_its_own_runs_either(ask: Asking) -> None:
    run = ask.run(JOB)
    path = f"{ARTIFACTS}/0/{run}/artifacts/a"
    assert ask.raw("PUT", path, b"x", key=JOB).status == 200
    deny(ask, "sagemaker-mlflow:Log*")
    metric = {"run_id": run, "key": "a", "value": 1, "timestamp": 1}
    status, code, message = ask.refused("POST", "mlflow/runs/log-metric", metric, key=JOB)
    assert (status, code) == (403, "PERMISSION_DENIED")
    assert "denies sagemaker-mlflow:LogMetric on arn:" in message
    ask.ok("POST", "mlflow/runs/set-tag", {"run_id": run, "key": "a", "value": "b"}, key=JOB)
    # Its owner may, and a job with another role.
    ask.ok("POST", "mlflow/runs/log-metric", metric)
    ask.ok("POST", "mlflow/runs/log-metric", metric, key=WIDE)


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "mlflow/runs/create", {"experiment_id": "0"}),
        ("POST", "mlflow/runs/search", {"experiment_ids": ["0"]}),
        ("POST", "mlflow/experiments/create", {"name": "a"}),
        ("POST", "mlflow/logged-models", {"experiment_id": "0"}),
        ("POST", "mlflow/runs/set-tag", {"run_id": "x", "key": "a", "value": "b"}),
    ],
)
def test_who_is_denied_all_does_nothing_here(ask: Asking, method: str, path: str, document: Any) -> None:
    deny(ask, "sagemaker-mlflow:*")
    assert ask.refused(method, path, document, key=JOB)[0] == 403


def test_who_is_denied_s3_does_not_reach_its_own_artifacts(ask: Asking) -> None:
    run = ask.run(JOB)
    path = f"{ARTIFACTS}/0/{run}/artifacts/a"
    assert ask.raw("PUT", path, b"x", key=JOB).status == 200
    deny(ask, "s3:GetObject")
    assert ask.raw("GET", path, key=JOB).status == 403
    assert ask.raw("PUT", path, b"x", key=JOB).status == 200


def test_every_call_has_a_name_that_policies_know(ask: Asking) -> None:
    routes = ask.door._routes
    unnamed = {one.path for one in routes if not one.action}
    # Artifacts are S3's; what the server is, anybody may ask.
    assert {path.partition("/")[0] for path in unnamed} == {"mlflow-artifacts", "mlflow"}
    assert unnamed - {path for path in unnamed if path.startswith("mlflow-artifacts/")} == {
        "mlflow/server-info"
    }


def test_a_job_changes_no_model_of_others(narrow: Asking) -> None:
    made = narrow.ok("POST", "mlflow/logged-models", {"experiment_id": "0"}, key=OTHER)["model"]["info"]
    path = f"mlflow/logged-models/{made['model_id']}"
    assert narrow.refused("DELETE", path, key=JOB)[0] == 403
    narrow.ok("DELETE", path, key=OTHER)
