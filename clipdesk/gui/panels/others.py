"""Below the queue: the jobs of other programs and those that were left unfinished, and what can be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QMenu, QToolBar, QVBoxLayout, QWidget

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.item_models.others import JOB_ROLE, OthersModel
from clipdesk.gui.panels.cancel_question import confirm_cancel
from clipdesk.gui.panels.focus import FocusList
from clipdesk.gui.panels.job_delegate import JobDelegate
from clipdesk.gui.plain import plain_label
from clipdesk.jobs.status import Status, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.jobs.stored import StoredJob


class OthersPanel(QWidget):
    """Hidden while there are no such jobs.

    Signals:
        wish_asked: A job's number, and a `Wish`.
        take_asked: The number of a job whose waiting units this window is to render.
    """

    wish_asked = Signal(int, object)
    take_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.model = OthersModel(self)
        self.list = FocusList()
        self.list.setAccessibleName("Jobs of other programs")
        self.list.setModel(self.model)
        self.list.setItemDelegate(JobDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setAlternatingRowColors(True)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.selectionModel().selectionChanged.connect(self._update)
        self.model.modelReset.connect(self._update)
        self.model.dataChanged.connect(self._update)
        tip = "Render the waiting pictures of this job in this window"
        self.take_action = make_action(self, "Render here", "tray_arrow_down", "Ctrl+Shift+J", tip)
        tip = "Pause this job, which a command line or another window renders"
        self.pause_action = make_action(self, "Pause elsewhere", "pause", "Ctrl+Alt+P", tip)
        tip = "Let this paused job go on in the command line or window that renders it"
        self.resume_action = make_action(self, "Resume elsewhere", "play", "Ctrl+Alt+Shift+R", tip)
        tip = "Cancel this job, wherever it is rendered; finished pictures stay"
        self.cancel_action = make_action(self, "Cancel elsewhere", "stop", "Ctrl+Alt+Backspace", tip)
        self.actions_shown = [self.take_action, self.pause_action, self.resume_action, self.cancel_action]
        self.take_action.triggered.connect(lambda: self.take_asked.emit(self.chosen().number))
        for action, wish in (
            (self.pause_action, Wish.PAUSE),
            (self.resume_action, Wish.RUN),
            (self.cancel_action, Wish.CANCEL),
        ):
            action.triggered.connect(lambda _checked=False, wish=wish: self._ask(wish))
        self._lay_out()
        self._update()
        self._show(False)

    def _show(self, shown: bool) -> None:
        """Show the panel, and its commands in the menus; without such jobs they say nothing to anybody."""
        self.setVisible(shown)
        for action in self.actions_shown:
            action.setVisible(shown)

    def _lay_out(self) -> None:
        bar = QToolBar()
        bar.setIconSize(QSize(18, 18))
        title = plain_label("Elsewhere")
        title.setMargin(6)
        title.setToolTip("Jobs of the command line and of other windows, and jobs that were left unfinished")
        bar.addWidget(title)
        fill_bar(bar, self.actions_shown)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.list, 1)

    @Slot(list)
    def show_jobs(self, jobs: Sequence[StoredJob]) -> None:
        """Show these jobs."""
        chosen = self._chosen_number()
        self.model.show_jobs(jobs)
        for row, stored in enumerate(jobs):
            if stored.number == chosen:
                self.list.setCurrentIndex(self.model.index(row))
        self._show(bool(jobs))

    def chosen(self) -> StoredJob:
        """The chosen job."""
        stored: StoredJob = self.list.currentIndex().data(JOB_ROLE)
        return stored

    def _chosen_number(self) -> int | None:
        return self.chosen().number if self.list.selectionModel().hasSelection() else None

    def _ask(self, wish: Wish) -> None:
        # By its number: while the question stands, the list may change.
        number, counts = self.chosen().number, self.chosen().counts
        if wish is not Wish.CANCEL or confirm_cancel(self, counts.get("waiting", 0) + counts.get("running", 0)):
            self.wish_asked.emit(number, wish)

    def _update(self) -> None:
        some = self.list.selectionModel().hasSelection()
        status = self.chosen().status if some else None
        # A survey goes on from the bar of its pages; the queue of this window renders.
        waits = some and self.chosen().job.kind == "render" and self.chosen().counts.get("waiting", 0) > 0
        self.take_action.setEnabled(waits)
        self.pause_action.setEnabled(status in (Status.RUNNING, Status.WAITING))
        self.resume_action.setEnabled(status is Status.PAUSED)
        self.cancel_action.setEnabled(some)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.actions_shown)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(place))
