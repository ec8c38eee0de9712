"""Which code serves a model, and how its handlers are called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.jobs.toolkit.stepmill_serving.code import Service, Setting
from stepmill.jobs.toolkit.stepmill_serving.errors import SetupError

ECHO = """
def model_fn(model_dir): return {"dir": model_dir}
def transform_fn(model, body, content_type, accept): return f"{type(body).__name__} {content_type} {accept}"
"""
CHAIN = """
def model_fn(model_dir): return 3
def input_fn(body, content_type): return int(body)
def predict_fn(data, model): return data * model
def output_fn(prediction, accept): return str(prediction), "text/x-mine"
"""


@pytest.fixture(autouse=True)
def _own_modules() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not hasattr(sys.modules[name], "__file__") or "pytest" in str(sys.modules[name].__file__):
            del sys.modules[name]


def service(base: Path, said: list[str] | None = None, **variables: str) -> Service:
    found = Service(Setting.of({"SAGEMAKER_BASE_DIR": str(base), **variables}), (said or []).append)
    found.load()
    return found


def write(base: Path, name: str, text: str) -> Path:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestWhere:
    def test_code_beside_the_model(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/inference.py", ECHO)
        answer = service(tmp_path).answer(b"x", "text/csv", "text/plain")
        assert (answer.status, answer.body) == (200, b"str text/csv text/plain")

    def test_named_program_in_a_submitted_folder(self, tmp_path: Path) -> None:
        write(tmp_path, "mine/serve_it.py", ECHO)
        found = service(
            tmp_path, SAGEMAKER_PROGRAM="serve_it.py", SAGEMAKER_SUBMIT_DIRECTORY=str(tmp_path / "mine")
        )
        assert found.answer(b"x", "image/png", "a/b").body == b"bytes image/png a/b"

    def test_archive_in_s3_was_unpacked_before(self, tmp_path: Path) -> None:
        write(tmp_path, "code/it.py", CHAIN)
        found = service(
            tmp_path, SAGEMAKER_PROGRAM="it.py", SAGEMAKER_SUBMIT_DIRECTORY="s3://b/k/sourcedir.tar.gz"
        )
        answer = found.answer(b"14", "text/csv", "*/*")
        assert (answer.body, answer.content_type) == (b"42", "text/x-mine")

    def test_code_in_the_models_own_folder(self, tmp_path: Path) -> None:
        write(tmp_path, "model/inference.py", CHAIN)
        assert service(tmp_path).answer(b"1", "text/csv", "").body == b"3"

    def test_it_imports_what_lies_beside_it(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/helper_of_mine.py", "FACTOR = 5")
        write(
            tmp_path,
            "model/code/inference.py",
            "import helper_of_mine as h\ndef model_fn(d): return h.FACTOR\n"
            "def transform_fn(m, b, c, a): return str(m)",
        )
        assert service(tmp_path).answer(b"", "text/csv", "").body == b"5"

    def test_module_of_an_algorithm_gets_bytes_and_its_errors_have_a_status(self, tmp_path: Path) -> None:
        module = write(
            tmp_path,
            "algorithms/some.py",
            "class Wrong(ValueError):\n    status = 415\n"
            "def model_fn(d): return None\n"
            "def transform_fn(m, body, c, a):\n"
            "    if c == 'bad/type': raise Wrong('no ' + c)\n"
            "    return bytes(reversed(body)), 'text/csv'\n"
            "def execution_parameters_fn(): return {'MaxConcurrentTransforms': 4}",
        )
        found = service(tmp_path, STEPMILL_SERVING_MODULE=str(module))
        assert found.answer(b"abc", "text/csv", "text/csv").body == b"cba"
        refused = found.answer(b"abc", "bad/type", "text/csv")
        assert (refused.status, refused.body) == (415, b"no bad/type")
        assert found.execution_parameters is not None
        assert found.execution_parameters() == {"MaxConcurrentTransforms": 4}

    def test_no_code(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/other.py", "")
        with pytest.raises(SetupError, match=r"no 'inference.py' in .*which holds other.py"):
            service(tmp_path)

    def test_no_model_fn(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/inference.py", "")
        with pytest.raises(SetupError, match="has no model_fn"):
            service(tmp_path, STEPMILL_SERVING_FAMILY="sklearn")

    def test_handlers_of_the_image_for_tensorflow(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "import json\n"
            "from stepmill.jobs.toolkit.stepmill_serving.saved_models import Signature\n"
            "def model_fn(d):\n"
            "    return {'serving_default': Signature(('x',), lambda v: {'y': [2 * x for x in v['x']]})}\n"
            "def input_handler(data, context):\n"
            "    return json.dumps({'instances': json.loads(data.read())['rows']})\n"
            "def output_handler(response, context):\n"
            "    if response.status_code != 200: raise ValueError(response.content.decode())\n"
            "    return response.content, context.accept_header\n",
        )
        found = service(tmp_path, STEPMILL_SERVING_FAMILY="tensorflow")
        answer = found.answer(b'{"rows": [1, 2]}', "application/json", "application/x-mine")
        assert (answer.body, answer.content_type) == (b'{"predictions": [2, 4]}', "application/x-mine")
        refused = found.answer(b'{"rows": []}', "application/json", "*/*")
        assert (refused.status, b"at least one instance" in refused.body) == (500, True)

    def test_transform_fn_goes_with_no_other(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/inference.py", ECHO + "def input_fn(b, c): ...")
        with pytest.raises(SetupError, match="transform_fn and input_fn"):
            service(tmp_path)


class TestAnswers:
    def test_defaults_of_sklearn(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "class Model:\n"
            "    def predict(self, data): return data.sum(axis=1)\n"
            "def model_fn(model_dir): return Model()",
        )
        found = service(tmp_path, STEPMILL_SERVING_FAMILY="sklearn")
        answer = found.answer(b"1,2\n3,4\n", "text/csv", "text/csv")
        assert (answer.body, answer.content_type) == (b"3.0\n7.0\n", "text/csv")
        assert found.answer(b"[[1, 2]]", "application/json", "*/*").body == b"[3.0]"
        assert found.answer(b"x", "image/png", "*/*").status == 415
        assert found.answer(b"[[1, 2]]", "application/json", "image/png").status == 406

    def test_default_accept_can_be_set(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/inference.py", ECHO)
        found = service(tmp_path, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/csv")
        assert found.answer(b"", "text/csv", "*/*").body == b"str text/csv text/csv"

    def test_error_of_a_handler_is_500_with_its_message(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "def model_fn(d): return 0\ndef transform_fn(m, b, c, a): raise KeyError('column age')",
        )
        said: list[str] = [""]
        answer = service(tmp_path, said).answer(b"", "text/csv", "")
        assert (answer.status, answer.body) == (500, b"'column age'")
        assert "inference.py" in said[-1], "the traceback is in the log"

    def test_text_that_is_none(self, tmp_path: Path) -> None:
        write(tmp_path, "model/code/inference.py", ECHO)
        assert service(tmp_path).answer(b"\xff\xfe", "text/csv", "").status == 500

    def test_handlers_with_one_more_parameter_get_the_context(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "def model_fn(d, context): return context.system_properties['model_dir']\n"
            "def transform_fn(m, b, c, a, context=None): return m + str(context is not None)",
        )
        assert service(tmp_path).answer(b"", "text/csv", "").body.endswith(b"/modelTrue")

    def test_array_as_the_answer_of_transform_fn(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "import numpy as np\ndef model_fn(d): ...\ndef transform_fn(m, b, c, a): return np.arange(3)",
        )
        assert service(tmp_path).answer(b"", "text/csv", "text/csv").body == b"0\n1\n2\n"

    def test_response_object(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            "model/code/inference.py",
            "class R:\n    response = ['a', b'b']\n    mimetype = 'text/x-r'\n"
            "def model_fn(d): ...\ndef transform_fn(m, b, c, a): return R()",
        )
        answer = service(tmp_path).answer(b"", "text/csv", "")
        assert (answer.body, answer.content_type) == (b"ab", "text/x-r")


def test_xgboost_defaults(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    import numpy as np

    x = np.random.default_rng(0).normal(size=(50, 3))
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, label=x[:, 0]), num_boost_round=2)
    (tmp_path / "model").mkdir()
    booster.save_model(str(tmp_path / "model" / "m.json"))
    write(
        tmp_path,
        "code/inference.py",
        "import xgboost, os\ndef model_fn(d):\n    b = xgboost.Booster()\n"
        "    b.load_model(os.path.join(d, 'm.json'))\n    return b",
    )
    found = service(
        tmp_path, STEPMILL_SERVING_FAMILY="xgboost", SAGEMAKER_SUBMIT_DIRECTORY="s3://b/sourcedir.tar.gz"
    )
    rows = "\n".join(",".join(map(str, row)) for row in x.tolist())
    answer = found.answer(rows.encode(), "text/csv", "application/json")
    assert answer.status == 200
    assert np.allclose(np.array(eval(answer.body)), booster.predict(xgboost.DMatrix(x)), atol=1e-6)
