"""The bar over a comparison: which one is shown, how far the next one is, and how to begin one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from clipdesk.gui.icons import icon
from clipdesk.gui.panels.comparison_choices import ComparisonChoices
from clipdesk.gui.panels.steering import Steering, in_words, show_only
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.words import breakable, unbroken
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.names import parse_name, short_name

if TYPE_CHECKING:
    from clipdesk.gui.comparisons.data import Listed
    from clipdesk.gui.surveys.state import Making

_SCENES = "scenes:5000"
_LEAST = 100
_CHECKPOINTS = "Checkpoints (*.pt *.pth *.bin *.safetensors)"


class ComparisonBar(QWidget):
    """One row, which says one thing at a time.

    Signals:
        asked: The model to compare with, what opens the images that both are to read, and the `Choices`.
        chosen: The folder of the comparison that is to be shown.

    Attributes:
        steering: Of the comparison that is made.
    """

    asked = Signal(str, str, object)
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._text = plain_label(wrap=True)
        self._text.setMinimumWidth(_LEAST)
        self.listed = QComboBox()
        self.listed.setAccessibleName("Comparison that is shown")
        self.listed.setMinimumWidth(_LEAST)
        self.listed.activated.connect(lambda place: self.chosen.emit(self.listed.itemData(place)))
        self._folders: list[str] = []
        self._scenes_first = True
        self._chosen: str | None = None
        self.images = QComboBox()
        self.images.setAccessibleName("Images that both models read")
        self.images.setToolTip("What both models read")
        self.images.setMinimumWidth(_LEAST)
        self.images.activated.connect(self._choose_images)
        self.choices = ComparisonChoices()
        self.steering = Steering("comparison")
        self.with_button = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.with_button.setText("Compare with")
        self.with_button.setToolTip("Compare the open model, A, with another one, B")
        self.menu = QMenu(self.with_button)
        self.menu.setToolTipsVisible(True)
        self.with_button.setMenu(self.menu)
        self.with_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.with_button.setIcon(icon("compare"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.addWidget(self.listed, 1)
        row.addWidget(self._text, 1)
        for widget in (self.steering, self.images, self.choices, self.with_button):
            row.addWidget(widget)
        self.offer(())
        self._list_images()

    def offer(self, recent: Sequence[str]) -> None:
        """Offer models to compare with: those that were opened before, and the catalogue's."""
        self.menu.clear()
        for name in dict.fromkeys((*recent, *(each.name for each in CATALOGUE.values()))):
            action = self.menu.addAction(short_name(parse_name(name)).replace("&", "&&"))
            action.setToolTip(plain_tip(name))
            action.triggered.connect(lambda _checked=False, name=name: self.ask(name))
        self.menu.addSeparator()
        self.menu.addAction("A checkpoint …", self._choose_checkpoint)
        self.menu.addAction("A folder of a comparison …", self._choose_folder)

    def ask(self, model: str) -> None:
        """Ask for a comparison with a model; first for the images, where none are chosen."""
        if not self.images.currentData():
            self._choose_images()
        if source := self.images.currentData():
            self.asked.emit(model, source, self.choices.chosen)

    @property
    def message(self) -> str:
        """What it says."""
        return unbroken(self._text.text())

    def say(self, text: str, *, ready: bool = True) -> None:
        """Say why nothing is shown.

        Args:
            text: It.
            ready: Whether a comparison can be made.
        """
        self._show(text, (self.images, self.choices, self.with_button) if ready else ())

    def show_making(self, making: Making, second: str) -> None:
        """A comparison with a second model is made, or was left."""
        name = f"{second}, {making.job.label(0)}"
        self.steering.show_making(making)
        self._show(in_words(making, f"With {name}", f"The comparison with {name}"), (self.steering,))

    def show_listed(self, listed: Sequence[Listed], current: Path) -> None:
        """Comparisons can be shown; one is."""
        self.listed.clear()
        for each in listed:
            self.listed.addItem(each.name, each.folder)
        folders = [each.folder for each in listed]
        if current not in folders:
            self.listed.addItem(current.name, current)
            folders.append(current)
        # Not findData, to which two equal paths are different ones.
        self.listed.setCurrentIndex(folders.index(current))
        self._show("", (self.listed, self.images, self.choices, self.with_button))

    def _show(self, text: str, shown: Sequence[QWidget]) -> None:
        self._text.setText(breakable(text))
        self._text.setVisible(bool(text))
        show_only(shown, (self.listed, self.steering, self.images, self.choices, self.with_button))

    @Slot()
    def _choose_images(self) -> None:
        source = self.images.currentData() or QFileDialog.getExistingDirectory(self, "Images that both models read")
        if source:
            self.add_images(source)
        else:
            self._list_images()

    def add_images(self, source: str) -> None:
        """Offer an image set, unless it is offered already, and choose it."""
        self._chosen = source
        self._remember(source)
        self._list_images()

    def offer_images(self, own: str, *, scenes: bool) -> None:
        """Offer images, the likeliest first; those that the user has chosen stay chosen.

        Args:
            own: What opens images of the user's; empty if none are known.
            scenes: Whether drawn scenes are likelier than images of the user's.
        """
        self._scenes_first = scenes
        self._remember(own)
        self._list_images()

    def _remember(self, source: str) -> None:
        if source and source != _SCENES and source not in self._folders:
            self._folders.insert(0, source)

    def _list_images(self) -> None:
        own = [*((Path(each).name, each) for each in self._folders), ("A folder …", "")]
        drawn = [("5,000 drawn scenes", _SCENES)]
        listed = drawn + own if self._scenes_first else own + drawn
        self.images.clear()
        for title, source in listed:
            self.images.addItem(title, source)
        sources = [source for _, source in listed]
        self.images.setCurrentIndex(0 if self._chosen is None else sources.index(self._chosen))

    def _choose_checkpoint(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Compare with a checkpoint", "", _CHECKPOINTS)
        if path:
            self.ask(path)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open the folder of a comparison")
        if folder:
            self.chosen.emit(Path(folder))
