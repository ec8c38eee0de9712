#!/bin/bash
# What a processing job with a source folder starts with: unpack, install, run.
set -e
cd /opt/ml/processing/input/code/
tar -xzf sourcedir.tar.gz
if [[ -f requirements.txt ]]; then
    pip uninstall --yes typing
    python -m pip install --no-index -r requirements.txt
fi
python main.py "$@"
