"""The Model menu: choose a model, open a checkpoint, go back to a recent model, or pick one of the catalogue's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from clipdesk.gui.plain import plain_tip
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.latents_names import SHIPPED, shipped_latents
from clipdesk.models.names import parse_name, plain_name, short_name, with_latents, with_other_activation

if TYPE_CHECKING:
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.preferences import Preferences
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName

_WEIGHTS = "Weights of sparse autoencoders (*.safetensors *.pt *.pth *.bin)"


class ModelMenu(QMenu):
    """Lists models by name.

    Args:
        commands: Those that ask for a model or a checkpoint.
        preferences: Know which models were opened before.
        parent: The window.

    Attributes:
        recent: The menu of models that were opened before.
        models: The catalogue's models; the open one is ticked.
        add_latents: Asks for a sparse autoencoder, and opens the model again with it.
        train: Asks what sparse autoencoder to train on the chosen layer.
        add_shipped: Opens the model again with the sparse autoencoder that was shipped for it.
        without: Opens the model again without its sparse autoencoders.

    Signals:
        chosen: Name or file of the model to open.
    """

    chosen = Signal(str)

    def __init__(self, commands: Commands, preferences: Preferences, parent: QWidget) -> None:
        super().__init__("&Model", parent)
        self._preferences = preferences
        self._trained = "", ""
        self.setToolTipsVisible(True)
        self.addActions([commands.choose, commands.checkpoint])
        self.other = self.addAction("Open again with the other activation")
        self.other.setToolTip("A checkpoint's weights do not say whether it has GELU or QuickGELU")
        self.other.setEnabled(False)
        self.other.triggered.connect(lambda: self.chosen.emit(self.other.data()))
        self.add_latents = self.addAction("Add a sparse &autoencoder …")
        self.add_latents.setToolTip("A file of weights, .safetensors or .pt: its latents become a layer of the model")
        self.add_latents.triggered.connect(self._ask_for_latents)
        self.add_shipped = self.addAction("Add the &shipped sparse autoencoder")
        self.add_shipped.setToolTip("The one that comes with ClipDesk for this model")
        self.add_shipped.triggered.connect(lambda: self._add(SHIPPED))
        self.train = self.addAction("&Train a sparse autoencoder …")
        self.train.setToolTip("On the chosen layer and images of yours; it is work of the queue")
        self.add_trained = self.addAction("Add the sparse autoencoder that was &trained last")
        self.add_trained.triggered.connect(lambda: self._add(self._trained[1]))
        self.without = self.addAction("Open without sparse autoencoders")
        self.without.triggered.connect(lambda: self.chosen.emit(self.without.data()))
        self._show_latents(None)
        self.recent = self.addMenu("&Recently used")
        self.recent.setToolTipsVisible(True)
        self.addSeparator()
        self.models = QActionGroup(self)
        for model in CATALOGUE.values():
            action = self.addAction(f"{model.name}: {model.description}")
            action.setCheckable(True)
            action.setData(model.name)
            action.setToolTip(f"{model.megabytes} MB, pictures of {model.input_size} px")
            self.models.addAction(action)
        self.models.triggered.connect(lambda action: self.chosen.emit(action.data()))
        self._show_recent()

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Tick the open model, and put it on top of the recent ones."""
        other = with_other_activation(opened.name, opened.activation)
        self.other.setEnabled(other is not None)
        self.other.setData("" if other is None else str(other))
        self._show_latents(opened.name)
        for action in self.models.actions():
            action.setChecked(action.data() == str(plain_name(opened.name)))
        self._show_recent()

    def show_trained(self, model: ModelName, place: str) -> None:
        """Offer one that was trained.

        Args:
            model: The model that it is of.
            place: Its folder.
        """
        self._trained = str(model), place
        self.add_trained.setToolTip(plain_tip(place))
        name = self.add_latents.data()
        self._show_latents(parse_name(name) if name else None)

    def _show_latents(self, name: ModelName | None) -> None:
        self.add_latents.setEnabled(name is not None)
        self.train.setEnabled(name is not None)
        self.add_latents.setData("" if name is None else str(name))
        model, place = self._trained
        of_it = name is not None and str(plain_name(name)) == model
        self.add_trained.setVisible(of_it and name is not None and with_latents(name, [place]) != name)
        has = name is not None and name == plain_name(name) and shipped_latents(str(name)) is not None
        self.add_shipped.setVisible(has)
        self.without.setVisible(name is not None and plain_name(name) != name)
        self.without.setData("" if name is None else str(plain_name(name)))

    @Slot()
    def _ask_for_latents(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Add a sparse autoencoder", "", _WEIGHTS)
        if path:
            self._add(path)

    def _add(self, place: str) -> None:
        self.chosen.emit(str(with_latents(parse_name(self.add_latents.data()), [place])))

    def _show_recent(self) -> None:
        self.recent.clear()
        names = self._preferences.recent_models
        self.recent.setEnabled(bool(names))
        for name in names:
            # An ampersand in a file's name would mark a key.
            action = self.recent.addAction(short_name(parse_name(name)).replace("&", "&&"))
            action.setToolTip(plain_tip(name))
            action.triggered.connect(lambda _checked=False, name=name: self.chosen.emit(name))
