"""The box for a target in words: a text, or a sum of texts and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from clipdesk.errors import UsageError
from clipdesk.gui.plain import plain_label
from clipdesk.gui.theme import error_palette
from clipdesk.render.targets import Target, terms_of

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo


class TextTargetBox(QWidget):
    """A line to write in, a button, and below them what is wrong with the line.

    Signals:
        render_asked: A tuple of one target.
    """

    render_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.text = QLineEdit(placeholderText="Or a text, such as a star")
        self.text.setAccessibleName("Text target")
        self.text.setToolTip(
            "Render a picture whose embedding points in the direction of this text's.<br>"
            'Or a sum: <code>"a star" - "a circle"</code>, '
            "<code>visual.layer4.0:7 - 0.5*visual.layer4.0:9</code>, <code>-LAYER:7</code> to minimize an activation. "
            "A position follows the unit: <code>@class</code>, <code>@max</code>, <code>@12</code>."
        )
        self.button = QPushButton("Render text")
        self._problem = plain_label(wrap=True)
        self._problem.hide()
        self._layers: Mapping[str, LayerInfo] = {}
        self._ready = False
        row = QHBoxLayout()
        row.addWidget(self.text)
        row.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._problem)
        self.text.textChanged.connect(self._offer)
        self.text.textChanged.connect(self._problem.hide)
        self.text.returnPressed.connect(self._ask)
        self.button.clicked.connect(self._ask)
        self._offer()

    def offer(self, ready: bool) -> None:
        """Enable or disable asking for a picture: a model must be open and the parameters valid."""
        self._ready = ready
        self._offer()

    def _offer(self) -> None:
        self.button.setEnabled(self._ready and bool(self.text.text().strip()))

    def show_layers(self, layers: Mapping[str, LayerInfo]) -> None:
        """Check sums against these layers from now on."""
        self._layers = layers

    @property
    def problem(self) -> str:
        """What is wrong with the text or sum, as it is shown; empty if it is valid."""
        return self._problem.text() if self._problem.isVisibleTo(self) else ""

    def _ask(self) -> None:
        text = self.text.text().strip()
        if not text:
            return
        try:
            target = _parse(text, self._layers)
        except UsageError as error:
            self._problem.setText(str(error))
            self._problem.setPalette(error_palette(self.palette()))
            self._problem.show()
        else:
            self.render_asked.emit((target,))


def _parse(text: str, layers: Mapping[str, LayerInfo]) -> Target:
    """What a line asks for; its layers and units are checked now, not when its turn in the queue comes.

    Raises:
        UsageError: the line is not a sum, or the model does not have what it names.
    """
    # Not above: it loads NumPy, which the first sight of the window does without.
    from clipdesk.render.expressions import is_expression, parse_target, text_target

    target = parse_target(text) if is_expression(text) else text_target(text)
    if layers:
        # It loads torch, which is there once a model is open.
        from clipdesk.render.objectives import check_layer

        for term in terms_of(target):
            check_layer(term, layers)
    return target
