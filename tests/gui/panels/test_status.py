from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.status import StatusBar
from clipdesk.gui.runs import Run
from clipdesk.jobs.job import Job
from clipdesk.jobs.status import Status
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit


def test_it_says_how_far_a_job_is(qtbot: QtBot) -> None:
    status = StatusBar()
    qtbot.addWidget(status)
    status.show()
    bar = status.findChild(QProgressBar)
    assert bar is not None
    assert not bar.isVisible()
    targets = (Unit(layer="layer", index=1), Unit(layer="layer", index=2))
    run = Run(1, Job(model="demo", targets=targets, settings=make_settings(iterations=100)))
    run.begin()
    run.advance(targets, 25, 50)
    status.show_state(run)
    assert bar.isVisible()
    assert bar.value() == bar.maximum() // 4
    assert status.progress.text().startswith("layer:1 and 1 more: ")
    assert status.progress.text().endswith(" left")
    assert "step" not in status.progress.text()
    run.rest(Status.PAUSED)
    status.show_state(run)
    assert status.progress.text() == "layer:1 and 1 more: paused, step 25 of 100"
    status.say("Saved")
    assert status.currentMessage() == "Saved"
