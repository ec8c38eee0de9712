"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# Tests time nothing: on a busy machine a single example may take a second.
settings.register_profile("stepmill", deadline=None)
settings.load_profile("stepmill")
