"""A label that leaves room for others: of a long text it shows what fits into a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtWidgets import QLabel
from typing_extensions import override

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

_TALLEST = 10_000


class ShortLabel(QLabel):
    """A label for any text, at most a few lines high; what does not fit is cut at a word.

    Args:
        lines: Most lines.
        reserved: Whether the room of all lines is kept when there are fewer.

    Attributes:
        whole: The whole text.
    """

    def __init__(self, lines: int, *, reserved: bool = False) -> None:
        super().__init__(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.whole = ""
        self._lines, self._reserved = lines, reserved
        self._fit()

    def show_text(self, text: str) -> None:
        """Show this text from now on."""
        self.whole = text
        self.setAccessibleDescription(text)
        self._cut()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        if self._reserved:
            self.setMinimumHeight(self._lines * self.fontMetrics().lineSpacing())
        self._cut()

    def _cut(self) -> None:
        words = self.whole.split(" ")
        fewest, most = 1, len(words)
        # The largest number of words that fits, by halving: texts of a check have a hundred.
        while fewest < most:
            middle = (fewest + most + 1) // 2
            if self._fits(_first(words, middle)):
                fewest = middle
            else:
                most = middle - 1
        shown = _first(words, fewest)
        if shown != self.text():
            self.setText(shown)

    def _fits(self, text: str) -> bool:
        metrics = self.fontMetrics()
        room = QRect(0, 0, self.contentsRect().width(), _TALLEST)
        needed = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), text).height()
        return needed <= self._lines * metrics.lineSpacing()


def _first(words: list[str], count: int) -> str:
    """The first words, with a mark where others are left out."""
    return " ".join(words) if count == len(words) else f"{' '.join(words[:count]).rstrip(',;:.')} …"
