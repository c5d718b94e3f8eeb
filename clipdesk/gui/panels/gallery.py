"""The gallery: every finished picture, with its recipe."""

from __future__ import annotations

import html
import sys
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QProcess, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QListView,
    QMenu,
    QSplitter,
    QStackedLayout,
    QTextBrowser,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.item_models.gallery import ENTRY_ROLE, GalleryModel
from clipdesk.gui.library import THUMBNAIL, Entry
from clipdesk.gui.plain import plain_label
from clipdesk.render.settings import knob

_ANY = ("All models", "All layers", "All presets")


class GalleryPanel(QWidget):
    """Thumbnails, filters over them, and the chosen picture's recipe beside them.

    Signals:
        chosen: A list of `Entry` to look at.
        use_asked: An `Entry` whose settings are to be used.
        render_asked: An `Entry` that is to be rendered again.
        delete_asked: An `Entry` that is to go to the trash.
    """

    chosen = Signal(list)
    use_asked = Signal(object)
    render_asked = Signal(object)
    delete_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.model = GalleryModel(self)
        self._kept: list[Entry] = []
        self._chosen: list[Entry] = []
        self._missing: set[Path] = set()
        self._quiet = False
        self.filters = [QComboBox() for _ in _ANY]
        for box, text in zip(self.filters, _ANY, strict=True):
            box.addItem(text)
            box.setAccessibleName(text.replace("All", "Filter by"))
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
            box.currentIndexChanged.connect(self._filter)
        self.list = self._make_list()
        self.recipe = QTextBrowser()
        self.recipe.setAccessibleName("Recipe")
        self._make_actions()
        self._lay_out()
        self._choice_changed()

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName("Finished pictures")
        view.setModel(self.model)
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setResizeMode(QListView.ResizeMode.Adjust)
        view.setMovement(QListView.Movement.Static)
        view.setDragEnabled(True)
        view.setUniformItemSizes(True)
        view.setTextElideMode(Qt.TextElideMode.ElideLeft)
        view.setIconSize(QSize(THUMBNAIL, THUMBNAIL))
        view.setGridSize(QSize(THUMBNAIL + 20, THUMBNAIL + view.fontMetrics().height() + 18))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._show_menu)
        view.selectionModel().selectionChanged.connect(self._choice_changed)
        # A selected picture is shown again when it is clicked: the canvas may show something else by now.
        view.clicked.connect(self._show_again)
        self.model.rowsInserted.connect(self._show_counts)
        self.model.rowsInserted.connect(self._find_missing)
        self.model.rowsRemoved.connect(self._show_counts)
        self.model.modelAboutToBeReset.connect(self._keep_selection)
        self.model.modelReset.connect(self._show_counts)
        self.model.modelReset.connect(self._restore_selection)
        return view

    def _make_actions(self) -> None:
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
        self.actions_shown = [self.use_action, self.again_action, self.show_action, self.delete_action]

    def _lay_out(self) -> None:
        bar = QToolBar()
        for box in self.filters:
            bar.addWidget(box)
        self._count = plain_label()
        self._count.setMargin(6)
        bar.addWidget(self._count)
        bar.addSeparator()
        fill_bar(bar, self.actions_shown)
        self._hint = plain_label("Finished pictures appear here", centered=True)
        pictures = QWidget()
        self._pages = QStackedLayout(pictures)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(self.list)
        splitter = QSplitter()
        splitter.addWidget(pictures)
        splitter.addWidget(self.recipe)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([480, 340])
        row = QHBoxLayout()
        row.addWidget(bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(splitter, 1)

    def selected(self) -> list[Entry]:
        """The selected pictures."""
        return [index.data(ENTRY_ROLE) for index in self.list.selectedIndexes()]

    def _keep_selection(self) -> None:
        self._kept = self.selected()

    def _restore_selection(self) -> None:
        """Selected pictures stay selected if the new filters leave them; the canvas does not change."""
        kept, self._kept = self._kept, []
        if not kept:
            self._choice_changed()
            return
        self._missing = {entry.path for entry in kept if not self.model.has(entry)}
        self._select(kept)

    def _find_missing(self, _parent: QModelIndex, first: int, last: int) -> None:
        """A folder that is read again has the selected pictures again, some at a time."""
        if self._missing:
            entries = [self.model.index(row).data(ENTRY_ROLE) for row in range(first, last + 1)]
            found = [entry for entry in entries if entry.path in self._missing]
            self._missing -= {entry.path for entry in found}
            self._select(found)

    def _select(self, entries: list[Entry]) -> None:
        """Select pictures, as far as they are shown, which the user had selected before."""
        self._quiet = True
        for entry in entries:
            index = self.model.index_of(entry)
            if index.isValid():
                self.list.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
        self._quiet = False
        self._chosen = self.selected()
        self._choice_changed()

    def _choice_changed(self) -> None:
        if self._quiet:
            return
        entries = self.selected()
        # Qt tells of a changed selection also when rows come and go; only a choice of the user's is passed on.
        by_user = set(entries) != {entry for entry in self._chosen if self.model.has(entry)}
        self._chosen = entries
        for action in self.actions_shown:
            action.setEnabled(len(entries) == 1)
        for action in (self.again_action, self.delete_action):
            action.setEnabled(bool(entries))
        self.recipe.setHtml(recipe_html(entries[0]) if len(entries) == 1 else "")
        if by_user:
            self._missing = set()
        if entries and by_user:
            self.chosen.emit(entries)

    def _show_again(self) -> None:
        if entries := self.selected():
            self.chosen.emit(entries)

    def _show_counts(self) -> None:
        """Show what can be filtered by, and how many pictures are shown."""
        for box, text, choices in zip(self.filters, _ANY, self.model.choices(), strict=True):
            if [box.itemText(i) for i in range(1, box.count())] != choices:
                chosen = box.currentText()
                box.blockSignals(True)
                box.clear()
                box.addItems([text, *choices])
                box.setCurrentIndex(max(0, box.findText(chosen)))
                box.blockSignals(False)
        shown, total = self.model.rowCount(), self.model.total
        self._count.setText(f"{shown} of {total}" if shown < total else str(total) if total else "")
        self._hint.setText("Finished pictures appear here" if not total else "No picture matches these filters")
        self._pages.setCurrentIndex(1 if shown else 0)

    def _filter(self) -> None:
        model, layer, preset = ("" if box.currentIndex() <= 0 else box.currentText() for box in self.filters)
        self.model.set_filter(model, layer, preset)

    def _ask_again(self) -> None:
        for entry in self.selected():
            self.render_asked.emit(entry)

    def _ask_delete(self) -> None:
        for entry in self.selected():
            self.delete_asked.emit(entry)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.actions_shown)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(place))


def recipe_html(entry: Entry) -> str:
    """A recipe as an HTML table; its values are escaped."""
    recipe = entry.recipe
    rows: list[tuple[str, object]] = [
        ("Model", recipe.model),
        ("Target", entry.label),
        ("Activation", f"{recipe.activation.picture:.4g}"),
        ("Outcome", recipe.outcome_in_words),
        ("Steps", recipe.steps),
        ("Device", recipe.device),
        ("Made", _local(recipe.date)),
    ]
    for name, value in recipe.settings.model_dump().items():
        rows.append((knob(name).label, knob(name).unset if value is None else value))
    rows.append(("File", entry.path.name))
    cells = "".join(
        f"<tr><td style='white-space: nowrap'>{html.escape(str(name))}&nbsp;&nbsp;</td>"
        f"<td>{html.escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _local(date: str) -> str:
    """A date in ISO 8601 in this machine's time zone; any other text as it is."""
    try:
        return f"{datetime.fromisoformat(date).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return date


def show_file(path: Path) -> None:
    """Show a file in the system's file manager."""
    if sys.platform == "win32":
        QProcess.startDetached("explorer", ["/select,", str(path)])
    elif sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    else:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
