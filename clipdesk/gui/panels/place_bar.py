"""The choice of where batches and surveys run: in this window, by workers on this computer, or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QSizePolicy, QToolButton, QWidget
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.theme import error_color
from clipdesk.gui.words import breakable, unbroken

if TYPE_CHECKING:
    from clipdesk.gui.worker import OpenedModel

HERE = "This window"
LOCAL = "Workers on this computer"
_PAD = 6
_MOST_LINES = 4
_TIP = (
    "Where batches are rendered and surveys are made. Workers are processes of their own, which go on when this "
    "window closes: local:4 for four on this computer, ray:HOST:PORT for a Ray cluster, or whatever "
    "clipdesk queue run --on takes. What Render asks for, comparisons and the training of sparse autoencoders stay "
    "in this window."
)


class PlaceBar(QWidget):
    """A box to choose or type a place, and a line that says what is wrong with it.

    Signals:
        chosen: A place, as ``--on`` has it; empty for this window.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._gpus = 0
        self._place = ""
        self._wrong = False
        self.edit = QLineEdit(placeholderText="ray:HOST:PORT", maxLength=1_000)
        self.box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        self.box.setLineEdit(self.edit)
        self.box.setAccessibleName("Run batches and surveys on")
        self.box.setToolTip(plain_tip(_TIP, wrap=True))
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.setMinimumContentsLength(8)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.edit.installEventFilter(self)
        self.box.activated.connect(self._activated)
        label = plain_label("Run on")
        label.setBuddy(self.box)
        self.message = plain_label(wrap=True)
        self.message.setAccessibleName("State of the place")
        self.message.setMinimumWidth(60)
        self.again = QToolButton(autoRaise=True)
        self.again.setIcon(icon("reload"))
        self.again.setToolTip("Try this place again")
        self.again.setAccessibleName("Try this place again")
        self.again.clicked.connect(lambda: self.chosen.emit(self._place))
        grid = QGridLayout(self)
        grid.setContentsMargins(_PAD, 2, _PAD, 4)
        grid.setVerticalSpacing(2)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.box, 0, 1, 1, 2)
        grid.addWidget(self.message, 1, 0, 1, 2)
        grid.addWidget(self.again, 1, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        self.show_places("", ())
        self.show_message("")

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """A model is open, and with it is known what this computer has."""
        self._gpus = sum(device.startswith("cuda") for device in opened.devices)

    def show_places(self, place: str, recent: Sequence[str]) -> None:
        """Show the place that is chosen, and offer those of last time."""
        self._place = place
        self.box.clear()
        self.box.addItem(HERE, "")
        self.box.addItem(LOCAL, None)
        for each in dict.fromkeys((place, *recent)):
            if each:
                self.box.addItem(each, each)
        self.box.setCurrentIndex(self.box.findData(place))

    def show_message(self, text: str, *, wrong: bool = False) -> None:
        """Say how it stands with the place; nothing, where there is nothing to say."""
        self._wrong = wrong
        self.message.setText(breakable(text))
        self.message.setToolTip(plain_tip(text, wrap=True))
        self.message.setVisible(bool(text))
        self.again.setVisible(wrong)
        self._color()
        self._fit()

    def _color(self) -> None:
        palette = self.palette()
        own = self.message.palette()
        color = error_color(palette) if self._wrong else palette.color(QPalette.ColorRole.PlaceholderText)
        if own.color(QPalette.ColorRole.WindowText) != color:
            own.setColor(QPalette.ColorRole.WindowText, color)
            self.message.setPalette(own)

    def _fit(self) -> None:
        """Give the message as many lines as it needs; the rest of a very long one is in its tool tip."""
        most = _MOST_LINES * self.fontMetrics().lineSpacing()
        width = self.width() - self.again.sizeHint().width() - 3 * _PAD
        self.message.setFixedHeight(min(max(self.message.heightForWidth(max(width, 1)), 0), most))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._color()

    @property
    def said(self) -> str:
        """What it says of the place."""
        return unbroken(self.message.text())

    def _activated(self, index: int) -> None:
        data = self.box.itemData(index)
        if self.box.currentText() != self.box.itemText(index):
            # Enter in a text of the user's own activates the item that was shown before.
            self._typed()
        else:
            self.chosen.emit(self._local() if data is None else str(data))

    def _local(self) -> str:
        """Workers on this computer: one for each GPU, or two."""
        return "local" if self._gpus > 1 else "local:2"

    def _typed(self) -> None:
        text = self.box.currentText().strip()
        known = {HERE: "", "here": "", "": "", LOCAL: self._local()}
        self.chosen.emit(known.get(text, text))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._typed()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.box.setCurrentIndex(self.box.findData(self._place))
                return True
        return super().eventFilter(watched, event)
