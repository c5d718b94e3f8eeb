"""Image sets in memory, for surveys."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.imagesets.sets import ImageSet, LeftOut, Picture, ReadPicture


class Drawn(ImageSet):
    """Pictures from an array, uint8, (count, side, side, 3); `broken` ones cannot be read."""

    def __init__(self, pixels: NDArray[np.uint8], broken: Sequence[int] = ()) -> None:
        self.pixels, self.broken = pixels, broken
        pictures = [Picture(f"{i % 3}/{i:05}.png", str(i % 3), f"picture {i}") for i in range(len(pixels))]
        order = sorted(range(len(pixels)), key=lambda i: pictures[i].place)
        self.order = order
        super().__init__(
            "drawn", "drawn", [pictures[i] for i in order], (), hashlib.sha256(pixels.tobytes()).hexdigest()
        )

    def read(self, index: int, side: int = 0) -> ReadPicture:
        """As `ImageSet.read`."""
        number = self.order[index]
        if number in self.broken:
            raise UsageError(f"{self.pictures[index].place} is not an image that can be read")
        return ReadPicture(Image.fromarray(self.pixels[number]), self.sha256(index))

    def sha256(self, index: int) -> str:
        """As `ImageSet.sha256`."""
        return hashlib.sha256(self.pixels[self.order[index]].tobytes()).hexdigest()


def random_set(count: int, side: int, broken: Sequence[int] = (), seed: int = 0) -> Drawn:
    """Pictures of coloured noise, each with its own brightness."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(rng.uniform(60, 200, (count, 1, 1, 3)), 40, (count, side, side, 3))
    return Drawn(pixels.clip(0, 255).astype(np.uint8), broken)


__all__ = ["Drawn", "LeftOut", "random_set"]
