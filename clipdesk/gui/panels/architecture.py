"""The architecture tree: choose a layer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, QSortFilterProxyModel, Qt, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.layers import SEARCH_ROLE, LayerTreeModel
from clipdesk.gui.panels.columns import SharingHeader
from clipdesk.gui.panels.focus import FocusTree
from clipdesk.gui.plain import plain_label
from clipdesk.gui.words import breakable, unbroken
from clipdesk.network.layer_names import split_unit

if TYPE_CHECKING:
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.network.layers import LayerNode

_AIR = 6
_PARTS = 1000
_TOP = QModelIndex()
_OF_BLOCKS, _OF_STAGES = "Filter: block 5 hidden, or 5.attn", "Filter: stage 3, or layer3.0.relu"


class _Filter(QSortFilterProxyModel):
    """Keeps the layers whose words contain all that were typed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self.setRecursiveFilteringEnabled(True)

    def set_words(self, text: str) -> None:
        self.beginFilterChange()
        unit = split_unit(text)
        self._words = (text if unit is None else unit[0]).lower().split()
        self.endFilterChange()

    @override
    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex) -> bool:  # type: ignore[override]
        return self._matches(self.sourceModel().index(source_row, 0, source_parent))

    def _matches(self, source: QModelIndex) -> bool:
        found = source.data(SEARCH_ROLE) if self._words else ""
        return all(word in found for word in self._words)

    def found(self, parent: QModelIndex = _TOP) -> Iterator[QModelIndex]:
        """The rows, as they are shown, that match by themselves and not only because a layer below them matches."""
        for row in range(self.rowCount(parent)):
            index = self.index(row, 0, parent)
            if self._matches(self.mapToSource(index)):
                yield index
            yield from self.found(index)

    def found_best_first(self) -> list[QModelIndex]:
        """As `found`, but first those that hold what was typed as it was typed, then those that hold its whole words.

        Otherwise "stage 2" would find the second convolution of stage 1 before it.
        """
        typed = [re.compile(rf"(?<!\w){re.escape(each)}(?!\w)") for each in (" ".join(self._words), *self._words)]

        def distance(index: QModelIndex) -> int:
            words = index.data(SEARCH_ROLE)
            if typed[0].search(words):
                return 0
            return 1 if all(word.search(words) for word in typed[1:]) else 2

        return sorted(self.found(), key=distance)


