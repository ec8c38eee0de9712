"""What is shown of tuning jobs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from stepmill.cli.trials import TuningNews, progress_text, trial_table
from stepmill.core.statuses import JobStatus
from stepmill.jobs.tuning.jobs import TuningView
from stepmill.jobs.tuning.plan import Direction, Objective
from stepmill.jobs.tuning.trials import Trial
from stepmill.storage.executions import HistoryRecord
from support.tuning import START, plan, trial


def view(
    *trials: Trial, step: str = "Tune", status: JobStatus = JobStatus.IN_PROGRESS, **more: Any
) -> TuningView:
    made = TuningView("tune", step, status, "", (), plan(trials=50), trials, START, None)
    return replace(made, **more)


def drawn(shown: TuningView, most_rows: int | None = None, width: int = 150) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(trial_table(shown, START + timedelta(minutes=5), most_rows=most_rows))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def event(what: str, step: str, **body: Any) -> HistoryRecord:
    return HistoryRecord(1, START, what, step, body)


class TestProgress:
    def test_it_counts_what_has_ended_and_names_the_best(self) -> None:
        shown = view(trial(1, 0.5), trial(7, 0.83), trial(8), trial(9, status=JobStatus.FAILED))
        assert progress_text(shown) == "3/50 done, best 0.83 (trial 7)"

    def test_without_a_result_there_is_no_best(self) -> None:
        assert progress_text(view(trial(1))) == "0/50 done"


class TestTable:
    def test_each_trial_has_a_line_and_the_best_is_marked(self) -> None:
        lines = drawn(
            view(trial(1, 0.5), trial(2, 0.9, tuned={"eta": "0.25", "kind": '"dart"'}), trial(3))
        ).splitlines()
        assert lines[0].startswith("tune  ▸ Executing  2/50 done, best 0.9 (trial 2)")
        assert lines[1].split() == ["TRIAL", "STATUS", "auc", "TIME", "HYPERPARAMETERS"]
        assert lines[2].startswith("1 ")
        assert lines[3].startswith("2 ★")
        assert "eta=0.25  kind=dart" in lines[3]
        assert "Executing" in lines[4]

    def test_a_failed_trial_says_why(self) -> None:
        failed = replace_reason(trial(1, status=JobStatus.FAILED), "AlgorithmError: no shells\nmore")
        assert "AlgorithmError: no shells" in drawn(view(failed))

    def test_a_long_table_shows_the_newest(self) -> None:
        text = drawn(view(*(trial(n, 0.1) for n in range(1, 31))), most_rows=5)
        assert "... 25 before" in text
        assert "\n30 " in text
        assert "\n20 " not in text

    def test_drawn_live_each_trial_has_one_line(self) -> None:
        shown = view(*(trial(number, 0.5, tuned={"a" * 90: "1", "b": "2"}) for number in (1, 2, 3)))
        lines = drawn(shown, most_rows=2, width=80).splitlines()
        assert [line.split()[0] for line in lines[1:]] == ["...", "TRIAL", "2", "3"]
        assert lines[-1].endswith("…")

    def test_the_name_of_a_metric_is_no_markup(self) -> None:
        definition = replace(plan().definitions[0], objective=Objective(Direction.MAXIMIZE, "[red]auc"))
        shown = view(trial(1, 0.5), plan=replace(plan(), definitions=(definition,)))
        assert "[red]auc" in drawn(shown)

    def test_why_it_was_over_early_is_told(self) -> None:
        over = view(
            trial(1, 0.9), status=JobStatus.COMPLETED, notes=("TargetObjectiveMetricValue (0.8) is reached",)
        )
        assert "TargetObjectiveMetricValue (0.8) is reached" in drawn(over)


def replace_reason(given: Trial, reason: str) -> Trial:
    import msgspec

    return msgspec.structs.replace(given, reason=reason)


class TestNews:
    def news(self, views: Sequence[TuningView], *running: str) -> tuple[TuningNews, list[str]]:
        asked: list[str] = []

        def of_execution(arn: str) -> Sequence[TuningView]:
            asked.append(arn)
            return views

        platform: Any = SimpleNamespace(tuning_jobs=SimpleNamespace(of_execution=of_execution))
        return TuningNews(platform, "arn", running), asked

    def test_nobody_is_asked_while_nothing_is_tuned(self) -> None:
        news, asked = self.news([view()])
        news.saw(event("StepStarted", "Train", type="Training"))
        news.saw(event("StepSucceeded", "Train"))
        assert news.news() == {}
        assert asked == []

    def test_what_is_new_is_told_once(self) -> None:
        news, _ = self.news([view(trial(1, 0.5))])
        assert news.saw(event("StepStarted", "Tune", type="Tuning")) == {}
        assert news.news() == {"Tune": "1/50 done, best 0.5 (trial 1)"}
        assert news.news() == {}
        assert news.saw(event("StepSucceeded", "Tune")) == {}

    def test_the_end_is_told_at_once(self) -> None:
        news, _ = self.news([view(trial(1, 0.5))], "Tune")
        assert news.saw(event("StepSucceeded", "Tune")) == {"Tune": "1/50 done, best 0.5 (trial 1)"}
        assert news.news() == {}

    def test_of_a_step_that_was_tried_again_the_last_job_is_told(self) -> None:
        news, _ = self.news([view(trial(1, 0.5)), view(trial(1))], "Tune")
        assert news.news() == {"Tune": "0/50 done"}
