"""Names the jobs of an execution, and says where everything lies."""

import time

KINDS = ("text", "image", "sequence")


def handler(event, context):
    bucket, prefix = event["bucket"], event["prefix"]
    # Names of jobs are unique for ever, in an account.
    run = f"{event['run'][:24]}-{int(time.time())}"
    skip = event.get("skip") or {}
    return {
        "bucket": bucket,
        "prefix": prefix,
        "bundles": str(event.get("bundles", 200)),
        "shortages": str(event.get("shortages", 0)),
        "pages": f"s3://{bucket}/{prefix}/pages/",
        "code": f"s3://{bucket}/{prefix}/code/source.tar.gz",
        "release": f"s3://{event.get('release', bucket)}/{prefix}/release",
        "fetches": not skip.get("fetch", False),
        "models": {
            kind: {
                "job": f"{run}-{kind}-1",
                "attempt": 1,
                "output": f"s3://{bucket}/{prefix}/models",
                "skips": bool(skip.get(kind, False)),
                "artifact": skip.get(kind) or "",
            }
            for kind in KINDS
        },
    }
