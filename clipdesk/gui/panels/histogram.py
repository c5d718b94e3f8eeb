"""How often a unit is how active: bars on a logarithmic scale, and a mark for the rendered picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEIGHT = 96
_PAD = 4


class Histogram(QWidget):
    """Drawn by itself: a plot of pyqtgraph takes longer to make than a page may take to change."""

    def __init__(self) -> None:
        super().__init__()
        self._edges: Sequence[float] = ()
        self._counts: Sequence[int] = ()
        self._mark: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._describe()

    @override
    def sizeHint(self) -> QSize:
        return QSize(220, _HEIGHT)

    def show_counts(self, edges: Sequence[float], counts: Sequence[int]) -> None:
        """Show other bars, without a mark.

        Args:
            edges: Ends of the bins, ascending, one more than there are bins.
            counts: Pictures in each bin.
        """
        filled = [place for place, count in enumerate(counts) if count]
        first, last = (filled[0], filled[-1] + 1) if filled else (0, 0)
        self._edges, self._counts = list(edges[first : last + 1]), list(counts[first:last])
        self._mark = None
        self._describe()

    def mark(self, value: float | None) -> None:
        """Mark a value, such as the rendered picture's; None for none."""
        self._mark = value if value is not None and math.isfinite(value) else None
        self._describe()

    @property
    def marked(self) -> float | None:
        """The value that is marked."""
        return self._mark

    def _describe(self) -> None:
        """For who cannot see it."""
        words = "Histogram of activations"
        if self._counts:
            words += f": {sum(self._counts):,} pictures from {self._edges[0]:.3g} to {self._edges[-1]:.3g}"
        if self._mark is not None:
            words += f", the rendered picture at {self._mark:.3g}"
        self.setAccessibleName(words)
        self.setToolTip(f"{words}. The height of a bar is the logarithm of its number of pictures")
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._counts:
            return
        painter, palette = QPainter(self), self.palette()
        low, high = self._edges[0], self._edges[-1]
        if self._mark is not None:
            low, high = min(low, self._mark), max(high, self._mark)
        text = self.fontMetrics().height()
        width, floor = self.width() - 2 * _PAD, self.height() - text - _PAD
        scale = width / (high - low) if high > low else 0.0
        tallest = math.log1p(max(self._counts))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
        for count, begin, end in zip(self._counts, self._edges, self._edges[1:], strict=False):
            top = math.log1p(count) / tallest * (floor - _PAD)
            bar = QRectF(_PAD + (begin - low) * scale, floor - top, max(1.0, (end - begin) * scale - 0.5), top)
            painter.drawRect(bar)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.drawLine(_PAD, floor, _PAD + width, floor)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        below = QRectF(_PAD, floor + 1, width, text)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{low:.3g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{high:.3g}")
        if low < 0 < high:
            painter.drawLine(round(_PAD - low * scale), floor, round(_PAD - low * scale), floor + 3)
        if self._mark is not None:
            place = _PAD + (self._mark - low) * scale
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 2))
            painter.drawLine(round(place), 0, round(place), floor)
            left = place > width / 2
            label = QRectF(place - width if left else place + 4, 0, width - 4 if left else width, text)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight if left else Qt.AlignmentFlag.AlignLeft, "rendered")
        painter.end()
