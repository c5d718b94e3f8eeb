"""How two models are to be compared: a button that opens the choices."""

from __future__ import annotations

from typing import Literal, NamedTuple

from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QMenu, QToolButton, QWidget, QWidgetAction

from clipdesk.gui.icons import icon
from clipdesk.gui.plain import plain_tip

Pooling = Literal["mean", "max", "class"]
_POOLINGS: dict[Pooling, str] = {"mean": "Mean over patches", "max": "Largest patch", "class": "Class token"}
_LAYERS = (
    "Layers that both have, such as 3.mlp.gelu, with commas between them; or pairs of a layer of A and one of B, such "
    "as 3.mlp.gelu=5.mlp.gelu. Without any: the usual ones of a survey"
)
_MATCH = (
    "Compare each unit with the one of B that it correlates with most, whatever its number. Models of different "
    "architecture are always compared so"
)
_WIDTH = 220


class Choices(NamedTuple):
    """How to compare.

    Attributes:
        match: Whether partners are sought although the architecture is the same.
        pooling: How a unit's values at all patches become one.
        layers: Names of layers; None for the usual ones.
    """

    match: bool = False
    pooling: Pooling = "mean"
    layers: tuple[str, ...] | None = None


class ComparisonChoices(QToolButton):
    """The button. It is checked while anything is chosen that is not usual."""

    def __init__(self) -> None:
        super().__init__(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setIcon(icon("tune_variant"))
        self.setCheckable(True)
        self.setAccessibleName("How to compare")
        self.match = QCheckBox("Seek partners")
        self.match.setToolTip(plain_tip(_MATCH, wrap=True))
        self.pooling = QComboBox()
        self.pooling.setAccessibleName("Value of a unit in an image")
        self.pooling.setToolTip("How a unit's values at all patches become one, where a layer has that; else the mean")
        for name, title in _POOLINGS.items():
            self.pooling.addItem(title, name)
        self.layers = QLineEdit(placeholderText="The usual ones", clearButtonEnabled=True)
        self.layers.setAccessibleName("Layers to compare")
        self.layers.setToolTip(plain_tip(_LAYERS, wrap=True))
        self.layers.setMinimumWidth(_WIDTH)
        inside = QWidget()
        form = QFormLayout(inside)
        form.addRow("Layers", self.layers)
        form.addRow("Value", self.pooling)
        form.addRow(self.match)
        action = QWidgetAction(self)
        action.setDefaultWidget(inside)
        menu = QMenu(self)
        menu.addAction(action)
        menu.aboutToHide.connect(self._show_chosen)
        self.setMenu(menu)
        self._show_chosen()

    @property
    def chosen(self) -> Choices:
        """What is chosen."""
        named = tuple(each.strip() for each in self.layers.text().split(",") if each.strip())
        pooling: Pooling = self.pooling.currentData()
        return Choices(self.match.isChecked(), pooling, named or None)

    def _show_chosen(self) -> None:
        chosen = self.chosen
        self.setChecked(chosen != Choices())
        parts = ["layers " + ", ".join(chosen.layers)] if chosen.layers else []
        parts += [_POOLINGS[chosen.pooling].lower()] if chosen.pooling != "mean" else []
        parts += ["partners"] if chosen.match else []
        said = f"How to compare: {'; '.join(parts)}" if parts else "How to compare: layers, value, partners"
        self.setToolTip(plain_tip(said, wrap=True))
