"""What the window foresees of a render, without rendering."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.models.names import parse_name
from clipdesk.render.cost import Cost
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

SETTINGS = make_settings(iterations=100, device="cpu")
COST = Cost(fixed=0.01, per_picture=0.04, shallow=0.5, picture_bytes=2**20)
FIRST = "visual.conv1"


@pytest.fixture
def known(window: MainWindow) -> MainWindow:
    """A window that knows the cost of `SETTINGS`: half of a step is the picture's, half the network's."""
    window.controller.worker.measured.emit(window.session.model_name, SETTINGS, COST, 8)
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
    known.controller.state_changed.emit(ended_run(known, seconds, monkeypatch))
    assert text in known.estimates.text(8, None, SETTINGS)


def ended_run(window: MainWindow, seconds: float, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of the window's model that is done."""
    model = window.session.model
    assert model is not None
    layer = model.tree.info.name
    run = Run(1, Job(model=model.name, targets=tuple(Unit(layer=layer, index=i) for i in range(8)), settings=SETTINGS))
    run.state = Status.DONE
    monkeypatch.setattr(Run, "busy_seconds", seconds)
    monkeypatch.setattr(Run, "missing", lambda _: [])
    return run


def test_what_is_found_of_a_model_is_not_taken_for_the_one_that_is_open_now(
    known: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, estimates = known.session.model, known.estimates
    assert first is not None
    run = ended_run(known, 66.5, monkeypatch)
    other = replace(first, name=parse_name("demo"))
    estimates.show_model(other)
    # What was asked for before, and comes only now.
    known.controller.worker.measured.emit(first.name, SETTINGS, COST, 8)
    known.controller.state_changed.emit(run)
    assert estimates.foreseen(8, None, SETTINGS) is None
    known.controller.worker.measured.emit(other.name, SETTINGS, COST, 8)
    assert "about 29 s to 50 s, " in estimates.text(8, None, SETTINGS)
    estimates.show_model(first)
    assert "about 1 min 6 s, " in estimates.text(8, None, SETTINGS)
