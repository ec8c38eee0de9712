"""Makes time series of sales for DeepAR: what is known, what is to be forecast, and what came.

The sales themselves are made up, of a fixed seed: weeks, a slow trend, promotions that double what is sold,
days on which a shop was closed.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

FIRST_DAY = date(2023, 1, 2)
WEEK = np.array([0.8, 0.7, 0.8, 1.0, 1.4, 1.9, 0.4])
OUTPUT = Path("/opt/ml/processing/output")


def sales(random: np.random.Generator, days: int, shop: int) -> tuple[list[float | None], list[float]]:
    """What an item sells in a shop each day, and on which days it is promoted."""
    promoted = (random.random(days) < 0.15).astype(float)
    level = random.uniform(10, 60) * (1 + shop)
    trend = 1 + random.uniform(-0.2, 0.4) * np.arange(days) / days
    expected = level * trend * WEEK[np.arange(days) % 7] * (1 + promoted)
    counted: list[float | None] = [float(count) for count in random.poisson(expected)]
    for day in random.integers(0, days, days // 50):
        counted[day] = None  # closed: not known, which is not the same as nothing sold
    return counted, promoted.tolist()


def write(name: str, rows: list[dict[str, Any]]) -> None:
    (OUTPUT / name).mkdir(parents=True, exist_ok=True)
    with (OUTPUT / name / f"{name}.json").open("w") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
    print(f"{name}: {len(rows)} time series", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executionId", required=True)
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--shops", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--horizon", type=int, required=True)
    asked = parser.parse_args()
    print(f"Execution {asked.executionId}: {asked.items} items in {asked.shops} shops", flush=True)
    random = np.random.default_rng(7)
    whole, known, requests, came = [], [], [], []
    for shop in range(asked.shops):
        for item in range(asked.items):
            target, promoted = sales(random, asked.days, shop)
            series = {"start": str(FIRST_DAY), "target": target, "cat": [shop], "dynamic_feat": [promoted]}
            past = {**series, "target": target[: -asked.horizon]}
            whole.append(series)
            known.append({**past, "dynamic_feat": [promoted[: -asked.horizon]]})
            # Promotions are planned: those of the days to be forecast are known.
            requests.append(past)
            came.append(
                {"item": item, "shop": shop, "past": past["target"], "sold": target[-asked.horizon :]}
            )
        print(f"shop {shop + 1} of {asked.shops}", flush=True)
    # The order in a file is that of training: neighbours must not be alike.
    write("train", [known[index] for index in random.permutation(len(known))])
    write("test", whole)
    write("requests", requests)
    write("came", [{**row, "execution": asked.executionId} for row in came])


if __name__ == "__main__":
    main()
