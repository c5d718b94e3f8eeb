from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from clipdesk.gui.commands import enable_while
from clipdesk.gui.preferences import Preferences
from clipdesk.gui.problems import Problem
from clipdesk.gui.runs import Run
from clipdesk.gui.session import Session
from clipdesk.jobs.job import Job
from clipdesk.render.targets import Unit


@pytest.fixture
def session(settings: QSettings) -> Iterator[Session]:
    session = Session(Preferences(settings))
    yield session
    session.deleteLater()


def test_a_change_is_told_at_once_and_many_changes_settle_once(session: Session, qtbot: QtBot) -> None:
    told: list[str] = []
    session.changed.connect(lambda: told.append("changed"))
    session.settled.connect(lambda: told.append("settled"))
    for _ in range(3):
        session.touch()
    assert told == ["changed"] * 3
    qtbot.waitUntil(lambda: "settled" in told)
    assert told == ["changed"] * 3 + ["settled"]


def test_a_run_is_watched_until_another_one_is(session: Session) -> None:
    job = Job(model="demo", targets=(Unit(layer="layer", index=1),))
    first, second = Run(1, job), Run(2, job)
    watched: list[Run | None] = []
    session.watched_changed.connect(watched.append)
    for run in (first, first, second, None):
        session.watch(run)
    assert watched == [first, second, None]
    assert session.watched is None


def test_the_results_folder_is_kept_in_the_preferences(session: Session, tmp_path: Path) -> None:
    folders: list[Path] = []
    session.folder_changed.connect(folders.append)
    session.use_folder(tmp_path)
    assert folders == [tmp_path]
    assert session.preferences.folder == tmp_path


def test_lines_and_problems_are_passed_on(session: Session) -> None:
    heard: list[object] = []
    session.said.connect(heard.append)
    session.problem.connect(heard.append)
    session.say("Saved")
    session.complain(Problem("It is full"))
    assert heard == ["Saved", Problem("It is full")]


def test_an_action_is_enabled_exactly_while_its_condition_holds(session: Session) -> None:
    holds = {"render": True, "save": False}
    render, save = QAction("Render", session), QAction("Save", session)
    enable_while(session, {render: lambda: holds["render"], save: lambda: holds["save"]})
    session.touch()
    assert (render.isEnabled(), save.isEnabled()) == (True, False)
    holds.update(render=False, save=True)
    session.touch()
    assert (render.isEnabled(), save.isEnabled()) == (False, True)
