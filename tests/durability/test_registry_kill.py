"""Whoever registers models is killed again and again: each is registered once, and each is told of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from stepmill.platform import Platform, load_settings

MOST = 42
# Registers what is left, one after another, says so, and decides about every third.
REGISTER = f"""
import sys
from pathlib import Path
from stepmill.platform import Platform, load_settings
home = Path(sys.argv[1])
with Platform(load_settings(home, {{"STEPMILL_HOME": str(home)}})) as platform:
    for number in range({MOST}):
        made = platform.models.create(
            {{"ModelPackageGroupName": "Churn", "CustomerMetadataProperties": {{"n": str(number)}}}},
            token=f"token-{{number}}",
        )
        version = made["ModelPackageVersion"]
        if number % 3 == 0 and not platform.models.approvals(f"churn/{{version}}"):
            platform.models.update(f"churn/{{version}}", {{"ModelApprovalStatus": "Approved"}})
        print(number, flush=True)
print("done", flush=True)
"""


def test_each_model_is_registered_once_and_told_of(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Platform(load_settings(tmp_path, {"STEPMILL_HOME": str(home)})) as platform:
        platform.queues.create("heard", {}, {})
        platform.events.put_rule(
            "default", {"Name": "all", "EventPattern": json.dumps({"source": ["aws.sagemaker"]})}
        )
        arn = platform.settings.arns.queue("heard")
        platform.events.put_targets("default", "all", [{"Id": "q", "Arn": arn}])
    lives, is_done = 0, False
    while not is_done:
        lives += 1
        # Later each time, so that there is progress; in the middle of whatever it does then.
        is_done = register(home, until=lives * 7)
    assert lives > 4
    with Platform(load_settings(tmp_path, {"STEPMILL_HOME": str(home)})) as platform:
        versions, _ = platform.models.versions("churn", limit=1000)
        numbers = Counter(str(version["CustomerMetadataProperties"]["n"]) for version in versions)  # type: ignore[index,call-overload]
        assert numbers == Counter(map(str, range(MOST)))
        approved = [version for version in versions if version["ModelApprovalStatus"] == "Approved"]
        assert len(approved) == MOST / 3
        made = {str(version["ModelPackageArn"]) for version in versions}
        assert told(platform) == made


def register(home: Path, until: int) -> bool:
    """Run the program until it has said so much, kill it, and return whether it came to its end."""
    command = [sys.executable, "-c", REGISTER, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for said, line in enumerate(process.stdout):
            if line == "done\n":
                return process.wait(60) == 0
            if said == until:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    return False


def told(platform: Platform) -> set[str]:
    """Return the versions whose making was told to the queue."""
    found: set[str] = set()
    while messages := platform.queues.receive("heard", most=10):
        for message in messages:
            event = json.loads(message.body)
            if "UpdatedModelPackageFields" not in event["detail"]:
                found.update(event["resources"])
    return found
