"""The queue: the jobs of this session, how far each one is, where they run, and what can be done with them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal, SignalInstance, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QSplitter,
    QStackedLayout,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.panels.cancel_question import confirm_cancel
from clipdesk.gui.panels.focus import FocusList
from clipdesk.gui.panels.job_delegate import JobDelegate
from clipdesk.gui.panels.others import OthersPanel
from clipdesk.gui.panels.place_bar import PlaceBar
from clipdesk.gui.panels.workers import WorkersPanel
from clipdesk.gui.plain import plain_label
from clipdesk.gui.runs import Run
from clipdesk.gui.words import describe
from clipdesk.jobs.status import Status

_NOTHING = 'Nothing has been rendered yet.\n\nDrag neurons here, or click "Add to batch".'
_CAN_PAUSE = (Status.RUNNING, Status.WAITING)
_CAN_RESUME = (Status.PAUSED,)
_CAN_CANCEL = (*_CAN_PAUSE, *_CAN_RESUME)


class QueuePanel(QWidget):
    """The queue with its buttons; below it, if there are any, the jobs of other programs, and workers.

    Args:
        queue: The jobs of this window.

    Signals:
        run_chosen: A `Run` to look at.
        pause_asked: A `Run` to pause.
        resume_asked: A `Run` to resume.
        cancel_asked: A `Run` to stop; its pictures are kept as they are.
        retry_asked: A `Run` to render again.
        remove_asked: A `Run` to take out of the queue.
        hold_asked: Whether the whole queue is to be paused.
    """

    run_chosen = Signal(object)
    pause_asked = Signal(object)
    resume_asked = Signal(object)
    cancel_asked = Signal(object)
    retry_asked = Signal(object)
    remove_asked = Signal(object)
    hold_asked = Signal(bool)

    def __init__(self, queue: QueueModel) -> None:
        super().__init__()
        self._queue = queue
        self.list = self._make_list()
        self._make_actions()
        self.bar = QToolBar()
        self.bar.setIconSize(QSize(18, 18))
        fill_bar(self.bar, (self.pause_all_action, *self.run_actions, self.clear_action))
        self.bar.insertSeparator(self.pause_action)
        hint = plain_label(_NOTHING, centered=True, wrap=True)
        hint.setMargin(16)
        self._body = QWidget()
        self._pages = QStackedLayout(self._body)
        self._pages.setStackingMode(QStackedLayout.StackingMode.StackAll)
        hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hint, self._there = hint, 0
        self._pages.addWidget(self.list)
        self._pages.addWidget(hint)
        self._pages.setCurrentWidget(hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.others = OthersPanel()
        self.place = PlaceBar()
        self.workers = WorkersPanel()
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self._body)
        splitter.addWidget(self.others)
        splitter.addWidget(self.workers)
        splitter.setStretchFactor(0, 1)
        self.held_hint = plain_label('The queue is paused. Click "Go on" to run it.', wrap=True, margin=6)
        self.held_hint.hide()
        column.addWidget(self.bar)
        column.addWidget(self.place)
        column.addWidget(self.held_hint)
        column.addWidget(splitter, 1)
        self._connect()
        self.update_actions()

    def _make_list(self) -> QListView:
        view = FocusList()
        view.setAccessibleName("Queue")
        view.setModel(self._queue)
        view.setItemDelegate(JobDelegate(view))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setUniformItemSizes(True)
        view.setAlternatingRowColors(True)
        view.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        view.setDefaultDropAction(Qt.DropAction.MoveAction)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        return view

    def _make_actions(self) -> None:
        self.pause_all_action = make_action(
            self, "Pause all", "pause_circle_outline", "Ctrl+Shift+P", "Pause the whole queue", checkable=True
        )
        self.pause_action = make_action(self, "Pause", "pause", "Ctrl+P")
        self.resume_action = make_action(self, "Resume", "play", "Ctrl+Shift+R")
        self.cancel_action = make_action(self, "Cancel", "stop", "Ctrl+Backspace")
        self.retry_action = make_action(self, "Retry", "reload", "Ctrl+T")
        self.remove_action = make_action(self, "Remove", "close", "Ctrl+Del")
        self.up_action = make_action(self, "Run earlier", "arrow_up", "Ctrl+Up")
        self.down_action = make_action(self, "Run later", "arrow_down", "Ctrl+Down")
        self.clear_action = make_action(self, "Clear finished", "broom", "Ctrl+Shift+Del")
        self.run_actions = [
            self.pause_action,
            self.resume_action,
            self.cancel_action,
            self.retry_action,
            self.remove_action,
            self.up_action,
            self.down_action,
        ]

    def _connect(self) -> None:
        self._queue.rowsInserted.connect(self._scroll_to_newest)
        self._queue.rowsInserted.connect(self.update_actions)
        self._queue.rowsRemoved.connect(self.update_actions)
        self.list.selectionModel().selectionChanged.connect(self.update_actions)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.pause_all_action.toggled.connect(self._hold)
        self.pause_action.triggered.connect(lambda: self._ask(self.pause_asked, self._in_hand(_CAN_PAUSE)))
        self.resume_action.triggered.connect(lambda: self._ask(self.resume_asked, self._in_hand(_CAN_RESUME)))
        self.cancel_action.triggered.connect(lambda: self._end(self.cancel_asked, self._in_hand(_CAN_CANCEL)))
        self.retry_action.triggered.connect(lambda: self._ask(self.retry_asked, self.selected()))
        self.remove_action.triggered.connect(lambda: self._end(self.remove_asked, self._removable()))
        self.up_action.triggered.connect(lambda: self._shift(-1))
        self.down_action.triggered.connect(lambda: self._shift(1))
        self.clear_action.triggered.connect(self._clear)

    def selected(self) -> list[Run]:
        """The selected runs."""
        runs = [self._queue.run_at(index) for index in self.list.selectedIndexes()]
        return [run for run in runs if run is not None]

    def message(self, run: Run) -> str:
        """What to show in place of a run's pictures while it has none."""
        if run.state is Status.WAITING and self.pause_all_action.isChecked():
            return 'The queue is paused. Click "Go on" there, and this is rendered when its turn comes.'
        return run.reason or ("Starting …" if run.state is Status.RUNNING else describe(run))

    def begun(self) -> list[Run]:
        """The runs that actions are for if none is selected: the running one, then the paused ones."""
        return [run for state in (Status.RUNNING, Status.PAUSED) for run in self._queue if run.state is state]

    def can_stop(self) -> bool:
        """Whether there is a job to stop."""
        return bool(self.begun())

    @Slot()
    def stop(self) -> None:
        """Stop the running job, or else the first paused one; its pictures are kept as they are."""
        self._end(self.cancel_asked, self.begun()[:1])

    def _in_hand(self, states: tuple[Status, ...]) -> list[Run]:
        """The selected runs in these states; if every selected run has ended, the first one that has begun."""
        chosen = [run for run in self.selected() if not run.state.finished]
        if chosen:
            return [run for run in chosen if run.state in states]
        return [run for run in self.begun() if run.state in states][:1]

    def _removable(self) -> list[Run]:
        return [run for run in self.selected() if run.removable]

    def _ask(self, signal: SignalInstance, runs: list[Run]) -> None:
        for run in runs:
            signal.emit(run)
        self.update_actions()

    def _end(self, signal: SignalInstance, runs: list[Run]) -> None:
        """Ask for the end of runs, if that is what the user wants for that many pictures."""
        if confirm_cancel(self, sum(run.size - run.ended for run in runs if not run.state.finished)):
            self._ask(signal, runs)

    def _shift(self, by: int) -> None:
        run = self.selected()[0]
        target = self._queue.index_of(run).row() + by
        if 0 <= target < self._queue.rowCount():
            self._queue.move([run], target if by < 0 else target + 1)
        self.update_actions()

    def _clear(self) -> None:
        self._ask(self.remove_asked, [run for run in self._queue if run.state.finished])

    def _hold(self, held: bool) -> None:
        self.hold_asked.emit(held)
        self.pause_all_action.setText("Go on" if held else "Pause all")
        self.pause_all_action.setIcon(icon("play_circle_outline" if held else "pause_circle_outline"))
        self.held_hint.setVisible(held)
        self.update_actions()

    def _choose(self, index: QModelIndex) -> None:
        run = self._queue.run_at(index)
        if run is not None:
            self.run_chosen.emit(run)

    def _scroll_to_newest(self) -> None:
        self.list.scrollToBottom()

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.run_actions)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(place))

    @Slot()
    def update_actions(self) -> None:
        """Enable what can be done with the selected runs now."""
        runs = self.selected()
        states = {run.state for run in runs}
        self.pause_action.setEnabled(bool(self._in_hand(_CAN_PAUSE)))
        self.resume_action.setEnabled(bool(self._in_hand(_CAN_RESUME)))
        self.cancel_action.setEnabled(bool(self._in_hand(_CAN_CANCEL)))
        self.retry_action.setEnabled(any(state.finished for state in states))
        self.remove_action.setEnabled(bool(self._removable()))
        moves = len(runs) == 1 and runs[0].state is Status.WAITING
        self.up_action.setEnabled(moves)
        self.down_action.setEnabled(moves)
        self.clear_action.setEnabled(any(run.state.finished for run in self._queue))
        self.hint.setVisible(self._queue.rowCount() == 0)
