"""The architecture tree as a Qt model."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from typing_extensions import override

if TYPE_CHECKING:
    from clipdesk.inspector import LayerInfo, LayerNode

Index = QModelIndex | QPersistentModelIndex

_NO_PARENT = QModelIndex()

COLUMNS = ("Layer", "Kind", "Units", "Output")


class _Item:
    """A node with its way up, which Qt asks for."""

    def __init__(self, node: LayerNode, row: int, parent: _Item | None) -> None:
        self.info, self.row, self.parent = node.info, row, parent
        self.children = [_Item(child, i, self) for i, child in enumerate(node.children)]


class LayerTreeModel(QAbstractItemModel):
    """Layers of a model: name, kind, units, output shape. Those that cannot be visualised are disabled and say why."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root: _Item | None = None

    def set_tree(self, tree: LayerNode | None) -> None:
        """Show another model's layers, or none."""
        self.beginResetModel()
        self._root = None if tree is None else _Item(tree, 0, None)
        self.endResetModel()

    def info(self, index: Index) -> LayerInfo | None:
        """The layer at an index."""
        item = self._item(index)
        return None if item is None else item.info

    def index_of(self, layer: str) -> QModelIndex:
        """The index of a layer by its dotted name; invalid if there is none."""
        found = [item for item in self._walk(self._root) if item.info.name == layer]
        return self.createIndex(found[0].row, 0, found[0]) if found else QModelIndex()

    def _walk(self, item: _Item | None) -> list[_Item]:
        if item is None:
            return []
        return [item] + [below for child in item.children for below in self._walk(child)]

    @staticmethod
    def _item(index: Index) -> _Item | None:
        pointer = index.internalPointer() if index.isValid() else None
        return pointer if isinstance(pointer, _Item) else None

    @override
    def index(self, row: int, column: int, parent: Index = _NO_PARENT) -> QModelIndex:
        if parent.isValid():
            above = self._item(parent)
            siblings = above.children if above is not None and parent.column() == 0 else []
        else:
            siblings = [] if self._root is None else [self._root]
        if not (0 <= row < len(siblings) and 0 <= column < len(COLUMNS)):
            return QModelIndex()
        return self.createIndex(row, column, siblings[row])

    @overload
    def parent(self) -> QObject | None: ...

    @overload
    def parent(self, index: Index) -> QModelIndex: ...

    @override
    def parent(self, index: Index | None = None) -> QObject | QModelIndex | None:
        if index is None:
            return super().parent()
        item = self._item(index)
        if item is None or item.parent is None:
            return QModelIndex()
        return self.createIndex(item.parent.row, 0, item.parent)

    @override
    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        if not parent.isValid():
            return 0 if self._root is None else 1
        item = self._item(parent)
        return len(item.children) if item is not None and parent.column() == 0 else 0

    @override
    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        return len(COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        info = self.info(index)
        if info is None:
            return None
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (info.label, info.kind, info.units or "", " x ".join(map(str, info.shape)))[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{info.name}\nCannot be visualised: {info.reason}" if info.reason else info.name
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[column] == "Units":
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        info = self.info(index)
        if info is None:
            return Qt.ItemFlag.NoItemFlags
        # Not enabled means greyed; it can still be expanded.
        return Qt.ItemFlag.ItemIsSelectable | (Qt.ItemFlag.NoItemFlags if info.reason else Qt.ItemFlag.ItemIsEnabled)
