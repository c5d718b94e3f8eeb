"""Sources: the files that settings and targets name, each read from disk once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.files import read_bytes
from clipdesk.imagesets.pixels import as_pixels, fitted
from clipdesk.imagesets.reading import decode_image
from clipdesk.render.maco import decode_magnitudes

_MOST_KEPT = 100_000_000
"""Pixels of whole images that are kept, 300 MB; squares of them, which are small, are always kept."""


class Sources:
    """Reads files for a render, or for all groups of a job, and remembers what it decoded.

    A file's checksum is that of the very bytes that were decoded: a file that changes meanwhile cannot get into a
    recipe under the checksum of another. Not to be used by several threads at once.
    """

    def __init__(self) -> None:
        self.sha256: dict[str, str] = {}
        """SHA-256 of each file that was read, in hexadecimal digits, by path."""
        self._images: dict[str, Image.Image] = {}
        self._squares: dict[tuple[str, int], Image.Image] = {}
        self._magnitudes: dict[str, NDArray[np.float32]] = {}

    def image(self, path: str) -> Image.Image:
        """An image in RGB, as `read_image` gives it; not to be changed.

        Raises:
            UsageError: the file cannot be read, is not an image, or has changed since it was first read.
        """
        if path not in self._images:
            data = read_bytes(Path(path))
            image = decode_image(data, Path(path))
            self._note(path, data)
            self._images[path] = image
            self._drop_oldest()
        return self._images[path]

    def square(self, path: str, side: int) -> Tensor:
        """The largest square in an image's middle, (3, side, side) in [0, 1].

        Raises:
            UsageError: as `image`.
        """
        if (path, side) not in self._squares:
            self._squares[path, side] = fitted(self.image(path), side)
        return as_pixels(self._squares[path, side])

    def magnitudes(self, path: str) -> NDArray[np.float32]:
        """A spectrum as `mean_magnitudes` makes it, (3, side, side // 2 + 1); not to be changed.

        Raises:
            UsageError: the file cannot be read, is not a spectrum, or has changed since it was first read.
        """
        if path not in self._magnitudes:
            data = read_bytes(Path(path))
            magnitudes = decode_magnitudes(data, Path(path))
            self._note(path, data)
            self._magnitudes[path] = magnitudes
        return self._magnitudes[path]

    def _drop_oldest(self) -> None:
        while len(self._images) > 1 and sum(image.width * image.height for image in self._images.values()) > _MOST_KEPT:
            del self._images[next(iter(self._images))]

    def _note(self, path: str, data: bytes) -> None:
        found = hashlib.sha256(data).hexdigest()
        if self.sha256.setdefault(path, found) != found:
            raise UsageError(f"{path} has changed while it was in use. Start again")
