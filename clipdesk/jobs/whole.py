"""Work that is not divided: one process does it, from its beginning to its end. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Self, override

from clipdesk.jobs.work import Work


class WholeWork(Work):
    """Work with one unit, over an image set; its steps are hundredths of it.

    Attributes:
        images: What opens the set: an absolute path, a pattern of paths, or ``scenes:5000``.
        device: Where to compute.
    """

    images: str
    device: str = "auto"

    @property
    @override
    def steps(self) -> int:
        return 100

    @property
    @override
    def divisible(self) -> bool:
        return False

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self
