import pytest
from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from clipdesk.gui.layout import first_size
from clipdesk.gui.panels.notice import NoticeBar
from clipdesk.gui.problems import Problem


@pytest.mark.parametrize(
    ("screen", "wanted"),
    [((1920, 1040), (1480, 940)), ((1280, 720), (1264, 672)), ((1366, 728), (1350, 680)), ((3840, 900), (1480, 852))],
)
def test_the_first_window_fits_its_screen(screen: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert first_size(QSize(*screen)) == QSize(*wanted)


def test_a_long_problem_does_not_widen_the_window(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.show_problem(Problem("short"))
    width = bar.minimumSizeHint().width()
    bar.show_problem(Problem(f"Cannot write /home/{'somebody/' * 20}neuron.png: not a directory. Choose another place"))
    assert bar.minimumSizeHint().width() <= max(width, 420)
