"""State machines: chains, many clients, maps, express executions, a kill; beside moto's interpreter.

Both servers get the same machines and the same requests, signed before, on connections that stay. moto
interprets machines when its setting ``execute_state_machine`` says so. All of ours is durable.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.support import environment
from benchmarks.wire import installed, moto, stepmill
from benchmarks.wire_clients import Load, exchange, send_load, signed_requests

CLIENTS = 8
EXECUTIONS = 500
TRANSITIONS = 1_000
WAITING = 1_000
WAIT_S = 20
ITEMS = (1_000, 10_000)
_ROLE = "arn:aws:iam::123456789012:role/R"
_LIMIT_S = 600.0

Server = tuple[str, str, str, int]


def passes(count: int) -> str:
    """Return a machine of so many Pass states."""
    states = {f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(count - 1)}
    return json.dumps({"StartAt": "S0", "States": {**states, f"S{count - 1}": {"Type": "Pass", "End": True}}})


def chain(count: int) -> str:
    """Return a machine of Pass and Choice states in turn."""
    states: dict[str, Any] = {}
    for i in range(count - 1):
        follows = f"S{i + 1}"
        rule = {"Variable": "$.a", "NumericEquals": 1, "Next": follows}
        states[f"S{i}"] = (
            {"Type": "Choice", "Choices": [rule], "Default": follows}
            if i % 2
            else {"Type": "Pass", "Next": follows}
        )
    states[f"S{count - 1}"] = {"Type": "Pass", "End": True}
    return json.dumps({"StartAt": "S0", "States": states})


def mapping(count: int) -> str:
    """Return a machine that maps over so many items, which it makes itself."""
    processor = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    each = {
        "Type": "Map",
        "ItemProcessor": processor,
        "ItemsPath": "$.items",
        "End": True,
        "ResultPath": None,
    }
    make = {"Type": "Pass", "Parameters": {"items": list(range(count))}, "Next": "Each"}
    return json.dumps({"StartAt": "Make", "States": {"Make": make, "Each": each}})


def waiting(seconds: int) -> str:
    """Return a machine that waits, and then does a little."""
    states = {
        "Wait": {"Type": "Wait", "Seconds": seconds, "Next": "End"},
        "End": {"Type": "Pass", "End": True},
    }
    return json.dumps({"StartAt": "Wait", "States": states})


class Client:
    """Asks a server, cheaply."""

    def __init__(self, server: Server) -> None:
        self.url, self._key, self._secret, self.pid = server
        self._client = boto3.client(
            "stepfunctions",
            endpoint_url=self.url,
            region_name="us-west-2",
            aws_access_key_id=self._key,
            aws_secret_access_key=self._secret,
            config=Config(inject_host_prefix=False, retries={"max_attempts": 0}),
        )

    def create(self, name: str, definition: str, kind: str = "STANDARD") -> str:
        made = self._client.create_state_machine(name=name, definition=definition, roleArn=_ROLE, type=kind)
        return str(made["stateMachineArn"])

    def signed(self, method: str, *all_parameters: dict[str, Any]) -> list[str]:
        calls = [("stepfunctions", method, parameters) for parameters in all_parameters]
        return signed_requests(self.url, self._key, self._secret, calls)

    def starts(self, machine: str, count: int) -> list[str]:
        """Return the requests of so many starts; moto wants a name of each."""
        head = f"run-{time.monotonic_ns()}"
        wishes = [
            {"stateMachineArn": machine, "name": f"{head}-{number}", "input": '{"a":1}'}
            for number in range(count)
        ]
        return self.signed("start_execution", *wishes)

    def send(self, requests: list[str], clients: int) -> None:
        """Send requests from several clients at once."""
        with ThreadPoolExecutor(clients) as threads:
            list(threads.map(lambda number: exchange(self.url, requests[number::clients]), range(clients)))

    def wait_all(self, machine: str) -> None:
        """Wait until no execution of a machine runs."""
        wish = {"stateMachineArn": machine, "statusFilter": "RUNNING", "maxResults": 1}
        request = self.signed("list_executions", wish)
        deadline_s = time.monotonic() + _LIMIT_S
        while time.monotonic() < deadline_s:
            if not json.loads(exchange(self.url, request))["executions"]:
                return
            time.sleep(0.01)
        raise SystemExit("The executions do not come to an end.")

    def run(self, machine: str, count: int, clients: int = CLIENTS) -> float:
        """Return the seconds from the first start to the last end."""
        requests = self.starts(machine, count)
        begin_s = time.perf_counter()
        self.send(requests, clients)
        self.wait_all(machine)
        return time.perf_counter() - begin_s


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def chains(ours: Client, theirs: Client, count: int) -> None:
    """Print transitions per second of long executions."""
    definition = chain(TRANSITIONS)
    their_machine, machine = theirs.create("chain", definition), ours.create("chain", definition)
    their_rate = TRANSITIONS / theirs.run(their_machine, 1, 1)
    ours.run(machine, 1, 1)
    before_s = cpu_s(ours.pid)
    seconds = ours.run(machine, count)
    used_s = cpu_s(ours.pid) - before_s
    rate = TRANSITIONS * count / seconds
    print(
        f"chains of {TRANSITIONS} states: {rate:.0f} transitions/s (moto {their_rate:.0f}), "
        f"ratio {rate / their_rate:.0f}; mark: >= 50"
    )
    print(f"  CPU-bound: {TRANSITIONS * count / used_s:.0f} transitions/s; mark: >= 10000", flush=True)


def crowd(ours: Client, theirs: Client, count: int) -> None:
    """Print executions per second that many clients start."""
    rates = []
    for client in (theirs, ours):
        machine = client.create("ten", passes(10))
        client.run(machine, CLIENTS)
        rates.append(count / client.run(machine, count))
    their_rate, rate = rates
    print(
        f"{count} executions of 10 states from {CLIENTS} clients: {rate:.0f}/s (moto {their_rate:.0f}/s), "
        f"ratio {rate / their_rate:.1f}; mark: >= 10",
        flush=True,
    )


def maps(ours: Client) -> None:
    """Print what an item of a Map costs."""
    costs = []
    for count in ITEMS:
        machine = ours.create(f"map-{count}", mapping(count))
        costs.append(1000 * ours.run(machine, 1, 1) / count)
    shown = ", ".join(f"{count} items: {cost:.2f} ms each" for count, cost in zip(ITEMS, costs, strict=True))
    print(f"Map of {shown}; ratio {costs[-1] / costs[0]:.2f}; mark: flat", flush=True)


def express(ours: Client, seconds: float) -> None:
    """Print how long an express execution takes from call to answer."""
    machine = ours.create("express", passes(10), "EXPRESS")
    requests = ours.signed("start_sync_execution", {"stateMachineArn": machine, "input": '{"a":1}'})
    outcome = send_load(Load(ours.url, requests, 1, seconds))
    print(
        f"express, from call to answer: p50 {outcome.percentile_ms(0.5):.2f} ms, "
        f"p99 {outcome.percentile_ms(0.99):.2f} ms, {outcome.errors} errors; mark: p50 < 10",
        flush=True,
    )


def kill(folder: Path) -> None:
    """Print how soon all executions go on after kill -9."""
    begin_s = time.monotonic()
    with stepmill(folder) as server:
        client = Client(server)
        machine = client.create("wait", waiting(WAIT_S))
        client.send(client.starts(machine, WAITING), CLIENTS)
        os.kill(client.pid, signal.SIGKILL)
    time.sleep(max(0.0, begin_s + WAIT_S + 10 - time.monotonic()))
    up_s = time.perf_counter()
    again = subprocess.Popen(
        [sys.executable, "-m", "stepmill", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=installed(STEPMILL_HOME=str(folder / "home")),
    )
    assert again.stdout is not None
    url = again.stdout.readline().split()[1]
    ready_s = time.perf_counter()
    # The key is the one that the first server made.
    Client((url, *server[1:3], again.pid)).wait_all(machine)
    end_s = time.perf_counter()
    again.terminate()
    again.wait(60)
    print(
        f"after kill -9 with {WAITING} waiting: all had ended {end_s - up_s:.2f} s after the command, "
        f"{end_s - ready_s:.2f} s after the server was ready; mark: < 5"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=50)
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    print(environment())
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as name:
        folder = Path(name)
        with stepmill(folder) as own, moto() as other:
            setting = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
            urllib.request.urlopen(f"{other[0]}/moto-api/config", data=setting, timeout=60).close()
            ours, theirs = Client(own), Client(other)
            chains(ours, theirs, given.chains)
            crowd(ours, theirs, given.executions)
            maps(ours)
            express(ours, given.seconds)
        kill(folder)


if __name__ == "__main__":
    main()
