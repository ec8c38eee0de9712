import argparse
import json
import os
import pathlib

import stepmill_extra

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float)
    parser.add_argument("--name")
    parser.add_argument("--flag", type=json.loads)
    arguments = parser.parse_args()
    rows = (pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv").read_text().splitlines()
    print(f"{arguments.alpha} {arguments.name} {arguments.flag} {stepmill_extra.version}")
    print(f"{os.environ['SM_CURRENT_HOST']} {os.environ['SM_NETWORK_INTERFACE_NAME']}")
    (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model.json").write_text(str(len(rows)))
