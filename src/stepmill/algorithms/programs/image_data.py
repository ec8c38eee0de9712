"""Images and their labels: from MXNet's recordIO files, or from image files and a list of them.

Source: developer guide, "Image Classification - MXNet": formats, ``image_shape``, ``resize``,
``augmentation_type``; MXNet's ``recordio`` module for the head of an image record.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import CustomerError
from .files import data_files
from .job import Job
from .media import media_type
from .recordio import RecordError, frames

# Flag, label, two ids; if the flag is greater than 0 so many labels follow.
_HEAD = struct.Struct("<IfQQ")
_LIST_COLUMNS = 3
RECORDS = "application/x-recordio"
# Larger images are refused: a small file may unpack to any size.
MOST_PIXELS = 64_000_000
_MEAN, _SPREAD = 127.5, 63.75


@dataclass(frozen=True)
class Shape:
    """Size of the images that a network takes.

    Args:
        channels: 1 or 3.
        height: In pixels.
        width: In pixels.
    """

    channels: int
    height: int
    width: int

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Read ``3,224,224``."""
        return cls(*(int(part) for part in text.split(",")))


@dataclass(frozen=True)
class Example:
    """One image as it is stored.

    Args:
        name: For messages.
        data: The file's bytes; ``None``: they are in ``path``.
        path: Where they are otherwise.
        labels: One class, or several.
    """

    name: str
    labels: tuple[float, ...]
    data: bytes | None = None
    path: Path | None = None

    def read(self) -> bytes:
        """Return the bytes of the image."""
        if self.data is not None:
            return self.data
        assert self.path is not None
        return self.path.read_bytes()


def examples(job: Job, channel: str) -> list[Example]:
    """Return the images of a channel.

    Raises:
        CustomerError: If they cannot be found or read.
    """
    kind, _ = media_type(job.content_type(channel, RECORDS))
    found = list(_of_records(job, channel) if kind == RECORDS else _of_list(job, channel))
    if not found:
        raise CustomerError(f"There is no image in the {channel} channel.")
    return found


def _of_records(job: Job, channel: str) -> Iterator[Example]:
    files = [path for path in data_files(job.channel(channel)) if path.suffix not in (".idx", ".lst")]
    for path in files:
        try:
            for place, payload in enumerate(frames(path.read_bytes())):
                yield _of_record(payload, f"record {place} of {path.name}")
        except RecordError as error:
            raise CustomerError(f"Failed to load {path.name}: {error}") from error


def _of_record(payload: bytes, name: str) -> Example:
    if len(payload) < _HEAD.size:
        raise CustomerError(f"The head of {name} is cut off.")
    count, label, _, _ = _HEAD.unpack_from(payload)
    if not count:
        return Example(name, (label,), payload[_HEAD.size :])
    end = _HEAD.size + 4 * count
    if end > len(payload):
        raise CustomerError(f"The labels of {name} are cut off.")
    labels = struct.unpack_from(f"<{count}f", payload, _HEAD.size)
    return Example(name, labels, payload[end:])


def _of_list(job: Job, channel: str) -> Iterator[Example]:
    list_channel = f"{channel}_lst"
    if not job.has(list_channel):
        raise CustomerError(f"Images need a channel {list_channel} with a .lst file.")
    folder = job.channel(channel)
    inside = folder.resolve()
    for listed in data_files(job.channel(list_channel)):
        for place, line in enumerate(listed.read_text("utf-8", "replace").splitlines()):
            if not line.strip():
                continue
            where = f"Line {place + 1} of {listed.name}"
            columns = line.rstrip("\n").split("\t")
            if len(columns) < _LIST_COLUMNS:
                raise CustomerError(f"{where} does not have three columns that are separated by tabs.")
            try:
                labels = tuple(float(label) for label in columns[1:-1])
            except ValueError as error:
                raise CustomerError(f"{where} has a label that is no number.") from error
            path = folder / columns[-1].strip()
            if not path.is_file() or not path.resolve().is_relative_to(inside):
                raise CustomerError(f"{where}: there is no image {columns[-1].strip()[:200]!r}.")
            yield Example(columns[-1].strip(), labels, None, path)


def open_image(data: bytes, channels: int) -> Any:
    """Decode an image.

    Raises:
        ValueError: If it is none, or too large.
    """
    try:
        image: Any = Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"the image has more than {MOST_PIXELS} pixels")
        return ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"this is no image that can be read: {error}") from error


def to_array(image: Any) -> NDArray[np.float32]:
    """Return an image as a network takes it, shape (channels, height, width)."""
    pixels = np.asarray(image, np.float32)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray((planes - _MEAN) / _SPREAD)


class Preparation:
    """Makes images fit for training.

    Args:
        shape: What they become.
        resize: Their shorter side is made so long first; 0: they stay.
        augmentation: ``crop``, ``crop_color``, ``crop_color_transform`` or nothing.
        chance: Decides.
    """

    def __init__(self, shape: Shape, resize: int, augmentation: str, chance: np.random.Generator) -> None:
        self._shape, self._resize, self._augmentation, self._chance = shape, resize, augmentation, chance

    def array(self, example: Example) -> NDArray[np.float32]:
        """Return an example as a network takes it.

        Raises:
            CustomerError: If it is no image, or smaller than ``image_shape``.
        """
        shape = self._shape
        try:
            image = open_image(example.read(), shape.channels)
        except ValueError as error:
            raise CustomerError(f"{example.name}: {error}") from error
        if self._resize:
            factor = self._resize / min(image.size)
            image = image.resize([max(1, round(side * factor)) for side in image.size])
        if image.width < shape.width or image.height < shape.height:
            raise CustomerError(
                f"{example.name} is {image.width} x {image.height} pixels: smaller than image_shape. "
                "Set resize."
            )
        return to_array(self._changed(image))

    def _changed(self, image: Any) -> Any:
        shape, chance, kind = self._shape, self._chance, self._augmentation
        room = image.width - shape.width, image.height - shape.height
        left, top = (chance.integers(0, side + 1) for side in room) if kind else (side // 2 for side in room)
        image = image.crop((left, top, left + shape.width, top + shape.height))
        if not kind:
            return image
        if chance.random() < 0.5:
            image = ImageOps.mirror(image)
        if kind != "crop" and shape.channels == 3:
            image = self._coloured(image)
        return self._turned(image) if kind == "crop_color_transform" else image

    def _coloured(self, image: Any) -> Any:
        # Up to 36 of hue, 50 of saturation and of lightness.
        parts = np.asarray(image.convert("HSV"), np.int16)
        shift = [self._chance.integers(-most, most + 1) for most in (36, 50, 50)]
        hue = (parts[..., :1] + shift[0]) % 256
        rest = np.clip(parts[..., 1:] + shift[1:], 0, 255)
        return Image.fromarray(np.concatenate([hue, rest], axis=2).astype(np.uint8), "HSV").convert("RGB")

    def _turned(self, image: Any) -> Any:
        # Up to 10 degrees, a shear of 0.1, and a quarter of the aspect ratio.
        angle = np.deg2rad(self._chance.uniform(-10, 10))
        shear, aspect = self._chance.uniform(-0.1, 0.1), np.sqrt(self._chance.uniform(0.75, 1.25))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([aspect, 1 / aspect])
        middle = np.array([image.width / 2, image.height / 2])
        shift = middle - matrix @ middle
        numbers = [*matrix[0], shift[0], *matrix[1], shift[1]]
        return image.transform(image.size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