class _Airy(QStyledItemDelegate):
    """Rows with room between the lines."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        size = super().sizeHint(option, index)
        return QSize(size.width(), size.height() + _AIR)


class ArchitecturePanel(QWidget):
    """A filter box over the tree of layers; while a model is opened, or if none is open, a message in their place.

    Signals:
        unit_named: The index of a unit of the layer that was chosen just before.
        layer_chosen: The `LayerInfo` of a layer that can be visualised.
        cancel_asked: The user does not want to open the model any more.
    """

    layer_chosen = Signal(object)
    unit_named = Signal(int)
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = LayerTreeModel(self)
        self._filtered = _Filter(self)
        self._filtered.setSourceModel(self.model)
        self.filter = QLineEdit(placeholderText=_OF_BLOCKS, clearButtonEnabled=True)
        self.filter.setAccessibleName("Filter layers")
        self.filter.setToolTip(
            "Words or parts of dotted names, all of which must match; or a unit, such as 3.mlp.gelu:5. "
            "Press Enter to choose the best layer found"
        )
        self.filter.textChanged.connect(self._filter_changed)
        self.filter.returnPressed.connect(self.choose_found)
        self.tree = self._make_tree()
        self.copy_action = QAction("Copy layer name", self, shortcut=QKeySequence(QKeySequence.StandardKey.Copy))
        self.copy_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.copy_action.triggered.connect(self.copy_name)
        self.tree.addAction(self.copy_action)

        self.expand = self._button("unfold_more_horizontal", "Expand all")
        self.expand.clicked.connect(self.tree.expandAll)
        self.collapse = self._button("unfold_less_horizontal", "Collapse all")
        self.collapse.clicked.connect(self.tree.collapseAll)
        top = QHBoxLayout()
        top.addWidget(self.filter)
        top.addWidget(self.expand)
        top.addWidget(self.collapse)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6, 6, 6, 0)
        column.addLayout(top)
        column.addWidget(self.tree)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._make_message())
        self._pages.addWidget(page)

    def _make_tree(self) -> QTreeView:
        tree = FocusTree()
        tree.setUniformRowHeights(True)
        tree.setAlternatingRowColors(True)
        tree.setIndentation(14)
        tree.setItemDelegate(_Airy(tree))
        tree.setAccessibleName("Architecture")
        header = SharingHeader(tree)
        header.setSectionsMovable(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        tree.setHeader(header)
        tree.setModel(self._filtered)
        unit = tree.fontMetrics().averageCharWidth()
        header.share(0, [width * unit for width in (0, 18, 7, 15)], [width * unit for width in (29, 7, 6, 6)])
        tree.setHorizontalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        tree.setMinimumWidth(26 * unit)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.customContextMenuRequested.connect(self._show_menu)
        tree.selectionModel().currentChanged.connect(self._current_changed)
        return tree

    def _make_message(self) -> QWidget:
        self._message = plain_label("Opening the model …", centered=True, wrap=True)
        self._busy = QProgressBar(minimum=0, maximum=0, textVisible=False)
        self._busy.setAccessibleName("Opening the model")
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self.cancel_asked)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 16)
        column.addStretch()
        column.addWidget(self._message)
        column.addWidget(self._busy)
        column.addWidget(self.cancel, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        return page

    def _button(self, glyph: str, name: str) -> QToolButton:
        button = QToolButton(autoRaise=True)
        button.setIcon(icon(glyph))
        button.setToolTip(name)
        button.setAccessibleName(name)
        return button

    @Slot(str, object)
    def show_opening(self, text: str, share: float | None = None) -> None:
        """Show what opening a model does now, with a button to cancel it.

        Args:
            text: What it does.
            share: How much of that is done, 0 to 1; None if it is not known.
        """
        self._message.setText(text)
        self._busy.setRange(0, 0 if share is None else _PARTS)
        self._busy.setValue(round(_PARTS * (share or 0.0)))
        self._busy.show()
        self.cancel.show()
        self._pages.setCurrentIndex(0)

    @Slot(str)
    def show_message(self, text: str) -> None:
        """Say why no model is open."""
        self._message.setText(breakable(text))
        self._busy.hide()
        self.cancel.hide()
        self._pages.setCurrentIndex(0)

    @property
    def message(self) -> str:
        """The message in the tree's place."""
        return unbroken(self._message.text())

    @property
    def shows_tree(self) -> bool:
        """Whether the tree is shown, not a message."""
        return self._pages.currentIndex() == 1

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Show the layers of a model that was opened."""
        self.show_tree(opened.tree)

    def show_tree(self, tree: LayerNode) -> None:
        """Show a model's layers."""
        self.filter.clear()
        blocks = any(".resblocks." in node.info.name for node in tree.walk())
        self.filter.setPlaceholderText(_OF_BLOCKS if blocks else _OF_STAGES)
        self.model.set_tree(tree)
        self._expand_top()
        self.return_to_tree()

    @Slot()
    def return_to_tree(self) -> None:
        """Show the tree again, as when opening another model was cancelled."""
        self._pages.setCurrentIndex(1)

    def choose(self, layer: str) -> None:
        """Select a layer by its dotted name and scroll to it."""
        source = self.model.index_of(layer)
        index = self._filtered.mapFromSource(source)
        if source.isValid() and not index.isValid():
            self.filter.clear()
            index = self._filtered.mapFromSource(source)
        self.tree.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        )
        self.tree.scrollTo(index)

    def choose_found(self) -> None:
        """Choose the best layer that the filter found, and go to the tree, where the arrow keys lead to the others."""
        if self.filter.text().strip():
            unit = split_unit(self.filter.text())
            named = self.model.named(self.filter.text().strip() if unit is None else unit[0])
            if named is not None and named.reason is None:
                self.choose(named.name)
                if unit is not None:
                    self.unit_named.emit(unit[1])
                self.tree.setFocus()
                return
            infos = (self.model.info(self._filtered.mapToSource(index)) for index in self._filtered.found_best_first())
            first = next((info for info in infos if info is not None and info.reason is None), None)
            if first is None:
                return
            self.choose(first.name)
        self.tree.setFocus()

    def copy_name(self) -> None:
        """Put the current layer's dotted name on the clipboard."""
        info = self.model.info(self._filtered.mapToSource(self.tree.currentIndex()))
        if info is not None:
            QGuiApplication.clipboard().setText(info.name)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(self.copy_action)
        menu.addAction("Expand all", self.tree.expandAll)
        menu.addAction("Collapse all", self.tree.collapseAll)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.tree.viewport().mapToGlobal(place))

    def _expand_top(self) -> None:
        for row in range(self._filtered.rowCount()):
            index = self._filtered.index(row, 0)
            if self._filtered.rowCount(index) and self._filtered.index(0, 0, index).data() == "Block 0":
                self.tree.expand(index)

    def _filter_changed(self, text: str) -> None:
        self._filtered.set_words(text)
        if text.strip():
            self.tree.expandAll()
        else:
            self.tree.collapseAll()
            self._expand_top()
            if self.tree.currentIndex().isValid():
                # This expands all layers around it.
                self.tree.scrollTo(self.tree.currentIndex())

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        info = self.model.info(self._filtered.mapToSource(current))
        if info is not None and info.reason is None:
            self.layer_chosen.emit(info)
