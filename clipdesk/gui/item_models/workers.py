"""Heads and their workers as a Qt model: a row for each head, and below it one for each of its workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QObject, Qt
from typing_extensions import override

from clipdesk.gui.item_models.jobs import ACTIVE, DETAIL_ROLE, QUIET, SHARE_ROLE, TONE_ROLE, WRONG
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.words import inside

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head, WorkerRow

HEAD_ROLE = Qt.ItemDataRole.UserRole
_SPOOL = "spool:"
_MOST_NAMED = 12
"""Workers that a tool tip has room for."""


class WorkersModel(QAbstractListModel):
    """What heads have said last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[Head, WorkerRow | None]] = []

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Show these heads; where their workers are those of before, the selection stays."""
        rows: list[tuple[Head, WorkerRow | None]] = []
        for head in heads:
            rows += [(head, None), *((head, worker) for worker in head.row.workers)]
        if [_name(row) for row in rows] == [_name(row) for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        head, worker = self._rows[index.row()]
        title = head.row.place if worker is None else _title(worker)
        detail = describe_head(head) if worker is None else describe_worker(worker)
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.ToolTipRole:
            group = "" if worker is None or not worker.group else f"\nRenders {worker.group}, job {worker.job}"
            return plain_tip(f"{title}\n{detail}{group}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{title}, {detail}"
        if role == DETAIL_ROLE:
            return detail
        if role == SHARE_ROLE:
            return None
        if role == TONE_ROLE:
            lost = worker is not None and worker.state == "lost"
            return WRONG if lost else ACTIVE if worker is None else QUIET
        if role == HEAD_ROLE:
            return head
        return None


def _name(row: tuple[Head, WorkerRow | None]) -> tuple[str, str]:
    head, worker = row
    return head.name, "" if worker is None else worker.name


def _title(worker: WorkerRow) -> str:
    return f"{worker.name} on {worker.node}" if worker.node else worker.name


def groups_of(heads: Sequence[Head], job: int | None) -> str:
    """Where the groups of a job are rendered, a line for each, as far as heads say so.

    Args:
        heads: The heads.
        job: Its number in the queue; None where it has none.
    """
    workers = [worker for head in heads for worker in head.row.workers if job and worker.job == job]
    lines = [f"{_title(worker)}: {worker.group}" for worker in workers[:_MOST_NAMED]]
    more = len(workers) - len(lines)
    return "".join(f"\n{line}" for line in [*lines, *([f"and {more} more workers"] if more else [])])


def describe_worker(worker: WorkerRow) -> str:
    """What a worker does, in one line."""
    if worker.state == "lost":
        return f"lost: {worker.reason}"
    if worker.state == "starting":
        return inside(worker.reason) or "starting …"
    busy = f"{worker.busy} in hand" if worker.busy else "waits for work"
    return ", ".join(filter(None, (_pace(worker.pace), busy, worker.device)))


def _pace(pace: float) -> str:
    return f"{pace:.1f} pictures/min" if pace else ""


def describe_head(head: Head) -> str:
    """How many workers a head has and how fast they are, or what it waits for where it has none; in one line."""
    row = head.row
    if not row.workers and row.place.startswith(_SPOOL):
        # They do not come by themselves, and nobody sees the terminal of a window's head.
        return f"waits for: clipdesk worker --spool '{row.place.removeprefix(_SPOOL)}'"
    waits = next((inside(each.stage) for each in row.reached.values() if each.stage), "")
    if not row.workers:
        return waits or "starting …" if not row.jobs else f"its process {row.process} on {row.host} renders"
    ready = any(worker.state == "ready" for worker in row.workers)
    able = [worker for worker in row.workers if worker.state != "lost"]
    lost = len(row.workers) - len(able)
    count = f"{len(able)} worker{'' if len(able) == 1 else 's'}" if ready or not waits else waits
    pace = _pace(sum(worker.pace for worker in able))
    jobs = f"job {', '.join(map(str, row.jobs))}" if row.jobs else ""
    return ", ".join(filter(None, (count, f"{lost} lost" if lost else "", pace, jobs)))
