"""Puts the three models and what is said of them where they are released."""

import json
from urllib.parse import urlsplit

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    release = urlsplit(event["release"])
    bucket, prefix = release.netloc, release.path.strip("/")
    released = {}
    for name, artifact in event["artifacts"].items():
        source = urlsplit(artifact)
        key = f"{prefix}/{name}/model.tar.gz"
        s3.copy_object(
            Bucket=bucket, Key=key, CopySource={"Bucket": source.netloc, "Key": source.path.strip("/")}
        )
        released[name] = f"s3://{bucket}/{key}"
    s3.put_object(Bucket=bucket, Key=f"{prefix}/models.json", Body=json.dumps(released, indent=2).encode())
    return {"models": released, "index": f"s3://{bucket}/{prefix}/models.json"}
