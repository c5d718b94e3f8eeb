import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.sliders import Slider

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def slider(qtbot: QtBot) -> Slider:
    slider = Slider()
    slider.setRange(0, 100)
    slider.resize(400, 24)
    qtbot.addWidget(slider)
    slider.show()
    return slider


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.8, 1.0])
def test_a_slider_goes_where_it_is_clicked(slider: Slider, qtbot: QtBot, share: float) -> None:
    slider.setValue(10 if share else 90)
    qtbot.mouseClick(slider, LEFT, pos=QPoint(round(share * (slider.width() - 1)), slider.height() // 2))
    assert slider.value() == pytest.approx(100 * share, abs=3)


def test_it_is_dragged_on_from_there(slider: Slider, qtbot: QtBot) -> None:
    middle = slider.height() // 2
    qtbot.mousePress(slider, LEFT, pos=QPoint(200, middle))
    qtbot.mouseMove(slider, QPoint(300, middle))
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(300, middle))
    assert slider.value() == pytest.approx(75, abs=3)


def test_a_click_on_the_handle_moves_nothing(slider: Slider, qtbot: QtBot) -> None:
    slider.setValue(50)
    qtbot.mouseClick(slider, LEFT, pos=QPoint(slider.width() // 2 + 2, slider.height() // 2))
    assert slider.value() == 50
