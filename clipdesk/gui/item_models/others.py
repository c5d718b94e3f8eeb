"""Jobs of the queue that are not this window's: those of other programs, and those that were left unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QObject, Qt
from typing_extensions import override

from clipdesk.gui.item_models.jobs import ACTIVE, DETAIL_ROLE, QUIET, SHARE_ROLE, TONE_ROLE
from clipdesk.gui.item_models.qt import NO_PARENT, Index
from clipdesk.gui.item_models.workers import groups_of
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.runs import title_of
from clipdesk.gui.surveys.state import AtHead, jobs_of
from clipdesk.gui.words import describe_stored
from clipdesk.jobs.status import Status

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head
    from clipdesk.jobs.stored import StoredJob


JOB_ROLE = Qt.ItemDataRole.UserRole


class OthersModel(QAbstractListModel):
    """Stored jobs, oldest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[StoredJob] = []
        self._at_heads: dict[int, AtHead] = {}
        self._heads: Sequence[Head] = ()

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Say where the jobs are worked on."""
        self._at_heads, self._heads = jobs_of(heads), heads
        if self._jobs:
            self.dataChanged.emit(self.index(0), self.index(len(self._jobs) - 1))

    def show_jobs(self, jobs: Sequence[StoredJob]) -> None:
        """Show these jobs; if they are the same as before, the selection stays."""
        if [job.number for job in jobs] == [job.number for job in self._jobs]:
            self._jobs = list(jobs)
            self.dataChanged.emit(self.index(0), self.index(len(jobs) - 1))
            return
        self.beginResetModel()
        self._jobs = list(jobs)
        self.endResetModel()

    @override
    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._jobs)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._jobs):
            return None
        stored = self._jobs[index.row()]
        there = self._at_heads.get(stored.number)
        words = f"{describe_stored(stored)}{'' if there is None else f', on {there.place}'}"
        done: float = stored.counts.get("done", 0) + stored.counts.get("failed", 0)
        if there is not None and not done:
            done = there.reached.share
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{stored.number}: {title_of(stored.job)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            groups = groups_of(self._heads, stored.number)
            return plain_tip(f"Job {stored.number} of {stored.job.model}\ninto {stored.folder}{groups}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Job {stored.number}, {title_of(stored.job)}, {words}"
        if role == DETAIL_ROLE:
            return words
        if role == SHARE_ROLE:
            return done / len(stored.job.units)
        if role == TONE_ROLE:
            return ACTIVE if stored.status is Status.RUNNING else QUIET
        if role == JOB_ROLE:
            return stored
        return None
