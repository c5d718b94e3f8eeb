"""What a unit writes: in words, and the button that renders it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from clipdesk.gui.panels.word_line import WordLine

_TIP = (
    "What the unit adds. Of a head: the texts that span what it adds to the embedding, each with its share of the "
    "variance (TextSpan). Of a latent: the texts nearest to its decoder's direction, each with the cosine"
)


class WrittenLine(QWidget):
    """Words of what a head or a latent writes; nothing for other units.

    Args:
        render: Renders what a latent writes.
    """

    def __init__(self, render: QAction) -> None:
        super().__init__()
        self.line = WordLine("It writes", _TIP)
        self.button = QPushButton(render.icon(), render.text())
        self.button.setToolTip(render.toolTip())
        self.button.clicked.connect(render.trigger)
        render.changed.connect(lambda: self.button.setVisible(render.isEnabled()))
        self.button.setVisible(render.isEnabled())
        self.line.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.line)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
