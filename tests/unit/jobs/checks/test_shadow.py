from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from stepmill.jobs.checks.programs.errors import CustomerError
from stepmill.jobs.checks.programs.explain_config import Predictor
from stepmill.jobs.checks.programs.shadow import served
from support.served_models import TOOLKIT, lay_out_server


@pytest.fixture(autouse=True)
def _toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a job the toolkit lies beside the programs."""
    monkeypatch.syspath_prepend(str(TOOLKIT))


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_model_answers_while_the_block_runs_and_no_longer(tmp_path: Path) -> None:
    asked = lay_out_server(tmp_path, "row[0]")
    before = children()
    with served(tmp_path) as serving:
        ask = serving(Predictor(custom_attributes="mine"))
        assert ask(b"3,x\n4,y\n") == b"3\n4\n"
        assert children() > before
    assert asked.read_text() == "mine|3,x\n4,y\n"
    assert children() == before


def test_what_ends_the_block_ends_the_model(tmp_path: Path) -> None:
    lay_out_server(tmp_path, "row[0]")
    before, handler = children(), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), served(tmp_path):
        raise ZeroDivisionError
    with pytest.raises(SystemExit) as caught, served(tmp_path):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143
    assert children() == before
    assert signal.getsignal(signal.SIGTERM) == handler


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(CustomerError, match=r"predictor\.model_name: is missing"), served(tmp_path):
        raise AssertionError


def test_a_model_that_refuses(tmp_path: Path) -> None:
    lay_out_server(tmp_path, "row[0]", REFUSES="yes")
    with served(tmp_path) as serving:
        ask = serving(Predictor())
        with pytest.raises(CustomerError, match="The model refuses a request: 400: not so"):
            ask(b"1\n")


def test_a_model_that_does_not_start(tmp_path: Path) -> None:
    lay_out_server(tmp_path, "row[0]")
    (tmp_path / "toolkit" / "server.py").write_text(
        "import os, pathlib\n"
        "pathlib.Path(os.environ['STEPMILL_SERVING_FAILURE']).write_text('No model here.')\n"
        "raise SystemExit(3)\n"
    )
    with pytest.raises(CustomerError) as caught, served(tmp_path) as serving:
        serving(Predictor())
    assert str(caught.value) == "The model server has ended with exit code 3. No model here."


@pytest.mark.skipif(sys.platform != "linux", reason="tells processes by /proc")
def test_a_model_that_ends_while_it_is_asked(tmp_path: Path) -> None:
    lay_out_server(tmp_path, "os._exit(9)")
    with pytest.raises(CustomerError, match="ended with exit code 9"), served(tmp_path) as serving:
        serving(Predictor())(b"1\n")
