"""Results: what happens between the gallery, the results folder and the rest of the window."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.item_models.unit_columns import UnitState
from clipdesk.gui.library import Entry, Library, entry_of
from clipdesk.gui.runs import Run, hue_of
from clipdesk.gui.tracks import Track
from clipdesk.gui.trash import Trash
from clipdesk.render.targets import Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.session import Session
    from clipdesk.render.targets import Target, Unit

_MOST_SHOWN = 16


class Results(QObject):
    """Fills the gallery from the results folder, and passes on what the user asks for there.

    Args:
        session: Knows the open model and the folder.
        library: Reads the folder.
        gallery: Shows what is in it.

    Signals:
        show_asked: A list of `Track` to show, and the number of steps of the longest one.
        keep_asked: Whether the canvas is to keep its current picture in sight, for others to be compared with.
        settings_asked: The `RenderSettings` of a picture, to be used for the next one.
        render_asked: A `Recipe` to render again.
        gone: The paths of pictures that are not to be shown any more.
        replaced: A `Target` of the open model, and the `UnitState` that its newest picture in the folder gives it.
        found: A layer of the open model, and the `UnitState` of each of its units that the folder has a picture of.
        kept: The `Unit` of a picture of the open model that was just kept, and its `UnitState`.
    """

    show_asked = Signal(list, int)
    keep_asked = Signal(bool)
    settings_asked = Signal(object)
    render_asked = Signal(object)
    gone = Signal(list)
    replaced = Signal(object, object)
    found = Signal(str, object)
    kept = Signal(object, object)

    def __init__(self, session: Session, library: Library, gallery: GalleryPanel) -> None:
        super().__init__(session)
        self._session = session
        self._library = library
        self._gallery = gallery
        self._wanted: list[Entry] = []
        self._tracks: dict[Entry, Track] = {}
        self._comparing = False
        self.trash = Trash(library, gallery)
        self.trash.changed.connect(self._note_changed)
        session.folder_changed.connect(self._show_folder)
        session.chosen.connect(self._forget)
        library.found.connect(gallery.model.add)
        library.found.connect(self._note)
        library.failed.connect(session.complain)
        # Pictures in the folder can be exported.
        library.scanned.connect(session.touch)
        library.loaded.connect(self._loaded)
        library.worker_found.connect(gallery.show_worker)
        library.asked_again.connect(self.render_asked)
        gallery.chosen.connect(self._show)
        gallery.selection_changed.connect(self._find_worker)
        gallery.compare_asked.connect(self._compare)
        gallery.use_asked.connect(self._use_settings)
        gallery.render_asked.connect(self._render_again)

    @Slot(object)
    def _show_folder(self, folder: Path) -> None:
        # Before the folder is read again, which would find them.
        self.trash.empty()
        self._gallery.model.clear()
        self._library.scan(folder)

    @Slot()
    def show_model(self) -> None:
        """Say what the folder has of the model that was opened."""
        self._note(self._gallery.model.all)

    @Slot(list)
    def _note(self, entries: list[Entry]) -> None:
        found: defaultdict[str, dict[int, UnitState]] = defaultdict(dict)
        for entry in entries:
            recipe, target = entry.recipe, entry.recipe.target
            if self._session.is_open(recipe.model, recipe.weights) and target.layer is not None:
                state = UnitState.of(recipe, entry.thumbnail, entry.path)
                # The newest comes first.
                found[target.layer].setdefault(target.index, state)
        for layer, states in found.items():
            self.found.emit(layer, states)

    @Slot(list)
    def _note_changed(self, changed: list[Entry]) -> None:
        """Pictures have gone to the trash or have come back: others may be the newest of their units now."""
        model = self._gallery.model
        units = {entry.recipe.target for entry in changed if self._is_of_open_model(entry)}
        newest: dict[Target, UnitState] = dict.fromkeys(units, UnitState(""))
        for entry in reversed(model.all):
            if entry.recipe.target in units and self._is_of_open_model(entry):
                newest[entry.recipe.target] = UnitState.of(entry.recipe, entry.thumbnail, entry.path)
        for target, state in newest.items():
            self.replaced.emit(target, state)
        self.gone.emit([entry.path for entry in changed if not model.has(entry)])
        self._session.touch()

    def _is_of_open_model(self, entry: Entry) -> bool:
        recipe = entry.recipe
        return recipe.target.layer is not None and self._session.is_open(recipe.model, recipe.weights)

    def close(self) -> bool:
        """Move to the trash what was deleted, and stop reading; False if that is stuck, as on a dead drive."""
        self.trash.empty()
        return self._library.close()

    @Slot(object, object)
    def add(self, _run: Run, track: Track) -> None:
        """Show a picture that was just kept."""
        if track.result is not None and track.path is not None:
            entry = entry_of(track.result, track.path)
            self._gallery.model.add([entry])
            if isinstance(track.target, Unit) and self._session.is_open(entry.recipe.model, entry.recipe.weights):
                self.kept.emit(track.target, UnitState.of(entry.recipe, entry.thumbnail, entry.path))

    @Slot(object, object)
    def add_file(self, _run: Run, path: Path) -> None:
        """Show a picture that another program has made."""
        self._library.look_at(path)

    @Slot(list)
    def _show(self, entries: list[Entry]) -> None:
        # At once, though they are still to be read: no run takes their place meanwhile.
        self._session.choose(None)
        self._wanted, self._tracks, self._comparing = entries[:_MOST_SHOWN], {}, False
        for entry in self._wanted:
            self._library.load(entry)

    @Slot(object)
    def show_unit(self, unit: Unit) -> None:
        """Show the newest picture that the folder has of a unit of the open model, if there is one."""
        for entry in self._gallery.model.all:
            if entry.recipe.target == unit and self._is_of_open_model(entry):
                self._show([entry])
                return

    def entry_of(self, path: Path) -> Entry | None:
        """What is known of a picture of the folder; None where nothing is."""
        return next((entry for entry in self._gallery.model.all if entry.path == path), None)

    @Slot()
    def _find_worker(self) -> None:
        """Say who rendered the picture whose recipe is shown."""
        entries = self._gallery.selected()
        if len(entries) == 1 and not self._gallery.model.worker_of(entries[0]):
            self._library.find_worker(entries[0])

    @Slot(list)
    def _compare(self, entries: list[Entry]) -> None:
        # One that was kept before is none of those to compare.
        self.keep_asked.emit(False)
        self._show(entries)
        self._comparing = True

    @Slot()
    def _forget(self) -> None:
        """Pictures that are still being read do not take the place of what was chosen after them."""
        self._wanted = []

    @Slot(object, object, object)
    def _loaded(self, entry: Entry, pixels: NDArray[np.uint8], curve: NDArray[np.float32] | None) -> None:
        # While a selection grows, a picture may have been asked for twice.
        if entry not in self._wanted or entry in self._tracks:
            return
        recipe, hue = entry.recipe, hue_of(self._wanted.index(entry))
        track = Track(recipe.target, entry.label, hue, path=entry.path, recipe=recipe, model=recipe.model)
        track.frames.add(entry.recipe.steps, pixels)
        for value in () if curve is None else curve:
            track.curve.append(float(value))
        self._tracks[entry] = track
        if len(self._tracks) == len(self._wanted):
            longest = max(wanted.recipe.steps for wanted in self._wanted)
            comparing = self._comparing
            self.show_asked.emit([self._tracks[wanted] for wanted in self._wanted], longest)
            if comparing:
                self.keep_asked.emit(True)

    @Slot(object)
    def _use_settings(self, entry: Entry) -> None:
        self.settings_asked.emit(entry.recipe.settings)

    @Slot(object)
    def _render_again(self, entry: Entry) -> None:
        self._library.ask_again(entry.path, entry.recipe)
