"""The bars over the canvas: what went wrong and what to do next, and the offer to go on with earlier jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPushButton, QScrollArea, QToolButton, QWidget
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.plain import plain_label
from clipdesk.gui.problems import Problem, problem_text
from clipdesk.gui.theme import error_color
from clipdesk.gui.words import breakable, describe_left, unbroken

if TYPE_CHECKING:
    from clipdesk.jobs.stored import StoredJob

_LEAST_WIDTH = 120
_MOST_LINES = 4


class _Lines(QScrollArea):
    """A label of a few lines; a longer text is scrolled, so that it leaves room for the canvas below.

    Args:
        name: What a screen reader calls it; empty for its text alone.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(widgetResizable=True)
        self._label = plain_label(wrap=True)
        self._label.setAccessibleName(name)
        self._label.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.setWidget(self._label)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self._label.setAutoFillBackground(False)
        # A label that wraps its words asks for the width of a long line, and the window would grow off the screen.
        self.setMinimumWidth(_LEAST_WIDTH)

    def text(self) -> str:
        """The text."""
        return self._label.text()

    def show_text(self, text: str) -> None:
        """Show a text from its beginning."""
        self._label.setText(breakable(text))
        self.verticalScrollBar().setValue(0)
        self._fit()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        most = _MOST_LINES * self.fontMetrics().lineSpacing()
        # Of no text it is -1.
        self.setFixedHeight(min(max(self._label.heightForWidth(self.viewport().width()), 0), most))


class _Bar(QWidget):
    """A bar that says where the keyboard was, when it goes.

    Signals:
        left: The bar goes, and has the keyboard; Qt would give it to whatever comes next.
    """

    left = Signal()

    def leave(self) -> None:
        """Hide the bar."""
        holder = QApplication.focusWidget()
        if holder is not None and self.isAncestorOf(holder):
            self.left.emit()
        self.hide()


class NoticeBar(_Bar):
    """Shows the latest problem and counts the older ones.

    Signals:
        log_asked: The user wants to see the log.
    """

    log_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._problem: Problem | None = None
        self._count = 0
        self.setAutoFillBackground(True)
        self._text = _Lines("Problem")
        self.copy_button = QPushButton("Copy details")
        self.copy_button.clicked.connect(self.copy)
        self._log_button = QPushButton("Show log")
        self._log_button.clicked.connect(self.log_asked)
        self.close_button = QToolButton(autoRaise=True)
        self.close_button.setIcon(icon("close"))
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.setToolTip("Dismiss")
        self.close_button.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addWidget(self._text, 1)
        for widget in (self.copy_button, self._log_button, self.close_button):
            row.addWidget(widget)
        self.hide()

    @Slot(object)
    def show_problem(self, problem: Problem) -> None:
        """Show a problem; one that is shown already is not counted twice."""
        if self._problem is not None and self._problem.message == problem.message:
            return
        self._count = self._count + 1 if self._problem is not None else 1
        self._problem = problem
        more = f"  ({self._count - 1} earlier)" if self._count > 1 else ""
        self._text.show_text(f"{problem.message}{more}")
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.WindowText, error_color(QGuiApplication.palette()))
        palette.setColor(QPalette.ColorRole.Window, QGuiApplication.palette().color(QPalette.ColorRole.AlternateBase))
        self.setPalette(palette)
        self.show()

    @property
    def message(self) -> str:
        """The problem that is shown; empty if there is none."""
        return unbroken(self._text.text()) if not self.isHidden() else ""

    def copy(self) -> None:
        """Put the problem and its details on the clipboard."""
        if self._problem is not None:
            QGuiApplication.clipboard().setText(problem_text(self._problem))

    @Slot()
    def settle(self) -> None:
        """A model is open: hide the problem if it was that none could be opened."""
        if self._problem is not None and self._problem.opening:
            self.dismiss()

    def dismiss(self) -> None:
        """Hide the problem."""
        self._problem, self._count = None, 0
        self.leave()


class UndoBar(_Bar):
    """Says what was just done, and offers to take it back.

    Signals:
        undo_asked: The user wants it undone.
        dismissed: The user does not want to see the bar any more.
    """

    undo_asked = Signal()
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self._text = _Lines()
        self.undo_button = QPushButton("Undo")
        self.undo_button.clicked.connect(self.undo_asked)
        self.close_button = QToolButton(autoRaise=True)
        self.close_button.setIcon(icon("close"))
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.setToolTip("Dismiss")
        self.close_button.clicked.connect(self.dismissed)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 6, 4)
        row.addWidget(self._text, 1)
        row.addWidget(self.undo_button)
        row.addWidget(self.close_button)
        self.hide()

    @property
    def message(self) -> str:
        """What was done; empty if nothing is offered."""
        return unbroken(self._text.text()) if not self.isHidden() else ""

    def offer(self, text: str) -> None:
        """Say what was done."""
        self._text.show_text(text)
        self.show()


class OfferBar(_Bar):
    """Offers to go on with the jobs that an earlier window did not finish.

    Signals:
        go_on_asked: The user wants to render them.
        drop_asked: The user wants to cancel them.
    """

    go_on_asked = Signal()
    drop_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.AlternateBase)
        self._text = _Lines()
        self.go_on = QPushButton("Go on")
        self.drop = QPushButton("Drop them")
        self.later = QPushButton("Not now")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.addWidget(self._text, 1)
        for button in (self.go_on, self.drop, self.later):
            button.clicked.connect(self.leave)
            row.addWidget(button)
        self.go_on.clicked.connect(self.go_on_asked)
        self.drop.clicked.connect(self.drop_asked)
        self.hide()

    @Slot(list)
    def offer(self, left: list[StoredJob]) -> None:
        """Say which jobs are not finished, and how many of their pictures."""
        self._text.show_text(describe_left(left))
        self.show()
