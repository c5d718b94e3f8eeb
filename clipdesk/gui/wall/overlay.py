"""What is drawn over the wall's pictures: numbers and words, what is selected, the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen, QStaticText

from clipdesk.errors import one_line
from clipdesk.gui.images import paint_badge
from clipdesk.gui.wall.camera import Camera, Stage
from clipdesk.gui.wall.selection import Selection
from clipdesk.gui.wall.source import Hanging
from clipdesk.ranges import runs_of

NUMBERED = 52
"""Side of a cell from which each tile has its number."""
WORDED = 112
"""Side of a cell from which the number has a word beside it."""
_NUMBER_ALONE = 30
"""Side of a cell from which empty tiles have their number, in the middle."""
_OUTLINED = 24
"""Side of a cell below which neighbours that are selected have one frame."""
_BADGE = QColor(32, 32, 32, 190)
_Role = QPalette.ColorRole


class Overlay:
    """Draws over the wall.

    Args:
        palette: Colours.
        metrics: Of the font.
        camera: Where the wall is looked at from.
        stage: The wall and the view.
    """

    def __init__(self, palette: QPalette, metrics: QFontMetrics, camera: Camera, stage: Stage) -> None:
        self._palette, self._metrics = palette, metrics
        self._camera, self._stage = camera, stage
        left, top = camera.cell_at(0, 0, stage)
        right, bottom = camera.cell_at(stage.width, stage.height, stage)
        # Of columns and rows, not of each of thousands of cells: where a tile begins, and how long it is.
        across, down = camera.point_of(0, 0, stage)
        self._columns = self._spans(range(int(max(0, left)), int(min(right, stage.columns - 1)) + 1), across)
        self._rows = self._spans(range(int(max(0, top)), int(min(bottom, stage.rows - 1)) + 1), down)

    def _spans(self, cells: range, start: float) -> dict[int, tuple[int, int]]:
        side = self._camera.side
        gap = max(0.5, min(side / 32, 5))
        begins = {cell: round(start + cell * side + gap) for cell in cells}
        return {cell: (begin, max(1, round(start + (cell + 1) * side - gap) - begin)) for cell, begin in begins.items()}

    def captions(
        self,
        painter: QPainter,
        hanging: Hanging,
        words: Mapping[int, str],
        name: Callable[[int], str],
        is_empty: Callable[[int], bool],
        any_empty: bool,
        texts: dict[str, QStaticText],
    ) -> None:
        """Write numbers, and where there is room for them, words.

        Args:
            painter: Draws on the view.
            hanging: What hangs where.
            words: Of units.
            name: Gives the number of a unit, or what else it is called; empty for a tile without a name.
            is_empty: Whether nothing is known to show of a unit.
            any_empty: Whether there may be such units.
            texts: Laid out before; this adds to them.
        """
        side = self._camera.side
        if side < _NUMBER_ALONE or (side < NUMBERED and not any_empty):
            return
        height, plain = self._metrics.height(), self._palette.color(_Role.PlaceholderText)
        for unit, frame in self._cells(hanging):
            empty = is_empty(unit)
            if side >= WORDED and (word := words.get(unit)):
                painter.setPen(Qt.GlobalColor.white)
                paint_badge(painter, frame, f"{name(unit)}  {one_line(word)}")
                continue
            if not empty and side < NUMBERED:
                continue
            named = name(unit)
            text = texts.get(named) or texts.setdefault(named, QStaticText(named))
            width = text.size().width()
            if not named or width + 4 > frame.width():
                continue
            if empty:
                painter.setPen(plain)
                middle = QPointF(frame.center()) - QPointF(width / 2, height / 2)
                painter.drawStaticText(middle, text)
            else:
                badge = QRectF(frame.left(), frame.bottom() + 1 - height, width + 6, height)
                painter.fillRect(badge, _BADGE)
                painter.setPen(Qt.GlobalColor.white)
                painter.drawStaticText(badge.topLeft() + QPointF(3, 0), text)

    def selected(self, painter: QPainter, hanging: Hanging, selection: Selection) -> None:
        """Frame what is selected. A tint would change colours that are the result."""
        if not selection.chosen:
            return
        frames: list[tuple[int, int, int, int]] = []
        together, chosen = self._camera.side < _OUTLINED, selection.chosen
        columns = list(self._columns.items())
        for row, (top, height) in self._rows.items():
            first = row * hanging.columns
            # Places after the last unit are at the end of the last row.
            cells = zip(columns, hanging.order[first + columns[0][0] : first + columns[-1][0] + 1], strict=False)
            found = [column for (column, _), unit in cells if unit in chosen]
            for start, end in runs_of(found) if together else zip(found, found, strict=True):
                left, (right, width) = self._columns[start][0], self._columns[end]
                frames.append((left, top, right + width - left, height))
        color = self._palette.color(_Role.Highlight)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Lines of a pixel are drawn much faster than wider ones.
        lines = [color, color, color, self._palette.color(_Role.HighlightedText)]
        if together:
            lines = [color, color] if self._camera.side > 8 else [color]
        for inset, line in enumerate(lines):
            less = 2 * inset
            painter.setPen(QPen(line, 1))
            painter.drawRects([QRect(x + inset, y + inset, w - less, h - less) for x, y, w, h in frames])

    def cursor(self, painter: QPainter, place: int) -> None:
        """Frame the tile that the keyboard is at: dark on light and light on dark, whatever the picture."""
        row, column = divmod(place, self._stage.columns)
        if row not in self._rows or column not in self._columns:
            return
        # At the wall's edge too, all of it is seen.
        view = QRect(0, 0, int(self._stage.width), int(self._stage.height)).adjusted(2, 2, -2, -2)
        frame = self._frame(column, row).adjusted(-1, -1, 1, 1).intersected(view)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._palette.color(_Role.Base), 4))
        painter.drawRect(frame)
        painter.setPen(QPen(self._palette.color(_Role.Text), 2))
        painter.drawRect(frame)

    def band(self, painter: QPainter, band: QRectF) -> None:
        """Draw the rectangle that the mouse draws."""
        color = self._palette.color(_Role.Highlight)
        painter.setPen(QPen(color, 1))
        color.setAlpha(48)
        painter.fillRect(band, color)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(band)

    def _cells(self, hanging: Hanging) -> Iterator[tuple[int, QRect]]:
        """The units that are seen, with the frames of their tiles."""
        for row, (top, height) in self._rows.items():
            for column, (left, width) in self._columns.items():
                place = row * hanging.columns + column
                if place < len(hanging.order):
                    yield hanging.order[place], QRect(left, top, width, height)

    def _frame(self, column: int, row: int) -> QRect:
        (left, width), (top, height) = self._columns[column], self._rows[row]
        return QRect(left, top, width, height)
