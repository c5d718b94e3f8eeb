"""The button that checks a picture thoroughly, and how far that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from clipdesk.gui.plain import plain_tip
from clipdesk.gui.words import duration

if TYPE_CHECKING:
    from clipdesk.gui.surveys.thorough import Offer

_LONGEST = " 59 min 59 s left "


class ThoroughBar(QWidget):
    """A button; while a picture is checked a bar with the time left, and a button to cancel.

    Signals:
        asked: The picture is to be checked.
        cancel_asked: The check is to end.
    """

    asked = Signal()
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton()
        self.button.setAccessibleName("Check thoroughly")
        self.button.clicked.connect(self.asked)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the thorough check")
        self.progress.setFixedWidth(self.progress.fontMetrics().horizontalAdvance(_LONGEST))
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setAccessibleName("Cancel the thorough check")
        self.cancel_button.clicked.connect(self.cancel_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.progress, self.cancel_button):
            row.addWidget(widget)
        self.hide()

    def show_offer(self, offer: Offer) -> None:
        """Offer to check the picture, or say why it cannot be."""
        focused = self.cancel_button.hasFocus()
        for widget in (self.progress, self.cancel_button):
            widget.hide()
        time = "" if offer.seconds is None else f" ({duration(max(1.0, offer.seconds))})"
        self.button.setText(f"Check thoroughly{time}")
        self.button.setToolTip(plain_tip(offer.tip, wrap=True))
        self.button.setEnabled(offer.enabled)
        self.button.show()
        self.show()
        if focused:
            self.button.setFocus()

    def show_progress(self, share: float | None, seconds_left: float | None) -> None:
        """Show how far the check is.

        Args:
            share: How much is done, 0 to 1; None where that is not known yet.
            seconds_left: None likewise.
        """
        focused = self.button.hasFocus()
        self.button.hide()
        self.progress.setRange(0, 0 if share is None else 100)
        self.progress.setValue(round(100 * (share or 0)))
        self.progress.setFormat("%p %" if seconds_left is None else f"{duration(seconds_left)} left")
        for widget in (self.progress, self.cancel_button):
            widget.show()
        self.show()
        if focused:
            self.cancel_button.setFocus()
