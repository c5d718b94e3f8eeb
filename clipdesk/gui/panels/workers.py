"""Below the queue: the processes that work through it elsewhere, with their workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QToolBar, QVBoxLayout, QWidget

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.item_models.workers import HEAD_ROLE, WorkersModel
from clipdesk.gui.panels.focus import FocusList
from clipdesk.gui.panels.job_delegate import JobDelegate
from clipdesk.gui.plain import plain_label, plain_tip

if TYPE_CHECKING:
    from clipdesk.jobs.heads import Head


class WorkersPanel(QWidget):
    """Hidden while there are none.

    Signals:
        stop_asked: A `Head` that is to stop.
    """

    stop_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._heads: Sequence[Head] = ()
        self.model = WorkersModel(self)
        self.list = FocusList()
        self.list.setAccessibleName("Workers")
        self.list.setModel(self.model)
        self.list.setItemDelegate(JobDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setAlternatingRowColors(True)
        tip = "Open the cluster's own page in the web browser"
        self.dashboard_action = make_action(self, "Dashboard", "open_in_new", None, tip)
        tip = "Pause the jobs that these workers have and end them; what was reached is kept"
        self.stop_action = make_action(self, "Stop workers", "stop", None, tip)
        self.dashboard_action.triggered.connect(self._open_dashboard)
        self.stop_action.triggered.connect(self._stop)
        self.list.selectionModel().selectionChanged.connect(self._update)
        bar = QToolBar()
        bar.setIconSize(QSize(18, 18))
        title = plain_label("Workers", margin=6)
        title.setToolTip("Processes that render for this queue, here or on other computers")
        bar.addWidget(title)
        fill_bar(bar, (self.dashboard_action, self.stop_action))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.list, 1)
        self.show_heads(())

    def show_heads(self, heads: Sequence[Head]) -> None:
        """Show these heads and their workers."""
        self._heads = heads
        self.model.show_heads(heads)
        self.setVisible(bool(heads))
        self._update()

    def _chosen(self) -> Head | None:
        """The head of the chosen row, or else the first one."""
        if self.list.selectionModel().hasSelection():
            head: Head = self.list.currentIndex().data(HEAD_ROLE)
            return head
        return self._heads[0] if self._heads else None

    @Slot()
    def _update(self) -> None:
        head = self._chosen()
        address = "" if head is None else head.row.dashboard
        self.dashboard_action.setVisible(bool(address))
        self.dashboard_action.setToolTip(plain_tip(f"Open {address} in the web browser"))
        self.stop_action.setEnabled(head is not None)

    def _open_dashboard(self) -> None:
        head = self._chosen()
        if head is not None and head.row.dashboard:
            QDesktopServices.openUrl(QUrl(head.row.dashboard))

    def _stop(self) -> None:
        head = self._chosen()
        if head is not None:
            self.stop_asked.emit(head)
