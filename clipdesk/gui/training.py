"""Training a sparse autoencoder from the window: asks for it, and makes it as work of the queue."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.activations.autoencoders.settings import check_library
from clipdesk.errors import ClipDeskError
from clipdesk.filenames import safe_name
from clipdesk.gui.panels.training_dialog import TrainingDialog
from clipdesk.gui.problems import explained
from clipdesk.gui.surveys.making import Surveyor
from clipdesk.imagesets.suffixes import is_drawn
from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.models.names import is_of_scenes, plain_name
from clipdesk.network.layer_names import short_layer
from clipdesk.paths import autoencoders_folder

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from clipdesk.activations.autoencoders.settings import TrainingSettings
    from clipdesk.gui.item_models.neurons import NeuronTableModel
    from clipdesk.gui.session import Session

SCENES = "scenes:5000"


class Training(QObject):
    """Asks what to train on the chosen layer, and trains it on a thread beside the window's jobs.

    The queue's panel shows it among the work of others, where it can be paused and cancelled.

    Args:
        session: Knows the open model.
        neurons: Knows the chosen layer.
        parent: The window.

    Attributes:
        maker: Trains.

    Signals:
        trained: The `ModelName` of a model, and the folder of a sparse autoencoder that was trained on it.
    """

    trained = Signal(object, str)

    def __init__(self, session: Session, neurons: NeuronTableModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._neurons, self._parent = session, neurons, parent
        self.maker = Surveyor(self, AutoencoderWork, autoencoders_folder)
        self.maker.failed.connect(session.complain)
        self.maker.changed.connect(self._say_failure)
        self.maker.made.connect(self._made)

    @Slot()
    def ask(self) -> None:
        """Ask what to train on the chosen layer."""
        try:
            check_library()
        except ClipDeskError as error:
            self._session.complain(explained(error))
            return
        model, layer = self._session.model, self._neurons.layer
        if model is None or layer is None:
            self._session.say("Choose a layer first: a sparse autoencoder is trained on one")
            return
        if layer.unit_kind == "latent":
            self._session.say("These are latents already: choose the layer that they are of, or another one")
            return
        if self.maker.busy:
            self._session.say("A sparse autoencoder is being trained: cancel it, or wait until it is done")
            return
        drawn = SCENES if is_of_scenes(model.name) else ""
        dialog = TrainingDialog(layer, drawn, self._parent)
        dialog.accepted.connect(lambda: self.train(dialog.images.text().strip(), dialog.settings))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def train(self, images: str, settings: TrainingSettings) -> None:
        """Train on a layer of the open model, without its sparse autoencoders.

        Args:
            images: What opens the images.
            settings: What to train with.
        """
        model = self._session.model
        if model is None:
            return
        place = images if is_drawn(images) else os.path.abspath(Path(images).expanduser())
        name = f"{safe_name(short_layer(settings.layer))}-{datetime.now():%Y%m%d-%H%M%S}"
        job = AutoencoderWork(
            model=plain_name(model.name),
            weights=model.plain or model.weights,
            images=place,
            settings=settings,
            output=str(autoencoders_folder() / name),
        )
        self.maker.begin(job)
        self._session.say(
            f"A sparse autoencoder of {short_layer(settings.layer)} is being trained in this window; see the queue"
        )

    @Slot()
    def _say_failure(self) -> None:
        making = self.maker.making
        if making is not None and making.state == "failed":
            self._session.complain(explained(ClipDeskError(f"The training failed: {making.words}")))

    @Slot(object)
    def _made(self, job: AutoencoderWork) -> None:
        layer = short_layer(job.settings.layer)
        self._session.say(f"The sparse autoencoder of {layer} is trained. The Model menu adds it: {job.output}")
        self.trained.emit(plain_name(job.model), job.output)

    def close(self) -> bool:
        """Stop, keep what was learnt, and wait until it is written; False if the thread is stuck."""
        return self.maker.close()
