#!/bin/bash
# What a job of SDK 3 starts with: find Python and pip, export variables, install, run.
set -e
SM_PYTHON_CMD=$(command -v python3 || command -v python)
SM_PIP_CMD=$(command -v pip3 || command -v pip)
if [[ -z "$SM_PYTHON_CMD" || -z "$SM_PIP_CMD" ]]; then
    echo "no Python, or no pip" >> /opt/ml/output/failure
    exit 1
fi
$SM_PYTHON_CMD /opt/ml/input/data/sm_drivers/scripts/environment.py
source /opt/ml/input/sm_training.env
cd "$SM_SOURCE_DIR"
$SM_PYTHON_CMD -m pip install --no-index -r requirements.txt
$SM_PYTHON_CMD fit.py --alpha "$SM_HP_ALPHA" --name "$SM_HP_NAME" --flag "$SM_HP_FLAG"
