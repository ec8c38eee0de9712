"""The scripts here are for jobs: they are no modules of the tests."""

collect_ignore_glob = ["sdk2/*", "sdk3/*", "prepare.py"]
