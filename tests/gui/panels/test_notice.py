import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.notice import NoticeBar
from clipdesk.gui.problems import Problem
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, until

LONG = f"Cannot download ViT-B/32 from https://{'0123456789' * 8}/ViT-B-32.pt: no network. " * 4


def place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("size", [QSize(1280, 720), QSize(1024, 640)])
def test_a_long_message_leaves_picture_and_slider_their_room(window: MainWindow, qtbot: QtBot, size: QSize) -> None:
    window.asking.render((Unit(layer=LAYER, index=1),))
    until(qtbot, lambda: done(window))
    window.resize(size)
    window.session.complain(Problem(LONG))
    qtbot.waitUntil(window.notice.isVisible)
    qtbot.wait(20)
    picture, strip = place(window.canvas.view, window), place(window.canvas.strip, window)
    assert picture.bottom() < strip.top()
    assert window.canvas.view.height() >= window.canvas.view.minimumHeight()
    assert window.notice.message == LONG


def test_a_bar_is_as_high_as_its_message_up_to_four_lines(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.resize(700, 60)
    bar.show_problem(Problem("Short."))
    text, line = bar._text, bar.fontMetrics().lineSpacing()
    qtbot.waitUntil(lambda: text.height() < 2 * line)
    bar.show_problem(Problem(LONG))
    qtbot.waitUntil(lambda: text.height() == 4 * line and text.verticalScrollBar().maximum() > 0)
    bar.dismiss()
    bar.show_problem(Problem("Short."))
    qtbot.waitUntil(lambda: text.height() < 2 * line)
