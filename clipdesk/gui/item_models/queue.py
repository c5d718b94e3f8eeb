"""The queue as a Qt model: jobs in the order in which they run; waiting ones can be dragged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    Qt,
    Signal,
)
from typing_extensions import override

from clipdesk.gui.item_models.jobs import ACTIVE, DETAIL_ROLE, QUIET, SHARE_ROLE, TONE_ROLE, WRONG
from clipdesk.gui.item_models.neurons import TARGETS_MIME, targets_from
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.item_models.workers import groups_of
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe
from clipdesk.jobs.status import Status

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head

RUNS_MIME = "application/x-clipdesk-runs"
RUN_ROLE = Qt.ItemDataRole.UserRole


class QueueModel(QAbstractListModel):
    """Runs, oldest first.

    Signals:
        targets_dropped: A tuple of targets that were dragged here from the neuron table.
        moved: Runs have been put into another order.
    """

    targets_dropped = Signal(object)
    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: list[Run] = []
        self._heads: Sequence[Head] = ()

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Say which workers have the groups of runs."""
        self._heads = heads

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def add(self, run: Run) -> None:
        """Put a run at the end."""
        self.beginInsertRows(QModelIndex(), len(self._runs), len(self._runs))
        self._runs.append(run)
        self.endInsertRows()

    def remove(self, run: Run) -> None:
        """Take a run out."""
        row = self._runs.index(run)
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._runs[row]
        self.endRemoveRows()

    def move(self, runs: Sequence[Run], row: int) -> None:
        """Put runs before what is at a row now, in their own order."""
        for run in runs:
            source = self._runs.index(run)
            if row in (source, source + 1):
                row = source + 1
                continue
            self.beginMoveRows(QModelIndex(), source, source, QModelIndex(), row)
            del self._runs[source]
            row -= source < row
            self._runs.insert(row, run)
            self.endMoveRows()
            row += 1
        self.moved.emit()

    def update(self, run: Run) -> None:
        """Say that a run has changed."""
        index = self.index_of(run)
        self.dataChanged.emit(index, index)

    def find(self, number: int) -> Run | None:
        """A run by its number."""
        return next((run for run in self._runs if run.number == number), None)

    def index_of(self, run: Run) -> QModelIndex:
        """Where a run is."""
        return self.index(self._runs.index(run)) if run in self._runs else QModelIndex()

    def run_at(self, index: Index) -> Run | None:
        """The run at an index."""
        return self._runs[index.row()] if index.isValid() and index.row() < len(self._runs) else None

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._runs)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        run = self.run_at(index)
        if run is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return run.title
        if role == Qt.ItemDataRole.ToolTipRole:
            names = "\n".join(target.label for target in run.job.targets[:20])
            more = f"\nand {len(run.job.targets) - 20} more" if len(run.job.targets) > 20 else ""
            where = f"on {run.place}" if run.place else "in this window"
            return plain_tip(f"{names}{more}\n\n{describe(run)}\nRuns {where}{groups_of(self._heads, run.stored)}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{run.title}, {run.state.value}, {run.share:.0%}"
        if role == RUN_ROLE:
            return run
        if role == DETAIL_ROLE:
            return describe(run)
        if role == SHARE_ROLE:
            return run.share
        if role == TONE_ROLE:
            elsewhere = ACTIVE if run.state is Status.WAITING and run.place and run.helpers else QUIET
            return {Status.FAILED: WRONG, Status.RUNNING: ACTIVE}.get(run.state, elsewhere)
        return None

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        run = self.run_at(index)
        if run is None:
            return Qt.ItemFlag.ItemIsDropEnabled
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsDragEnabled if run.state is Status.WAITING else flags

    @override
    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction

    @override
    def mimeTypes(self) -> list[str]:
        return [RUNS_MIME, TARGETS_MIME]

    @override
    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        numbers = [run.number for index in sorted(indexes, key=lambda i: i.row()) if (run := self.run_at(index))]
        data.setData(RUNS_MIME, QByteArray(",".join(map(str, numbers)).encode()))
        return data

    @override
    def canDropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        return data.hasFormat(RUNS_MIME) or data.hasFormat(TARGETS_MIME)

    @override
    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        if data.hasFormat(TARGETS_MIME):
            self.targets_dropped.emit(targets_from(data))
            return True
        if not data.hasFormat(RUNS_MIME):
            return False
        numbers = bytes(data.data(RUNS_MIME).data()).decode().split(",")
        runs = [run for number in numbers if number.isdigit() and (run := self.find(int(number)))]
        self.move(runs, row if row >= 0 else parent.row() if parent.isValid() else len(self._runs))
        # False: the rows have been moved, so the view must not remove the dragged ones.
        return False
