"""The part of a function's script that hands it its arguments and keeps what it returns.

It is written for whatever Python an image has, from 3.8 on, and needs nothing but that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pprint import pformat

from stepmill.sdk.function_source import FunctionSource

RESULT_OUTPUT = "result"
RESULT_FILE = "result.json"
RESULT_KEY = "result"

_HEAD = '''"""{name}(), made a script by Stepmill. It runs without it."""

from __future__ import annotations

'''

_DRIVER = '''

def _run_as_step(function, plan):
    """Call the function with what the job was given, and write down what it returns."""
    import json
    import os
    import sys
    from pathlib import Path

    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))

    def read(kind, text):
        if kind == "bool":
            if text.lower() not in ("true", "false", "1", "0"):
                raise ValueError("%r is neither true nor false" % text)
            return text.lower() in ("true", "1")
        if kind == "json":
            try:
                return json.loads(text)
            except ValueError:
                return text
        return {"str": str, "int": int, "float": float}[kind](text)

    def addresses():
        try:
            text = (base / "config" / "processingjobconfig.json").read_text(encoding="utf-8")
        except OSError:
            return {}
        inputs = json.loads(text).get("ProcessingInputs") or []
        return {each["InputName"]: (each.get("S3Input") or {}).get("S3Uri", "") for each in inputs}

    def input_path(name, kind):
        folder = base / "processing" / "input" / name
        if kind == "folder":
            return folder
        # The address of a single object gives a folder that holds this one file.
        file = folder / addresses().get(name, "").rpartition("/")[2]
        return file if file.is_file() else folder

    def plain(value):
        for method in ("tolist", "isoformat", "__fspath__"):
            if hasattr(value, method):
                return getattr(value, method)()
        raise TypeError("a step returns what JSON can hold, not a %s" % type(value).__name__)

    texts = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    arguments = dict.fromkeys(plan["nothing"])
    for name, kind in plan["parameters"].items():
        try:
            arguments[name] = read(kind, texts["--" + name])
        except ValueError as error:
            sys.exit("The argument %s is no %s: %s" % (name, kind, error))
    for name, kind in plan["inputs"].items():
        arguments[name] = input_path(name, kind)
    for name in plan["outputs"]:
        arguments[name] = base / "processing" / "output" / name
        arguments[name].mkdir(parents=True, exist_ok=True)
    result = function(**arguments)
    if plan["result"]:
        folder = base / "processing" / "output" / "RESULT_OUTPUT"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"RESULT_KEY": result}, default=plain, allow_nan=False)
        (folder / "RESULT_FILE").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _run_as_step('''


@dataclass(frozen=True)
class CallPlan:
    """What the script hands the function.

    Args:
        parameters: Name -> ``str``, ``int``, ``float``, ``bool`` or ``json``: how its text is read.
        nothing: Names of those that are ``None``.
        inputs: Name -> ``folder``, or ``either`` where only the job's address tells whether it is one.
        outputs: Names.
        result: Whether what it returns is kept.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    nothing: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    result: bool = True


def script_text(source: FunctionSource, plan: CallPlan) -> str:
    """Return the whole script."""
    driver = (
        _DRIVER.replace("RESULT_OUTPUT", RESULT_OUTPUT)
        .replace("RESULT_FILE", RESULT_FILE)
        .replace("RESULT_KEY", RESULT_KEY)
    )
    literal = pformat(
        {
            "parameters": dict(plan.parameters),
            "nothing": list(plan.nothing),
            "inputs": dict(plan.inputs),
            "outputs": list(plan.outputs),
            "result": plan.result,
        },
        sort_dicts=False,
        width=100,
    )
    return f"{_HEAD.format(name=source.name)}{source.text}{driver}{source.name}, {literal})\n"
