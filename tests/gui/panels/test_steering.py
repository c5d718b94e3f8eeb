"""What steers surveys and comparisons: which buttons there are, what is said, and that nothing is pushed aside."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.steering import Steering, in_words, show_only
from clipdesk.gui.surveys.state import Making, State
from clipdesk.jobs.set_work import SurveyWork

JOB = SurveyWork(model="demo", images="/photos")


@pytest.mark.parametrize(
    ("state", "texts", "bar"),
    [
        ("preparing", ["Cancel"], True),
        ("running", ["Pause", "Cancel"], True),
        ("paused", ["Go on", "Cancel"], True),
        ("left", ["Go on", "Drop it"], False),
        ("failed", ["Try again", "Drop it"], False),
    ],
)
def test_there_is_a_button_for_what_can_be_done(qtbot: QtBot, state: State, texts: list[str], bar: bool) -> None:
    steering = Steering("survey")
    qtbot.addWidget(steering)
    steering.show()
    steering.show_making(Making(JOB, state, share=0.25))
    buttons = (steering.pause_button, steering.resume_button, steering.cancel_button)
    assert [button.text() for button in buttons if button.isVisible()] == texts
    assert steering.progress.isVisible() == bar


@pytest.mark.parametrize(
    ("making", "said"),
    [
        (Making(JOB), "Survey of photos: starting …"),
        (Making(JOB, place="local:2", words="Opening photos …"), "Survey of photos: on local:2: Opening photos …"),
        (Making(JOB, "waiting", place="local:2"), "Survey of photos: waiting for local:2"),
        (
            Making(JOB, "waiting", words="no such place", place="moon"),
            "Survey of photos: waiting for moon: no such place",
        ),
        (Making(JOB, "running", 0.25, 30.0), "Survey of photos: 25%, 30 s left, in this window"),
        (Making(JOB, "running", 0.25, place="local:2"), "Survey of photos: 25%, on local:2"),
        (Making(JOB, "paused", 0.25), "Survey of photos: paused at 25%"),
        (
            Making(JOB, "paused", 0.25, words="There is no worker"),
            "Survey of photos: paused at 25%: There is no worker",
        ),
        (Making(JOB, "left"), "The survey of photos is not finished"),
        (Making(JOB, "failed", words="no room"), "The survey of photos failed: no room"),
    ],
)
def test_how_far_it_is_is_a_sentence(making: Making, said: str) -> None:
    assert in_words(making, "Survey of photos", "The survey of photos") == said


def test_what_goes_makes_room_for_what_comes(qtbot: QtBot) -> None:
    """A row that is too wide for a moment makes Qt move the panels beside it, and they stay there."""
    row = QWidget()
    qtbot.addWidget(row)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    comes, goes = QPushButton("A long text of a button"), QPushButton("A long text of a button")
    for button in (comes, goes):
        layout.addWidget(button)
    comes.hide()
    row.show()
    row.resize(row.minimumSizeHint())
    width = row.width()
    show_only((comes,), (comes, goes))
    assert (comes.isVisible(), goes.isVisible()) == (True, False)
    assert row.width() == width
