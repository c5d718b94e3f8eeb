"""Choosing a model: the list of models, looked up in the background, and the dialog that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from clipdesk.errors import ClipDeskError
from clipdesk.gui.background import Background
from clipdesk.gui.item_models.models import Choice
from clipdesk.gui.panels.model_chooser import ModelChooser
from clipdesk.models.listing import Listed, file_model, named_models, open_clip_models
from clipdesk.models.names import Checkpoint, HubModel, OpenClip, WithLatents, parse_name

if TYPE_CHECKING:
    from clipdesk.gui.session import Session

_LOOKING = "Looking for open_clip's models …"


class Choosing(QObject):
    """Opens the dialog and fills it.

    Args:
        session: Knows the model that is open and those that were opened before.
        parent: The window over which the dialog opens.

    Attributes:
        dialog: The dialog that is open; None if there is none.

    Signals:
        chosen: Name of the model to open.
        checkpoint_asked: The user wants to choose a checkpoint file instead.
    """

    chosen = Signal(str)
    checkpoint_asked = Signal()
    _named = Signal(object)
    _more = Signal(object, str)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._parent = parent
        self._background = Background(self)
        self.dialog: ModelChooser | None = None
        self._named.connect(self._show_named)
        self._more.connect(self._show_more)
        self._background.failed.connect(session.complain)

    @Slot()
    def open(self) -> ModelChooser:
        """Show the dialog; its rows come as they are found."""
        if self.dialog is not None and shiboken6.isValid(self.dialog):
            self.dialog.raise_()
            return self.dialog
        dialog = ModelChooser(self._parent)
        dialog.chosen.connect(self.chosen)
        dialog.checkpoint_asked.connect(self.checkpoint_asked)
        dialog.finished.connect(self._forget)
        self.dialog = dialog
        recent = self._session.preferences.recent_models
        # In the background: files may be on a slow disk, and open_clip imports torch.
        self._background.start(lambda: self._look_up(recent))
        dialog.open()
        dialog.box.setFocus()
        return dialog

    def close(self, timeout_ms: int = 5_000) -> bool:
        """Wait until the models have been looked up; False if that takes too long."""
        return self._background.wait(timeout_ms)

    def _look_up(self, recent: list[str]) -> None:
        named = {model.name: model for model in named_models()}
        self._named.emit(([_recent(name, named) for name in recent], list(named.values())))
        try:
            self._more.emit(open_clip_models(), "")
        except (ClipDeskError, ImportError) as error:
            self._more.emit([], f"open_clip's models are not listed: {error}")

    @Slot(object)
    def _show_named(self, found: tuple[list[Listed], list[Listed]]) -> None:
        recent, named = found
        if self.dialog is not None:
            used = {model.name for model in recent}
            others = [Choice(model) for model in named if model.name not in used]
            choices = [*(Choice(model, recent=True) for model in recent), *others]
            name = self._session.model_name
            self.dialog.show_choices(choices, None if name is None else str(name))
            self.dialog.say(_LOOKING)

    @Slot(object, str)
    def _show_more(self, models: list[Listed], note: str) -> None:
        if self.dialog is not None:
            # Of the recently used ones only the names were known until now.
            known = {model.name: model for model in models}
            for row, choice in enumerate(self.dialog.model.choices):
                if choice.model.name in known:
                    self.dialog.model.replace(row, choice._replace(model=known.pop(choice.model.name)))
            self.dialog.add([Choice(model) for model in known.values()])
            self.dialog.say(note)

    @Slot()
    def _forget(self) -> None:
        self.dialog = None


def _recent(name: str, named: dict[str, Listed]) -> Listed:
    if name in named:
        return named[name]
    parsed = parse_name(name)
    if isinstance(parsed, OpenClip):
        return Listed(name, "open_clip", f"{parsed.architecture}, trained on {parsed.tag}")
    if isinstance(parsed, WithLatents):
        model = _recent(str(parsed.model), named)
        return model._replace(name=name, description=f"{model.description}, with latents of a sparse autoencoder")
    if isinstance(parsed, HubModel):
        return Listed(name, "Hugging Face", f"repository {parsed.repository}")
    return file_model(parsed) if isinstance(parsed, Checkpoint) else Listed(name, "OpenAI", "")
