"""The queue: what was asked for in this session, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from clipdesk.jobs.job import Job

WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"


@dataclass
class Entry:
    """A job in the queue."""

    number: int
    job: Job
    title: str
    state: str = WAITING


class QueuePanel(QWidget):
    """Jobs with their states; waiting ones can be removed.

    Signals:
        changed: A job was added, removed, or has another state.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[int, tuple[Entry, QTreeWidgetItem]] = {}
        self._hint = QLabel("Nothing was rendered yet", alignment=Qt.AlignmentFlag.AlignCenter)
        self.list = QTreeWidget()
        self.list.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAlternatingRowColors(True)
        self.list.setHeaderLabels(["Job", "State"])
        self.list.setAccessibleName("Queue")
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.list.itemSelectionChanged.connect(self._update_button)
        self._remove = QPushButton("Remove waiting job")
        self._remove.setEnabled(False)
        self._remove.clicked.connect(self.remove_selected)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.list)
        column.addWidget(self._remove)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._hint)
        self._pages.addWidget(page)

    def add(self, job: Job) -> Entry:
        """Put a job at the end."""
        first = job.targets[0].label
        title = first if len(job.targets) == 1 else f"{first} and {len(job.targets) - 1} more"
        entry = Entry(max(self._entries, default=0) + 1, job, title)
        row = QTreeWidgetItem([title, entry.state])
        row.setToolTip(0, "\n".join(target.label for target in job.targets[:20]))
        row.setData(0, Qt.ItemDataRole.UserRole, entry.number)
        self.list.addTopLevelItem(row)
        self.list.scrollToItem(row)
        self._entries[entry.number] = (entry, row)
        self._pages.setCurrentIndex(1)
        self.changed.emit()
        return entry

    def next_waiting(self) -> Entry | None:
        """The first job that waits."""
        return next((entry for entry, _ in self._entries.values() if entry.state == WAITING), None)

    def entry(self, number: int) -> Entry:
        """A job by its number."""
        return self._entries[number][0]

    def set_state(self, number: int, state: str, detail: str = "") -> None:
        """Note what has become of a job; the detail is shown behind the state, or in the tool tip of a failed one."""
        entry, row = self._entries[number]
        entry.state = state
        row.setText(1, f"{state} {detail}".strip() if state == RUNNING else state)
        row.setToolTip(1, "" if state == RUNNING else detail)
        self._update_button()
        if not (state == RUNNING and detail):
            self.changed.emit()

    def remove_selected(self) -> None:
        """Remove the selected jobs that wait."""
        for row in self.list.selectedItems():
            number = row.data(0, Qt.ItemDataRole.UserRole)
            if self._entries[number][0].state == WAITING:
                self.list.takeTopLevelItem(self.list.indexOfTopLevelItem(row))
                del self._entries[number]
        self.changed.emit()

    def _update_button(self) -> None:
        rows = self.list.selectedItems()
        numbers = [row.data(0, Qt.ItemDataRole.UserRole) for row in rows]
        self._remove.setEnabled(any(n in self._entries and self._entries[n][0].state == WAITING for n in numbers))
