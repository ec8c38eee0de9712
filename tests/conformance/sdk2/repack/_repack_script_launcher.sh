#!/bin/bash
set -e
python put_code_in.py --script "${SM_HP_INFERENCE_SCRIPT}" --archive "${SM_HP_MODEL_ARCHIVE}" \
    --dependencies "${SM_HP_DEPENDENCIES}" --source "${SM_HP_SOURCE_DIR}"
