"""What the canvas shows before there is a picture: a short welcome, or a message."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from clipdesk.gui.plain import plain_label, rich_label
from clipdesk.gui.words import breakable, unbroken

_OFFICIAL = (
    "In the <b>Model</b> menu, <b>photo</b> has seen photographs, and OpenAI's CLIP is downloaded once. "
    "Without a connection, choose <b>Open checkpoint</b> there."
)
_OFFICIAL_BESIDE_PHOTO = (
    "<b>photo</b> knows 96 kinds of things. In the <b>Model</b> menu, OpenAI's CLIP is downloaded once. "
    "Without a connection, choose <b>Open checkpoint</b> there."
)
_DARKER = 160
"""In percent: the style draws a button in lighter colours than it is given, on which white cannot be read."""


class Welcome(QWidget):
    """A greeting with two buttons, or a message.

    Signals:
        first_asked: Render a neuron with a clear picture.
        tour_asked: Show what a neuron answers to.
    """

    first_asked = Signal()
    tour_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title = plain_label("See what a neuron looks for", centered=True)
        font = self._title.font()
        font.setPointSizeF(font.pointSizeF() * 1.8)
        self._title.setFont(font)
        self._text = plain_label(
            "ClipDesk starts from noise and changes a picture, step by step, until one neuron of a CLIP vision model "
            "fires as strongly as it can. Choose a layer and a neuron on the left, and watch the picture form here.",
            centered=True,
            wrap=True,
        )
        self.button = QPushButton("Render a first neuron")
        self.button.setMinimumSize(26 * self.fontMetrics().averageCharWidth(), 2 * self.fontMetrics().height() + 8)
        self.button.clicked.connect(self.first_asked)
        self.tour_button = QPushButton("See what a neuron answers to")
        self.tour_button.setToolTip("The pictures that excite it most, its words and its relatives")
        self.tour_button.setMinimumSize(self.button.minimumSize())
        self.tour_button.clicked.connect(self.tour_asked)
        self._official = rich_label(_OFFICIAL, centered=True, wrap=True)
        self._message = plain_label(centered=True, wrap=True)
        page = QWidget()
        page.setFixedWidth(64 * self.fontMetrics().averageCharWidth())
        column = QVBoxLayout(page)
        column.setSpacing(18)
        column.addStretch()
        for label in (self._title, self._text, self._message):
            column.addWidget(label)
        column.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.tour_button, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._official)
        column.addStretch()
        row = QHBoxLayout(self)
        row.addStretch()
        row.addWidget(page)
        row.addStretch()
        self._color_button()
        self.show_message("")

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._color_button()

    def _color_button(self) -> None:
        """Highlight the button: the eye should find it first."""
        palette = QPalette(self.palette())
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive):
            palette.setColor(
                group, QPalette.ColorRole.Button, palette.color(QPalette.ColorRole.Highlight).darker(_DARKER)
            )
            palette.setColor(group, QPalette.ColorRole.ButtonText, palette.color(QPalette.ColorRole.HighlightedText))
        self.button.setPalette(palette)

    def greet(self, ready: bool, model: str = "") -> None:
        """Show the welcome; its button works once a model is open. The name of the model decides what else is named."""
        self._official.setText(_OFFICIAL_BESIDE_PHOTO if model == "photo" else _OFFICIAL)
        for widget in (self._title, self._text, self.button, self.tour_button, self._official):
            widget.show()
        self._message.hide()
        self.button.setEnabled(ready)
        self.tour_button.setEnabled(ready)
        self.button.setText("Render a first neuron" if ready else "Opening the model …")

    def show_message(self, text: str) -> None:
        """Show only a message."""
        for widget in (self._title, self._text, self.button, self.tour_button, self._official):
            widget.hide()
        self._message.setText(breakable(text))
        self._message.show()

    @property
    def others(self) -> str:
        """What the welcome says of the model and of others, as HTML."""
        return self._official.text()

    @property
    def message(self) -> str:
        """The message that is shown; empty under the welcome."""
        return "" if self._message.isHidden() else unbroken(self._message.text())
