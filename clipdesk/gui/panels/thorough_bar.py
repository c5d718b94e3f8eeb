"""The button that checks a picture thoroughly, beside it the second model, and how far the check is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from clipdesk.gui.panels.reader_menu import ReaderButton
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.words import duration

if TYPE_CHECKING:
    from clipdesk.gui.surveys.thorough import Offer
    from clipdesk.models.transfer import Transfer

_LONGEST = " 59 min 59 s left "


class ThoroughBar(QWidget):
    """A button, and one for the second model; while a picture is checked a bar with the time left, and one to cancel.

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
        self.second = ReaderButton()
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the thorough check")
        self.progress.setFixedWidth(self.progress.fontMetrics().horizontalAdvance(_LONGEST))
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setAccessibleName("Cancel the thorough check")
        self.cancel_button.clicked.connect(self.cancel_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.second, self.progress, self.cancel_button):
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
        self.second.show_reader(offer.reader, offer.about_reader)
        # Where no model is known, the other one is all there is to do.
        self.button.setVisible(bool(offer.reader) or not offer.about_reader)
        self.second.setVisible(bool(offer.about_reader))
        self.show()
        if focused:
            self.button.setFocus()

    def show_progress(self, share: float | None, seconds_left: float | None, transfer: Transfer | None = None) -> None:
        """Show how far the check is.

        Args:
            share: How much is done, 0 to 1; None where that is not known yet.
            seconds_left: None likewise.
            transfer: How far the second model is downloaded; None if it is not.
        """
        focused = self.button.hasFocus() or self.second.hasFocus()
        self.button.hide()
        self.second.hide()
        share = share if transfer is None else transfer.share
        self.progress.setRange(0, 0 if share is None else 100)
        self.progress.setValue(round(100 * (share or 0)))
        if transfer is not None:
            self.progress.setFormat(transfer.amount)
        else:
            self.progress.setFormat("%p %" if seconds_left is None else f"{duration(seconds_left)} left")
        self.progress.setToolTip("" if transfer is None else plain_tip(str(transfer), wrap=True))
        for widget in (self.progress, self.cancel_button):
            widget.show()
        self.show()
        if focused:
            self.cancel_button.setFocus()
