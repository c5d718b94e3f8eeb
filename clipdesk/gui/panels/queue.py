"""The queue: what was asked for in this session, how far it is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QMenu,
    QSplitter,
    QStackedLayout,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.controller import RenderController
from clipdesk.gui.icons import icon
from clipdesk.gui.panels.job_delegate import JobDelegate
from clipdesk.gui.panels.others import OthersPanel
from clipdesk.gui.runs import Run, State
from clipdesk.gui.words import describe

if TYPE_CHECKING:
    from clipdesk.gui.keeper import QueueKeeper

_NOTHING = "Nothing was rendered yet.\n\nDrag neurons here, or choose Add to batch."
_CAN_PAUSE = (State.RUNNING, State.WAITING)
_CAN_RESUME = (State.PAUSED,)
_CAN_CANCEL = (*_CAN_PAUSE, *_CAN_RESUME)


class QueuePanel(QWidget):
    """The controller's queue with its buttons; below it, if there are any, the jobs of other programs.

    Signals:
        run_chosen: A `Run` to look at.
    """

    run_chosen = Signal(object)

    def __init__(self, controller: RenderController) -> None:
        super().__init__()
        self._controller = controller
        self.list = self._make_list()
        self._make_actions()
        self.bar = QToolBar()
        self.bar.setIconSize(QSize(18, 18))
        fill_bar(self.bar, (self.pause_all_action, *self.run_actions, self.clear_action))
        self.bar.insertSeparator(self.pause_action)
        hint = QLabel(_NOTHING, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
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
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self._body)
        splitter.addWidget(self.others)
        splitter.setStretchFactor(0, 1)
        self.held_hint = QLabel("The queue is paused. Go on lets it run.", wordWrap=True, margin=6)
        self.held_hint.hide()
        column.addWidget(self.bar)
        column.addWidget(self.held_hint)
        column.addWidget(splitter, 1)
        self._connect()
        self._update()

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName("Queue")
        view.setModel(self._controller.queue)
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
            self, "Pause all", "pause_circle_outline", "Ctrl+Shift+P", "Let nothing run for now", checkable=True
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
        queue = self._controller.queue
        queue.rowsInserted.connect(self._scroll_to_newest)
        queue.rowsInserted.connect(self._forget_there)
        queue.rowsInserted.connect(self._update)
        queue.rowsRemoved.connect(self._update)
        self._controller.state_changed.connect(self._update)
        self.list.selectionModel().selectionChanged.connect(self._update)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.pause_all_action.toggled.connect(self._hold)
        for action, states, call in (
            (self.pause_action, _CAN_PAUSE, self._controller.pause),
            (self.resume_action, _CAN_RESUME, self._controller.resume),
            (self.cancel_action, _CAN_CANCEL, self._controller.cancel),
        ):
            action.triggered.connect(
                lambda _checked=False, states=states, call=call: self._each(self._in_hand(states), call)
            )
        self.retry_action.triggered.connect(lambda: self._each(self.selected(), self._controller.retry))
        self.remove_action.triggered.connect(lambda: self._each(self.selected(), self._controller.remove))
        self.up_action.triggered.connect(lambda: self._shift(-1))
        self.down_action.triggered.connect(lambda: self._shift(1))
        self.clear_action.triggered.connect(self._clear)

    def follow(self, keeper: QueueKeeper) -> None:
        """Show what the keeper finds."""
        keeper.there.connect(self._say_there)
        self.others.follow(keeper)

    @Slot(int)
    def _say_there(self, pictures: int) -> None:
        """A job went on, and some of it needed not be rendered: say so where nothing else is to be seen of it."""
        self._there += pictures
        which = "The picture was" if self._there == 1 else f"{self._there} pictures were"
        self.hint.setText(f"{which} there already, and not rendered again.\n\nTo make one anew, see the gallery.")

    @Slot()
    def _forget_there(self) -> None:
        self._there = 0
        self.hint.setText(_NOTHING)

    def selected(self) -> list[Run]:
        """The selected runs."""
        runs = [self._controller.queue.run_at(index) for index in self.list.selectedIndexes()]
        return [run for run in runs if run is not None]

    def message(self, run: Run) -> str:
        """What there is to say of a run that has no picture yet."""
        if run.state is State.WAITING and self._controller.held:
            return "The queue is paused. Choose Go on there, and this is rendered when its turn comes."
        return run.reason or ("Starting …" if run.state is State.RUNNING else describe(run))

    def begun(self) -> list[Run]:
        """What actions are for where nothing is chosen: the run that is under way, then those that are paused."""
        running = self._controller.running
        paused = [run for run in self._controller.queue if run is not running and run.state is State.PAUSED]
        return [running, *paused] if running is not None else paused

    def stop(self) -> None:
        """Stop the first of them; what was reached is kept."""
        for run in self.begun()[:1]:
            self._controller.cancel(run)

    def _in_hand(self, states: tuple[State, ...]) -> list[Run]:
        """The selected runs in these states; where no selected one can still change, the first that has begun."""
        chosen = [run for run in self.selected() if not run.state.finished]
        if chosen:
            return [run for run in chosen if run.state in states]
        return [run for run in self.begun() if run.state in states][:1]

    def _each(self, runs: list[Run], call: Callable[[Run], object]) -> None:
        for run in runs:
            call(run)
        self._update()

    def _shift(self, by: int) -> None:
        queue = self._controller.queue
        run = self.selected()[0]
        row = queue.index_of(run).row()
        target = row + by
        if 0 <= target < queue.rowCount():
            queue.move([run], target if by < 0 else target + 1)
        self._update()

    def _clear(self) -> None:
        for run in [run for run in self._controller.queue if run.state.finished]:
            self._controller.remove(run)

    def _hold(self, held: bool) -> None:
        self._controller.hold(held)
        self.pause_all_action.setText("Go on" if held else "Pause all")
        self.pause_all_action.setIcon(icon("play_circle_outline" if held else "pause_circle_outline"))
        self.held_hint.setVisible(held)
        self._update()

    def _choose(self, index: QModelIndex) -> None:
        run = self._controller.queue.run_at(index)
        if run is not None:
            self.run_chosen.emit(run)

    def _scroll_to_newest(self) -> None:
        self.list.scrollToBottom()

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.run_actions)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.list.viewport().mapToGlobal(place))

    def _update(self) -> None:
        runs = self.selected()
        states = {run.state for run in runs}
        self.pause_action.setEnabled(bool(self._in_hand(_CAN_PAUSE)))
        self.resume_action.setEnabled(bool(self._in_hand(_CAN_RESUME)))
        self.cancel_action.setEnabled(bool(self._in_hand(_CAN_CANCEL)))
        self.retry_action.setEnabled(any(state.finished for state in states))
        self.remove_action.setEnabled(any(run.state.finished or run.state is State.WAITING for run in runs))
        moves = len(runs) == 1 and runs[0].state is State.WAITING
        self.up_action.setEnabled(moves)
        self.down_action.setEnabled(moves)
        self.clear_action.setEnabled(any(run.state.finished for run in self._controller.queue))
        self.hint.setVisible(self._controller.queue.rowCount() == 0)
