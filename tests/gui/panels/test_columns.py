import pytest
from PySide6.QtWidgets import QTableWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.columns import SharingHeader

WANTED, LEAST = [0, 100, 50], [80, 40, 30]


@pytest.fixture
def table(qtbot: QtBot) -> QTableWidget:
    table = QTableWidget(1, 3)
    qtbot.addWidget(table)
    table.verticalHeader().hide()
    table.setFrameShape(QTableWidget.Shape.NoFrame)
    table.setHorizontalHeader(SharingHeader(table))
    # The style's depends on the font.
    header(table).setMinimumSectionSize(20)
    header(table).share(0, WANTED, LEAST)
    table.resize(400, 200)
    table.show()
    return table


def header(table: QTableWidget) -> SharingHeader:
    found = table.horizontalHeader()
    assert isinstance(found, SharingHeader)
    return found


def widths(table: QTableWidget, width: int | None = None) -> list[int]:
    if width is not None:
        table.resize(width, 200)
    return [table.columnWidth(column) for column in range(3)]


def test_one_column_takes_what_is_left(table: QTableWidget) -> None:
    assert widths(table) == [250, 100, 50]
    assert widths(table, 300) == [150, 100, 50]


def test_the_others_give_way_first_and_come_back(table: QTableWidget) -> None:
    assert widths(table, 190) == [80, 70, 40]
    assert widths(table, 150) == [80, 40, 30]
    assert widths(table, 400) == [250, 100, 50]


def test_a_view_that_is_too_narrow_scrolls(table: QTableWidget) -> None:
    assert widths(table, 120) == [80, 40, 30]
    assert table.horizontalScrollBar().maximum() > 0


def test_a_column_that_was_dragged_keeps_its_width(table: QTableWidget) -> None:
    header(table).resizeSection(1, 160)
    assert widths(table) == [190, 160, 50]
    assert widths(table, 150) == [80, 40, 30]
    assert widths(table, 400) == [190, 160, 50]
    header(table).resizeSection(2, 25)
    assert widths(table, 145) == [80, 40, 25]


def test_the_one_that_takes_the_rest_cannot_be_dragged(table: QTableWidget) -> None:
    assert header(table).sectionResizeMode(0) is SharingHeader.ResizeMode.Fixed
