"""Writes the variables of the job to a file for the shell."""

import json
import shlex
from pathlib import Path

CONFIG = "/opt/ml/input/config"


def read(name: str) -> dict:
    return json.loads(Path(CONFIG, f"{name}.json").read_text())


resources, channels, given = read("resourceconfig"), read("inputdataconfig"), read("hyperparameters")
variables = {
    "SM_MODEL_DIR": "/opt/ml/model",
    "SM_SOURCE_DIR": "/opt/ml/input/data/code",
    "SM_NETWORK_INTERFACE_NAME": resources["network_interface_name"],
    "SM_CURRENT_HOST": resources["current_host"],
    **{f"SM_CHANNEL_{name.upper()}": f"/opt/ml/input/data/{name}" for name in channels},
    **{f"SM_HP_{name.upper()}": value for name, value in given.items()},
}
lines = (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
Path("/opt/ml/input/sm_training.env").write_text("".join(lines))
