"""The frames of one driven execution: those in use decoded in memory, the others where they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar, overload

from stepmill.engine.languages import Frame, Language
from stepmill.storage.executions import ExecutionStore

_Default = TypeVar("_Default")

# Of one execution. A frame with the answer of a Describe takes some 10 kB: about 40 MB.
MOST_FRAMES = 4096


class FrameCache(Mapping[str, Frame]):
    """Reads through and writes behind: changed frames stay until ``take_changes`` and ``settle``.

    Args:
        names: Of all frames that are stored.
        load: Returns a stored frame's text by its name.
        language: The one that they are of.
        limit: So many decoded frames stay in memory between commits.
    """

    def __init__(
        self,
        names: Iterable[str],
        load: Callable[[str], str | None],
        language: Language,
        *,
        limit: int = MOST_FRAMES,
    ) -> None:
        self._names = set(names)
        self._load = load
        self._language = language
        self._limit = limit
        self._decoded: dict[str, Frame] = {}  # least recently used first
        self._changed: set[str] = set()

    def __getitem__(self, name: str) -> Frame:
        frame = self._find(name)
        if frame is None:
            raise KeyError(name)
        return frame

    @overload
    def get(self, name: str, default: None = None, /) -> Frame | None: ...

    @overload
    def get(self, name: str, default: _Default, /) -> Frame | _Default: ...

    def get(self, name: str, default: object = None, /) -> object:
        """Return a frame, or the default if there is none of that name."""
        frame = self._find(name)
        return default if frame is None else frame

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def update(self, frames: Mapping[str, Frame | None]) -> None:
        """Replace frames; ``None`` removes one."""
        for name, frame in frames.items():
            self._changed.add(name)
            self._decoded.pop(name, None)
            if frame is None:
                self._names.discard(name)
            else:
                self._names.add(name)
                self._decoded[name] = frame

    def take_changes(self) -> dict[str, str | None]:
        """Return the frames changed since the last call as they are to be stored."""
        changes = {name: self._text(name) for name in sorted(self._changed)}
        self._changed.clear()
        return changes

    def settle(self) -> None:
        """Forget what need not stay in memory, now that all changes are stored."""
        surplus = len(self._decoded) - self._limit
        if surplus > 0 and not self._changed:
            for name in list(self._decoded)[:surplus]:
                del self._decoded[name]

    def _text(self, name: str) -> str | None:
        frame = self._decoded.get(name)
        return None if frame is None else self._language.encode_frame(frame)

    def _find(self, name: str) -> Frame | None:
        if name not in self._names:
            return None
        frame = self._decoded.pop(name, None)
        if frame is None:
            text = self._load(name)
            if text is None:
                return None
            frame = self._language.decode_frame(text)
        self._decoded[name] = frame
        return frame


def all_frames(store: ExecutionStore, execution: str, language: Language) -> FrameCache:
    """Return all frames of an execution as they are stored now, read at once and decoded when needed."""
    texts = store.frames(execution)
    return FrameCache(texts, texts.get, language, limit=len(texts))
