"""How AWS's requests and answers travel: read, checked and written after botocore's service models."""
