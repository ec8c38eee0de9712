"""The Batch job: fetches the pages. Here they are made; elsewhere this would ask an archive."""

import json
import os
import sys
import tempfile

import boto3

bucket, prefix, bundles = sys.argv[1], sys.argv[2], int(sys.argv[3])
s3 = boto3.client("s3")
with tempfile.TemporaryDirectory() as folder:
    module = os.path.join(folder, "pages.py")
    s3.download_file(bucket, f"{prefix}/code/pages.py", module)
    sys.path.insert(0, folder)
    from pages import make_pages

    lines = [json.dumps(page) for page in make_pages(bundles, seed=7)]
s3.put_object(Bucket=bucket, Key=f"{prefix}/pages/pages.jsonl", Body="\n".join(lines).encode())
print(f"{len(lines)} pages of {bundles} bundles")
