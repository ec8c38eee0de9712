"""Compares the forecasts with what came, and with the seasonal naive forecast: each day as a week before."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

INPUT = Path("/opt/ml/processing/input")
REPORT = Path("/opt/ml/processing/output/evaluation/evaluation.json")
BARS = 20


def rows(folder: str, name: str) -> list[dict]:
    return [json.loads(line) for line in (INPUT / folder / name).read_text().splitlines() if line]


def seasonal_naive(past: list[float | None], horizon: int) -> list[float]:
    known = np.array([np.nan if value is None else value for value in past])
    weeks = [known[len(known) - 7 * back :][:7] for back in range(1, 5)]
    # A day that is not known is taken from the week before that.
    last = np.array([next((week[day] for week in weeks if not np.isnan(week[day])), 0.0) for day in range(7)])
    return [float(last[day % 7]) for day in range(horizon)]


def main() -> None:
    came, told = rows("came", "came.json"), rows("forecasts", "requests.json.out")
    sold = np.array([[np.nan if day is None else day for day in row["sold"]] for row in came])
    horizon, there = sold.shape[1], ~np.isnan(sold)
    ours = np.array([row["quantiles"]["0.5"] for row in told])
    naive = np.array([seasonal_naive(row["past"], horizon) for row in came])
    low, high = (np.array([row["quantiles"][q] for row in told]) for q in ("0.1", "0.9"))

    total = sold[there].sum()
    errors = {
        "deepar": float(np.abs(ours - sold)[there].sum() / total),
        "seasonal naive": float(np.abs(naive - sold)[there].sum() / total),
    }
    for name, error in errors.items():
        print(f"{name:<16}{error:7.1%} of what was sold  {'#' * round(BARS * error / max(errors.values()))}")
    within = float(((low <= sold) & (sold <= high))[there].mean())
    print(f"{within:.0%} of the days lie between the quantiles 0.1 and 0.9")

    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "error": errors["deepar"],
        "naive_error": errors["seasonal naive"],
        "ratio": errors["deepar"] / errors["seasonal naive"],
        "within_80": within,
    }
    REPORT.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
