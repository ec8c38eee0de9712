"""Public: what whoever extends Stepmill tests with.

Contract suites say what every implementation of a protocol must do; a test class inherits one and
gives it the implementation as a fixture::

    class TestMyStore(ObjectStoreContract):
        @pytest.fixture
        def store(self, tmp_path: Path) -> ObjectStore:
            return MyStore(tmp_path)

The names are loaded when they are asked for: pytest and hypothesis are needed only by what uses them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepmill.testing.clock import FakeClock
    from stepmill.testing.contracts.caches import CacheStoreContract
    from stepmill.testing.contracts.compute import ComputeContract
    from stepmill.testing.contracts.objects import ObjectStoreContract
    from stepmill.testing.contracts.records import RecordStoreContract
    from stepmill.testing.contracts.tasks import TaskHandlerContract
    from stepmill.testing.definitions import pipeline_documents
    from stepmill.testing.handlers import Fail, Hold, Raise, ScriptedHandler, Succeed
    from stepmill.testing.strategies import bucket_names, object_keys

__all__ = [
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

_MODULES = {
    "CacheStoreContract": "contracts.caches",
    "ComputeContract": "contracts.compute",
    "Fail": "handlers",
    "FakeClock": "clock",
    "Hold": "handlers",
    "ObjectAttributesContract": "contracts.object_attributes",
    "ObjectStoreContract": "contracts.objects",
    "Raise": "handlers",
    "RecordStoreContract": "contracts.records",
    "ScriptedHandler": "handlers",
    "Succeed": "handlers",
    "TaskHandlerContract": "contracts.tasks",
    "UploadsContract": "contracts.uploads",
    "bucket_names": "strategies",
    "object_keys": "strategies",
    "pipeline_documents": "definitions",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
