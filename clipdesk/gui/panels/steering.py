"""What steers a survey or a comparison that is made: its progress, with buttons to pause it, go on and cancel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from clipdesk.gui.words import duration

if TYPE_CHECKING:
    from clipdesk.gui.surveys.state import Making

_LEAST, _WIDEST = 40, 120


class Steering(QWidget):
    """A bar and up to two buttons.

    Args:
        noun: What is made, such as ``survey``.

    Signals:
        pause_asked, resume_asked, cancel_asked: Of what is made.
    """

    pause_asked = Signal()
    resume_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, noun: str) -> None:
        super().__init__()
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName(f"Progress of the {noun}")
        self.progress.setMinimumWidth(_LEAST)
        self.progress.setMaximumWidth(_WIDEST)
        self.pause_button, self.resume_button, self.cancel_button = map(QPushButton, ("Pause", "Go on", "Cancel"))
        self.pause_button.clicked.connect(self.pause_asked)
        self.resume_button.clicked.connect(self.resume_asked)
        self.cancel_button.clicked.connect(self.cancel_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.progress, self.pause_button, self.resume_button, self.cancel_button):
            row.addWidget(widget)

    def show_making(self, making: Making) -> None:
        """Show how far it is, and what can be done with it."""
        self.progress.setVisible(making.state in ("preparing", "running", "paused"))
        self.progress.setRange(0, 0 if making.state == "preparing" else 100)
        self.progress.setValue(round(100 * making.share))
        self.pause_button.setVisible(making.state == "running")
        self.resume_button.setVisible(making.state in ("paused", "left", "failed"))
        self.resume_button.setText("Try again" if making.state == "failed" else "Go on")
        self.cancel_button.setText("Drop it" if making.state in ("left", "failed") else "Cancel")


def show_only(shown: Collection[QWidget], among: Sequence[QWidget]) -> None:
    """Hide all widgets of a row but some, and then show those: a row that is too wide moves the panels beside it."""
    for widget in among:
        if widget not in shown:
            widget.hide()
    for widget in shown:
        widget.show()


def in_words(making: Making, begins: str, whole: str) -> str:
    """How far it is, in a sentence.

    Args:
        making: It.
        begins: What the sentence begins with while it is made, such as ``Survey of photos``.
        whole: It by its name, such as ``The survey of photos``.
    """
    share = f"{making.share:.0%}"
    left = "" if making.seconds_left is None else f", {duration(making.seconds_left)} left"
    where = f"{making.where}: " if making.place else ""
    because = f": {making.words}" if making.words else ""
    return {
        "waiting": f"{begins}: waiting for {making.place}{because}",
        "preparing": f"{begins}: {where}{making.words or 'starting …'}",
        "running": f"{begins}: {share}{left}, {making.where}",
        "paused": f"{begins}: paused at {share}{because}",
        "left": f"{whole} is not finished",
        "failed": f"{whole} failed: {making.words}",
    }[making.state]
