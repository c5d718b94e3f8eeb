"""What happens between the gallery, the results folder and the canvas."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Slot

from clipdesk.export.recipe import Recipe
from clipdesk.gui.item_models.neurons import UnitState
from clipdesk.gui.library import Entry, Library, entry_of
from clipdesk.gui.runs import Track, hue_of
from clipdesk.gui.saver import KeptPicture
from clipdesk.jobs.job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.main_window import MainWindow

_MOST_SHOWN = 16


class Results(QObject):
    """Shows finished pictures, and does with them what the gallery asks for.

    Attributes:
        library: The results folder.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.library = Library(self)
        self._wanted: list[Entry] = []
        self._tracks: dict[Entry, Track] = {}
        gallery, library = window.gallery, self.library
        library.found.connect(gallery.model.add)
        library.found.connect(self._note)
        library.deleted.connect(gallery.model.remove)
        library.failed.connect(window.notice.show_problem)
        # What the folder holds can be exported.
        library.scanned.connect(window.update_actions)
        library.loaded.connect(self._loaded)
        library.recipe_read.connect(self.render_again)
        window.controller.saver.kept.connect(self._kept)
        gallery.chosen.connect(self._show)
        gallery.use_asked.connect(self._use_settings)
        gallery.render_asked.connect(self._render_again)
        gallery.delete_asked.connect(library.delete)

    def show_folder(self, folder: Path) -> None:
        """Keep finished pictures in this folder, and show what is there."""
        window = self._window
        window.preferences.folder = folder
        window.controller.folder = folder if window.preferences.keep else None
        window.gallery.model.clear()
        self.library.scan(folder)

    def show_found(self) -> None:
        """Show in the table of neurons what the folder holds of the open model's."""
        self._note(self._window.gallery.model.all)

    @Slot(list)
    def _note(self, entries: list[Entry]) -> None:
        name = self._window.model_name
        found: defaultdict[str, dict[int, UnitState]] = defaultdict(dict)
        for entry in entries:
            recipe, target = entry.recipe, entry.recipe.target
            if recipe.model == name and target.layer is not None:
                status = "done" if recipe.complete else "stopped"
                state = UnitState(status, recipe.activation.picture, recipe.steps, thumbnail=entry.thumbnail)
                # The newest comes first.
                found[target.layer].setdefault(target.index, state)
        for layer, states in found.items():
            self._window.neurons.show_found(layer, states)

    @Slot(object)
    def _kept(self, kept: KeptPicture) -> None:
        self._window.gallery.model.add([entry_of(kept.result, kept.path)])

    @Slot(list)
    def _show(self, entries: list[Entry]) -> None:
        self._wanted, self._tracks = entries[:_MOST_SHOWN], {}
        for entry in self._wanted:
            self.library.load(entry)

    @Slot(object, object, object)
    def _loaded(self, entry: Entry, pixels: NDArray[np.uint8], curve: NDArray[np.float32] | None) -> None:
        # While a selection grows, a picture may have been asked for twice.
        if entry not in self._wanted or entry in self._tracks:
            return
        track = Track(
            entry.recipe.target, entry.label, hue_of(self._wanted.index(entry)), path=entry.path, recipe=entry.recipe
        )
        track.frames.add(entry.recipe.steps, pixels)
        for value in () if curve is None else curve:
            track.curve.append(float(value))
        self._tracks[entry] = track
        if len(self._tracks) == len(self._wanted):
            longest = max(wanted.recipe.steps for wanted in self._wanted)
            self._window.show_tracks([self._tracks[wanted] for wanted in self._wanted], longest)

    @Slot(object)
    def _use_settings(self, entry: Entry) -> None:
        # The precision is the machine's affair, as the device is.
        here = self._window.parameters.settings().precision
        self._window.parameters.use_settings(entry.recipe.settings.model_copy(update={"precision": here}))

    @Slot(object)
    def _render_again(self, entry: Entry) -> None:
        self.render_again(entry.recipe)

    @Slot(object)
    def render_again(self, recipe: Recipe) -> None:
        """Make a picture again, from its recipe, and watch it."""
        self._window.following = True
        self._window.controller.submit(Job.from_recipe(recipe))


def dropped_pictures(data: QMimeData) -> list[Path]:
    """The PNG files among what was dragged here."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ".png"]
