"""Run the benchmarks, all or those that are named, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys

PROGRAMS = {
    "chain": "20 processing steps one after another, beside the bare scripts",
    "wide": "engine CPU and memory for 100 to 10,000 steps that cost nothing",
    "artifact": "1 GB handed from a step to the next",
    "transitions": "the interpreter of state machines alone: transitions/s, cost of an item of a Map",
    "states": "state machines on the wire, beside moto's interpreter; after kill -9",
    "wire": "describe and list calls from 8 clients, beside moto's server; start and size of the server",
    "features_wire": "PutRecord, durable, and GetRecord from 8 clients: requests/s and p99",
    "features_offline": "a million rows of features: ingest, and joins that see no future; beside Feast",
    "s3": "1 GB to S3 and back in one stream, beside cp and moto's server; pages of 20,000 keys",
    "lineage": "what made this, what came of that, what changed: over 100,000 entities",
    "tuning": "50 trials of a tuning job, 2 at a time, beside optuna with subprocesses",
    "spot": "work done again after an interruption, beside the work since the last checkpoint",
    "deepar": "DeepAR trained in a pipeline, beside GluonTS called directly: CPU time and loss",
    "peers": "the same chain in Metaflow and Dagster",
}


def main() -> int:
    """Return 0 if all programs ran."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *PROGRAMS], help="default: all")
    failed = 0
    for name in parser.parse_args().names or PROGRAMS:
        print(f"\n== {name}: {PROGRAMS[name]}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return min(failed, 1)


sys.exit(main())
