"""Where the wall is looked at, and from how near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Stage(NamedTuple):
    """The wall and the view of it.

    Attributes:
        width: The view's, in pixels.
        height: The view's.
        columns: The wall's, in cells.
        rows: The wall's.
    """

    width: float
    height: float
    columns: int
    rows: int

    @property
    def least(self) -> float:
        """Side of a cell at which the whole wall is seen."""
        return max(0.01, min(self.width / max(1, self.columns), self.height / max(1, self.rows)))

    @property
    def most(self) -> float:
        """Side of a cell that fills the view."""
        return max(self.least, min(self.width, self.height))


@dataclass(frozen=True)
class Camera:
    """The point of the wall in the middle of the view, and how large a cell is.

    Attributes:
        x: In cells from the left.
        y: In cells from the top.
        side: Side of a cell, in pixels.
    """

    x: float
    y: float
    side: float

    @staticmethod
    def of_all(stage: Stage) -> Camera:
        """See the whole wall."""
        return Camera(stage.columns / 2, stage.rows / 2, stage.least)

    @staticmethod
    def of_one(column: int, row: int, stage: Stage) -> Camera:
        """See one cell, as large as it can be."""
        return Camera(column + 0.5, row + 0.5, stage.most)

    def bounded(self, stage: Stage) -> Camera:
        """The nearest one that sees the wall and no more around it than it has to."""
        side = min(max(self.side, stage.least), stage.most)
        return Camera(
            _bounded(self.x, stage.width / side, stage.columns),
            _bounded(self.y, stage.height / side, stage.rows),
            side,
        )

    def sees_all(self, stage: Stage) -> bool:
        """Whether the whole wall is seen."""
        return self.side <= stage.least * 1.001

    def cell_at(self, x: float, y: float, stage: Stage) -> tuple[float, float]:
        """The point of the wall, in cells, at a point of the view."""
        return self.x + (x - stage.width / 2) / self.side, self.y + (y - stage.height / 2) / self.side

    def point_of(self, column: float, row: float, stage: Stage) -> tuple[float, float]:
        """The point of the view where a point of the wall is seen."""
        return (column - self.x) * self.side + stage.width / 2, (row - self.y) * self.side + stage.height / 2

    def zoomed(self, factor: float, at: tuple[float, float], stage: Stage) -> Camera:
        """Nearer or farther, with the same point of the wall under a point of the view, as far as bounds allow."""
        column, row = self.cell_at(*at, stage)
        side = min(max(self.side * factor, stage.least), stage.most)
        x = column - (at[0] - stage.width / 2) / side
        y = row - (at[1] - stage.height / 2) / side
        return Camera(x, y, side).bounded(stage)

    def moved(self, dx: float, dy: float, stage: Stage) -> Camera:
        """With the wall moved by as many pixels."""
        return Camera(self.x - dx / self.side, self.y - dy / self.side, self.side).bounded(stage)

    def showing(self, column: int, row: int, stage: Stage) -> Camera:
        """Moved as little as is needed to see a whole cell."""
        return Camera(
            _reaching(self.x, column, stage.width / self.side),
            _reaching(self.y, row, stage.height / self.side),
            self.side,
        ).bounded(stage)

    def toward(self, goal: Camera, share: float) -> Camera:
        """Part of the way to another one; a point that both see at the same place stays there all the way.

        Args:
            goal: The other one.
            share: From 0, here, to 1, there.
        """
        if share >= 1:
            return goal
        side = self.side * (goal.side / self.side) ** share
        if abs(goal.side / self.side - 1) > 1e-6:
            share = (1 / self.side - 1 / side) / (1 / self.side - 1 / goal.side)
        return Camera(self.x + (goal.x - self.x) * share, self.y + (goal.y - self.y) * share, side)


def _bounded(middle: float, seen: float, length: int) -> float:
    if seen >= length:
        return length / 2
    return min(max(middle, seen / 2), length - seen / 2)


def _reaching(middle: float, cell: int, seen: float) -> float:
    if seen < 1:
        return cell + 0.5
    return min(max(middle, cell + 1 - seen / 2), cell + seen / 2)
