"""What MLflow's clients log per second, from 8 clients: log_metric, and log_batch of 1000 metrics.

Every call is on the disk when it is answered. Each client logs into a run of its own; at the end what was
acknowledged is counted. The requests are made before, so that the clients are not what is measured.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.features_wire import commit_ms
from benchmarks.support import environment, seconds_asked
from benchmarks.wire import CLIENTS, show, stepmill
from benchmarks.wire_clients import Load, send_load
from stepmill.core.endpoint import AccessKey, bearer_token

SECONDS = 15.0
# More than are sent in that time: then none is sent twice.
METRICS = 40_000
BATCHES = 4_000
BATCH = 1000


def request(url: str, token: str, call: str, document: dict[str, object]) -> str:
    """Return a call as the bytes that a client would send, as text of latin-1."""
    body = json.dumps(document)
    head = [
        f"POST /api/2.0/mlflow/runs/{call} HTTP/1.1",
        f"host: {urlsplit(url).netloc}",
        f"authorization: Bearer {token}",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]) + body


def make_run(url: str, token: str) -> str:
    """Make a run, and return its id."""
    call = urllib.request.Request(
        f"{url}/api/2.0/mlflow/runs/create",
        data=b'{"experiment_id": "0"}',
        headers={"authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(call) as answer:
        return str(json.load(answer)["run"]["info"]["run_id"])


def single(runs: list[str], number: int) -> dict[str, object]:
    """Return the body of one log_metric."""
    step = number // len(runs)
    run = runs[number % len(runs)]
    return {"run_id": run, "key": "loss", "value": 1 / (step + 1), "timestamp": 1000 + step, "step": step}


def batch(runs: list[str], number: int) -> dict[str, object]:
    """Return the body of one log_batch."""
    first = number // len(runs) * BATCH
    metrics = [
        {"key": "many", "value": step / 7, "timestamp": 1000 + step, "step": step}
        for step in range(first, first + BATCH)
    ]
    return {"run_id": runs[number % len(runs)], "metrics": metrics}


def count(folder: Path, runs: list[str], key: str) -> int:
    """Return how many values of a metric are kept."""
    from stepmill.platform import Platform, load_settings  # the server has ended

    with Platform(load_settings(folder, {"STEPMILL_HOME": str(folder / "home")})) as platform:
        return sum(sum(1 for _ in platform.tracking.runs.history(run, key)) for run in runs)


def main() -> None:
    """Print the figures."""
    seconds = seconds_asked(__doc__, SECONDS)
    print(environment())
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        print(f"a commit by SQLite alone: {commit_ms(folder):.2f} ms")
        with stepmill(folder) as (url, key, secret, _pid):
            token = bearer_token(AccessKey(key, secret, "default"))
            runs = [make_run(url, token) for _ in range(CLIENTS)]
            singles = [request(url, token, "log-metric", single(runs, n)) for n in range(METRICS)]
            one = send_load(Load(url, singles, CLIENTS, seconds, CLIENTS))
            show("log_metric, durable", one, seconds)
            batches = [request(url, token, "log-batch", batch(runs, n)) for n in range(BATCHES)]
            many = send_load(Load(url, batches, CLIENTS, seconds, CLIENTS))
            show(f"log_batch of {BATCH} metrics, durable", many, seconds)
        for key_of, outcome, size in (("loss", one, 1), ("many", many, BATCH)):
            sent, found = (len(outcome.latencies_s) - outcome.errors) * size, count(folder, runs, key_of)
            print(f"{key_of}: acknowledged {sent}, kept {found}")
            assert sent == found


if __name__ == "__main__":
    main()
