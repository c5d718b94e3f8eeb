"""Many pictures are not cancelled by a key that was hit by mistake."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.gui.item_models.queue import QueueModel
from clipdesk.gui.panels.cancel_question import MOST_UNASKED
from clipdesk.gui.panels.others import OthersPanel
from clipdesk.gui.panels.queue import QueuePanel
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status, Wish
from clipdesk.jobs.store import JobStore
from clipdesk.render.targets import Unit

YES, NO = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No


class Asked:
    """Answers the question, and keeps what was said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer = NO
        self.texts: list[str] = []
        monkeypatch.setattr(QMessageBox, "question", self._ask)

    def _ask(self, _parent: object, _title: str, text: str, *_buttons: object) -> QMessageBox.StandardButton:
        self.texts.append(text)
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def job(count: int) -> Job:
    return Job(model="demo", targets=tuple(Unit(layer="visual.conv1", index=i) for i in range(count)))


def panel_of(qtbot: QtBot, count: int, state: Status = Status.RUNNING) -> tuple[QueuePanel, list[str]]:
    """A queue with one job, selected, and what is asked of it."""
    queue = QueueModel()
    panel = QueuePanel(queue)
    qtbot.addWidget(panel)
    queue.setParent(panel)
    run = Run(1, job(count))
    run.state = state
    queue.add(run)
    panel.list.setCurrentIndex(queue.index(0, 0))
    heard: list[str] = []
    panel.cancel_asked.connect(lambda _: heard.append("cancel"))
    panel.remove_asked.connect(lambda _: heard.append("remove"))
    return panel, heard


@pytest.mark.parametrize("way", ["cancel", "remove", "stop"])
def test_many_pictures_are_cancelled_only_if_that_is_meant(qtbot: QtBot, asked: Asked, way: str) -> None:
    state = Status.WAITING if way == "remove" else Status.RUNNING
    panel, heard = panel_of(qtbot, MOST_UNASKED + 1, state)
    end = {"cancel": panel.cancel_action.trigger, "remove": panel.remove_action.trigger, "stop": panel.stop}[way]
    end()
    assert heard == []
    asked.answer = YES
    end()
    assert heard == ["remove" if way == "remove" else "cancel"]
    assert len(asked.texts) == 2
    assert asked.texts[0].startswith(f"{MOST_UNASKED + 1} pictures are not finished.")


def test_a_few_pictures_and_finished_ones_are_ended_without_a_question(qtbot: QtBot, asked: Asked) -> None:
    panel, heard = panel_of(qtbot, MOST_UNASKED)
    panel.cancel_action.trigger()
    panel, finished = panel_of(qtbot, 1000, Status.DONE)
    panel.remove_action.trigger()
    assert (heard, finished, asked.texts) == (["cancel"], ["remove"], [])


def test_many_pictures_of_another_program_are_cancelled_only_if_that_is_meant(
    qtbot: QtBot, asked: Asked, tmp_path: Path
) -> None:
    store = JobStore(None)
    number = store.add(job(MOST_UNASKED + 1), tmp_path)
    panel = OthersPanel()
    qtbot.addWidget(panel)
    panel.show_jobs(store.jobs())
    panel.list.setCurrentIndex(panel.model.index(0))
    wishes: list[tuple[int, Wish]] = []
    panel.wish_asked.connect(lambda job, wish: wishes.append((job, wish)))
    panel.pause_action.trigger()
    panel.cancel_action.trigger()
    assert wishes == [(number, Wish.PAUSE)]
    asked.answer = YES
    panel.cancel_action.trigger()
    assert wishes[1:] == [(number, Wish.CANCEL)]
    store.close()
