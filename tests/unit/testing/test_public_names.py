"""What is public, and that it costs nothing that is not asked for."""

from __future__ import annotations

from stepmill import testing
from support.storage import finish, start_python

PUBLIC = [
    "CacheStoreContract",
    "ComputeContract",
    "Fail",
    "FakeClock",
    "Hold",
    "ObjectAttributesContract",
    "ObjectStoreContract",
    "Raise",
    "RecordStoreContract",
    "ScriptedHandler",
    "Succeed",
    "TaskHandlerContract",
    "UploadsContract",
    "bucket_names",
    "object_keys",
    "pipeline_documents",
]

_WITHOUT_TOOLS = """
    import sys
    sys.modules["pytest"] = sys.modules["hypothesis"] = None  # as if not installed
    from stepmill.testing import FakeClock
    import stepmill.testing
    print(FakeClock().now().year, *dir(stepmill.testing))
"""


def test_the_public_names_are_these() -> None:
    assert sorted(testing.__all__) == sorted(testing._MODULES) == PUBLIC


def test_every_public_name_is_there_and_documented() -> None:
    for name in testing.__all__:
        assert getattr(testing, name).__doc__, name


def test_no_other_name_is_made_up() -> None:
    assert not hasattr(testing, "Nonsense")


def test_a_clock_can_be_had_without_pytest() -> None:
    assert finish(start_python(_WITHOUT_TOOLS)).split() == ["2026", *PUBLIC]
