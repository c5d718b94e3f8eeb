"""The architecture tree as a Qt model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, overload

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt
from typing_extensions import override

from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.item_models.structure import Part, structure
from clipdesk.gui.plain import plain_tip
from clipdesk.network.layer_names import full_layer

if TYPE_CHECKING:
    from clipdesk.network.layers import LayerInfo, LayerNode


COLUMNS = ("Layer", "Kind", "Units", "Output")
SEARCH_ROLE = Qt.ItemDataRole.UserRole
"""All words by which a layer can be found: its own, those of the layers around it, and its dotted name."""


class _Item:
    """A part that knows its parent, for which Qt asks."""

    def __init__(self, part: Part, row: int, parent: _Item | None) -> None:
        self.info = part.info
        self.label = part.label
        self.row = row
        self.parent = parent
        name = part.info.name if part.info is not None else ""
        self.path: str = part.label if parent is None else f"{parent.path} {part.label}"
        self.names: str = name if parent is None else f"{parent.names} {name}"
        self.words = f"{self.path} {self.names}".lower()
        self.children = [_Item(child, i, self) for i, child in enumerate(part.parts)]


class LayerTreeModel(QAbstractItemModel):
    """Layers of a model: name, kind, units, output shape. Layers that cannot be visualised are disabled and say why."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._top: list[_Item] = []
        self._by_name: dict[str, _Item] = {}

    def set_tree(self, tree: LayerNode | None) -> None:
        """Show another model's layers, or none."""
        self.beginResetModel()
        self._top = [] if tree is None else [_Item(part, row, None) for row, part in enumerate(structure(tree))]
        self._by_name = {item.info.name: item for item in _walk(self._top) if item.info is not None}
        self.endResetModel()

    def info(self, index: Index) -> LayerInfo | None:
        """The layer at an index; None at a heading."""
        item = self._item(index)
        return None if item is None else item.info

    def index_of(self, layer: str) -> QModelIndex:
        """The index of a layer by its dotted name; invalid if there is none."""
        item = self._by_name.get(layer)
        return QModelIndex() if item is None else self.createIndex(item.row, 0, item)

    def named(self, name: str) -> LayerInfo | None:
        """The layer of a full or short name; None if there is none."""
        item = self._by_name.get(full_layer(name, self._by_name))
        return None if item is None else item.info

    @staticmethod
    def _item(index: Index) -> _Item | None:
        pointer = index.internalPointer() if index.isValid() else None
        return pointer if isinstance(pointer, _Item) else None

    @override
    def index(self, row: int, column: int, parent: Index = NO_PARENT) -> QModelIndex:
        if parent.isValid():
            above = self._item(parent)
            siblings = above.children if above is not None and parent.column() == 0 else []
        else:
            siblings = self._top
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
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        if not parent.isValid():
            return len(self._top)
        item = self._item(parent)
        return len(item.children) if item is not None and parent.column() == 0 else 0

    @override
    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return len(COLUMNS)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item = self._item(index)
        if item is None:
            return None
        info, column = item.info, index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            if info is None:
                return item.label if column == 0 else ""
            return (item.label, info.kind, info.units or "", " x ".join(map(str, info.shape)))[column]
        if role == SEARCH_ROLE:
            return item.words
        if role == Qt.ItemDataRole.ToolTipRole and info is not None:
            return plain_tip(f"{info.name}\nCannot be visualised: {info.reason}" if info.reason else info.name)
        if role == Qt.ItemDataRole.AccessibleTextRole and info is not None and column == 0:
            return f"{item.label}, {info.name}" + (f", cannot be visualised: {info.reason}" if info.reason else "")
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[column] == "Units":
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        item = self._item(index)
        if item is None:
            return Qt.ItemFlag.NoItemFlags
        # Not enabled means greyed; it can still be expanded.
        can = item.info is None or item.info.reason is None
        return Qt.ItemFlag.ItemIsSelectable | (Qt.ItemFlag.ItemIsEnabled if can else Qt.ItemFlag.NoItemFlags)


def _walk(items: list[_Item]) -> Iterator[_Item]:
    for item in items:
        yield item
        yield from _walk(item.children)
