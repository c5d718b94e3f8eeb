"""The box for a typed target: a text, or a sum of texts, units, images and directions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from clipdesk.errors import UsageError
from clipdesk.gui.background import Background
from clipdesk.gui.icons import icon
from clipdesk.gui.panels.target_line import TargetLine
from clipdesk.gui.plain import plain_label
from clipdesk.gui.theme import error_palette
from clipdesk.models.learnt import first_text
from clipdesk.network.layer_names import short_label, short_layer
from clipdesk.render.targets import Target, terms_of

if TYPE_CHECKING:
    from clipdesk.models.names import ModelName
    from clipdesk.network.layers import LayerInfo

_LAST_MOMENT_MS = 2000
_NAMES_A_FILE = re.compile(r":\s*\[")
_IMAGES = "Images (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff);;All files (*)"
_DIRECTIONS = "Directions (*.npy *.csv *.txt);;All files (*)"


class _Outcome(NamedTuple):
    """What a line asks for, None if it is wrong; what is said of it; and a line that is advised instead."""

    target: Target | None
    says: str
    instead: str = ""


class TextTargetBox(QWidget):
    """A line to write in, a button, and below them what will be rendered, or what is wrong with the line.

    Signals:
        render_asked: A tuple of one target.
    """

    render_asked = Signal(object)
    _read = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.text = TargetLine(f"Or type a target, such as {first_text(None)}")
        self.text.setAccessibleName("Typed target")
        self.text.setToolTip(
            "A text: the picture's embedding is to point in the direction of the text's.<br>"
            'Or a sum: <code>"a star" - "a circle"</code>, <code>LAYER:7 - 0.5*LAYER:9</code>, '
            "<code>-LAYER:7</code> to minimize an activation. "
            "A position follows the unit: <code>@class</code>, <code>@max</code>, <code>@12</code>. "
            "Layers have their full or their short names. Quotes force a text. Up brings back earlier targets."
        )
        self.button = QPushButton("Render")
        self.button.setToolTip("Render the typed target (Enter)")
        self.image_action = QAction(icon("image_outline"), "Image …", self)
        self.image_action.triggered.connect(self._ask_image)
        self.direction_action = QAction(icon("vector_line"), "Direction …", self)
        self.direction_action.triggered.connect(self._ask_direction)
        self._says = plain_label(wrap=True)
        # Always there, so that nothing moves while somebody types.
        self._says.setMinimumHeight(self._says.fontMetrics().lineSpacing())
        self.instead_button = QPushButton()
        self.instead_button.setToolTip("Put this target into the box instead")
        self.instead_button.setAccessibleName("Use the advised target")
        self.instead_button.hide()
        self._instead = ""
        self.instead_button.clicked.connect(lambda: self.text.setText(self._instead))
        self._problem = ""
        self._layers: Mapping[str, LayerInfo] = {}
        self._model: ModelName | None = None
        self._layer = ""
        self._ready = False
        self._files = Background(self)
        self._lay_out()
        self.text.textChanged.connect(self._offer)
        self.text.textChanged.connect(self._preview)
        self.text.returnPressed.connect(self._ask)
        self.button.clicked.connect(self._ask)
        self._read.connect(self._show_read)
        self._offer()

    def _lay_out(self) -> None:
        self.file_button = QToolButton(autoRaise=True)
        self.file_button.setIcon(icon("paperclip"))
        self.file_button.setToolTip("Choose an image or a direction file as the target")
        self.file_button.setAccessibleName("Choose a file as the target")
        self.file_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.addActions([self.image_action, self.direction_action])
        self.file_button.setMenu(menu)
        row = QHBoxLayout()
        row.addWidget(self.text)
        row.addWidget(self.file_button)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._says)
        column.addWidget(self.instead_button)

    def offer(self, ready: bool) -> None:
        """Enable or disable asking for a picture: a model must be open and the parameters valid."""
        self._ready = ready
        self._offer()

    def _offer(self) -> None:
        self.button.setEnabled(self._ready and bool(self.text.text().strip()))
        self.direction_action.setEnabled(bool(self._layer))

    def show_layers(self, layers: Mapping[str, LayerInfo], model: ModelName | None = None) -> None:
        """Check targets against these layers from now on, and complete their names.

        Args:
            layers: By their names.
            model: The model that has them; None if it is not known.
        """
        self._layers, self._model = layers, model
        self.text.setPlaceholderText(f"Or type a target, such as {first_text(model)}")
        self.text.offer_layers(short_layer(name) for name, info in layers.items() if info.reason is None)
        self.show_layer("")
        self._preview()

    def show_layer(self, layer: str) -> None:
        """Offer directions of this layer from now on; of none if it is empty."""
        self._layer = layer
        self.direction_action.setText(f"Direction in {short_layer(layer)} …" if layer else "Direction …")
        self._offer()

    def stop(self) -> bool:
        """Wait a moment for a file that is read, as before the program ends; False if it takes longer."""
        return self._files.wait(_LAST_MOMENT_MS)

    # What the line says

    @property
    def problem(self) -> str:
        """What is wrong with the line, as it is shown; empty if it is valid."""
        return self._problem

    @property
    def says(self) -> str:
        """What is shown under the line."""
        return self._says.text()

    @Slot()
    def _preview(self) -> None:
        """Say what the line would render; files are read in the background."""
        text = self.text.text().strip()
        if not text or not self._layers:
            self._show("")
        elif _NAMES_A_FILE.search(text):
            self._show("Reading the file …")
            layers, model = self._layers, self._model
            self._files.start(lambda: self._read.emit(text, _outcome(text, layers, model)))
        else:
            self._show_outcome(_outcome(text, self._layers, self._model))

    @Slot(str, object)
    def _show_read(self, text: str, outcome: _Outcome) -> None:
        # Another line may be there by now.
        if text == self.text.text().strip():
            self._show_outcome(outcome)

    def _show_outcome(self, outcome: _Outcome) -> None:
        self._show(outcome.says, wrong=outcome.target is None)
        self.instead_button.setText(f"Use {outcome.instead}")
        self.instead_button.setVisible(bool(outcome.instead))
        self._instead = outcome.instead

    def _show(self, text: str, wrong: bool = False) -> None:
        self.instead_button.hide()
        self._problem = text if wrong else ""
        self._says.setText(text)
        self._says.setPalette(error_palette(self.palette()) if wrong else QPalette())

    # What is asked for

    @Slot()
    def _ask(self) -> None:
        text = self.text.text().strip()
        if not (self._ready and text):
            return
        outcome = _outcome(text, self._layers, self._model)
        self._show_outcome(outcome)
        if outcome.target is not None:
            self.text.remember()
            self.render_asked.emit((outcome.target,))

    @Slot()
    def _ask_image(self) -> None:
        self._ask_file("Image to render the likeness of", _IMAGES, "image")

    @Slot()
    def _ask_direction(self) -> None:
        self._ask_file(f"Direction in {self._layer}", _DIRECTIONS, short_layer(self._layer))

    def _ask_file(self, title: str, kinds: str, name: str) -> None:
        path, _ = QFileDialog.getOpenFileName(self, title, str(Path.home()), kinds)
        if "]" in path:
            self._show(f"A target cannot name {path}: there is a ] in it. Rename the file or its folder", wrong=True)
        elif path:
            before = self.text.text().rstrip()
            # After an operator it is the next term; otherwise it takes the place of the line.
            kept = f"{before} " if before.endswith(("+", "-", "*")) else ""
            self.text.setText(f"{kept}{name}:[{path}]")
            self.text.setFocus()


def _outcome(text: str, layers: Mapping[str, LayerInfo], model: ModelName | None) -> _Outcome:
    """Read a line, and check it against what the model has."""
    # Not above: it loads NumPy, which the first sight of the window does without.
    from clipdesk.render.typed import advice_on, in_words, read_typed

    try:
        target = read_typed(text, layers)
        if layers:
            # It loads torch, which is there once a model is open.
            from clipdesk.render.objectives import check_layer

            for term in terms_of(target):
                check_layer(term, layers)
    except UsageError as error:
        return _Outcome(None, str(error))
    advice = advice_on(target, layers, model)
    if advice is None:
        return _Outcome(target, f"Renders {in_words(target)}")
    instead = "" if advice.instead is None else short_label(advice.instead.label)
    return _Outcome(target, f"Renders {in_words(target)}. {advice.text}", instead)
