"""The bar over the pages that show surveys: which one is asked, how far the next one is, and how to begin one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from clipdesk.errors import printable
from clipdesk.gui.icons import icon
from clipdesk.gui.panels.steering import Steering, in_words, show_only
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.words import breakable, duration, unbroken

if TYPE_CHECKING:
    from clipdesk.activations.storing import Manifest
    from clipdesk.gui.surveys.state import Making

SCENES = "scenes:5000"
_LEAST_WIDTH = 120
_TIP = "Find out what each unit answers to in a set of images: a folder can be dropped here, too"
_FILES = "Lists, tables and archives of images (*.txt *.csv *.tsv *.jsonl *.tar *.parquet)"


class Offer(NamedTuple):
    """Images that a model without a survey is offered to read.

    Attributes:
        source: What opens them; empty where a folder is to be chosen first.
        images: What they are called.
        size: How many there are, or may be.
    """

    source: str = ""
    images: str = "a folder …"
    size: int = 5_000


DRAWN = Offer(SCENES, "5,000 drawn scenes")


class SurveyBar(QWidget):
    """One row, which says one thing at a time.

    Signals:
        survey_asked: What opens the images that are to be surveyed.
        chosen: The folder of the survey that is to be asked.

    Attributes:
        steering: Of the survey that is made.
    """

    survey_asked = Signal(str)
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self._source = ""
        self._text = plain_label(wrap=True)
        self._text.setMinimumWidth(_LEAST_WIDTH)
        self.surveys = QComboBox()
        self.surveys.setAccessibleName("Survey that is asked")
        # A long name of an image set must not push the panels beside the pages aside.
        self.surveys.setMinimumWidth(_LEAST_WIDTH)
        self.surveys.activated.connect(lambda place: self.chosen.emit(self.surveys.itemData(place)))
        self.steering = Steering("survey")
        self.begin_button = QPushButton()
        self.begin_button.clicked.connect(self._begin)
        self.more_button = self._make_menu()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.addWidget(self.surveys)
        row.addWidget(self._text, 1)
        for widget in (self.begin_button, self.steering, self.more_button):
            row.addWidget(widget)

    def _make_menu(self) -> QToolButton:
        button = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setText("Survey images")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIcon(icon("image_outline"))
        button.setAccessibleName("Survey images")
        button.setToolTip(_TIP)
        menu = QMenu(button)
        self.folder_action = menu.addAction("A folder of images …", self._choose_folder)
        self.file_action = menu.addAction("A list, table or archive …", self._choose_file)
        self.scenes_action = menu.addAction("5,000 drawn scenes", lambda: self.survey_asked.emit(SCENES))
        button.setMenu(menu)
        return button

    @property
    def message(self) -> str:
        """What it says."""
        return unbroken(self._text.text())

    # What is shown

    def show_nothing(self, text: str) -> None:
        """No survey can be asked or made, for this reason."""
        self._show(text, more=False)

    def show_none(self, model: str, offer: Offer, seconds: float | None = None) -> None:
        """The model has no survey yet.

        Args:
            model: Its name.
            offer: What it may read.
            seconds: How long the model takes for one image; None where that is not known.
        """
        whole = None if seconds is None else duration(max(1.0, seconds * offer.size))
        takes = f" {offer.size:,} images take about {whole}." if whole else ""
        # Short: in a small window the buttons leave it a narrow column. What a survey is, the page says.
        self._show(f"There is no survey of {model} yet.{takes}", self.begin_button)
        self._offer(f"Survey {offer.images}", offer.source)

    def show_making(self, making: Making, other: str = "") -> None:
        """A survey is made, or was left.

        Args:
            making: How far it is.
            other: The name of its model, if that is not the open one.
        """
        name = f"{making.job.label(0)} with {other}" if other else making.job.label(0)
        self.steering.show_making(making)
        words = in_words(making, f"Survey of {name}", f"The survey of {name}")
        self._show(words, self.steering, more=making.state in ("left", "failed"))

    def show_surveys(self, listed: Sequence[tuple[Path, Manifest]], current: Path, changed: Sequence[str]) -> None:
        """Surveys can be asked.

        Args:
            listed: All of them.
            current: The one that is asked.
            changed: What is another now than when it was made.
        """
        manifest = next(manifest for path, manifest in listed if path == current)
        stale = f"Out of date: {', '.join(changed)}" if changed else ""
        left = f"{manifest.left_out:,} could not be read. " if manifest.left_out else ""
        self._show(left + stale, *((self.begin_button,) if changed else ()))
        self._offer("Survey anew", manifest.source)
        self.surveys.setVisible(True)
        self.surveys.clear()
        for path, each in listed:
            self.surveys.addItem(f"{each.images}: {each.pictures:,} pictures, {_day(each.date)}", path)
        self.surveys.setCurrentIndex([path for path, _ in listed].index(current))

    def _show(self, text: str, *shown: QWidget, more: bool = True) -> None:
        self._text.setText(breakable(text))
        self._text.setMinimumWidth(_LEAST_WIDTH if text else 0)
        # Shown and hidden again with each piece of news, the button would take room from the text for a moment.
        others = (self.more_button,) if more else ()
        show_only((*shown, *others), (self.surveys, self.begin_button, self.steering, self.more_button))

    def _offer(self, text: str, source: str) -> None:
        """Let the button begin a survey of what this opens, or choose a folder."""
        self._source = source
        self.begin_button.setText(text.replace("&", "&&"))
        self.begin_button.setToolTip(plain_tip(printable(source)) or _TIP)

    # What the user wants

    def _begin(self) -> None:
        if self._source:
            self.survey_asked.emit(self._source)
        else:
            self._choose_folder()

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Survey a folder of images")
        if folder:
            self.survey_asked.emit(folder)

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Survey a list, table or archive", "", _FILES)
        if path:
            self.survey_asked.emit(path)


def _day(date: str) -> str:
    """The day of a date in ISO 8601, on this machine's clock."""
    try:
        return f"{datetime.fromisoformat(date).astimezone():%d %b}"
    except ValueError:
        return date[:10]
