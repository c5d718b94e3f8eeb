"""The queue: what was asked for in this session, how far it is, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QMenu,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolBar,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.controller import RenderController
from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.queue import RUN_ROLE
from clipdesk.gui.runs import Run, State
from clipdesk.gui.theme import error_color

_PAD = 6


class _RunDelegate(QStyledItemDelegate):
    """A title, a bar, and a line that says how far it is."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]
        return QSize(120, 2 * option.fontMetrics.height() + 3 * _PAD + 4)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # type: ignore[override]
        run = index.data(RUN_ROLE)
        if not isinstance(run, Run):
            return
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        palette, line = option.palette, option.fontMetrics.height()
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        area = option.rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        painter.save()
        painter.setPen(palette.color(role))
        title = QRect(area.left(), area.top(), area.width(), line)
        elided = option.fontMetrics.elidedText(run.title, Qt.TextElideMode.ElideLeft, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        self._paint_bar(painter, run, QRect(area.left(), title.bottom() + _PAD // 2 + 1, area.width(), 4), palette)
        below = QRect(area.left(), area.bottom() - line + 1, area.width(), line)
        if not chosen:
            wrong = run.state is State.FAILED
            painter.setPen(error_color(palette) if wrong else palette.color(QPalette.ColorRole.PlaceholderText))
        elided = option.fontMetrics.elidedText(describe(run), Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    @staticmethod
    def _paint_bar(painter: QPainter, run: Run, bar: QRect, palette: QPalette) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(palette.color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(bar, 2, 2)
        color = palette.color(QPalette.ColorRole.Highlight)
        if run.state is State.FAILED:
            color = error_color(palette)
        elif run.state is not State.RUNNING:
            color = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setBrush(color)
        painter.drawRoundedRect(QRect(bar.topLeft(), QSize(round(bar.width() * run.share), bar.height())), 2, 2)
        painter.restore()


class QueuePanel(QWidget):
    """The controller's queue with its buttons.

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
        hint = QLabel(
            "Nothing was rendered yet.\n\nDrag neurons here, or choose Add to batch.",
            alignment=Qt.AlignmentFlag.AlignCenter,
            wordWrap=True,
        )
        hint.setMargin(16)
        self._body = QWidget()
        self._pages = QStackedLayout(self._body)
        self._pages.setStackingMode(QStackedLayout.StackingMode.StackAll)
        hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._hint = hint
        self._pages.addWidget(self.list)
        self._pages.addWidget(hint)
        self._pages.setCurrentWidget(hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._body, 1)
        self._connect()
        self._update()

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName("Queue")
        view.setModel(self._controller.queue)
        view.setItemDelegate(_RunDelegate(view))
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
        queue.rowsInserted.connect(self._update)
        queue.rowsRemoved.connect(self._update)
        self._controller.state_changed.connect(self._update)
        self.list.selectionModel().selectionChanged.connect(self._update)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.pause_all_action.toggled.connect(self._hold)
        for action, call in (
            (self.pause_action, self._controller.pause),
            (self.resume_action, self._controller.resume),
            (self.cancel_action, self._controller.cancel),
            (self.retry_action, self._controller.retry),
            (self.remove_action, self._controller.remove),
        ):
            action.triggered.connect(lambda _checked=False, call=call: self._each(call))
        self.up_action.triggered.connect(lambda: self._shift(-1))
        self.down_action.triggered.connect(lambda: self._shift(1))
        self.clear_action.triggered.connect(self._clear)

    def selected(self) -> list[Run]:
        """The selected runs; where none is, the one that runs."""
        runs = [self._controller.queue.run_at(index) for index in self.list.selectedIndexes()]
        found = [run for run in runs if run is not None]
        return found or ([self._controller.running] if self._controller.running else [])

    def _each(self, call: object) -> None:
        for run in self.selected():
            call(run)  # type: ignore[operator]
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
        self.pause_action.setEnabled(bool(states & {State.RUNNING, State.WAITING}))
        self.resume_action.setEnabled(State.PAUSED in states)
        self.cancel_action.setEnabled(bool(states & {State.RUNNING, State.WAITING, State.PAUSED}))
        self.retry_action.setEnabled(any(state.finished for state in states))
        self.remove_action.setEnabled(any(run.state.finished or run.state is State.WAITING for run in runs))
        moves = len(runs) == 1 and runs[0].state is State.WAITING
        self.up_action.setEnabled(moves)
        self.down_action.setEnabled(moves)
        self.clear_action.setEnabled(any(run.state.finished for run in self._controller.queue))
        self._hint.setVisible(self._controller.queue.rowCount() == 0)


def describe(run: Run) -> str:
    """A run's state in a line."""
    count = len(run.tracks)
    if run.state is State.FAILED:
        return f"failed: {run.reason}"
    if run.state is State.WAITING:
        return f"waiting, {count} picture{'s' if count > 1 else ''}"
    if run.state in (State.DONE, State.STOPPED):
        made = sum(1 for track in run.tracks.values() if track.result)
        return f"{run.state.value}, {made} of {count} pictures" if count > 1 else run.state.value
    step = f"step {run.step} of {run.job.settings.iterations}"
    first = run.ended - len(run.current) + run.under_way + 1
    last = first + len(run.current) - 1
    which = f"picture {first}" if first == last else f"pictures {first}-{last}"
    group = f"{which} of {count}, " if count > len(run.current) else ""
    if run.state is State.PAUSED:
        return f"paused, {group}{step}" if run.current else "paused"
    if not run.current:
        return "starting …"
    left = run.seconds_left
    rest = "" if left is None else f", {duration(left)} left"
    return f"{group}{step}, {run.steps_per_second:.1f} steps/s{rest}"


def duration(seconds: float) -> str:
    """Seconds in words: ``45 s``, ``3 min 5 s``, ``2 h 10 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
