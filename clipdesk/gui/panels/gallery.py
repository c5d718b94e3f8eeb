"""The gallery: every finished picture, with its recipe."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QProcess,
    QSettings,
    QSize,
    Qt,
    QUrl,
    Signal,
    Slot,
)
from PySide6.QtGui import QDesktopServices, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSplitter,
    QStackedLayout,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.item_models.gallery import GalleryModel
from clipdesk.gui.library import Entry
from clipdesk.gui.panels.gallery_bar import GalleryBar
from clipdesk.gui.panels.mark_editor import MarkEditor, starred
from clipdesk.gui.panels.notice import UndoBar
from clipdesk.gui.panels.recipe_view import RecipeView
from clipdesk.gui.panels.thumbnails import Thumbnails
from clipdesk.gui.plain import plain_label
from clipdesk.marks.keys import Key
from clipdesk.marks.mark import Mark
from clipdesk.ranges import runs_of

_RECIPE = "gallery/recipe"
_ICON = 16
_WIDE = 640
"""With less room than this there is no recipe beside the thumbnails, unless the user wants it."""
_NOTHING, _NOT_FOUND = "Finished pictures appear here", "No picture has all of these words"


class GalleryPanel(QWidget):
    """Thumbnails, a search and an order over them, and the selected picture's recipe beside them.

    Args:
        store: Where search, order and sizes are kept.

    Signals:
        chosen: A list of `Entry` to look at.
        compare_asked: A list of `Entry`, of which the first is to be kept in sight beside the others.
        copy_asked: A list of `Entry` to copy.
        command_asked: A list of `Entry` whose commands are to be copied.
        selection_changed: Other pictures are selected.
        use_asked: An `Entry` whose settings are to be used.
        render_asked: An `Entry` that is to be rendered again.
        delete_asked: A list of `Entry` that are to go to the trash.
        mark_asked: A list of `Entry`, and the function that makes the new `Mark` of each from its old one.
    """

    chosen = Signal(list)
    compare_asked = Signal(list)
    copy_asked = Signal(list)
    command_asked = Signal(list)
    selection_changed = Signal()
    use_asked = Signal(object)
    render_asked = Signal(object)
    delete_asked = Signal(list)
    mark_asked = Signal(list, object)

    def __init__(self, store: QSettings) -> None:
        super().__init__()
        self._store = store
        self.model = GalleryModel(self)
        self._kept: list[Entry] = []
        self._missing: set[Path] = set()
        self._quiet = False
        self._in_front = False
        self.bar = GalleryBar(store)
        self.list = self._make_list()
        self.recipe = RecipeView()
        self.undo_bar = UndoBar()
        self.undo_bar.left.connect(self.list.setFocus)
        self._make_actions()
        self.marks = MarkEditor(self.star_action)
        self.marks.written.connect(self.mark_asked)
        self._lay_out()
        self.bar.changed.connect(self._arrange)
        self.bar.side_chosen.connect(self.list.choose_side)
        self.list.side_changed.connect(self.bar.show_side)
        self.bar.show_side(self.list.side)
        self.list.choose_side(self.bar.side)
        self._arrange()

    def _make_list(self) -> Thumbnails:
        view = Thumbnails()
        view.setAccessibleName("Finished pictures")
        view.setModel(self.model)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        view.selectionModel().selectionChanged.connect(self._selection_changed)
        view.activated.connect(self._choose)
        view.star_clicked.connect(self._turn_star)
        self.model.rowsInserted.connect(self._show_counts)
        self.model.rowsInserted.connect(self._find_missing)
        self.model.rowsRemoved.connect(self._show_counts)
        self.model.modelAboutToBeReset.connect(self._keep_selection)
        self.model.modelReset.connect(self._show_counts)
        self.model.modelReset.connect(self._restore_selection)
        return view

    def _make_actions(self) -> None:
        tip = "Show the selected pictures on the canvas, side by side. A double click does the same"
        self.open_action = make_action(self, "Show on canvas", "image_outline", "Ctrl+Shift+V", tip)
        self.open_action.triggered.connect(self._choose)
        self.use_action = make_action(self, "Use these settings", "tune_variant", "Ctrl+U")
        self.use_action.triggered.connect(lambda: self.use_asked.emit(self.selected()[0]))
        self.again_action = make_action(self, "Render again", "reload", "Ctrl+Shift+G")
        self.again_action.triggered.connect(self._ask_again)
        self.show_action = make_action(self, "Show file", "folder_open_outline", "Ctrl+Shift+F")
        self.show_action.triggered.connect(lambda: show_file(self.selected()[0].path))
        self.delete_action = make_action(self, "Move to trash", "delete_outline", "Del")
        self.delete_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.list.addAction(self.delete_action)
        self.delete_action.triggered.connect(self._ask_delete)
        back = make_action(self, "Bring back from the trash", keys=QKeySequence.StandardKey.Undo)
        back.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        back.triggered.connect(self.undo_bar.undo_button.click)
        self.list.addAction(back)
        self._make_actions_for_many()
        self._make_marking_actions()
        self.actions_shown = [
            self.open_action,
            self.compare_action,
            self.copy_action,
            self.command_action,
            self.export_action,
            self.star_action,
            self.note_action,
            self.use_action,
            self.again_action,
            self.show_action,
            self.delete_action,
        ]
        self._for_one = [self.use_action, self.show_action]
        tip = "Show beside the thumbnails how the selected picture was made"
        self.recipe_action = make_action(self, "Recipe", "text_box_outline", "Ctrl+Shift+I", tip, checkable=True)
        self.recipe_action.toggled.connect(lambda on: self._beside.setVisible(on))
        self.recipe_action.triggered.connect(lambda on: self._store.setValue(_RECIPE, "true" if on else "false"))

    def _make_actions_for_many(self) -> None:
        tip = "Keep the first of the selected pictures in sight beside the others, with captions that say what differs"
        self.compare_action = make_action(self, "Compare selected", "compare", "Ctrl+Alt+A", tip)
        self.compare_action.triggered.connect(lambda: self.compare_asked.emit(self.selected()))
        tip = "Copy the selected pictures: their files, and of a single one its pixels, too"
        self.copy_action = make_action(self, "Copy selected", "content_copy", "Ctrl+C", tip)
        self.copy_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.list.addAction(self.copy_action)
        self.copy_action.triggered.connect(lambda: self.copy_asked.emit(self.selected()))
        tip = "Copy a line for a terminal that makes the picture again; one for each selected picture"
        self.command_action = make_action(self, "Copy as command", "console_line", "Ctrl+Alt+C", tip)
        self.command_action.triggered.connect(lambda: self.command_asked.emit(self.selected()))
        self.export_action = make_action(self, "Export selected …", "export_variant")

    def _make_marking_actions(self) -> None:
        tip = "Give the selected pictures a star, or take it away. A click into the corner of a picture does the same"
        self.star_action = make_action(self, "Star", "star_outline", "S", tip, checkable=True)
        self.star_action.triggered.connect(lambda on: self.mark_asked.emit(self.selected(), starred(on)))
        tip = "Write tags and a note to the selected pictures"
        self.note_action = make_action(self, "Tags and note …", "tag_text_outline", "T", tip)
        self.note_action.triggered.connect(self._write_tags)
        for action in (self.star_action, self.note_action):
            # Elsewhere they are letters.
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.list.addAction(action)

    def _lay_out(self) -> None:
        bar = QToolBar(iconSize=QSize(_ICON, _ICON))
        fill_bar(bar, [*self.actions_shown, self.recipe_action])
        bar.insertSeparator(self.recipe_action)
        self._hint = plain_label(_NOTHING, centered=True)
        pictures = QWidget()
        self._pages = QStackedLayout(pictures)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(self.list)
        splitter = QSplitter()
        splitter.addWidget(pictures)
        self._beside = QWidget()
        beside = QVBoxLayout(self._beside)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(2)
        beside.addWidget(self.marks)
        beside.addWidget(self.recipe, 1)
        splitter.addWidget(self._beside)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([700, 300])
        self._beside.hide()
        row = QHBoxLayout()
        row.addWidget(bar, 1)
        row.addWidget(self.bar.size_slider)
        row.addSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(row)
        column.addWidget(splitter, 1)
        column.addWidget(self.undo_bar)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """The recipe is shown where there is room for it, if the user has not said otherwise."""
        super().resizeEvent(event)
        wanted = str(self._store.value(_RECIPE, ""))
        self.recipe_action.setChecked(wanted == "true" if wanted else event.size().width() >= _WIDE)

    def selected(self) -> list[Entry]:
        """The selected pictures, in the order in which they are shown."""
        selection = self.list.selectionModel().selection()
        runs = [selection.at(i) for i in range(selection.count())]
        # By ranges: the indices of ten thousand selected pictures take Qt a tenth of a second.
        return self.model.between((run.top(), run.bottom()) for run in runs)

    def has_selection(self) -> bool:
        """Whether any picture is selected."""
        return self.list.selectionModel().hasSelection()

    def set_in_front(self, in_front: bool) -> None:
        """Enable what acts on the selected pictures, while they are seen, or disable it."""
        self._in_front = in_front
        self._show_selection()

    def _keep_selection(self) -> None:
        self._kept = self.selected()

    def _restore_selection(self) -> None:
        """Selected pictures stay selected if they are still shown."""
        kept, self._kept = self._kept, []
        self._missing = {entry.path for entry in kept if not self.model.has(entry)}
        self._select(kept)

    def _find_missing(self, _parent: QModelIndex, first: int, last: int) -> None:
        """A folder that is read again has the selected pictures again, some at a time."""
        if self._missing:
            found = [entry for entry in self.model.between([(first, last)]) if entry.path in self._missing]
            self._missing -= {entry.path for entry in found}
            self._select(found)

    def select(self, entries: list[Entry]) -> None:
        """Select these pictures alone, as far as they are shown."""
        self.list.clearSelection()
        self._select(entries)

    def _select(self, entries: list[Entry]) -> None:
        """Select pictures, as far as they are shown, which the user had selected before."""
        chosen = QItemSelection()
        for first, last in runs_of(self.model.rows_of(entries)):
            chosen.select(self.model.index(first), self.model.index(last))
        self._quiet = True
        self.list.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.Select)
        self._quiet = False
        self._show_selection()

    def _selection_changed(self) -> None:
        if not self._quiet:
            # The user has selected something else since.
            self._missing = set()
            self._show_selection()

    def _show_selection(self) -> None:
        entries = self.selected()
        for action in self.actions_shown:
            action.setEnabled(self._in_front and bool(entries))
        for action in self._for_one:
            action.setEnabled(self._in_front and len(entries) == 1)
        self.compare_action.setEnabled(self._in_front and len(entries) > 1)
        self._show_recipe()
        self._show_selected_marks()
        self.selection_changed.emit()

    def _show_recipe(self) -> None:
        entries = self.selected()
        shown = entries[0] if len(entries) == 1 else None
        self.recipe.show_recipe(shown, self.model.worker_of(shown) if shown else "")

    @Slot(object, str)
    def show_worker(self, entry: Entry, words: str) -> None:
        """Show which worker rendered a picture."""
        self.model.show_worker(entry, words)
        self._show_recipe()

    def show_marks(self, marks: Mapping[Key, Mark]) -> None:
        """Show what the user has said of pictures and units, here or in another window."""
        self.model.show_marks(marks)
        self._show_selected_marks()

    def _show_selected_marks(self) -> None:
        entries = self.selected()
        said = [self.model.mark_of(entry.picture_key) for entry in entries]
        self.star_action.setChecked(bool(said) and all(mark.starred for mark in said))
        self.marks.show_marks(entries, said)

    def _turn_star(self, entry: Entry) -> None:
        self.mark_asked.emit([entry], starred(not self.model.mark_of(entry.picture_key).starred))

    def _write_tags(self) -> None:
        self.recipe_action.setChecked(True)
        self.marks.tags.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _choose(self) -> None:
        if entries := self.selected():
            self.chosen.emit(entries)

    def _show_counts(self) -> None:
        """Show how many pictures are shown."""
        shown, total = self.model.rowCount(), self.model.total
        self.bar.show_count(shown, total)
        self._hint.setText(_NOT_FOUND if total else _NOTHING)
        self._pages.setCurrentIndex(1 if shown else 0)

    def _arrange(self) -> None:
        self.model.arrange(self.bar.search.text(), self.bar.order_name, self.bar.starred.isChecked())

    def _ask_again(self) -> None:
        for entry in self.selected():
            self.render_asked.emit(entry)

    def _ask_delete(self) -> None:
        if entries := self.selected():
            self.delete_asked.emit(entries)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.actions_shown)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(place))


def show_file(path: Path) -> None:
    """Show a file in the system's file manager."""
    if sys.platform == "win32":
        QProcess.startDetached("explorer", ["/select,", str(path)])
    elif sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    else:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
