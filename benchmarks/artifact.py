"""An artifact of 1 GB handed from a step to the next: is a byte of it copied?

Counted: bytes that all processes of the run wrote to the disk beyond the artifact itself, by the
size of the store before and after, and whether the file that the second step read is the very file
(device and inode) that the first one wrote.
"""

from __future__ import annotations

import json
import time

from benchmarks.support import bench_platform, environment
from stepmill import Pipeline, ProcessingStep
from stepmill.platform import StartOptions
from stepmill.storage.objects.uri import S3Uri

SIZE_BYTES = 1024**3

MAKE = f"""
import json, os
path = "/opt/ml/processing/output/big/artifact.bin"
block = os.urandom(1024 * 1024)
with open(path, "wb") as file:
    for _ in range({SIZE_BYTES // 1024**2}):
        file.write(block)
status = os.stat(path)
json.dump({{"inode": status.st_ino}}, open("/opt/ml/processing/output/facts/made.json", "w"))
"""

LOOK = """
import json, os
status = os.stat("/opt/ml/processing/input/big/artifact.bin")
facts = {"inode": status.st_ino, "size": status.st_size}
json.dump(facts, open("/opt/ml/processing/output/facts/seen.json", "w"))
"""


def main() -> None:
    """Print what was copied and how long the hand-over took."""
    print(environment())
    with bench_platform() as (platform, folder):
        (folder / "make.py").write_text(MAKE)
        (folder / "look.py").write_text(LOOK)
        make = ProcessingStep("Make", code="make.py", image="python", outputs=["big", "facts"])
        look = ProcessingStep(
            "Look",
            code="look.py",
            image="python",
            inputs={"big": make.outputs["big"]},
            outputs=["facts"],
        )
        compiled = Pipeline("Artifact", [make, look], folder=folder).compile()
        version = platform.deploy(compiled.name, compiled.definition, compiled)
        before = platform.objects.disk_usage()
        begin = time.perf_counter()
        execution = platform.start(version, StartOptions({}))
        ended = platform.engine.wait(execution)
        seconds = time.perf_counter() - begin
        if ended.status != "Succeeded":
            raise SystemExit(f"{ended.status}: {ended.failure_reason}")
        views = {view.name: view for view in platform.executions.step_views(execution)}
        facts = {}
        for info in platform.objects.all(S3Uri.parse(f"s3://{platform.settings.default_bucket}/Artifact")):
            if info.key.endswith(".json"):
                facts[info.key.rpartition("/")[2]] = json.loads(platform.objects.read_bytes(info.uri))
        stored = platform.objects.disk_usage() - before
        same = facts["made.json"]["inode"] == facts["seen.json"]["inode"]
        gap = views["Look"].ended_at - views["Make"].ended_at  # type: ignore[operator]
        print(f"the file read is the file written: {same} (inode {facts['seen.json']['inode']})")
        print(f"bytes stored beyond the artifact: {stored - SIZE_BYTES}; mark: no byte copied")
        print(
            f"whole run {seconds:.2f} s; from the end of Make to the end of Look {gap.total_seconds():.3f} s"
        )


if __name__ == "__main__":
    main()
