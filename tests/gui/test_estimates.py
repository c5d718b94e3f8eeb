"""What the window foresees of a render, without rendering."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.cost import Cost
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

SETTINGS = make_settings(iterations=100, device="cpu")
COST = Cost(fixed=0.01, per_picture=0.04, shallow=0.5, picture_bytes=2**20)
FIRST = "visual.conv1"


@pytest.fixture
def known(window: MainWindow) -> MainWindow:
    """A window that knows the cost of `SETTINGS`: half of a step is the picture's, half the network's."""
    window.controller.worker.measured.emit(SETTINGS, COST, 8)
    return window


def test_a_range_is_foreseen_until_a_run_has_shown_the_pace(known: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: known.estimates.foreseen(1, None, SETTINGS) is not None)
    least, most = known.estimates.foreseen(8, None, SETTINGS) or (0.0, 0.0)
    assert least < 100 * (0.01 + 8 * 0.04) < most
    text = known.estimates.text(8, None, SETTINGS)
    assert text == "8 pictures: about 29 s to 50 s, 8 MB besides the model"


def test_a_picture_of_the_first_layer_still_has_to_be_drawn(known: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: known.estimates.foreseen(1, None, SETTINGS) is not None)
    (near, _), (far, _) = (known.estimates.foreseen(80, layer, SETTINGS) or (0.0, 0.0) for layer in (FIRST, None))
    assert 0.5 < near / far < 0.6


@pytest.mark.parametrize(("seconds", "text"), [(66.5, "about 1 min 6 s, "), (1.0, "about 29 s to 50 s, ")])
def test_a_run_that_lasted_tells_how_long_the_next_takes(
    known: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, seconds: float, text: str
) -> None:
    qtbot.waitUntil(lambda: known.estimates.foreseen(1, None, SETTINGS) is not None)
    assert known.session.model is not None
    layer = known.session.model.tree.info.name
    run = Run(1, Job(model="demo", targets=tuple(Unit(layer=layer, index=i) for i in range(8)), settings=SETTINGS))
    run.state = Status.DONE
    monkeypatch.setattr(Run, "busy_seconds", seconds)
    monkeypatch.setattr(Run, "missing", lambda _: [])
    known.controller.state_changed.emit(run)
    assert text in known.estimates.text(8, None, SETTINGS)
