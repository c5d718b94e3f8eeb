"""Preferences kept between sessions: the layout, the last model, the results folder."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths
from PySide6.QtWidgets import QMainWindow

from clipdesk.errors import UsageError
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.names import is_there, parse_name

_LAYOUT_VERSION = 3
_MOST_RECENT = 8
_MOST_READERS = 64


class Preferences:
    """QSettings, with names and types for what is in them.

    Attributes:
        store: The QSettings itself, for parts that keep entries of their own.
    """

    def __init__(self, store: QSettings) -> None:
        self.store = store
        self._default_layout = QByteArray()

    @property
    def problem(self) -> str:
        """Why preferences cannot be kept; empty if they can."""
        if self.store.isWritable():
            return ""
        return f"Settings and layout will not be kept: ClipDesk cannot write to {self.store.fileName()}"

    @property
    def model(self) -> str:
        """The model to open: the last one, if it is still there."""
        name = str(self.store.value("model", EMBEDDED))
        return name if is_there(name) else EMBEDDED

    @model.setter
    def model(self, name: str) -> None:
        self.store.setValue("model", name)
        recent = [name, *(other for other in self.recent_models if other != name)]
        self.store.setValue("recent_models", recent[:_MOST_RECENT])

    @property
    def recent_models(self) -> list[str]:
        """Names and files of the models that were opened last, the last one first; some may be gone."""
        found = self.store.value("recent_models", [])
        # A list of one is a text in some stores.
        names = found if isinstance(found, list) else [found]
        return [name for name in names if isinstance(name, str) and _is_name(name)][:_MOST_RECENT]

    def reader(self, model: str) -> str:
        """The second model that was chosen for a model, if it is still there; empty if none is."""
        name = self._readers().get(model, "")
        return name if name and is_there(name) else ""

    def remember_reader(self, model: str, reader: str) -> None:
        """Keep which second model was chosen for a model."""
        others = {each: name for each, name in self._readers().items() if each != model}
        kept = list({**others, model: reader}.items())[-_MOST_READERS:]
        self.store.setValue("readers", json.dumps(dict(kept)))

    def _readers(self) -> dict[str, str]:
        """The second models by the models that they were chosen for; the last choice stands last."""
        try:
            found = json.loads(str(self.store.value("readers", "{}")))
        except ValueError:
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    @property
    def typed_targets(self) -> list[str]:
        """The targets that were typed last, the newest first."""
        found = self.store.value("typed_targets", [])
        lines = found if isinstance(found, list) else [found]
        return [line for line in lines if isinstance(line, str) and line]

    def remember_targets(self, lines: list[str]) -> None:
        """Keep the typed targets."""
        self.store.setValue("typed_targets", lines)

    @property
    def folder(self) -> Path:
        """The folder in which finished pictures are kept."""
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        return Path(str(self.store.value("folder", str(Path(pictures or Path.home()) / "ClipDesk"))))

    @folder.setter
    def folder(self, folder: Path) -> None:
        self.store.setValue("folder", str(folder))

    @property
    def keep(self) -> bool:
        """Whether every finished picture is kept."""
        return str(self.store.value("keep", "true")) == "true"

    @keep.setter
    def keep(self, keep: bool) -> None:
        self.store.setValue("keep", "true" if keep else "false")

    @property
    def run_on(self) -> str:
        """Where batches are rendered, as ``--on`` has it; empty for the window."""
        return str(self.store.value("run_on", ""))

    @run_on.setter
    def run_on(self, place: str) -> None:
        self.store.setValue("run_on", place)
        if place:
            recent = [place, *(other for other in self.recent_places if other != place)]
            self.store.setValue("recent_places", recent[:_MOST_RECENT])

    @property
    def recent_places(self) -> list[str]:
        """The places where batches were rendered last, the last one first."""
        found = self.store.value("recent_places", [])
        places = found if isinstance(found, list) else [found]
        return [place for place in places if isinstance(place, str) and place][:_MOST_RECENT]

    @property
    def export_folder(self) -> Path:
        """The folder of the last export."""
        return Path(str(self.store.value("export_folder", str(Path.home()))))

    @export_folder.setter
    def export_folder(self, folder: Path) -> None:
        self.store.setValue("export_folder", str(folder))

    @property
    def greeted(self) -> bool:
        """Whether the user has seen the welcome."""
        return str(self.store.value("greeted", "false")) == "true"

    @greeted.setter
    def greeted(self, greeted: bool) -> None:
        self.store.setValue("greeted", "true" if greeted else "false")

    def keep_default(self, window: QMainWindow) -> None:
        """Remember the layout that Reset layout gives."""
        self._default_layout = window.saveState(_LAYOUT_VERSION)

    def reset_layout(self, window: QMainWindow) -> None:
        """Bring back the layout of a first start."""
        window.restoreState(self._default_layout, _LAYOUT_VERSION)

    def save_layout(self, window: QMainWindow) -> None:
        """Keep the layout for the next start."""
        self.store.setValue("geometry", window.saveGeometry())
        self.store.setValue("state", window.saveState(_LAYOUT_VERSION))

    def restore_layout(self, window: QMainWindow) -> None:
        """Bring back the layout of the last session."""
        geometry, state = self.store.value("geometry"), self.store.value("state")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        if isinstance(state, QByteArray):
            window.restoreState(state, _LAYOUT_VERSION)


def _is_name(name: str) -> bool:
    """Whether a kept name can be parsed; another version of ClipDesk may have written it."""
    try:
        parse_name(name)
    except UsageError:
        return False
    return bool(name)
