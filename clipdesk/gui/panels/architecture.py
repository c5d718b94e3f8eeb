"""The architecture tree: choose a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QLabel, QLineEdit, QStackedLayout, QTreeView, QVBoxLayout, QWidget

from clipdesk.gui.item_models.layers import LayerTreeModel

if TYPE_CHECKING:
    from clipdesk.inspector import LayerNode

_OPEN_TO = ("visual", "visual.transformer", "visual.transformer.resblocks")


class ArchitecturePanel(QWidget):
    """A filter box over the tree of layers.

    Signals:
        layer_chosen: The `LayerInfo` of a layer that can be visualised.
    """

    layer_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.model = LayerTreeModel(self)
        self._filtered = QSortFilterProxyModel(self)
        self._filtered.setSourceModel(self.model)
        self._filtered.setRecursiveFilteringEnabled(True)
        self._filtered.setAutoAcceptChildRows(True)
        self._filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._filtered.setFilterRole(Qt.ItemDataRole.ToolTipRole)

        self.filter = QLineEdit(placeholderText="Filter layers, e.g. 5.attn", clearButtonEnabled=True)
        self.filter.setAccessibleName("Filter layers")
        self.filter.textChanged.connect(self._filter_changed)
        self.tree = QTreeView(uniformRowHeights=True)
        self.tree.setAlternatingRowColors(True)
        self.tree.setIndentation(14)
        self.tree.setAccessibleName("Architecture")
        self.tree.setModel(self._filtered)
        self.tree.selectionModel().currentChanged.connect(self._current_changed)
        self._message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._message.setMargin(16)

        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6, 6, 6, 0)
        column.addWidget(self.filter)
        column.addWidget(self.tree)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._message)
        self._pages.addWidget(page)
        self.show_message("Opening the model …")

    def show_message(self, text: str) -> None:
        """Show a message in the tree's place: that the model is being opened, or why it could not be."""
        self._message.setText(text)
        self._pages.setCurrentIndex(0)

    def show_tree(self, tree: LayerNode) -> None:
        """Show a model's layers."""
        self.model.set_tree(tree)
        self._expand_top()
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        for column, width in enumerate((0, 105, 45)):
            if width:
                self.tree.setColumnWidth(column, width)
        self._pages.setCurrentIndex(1)

    def choose(self, layer: str) -> None:
        """Select a layer by its dotted name and scroll to it."""
        index = self._filtered.mapFromSource(self.model.index_of(layer))
        self.tree.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        )
        self.tree.scrollTo(index, QTreeView.ScrollHint.PositionAtCenter)

    def _expand_top(self) -> None:
        for name in _OPEN_TO:
            self.tree.expand(self._filtered.mapFromSource(self.model.index_of(name)))

    def _filter_changed(self, text: str) -> None:
        self._filtered.setFilterFixedString(text.strip())
        if text.strip():
            self.tree.expandAll()
        else:
            self.tree.collapseAll()
            self._expand_top()

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        info = self.model.info(self._filtered.mapToSource(current))
        if info is not None and info.reason is None:
            self.layer_chosen.emit(info)
