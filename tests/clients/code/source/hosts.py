"""A script of several hosts: each leaves its name and the names of the files that are its share."""

import json
import os

here = os.environ["SM_CURRENT_HOST"]
share = sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
print(f"{here} of {os.environ['SM_HOSTS']} has {share}")
with open(os.path.join(os.environ["SM_MODEL_DIR"], here), "w") as file:
    json.dump(share, file)
