"""The dialog that asks what a sparse autoencoder is to be trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from clipdesk.activations.autoencoders.settings import EXPANSION, TrainingSettings
from clipdesk.gui.plain import plain_label
from clipdesk.network.layer_names import short_layer

if TYPE_CHECKING:
    # It takes torch along, and the window is built without it.
    from clipdesk.network.layers import LayerInfo

_KINDS = {"topk": "Top-k", "matryoshka": "Matryoshka batch top-k"}


class TrainingDialog(QDialog):
    """Asks for images and sizes; the rest is as `clipdesk sae train` has it by default.

    Args:
        layer: The layer whose activations are learnt.
        images: The image set that is suggested; may be empty.
        parent: The window.
    """

    def __init__(self, layer: LayerInfo, images: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Train a sparse autoencoder")
        self._layer = layer
        usual = TrainingSettings(layer=layer.name)
        self.images = QLineEdit(images)
        self.images.setPlaceholderText("a folder, an archive or scenes:5000")
        self.images.textChanged.connect(self._check)
        folder = QPushButton("Folder …")
        folder.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self.images)
        row.addWidget(folder)
        self.kind = QComboBox()
        for kind, title in _KINDS.items():
            self.kind.addItem(title, kind)
        self.latents = _box(8, 2**18, EXPANSION * layer.units)
        self.active = _box(1, 1024, usual.active)
        self.steps = _box(1, 10_000_000, usual.steps)
        form = QFormLayout(self)
        form.addRow("Layer", plain_label(f"{short_layer(layer.name)}, {layer.units:,} {layer.unit_kind}s"))
        label = plain_label("&Images")
        label.setBuddy(self.images)
        form.addRow(label, row)
        form.addRow("&Kind", self.kind)
        form.addRow("&Latents", self.latents)
        form.addRow("&Active at a token", self.active)
        form.addRow("&Steps", self.steps)
        note = "It is trained beside your renders. The Queue panel shows how far it is; it can be paused there."
        form.addRow(plain_label(note, wrap=True))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Train")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form.addRow(self.buttons)
        self._check()
        self.resize(480, self.sizeHint().height())

    @property
    def settings(self) -> TrainingSettings:
        """What was asked for."""
        return TrainingSettings(
            layer=self._layer.name,
            kind=self.kind.currentData(),
            latents=self.latents.value(),
            active=min(self.active.value(), self.latents.value() - 1),
            steps=self.steps.value(),
        )

    @Slot()
    def _check(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(bool(self.images.text().strip()))

    @Slot()
    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Learn from a folder of images")
        if folder:
            self.images.setText(folder)


def _box(least: int, most: int, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setGroupSeparatorShown(True)
    box.setValue(value)
    return box
