from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.closing import confirm_close, stops_with_window, what_becomes_of
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER


def run(folder: Path | None, state: Status = Status.RUNNING) -> Run:
    made = Run(1, Job(model="demo", targets=(Unit(layer=LAYER, index=1),)), folder)
    made.state = state
    return made


def test_it_says_that_pictures_under_way_begin_again(tmp_path: Path) -> None:
    assert "those begin from their start" in what_becomes_of([run(tmp_path), run(None)])


def test_it_does_not_promise_what_is_not_kept(tmp_path: Path) -> None:
    assert "Pictures that you have not saved are lost" in what_becomes_of([run(tmp_path, Status.DONE), run(None)])


@pytest.mark.parametrize("button", [QMessageBox.StandardButton.Close, QMessageBox.StandardButton.Cancel])
def test_only_close_closes(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, button: QMessageBox.StandardButton) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: button)
    assert confirm_close(parent, [run(None)]) is (button == QMessageBox.StandardButton.Close)


def test_a_job_that_a_head_renders_goes_on(tmp_path: Path) -> None:
    elsewhere = run(tmp_path, Status.WAITING)
    elsewhere.place = "ray:h:1"
    assert not stops_with_window(elsewhere)
    assert what_becomes_of([run(tmp_path), elsewhere]).endswith(" What runs on ray:h:1 goes on.")
    assert stops_with_window(run(tmp_path))
    assert not stops_with_window(run(tmp_path, Status.DONE))
    # Its last group in this window.
    elsewhere.state = Status.RUNNING
    assert stops_with_window(elsewhere)
