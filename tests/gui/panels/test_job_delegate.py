import pytest
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QListView, QStyleFactory
from pytestqt.qtbot import QtBot

from clipdesk.gui.item_models.jobs import ACTIVE, DETAIL_ROLE, QUIET, SHARE_ROLE, TONE_ROLE, WRONG
from clipdesk.gui.panels.job_delegate import JobDelegate
from clipdesk.gui.theme import DARK, LIGHT, palette_of


@pytest.fixture
def job() -> QStandardItem:
    """Half done; without words, so that there is only the bar to see."""
    item = QStandardItem("")
    item.setData("", DETAIL_ROLE)
    item.setData(0.5, SHARE_ROLE)
    return item


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("tone", [ACTIVE, WRONG, QUIET])
def test_the_done_part_stands_out_in_a_chosen_job(qtbot: QtBot, job: QStandardItem, tone: str, theme: str) -> None:
    job.setData(tone, TONE_ROLE)
    view = QListView()
    qtbot.addWidget(view)
    model = QStandardItemModel(view)
    model.appendRow(job)
    style = QStyleFactory.create("Fusion")
    style.setParent(view)
    view.setStyle(style)
    view.setPalette(palette_of(theme))
    view.setModel(model)
    view.setItemDelegate(JobDelegate(view))
    view.setCurrentIndex(model.index(0, 0))
    view.resize(200, 100)
    view.show()
    row = view.visualRect(model.index(0, 0))
    picture = view.viewport().grab().toImage()

    def contrast(x: int) -> int:
        """How far the bar is from what is behind it."""
        column = [picture.pixelColor(x, y).lightness() for y in range(row.top() + 2, row.bottom() - 1)]
        return max(column) - min(column)

    done, left = contrast(row.width() // 4), contrast(3 * row.width() // 4)
    assert done > 1.5 * left > 30
