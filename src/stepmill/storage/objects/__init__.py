"""Objects: bytes under ``s3://`` addresses, kept in a folder of this machine."""
