"""Saving the animation of what is shown."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.runs import limit_frames
from clipdesk.gui.tracks import KeptFrames
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER, done, run_of, until


def render(window: MainWindow, qtbot: QtBot, count: int) -> None:
    """Render units, and give each run 20 steps, in which unit i is a grey of 10 (step + i)."""
    window.asking.render(tuple(Unit(layer=LAYER, index=i) for i in range(count)))
    until(qtbot, lambda: done(window))
    for i, track in enumerate(run_of(window).tracks.values()):
        track.frames = KeptFrames()
        for step in range(1, 21):
            track.frames.add(step, np.full((64, 64, 3), 10 * (step + i), dtype=np.uint8))
    window.session.touch()


def first_greys(path: Path) -> list[int]:
    greys = []
    with Image.open(path) as image:
        for i in range(3):
            image.seek(i)
            greys.append(round(float(np.asarray(image.convert("L")).mean())))
    return greys


def answer(monkeypatch: pytest.MonkeyPatch, path: Path, chosen: str = "") -> list[str]:
    """Let the dialog be answered; the list then has its formats."""
    asked: list[str] = []

    def ask(_window: object, _title: str, suggestion: str, formats: str) -> tuple[str, str]:
        asked.append(formats)
        assert Path(suggestion).name.startswith("neuron_0_")
        return str(path), chosen or formats.split(";;")[0]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    return asked


def wait_for(window: MainWindow, qtbot: QtBot, message: str) -> None:
    until(qtbot, lambda: window.statusBar().currentMessage() == message)


def test_the_steps_of_the_picture_shown_are_saved(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(window, qtbot, 1)
    for name, chosen, made in (
        ("own.gif", "", "own.gif"),
        ("a.mlp", "", "a.mlp.webp"),
        ("a.mlp", "", "a.mlp-2.webp"),
        ("b", "Animated GIF (*.gif)", "b.gif"),
        ("c", "Video (*.mp4)", "c.mp4"),
    ):
        formats = answer(monkeypatch, tmp_path / name, chosen)
        window.commands.animation.trigger()
        assert "mp4" in formats[0]
        assert window.statusBar().currentMessage() == "Saving the animation …"
        wait_for(window, qtbot, f"Saved {tmp_path / made}")
        if not made.endswith("mp4"):
            assert first_greys(tmp_path / made) == pytest.approx([10, 20, 30], abs=2)


def test_without_pyav_video_is_not_offered(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    render(window, qtbot, 1)
    formats = answer(monkeypatch, tmp_path / "x.mp4")
    window.commands.animation.trigger()
    assert "mp4" not in formats[0]
    until(qtbot, lambda: "pip install 'clipdesk[video]'" in window.notice.message)


def test_several_go_into_a_folder_and_one_alone_into_a_file(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(window, qtbot, 3)
    (tmp_path / "all").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "all"))
    window.commands.animation.trigger()
    wait_for(window, qtbot, f"Saved 3 animations in {tmp_path / 'all'}")
    files = sorted((tmp_path / "all").iterdir())
    assert [path.name.split("_")[1] for path in files] == ["0", "1", "2"]
    assert [first_greys(path)[0] for path in files] == pytest.approx([10, 20, 30], abs=2)
    view = window.canvas.view
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.frame_of(1).center())
    assert [picture.result.target.label for picture in window.animations.pictures()] == [f"{LAYER}:1"]


def test_an_animation_that_cannot_be_made_says_why(window: MainWindow, qtbot: QtBot) -> None:
    action = window.commands.animation
    assert not action.isEnabled()
    assert "Render a picture first" in action.toolTip()
    render(window, qtbot, 1)
    assert action.isEnabled()
    assert "Ctrl+Shift+M" in action.toolTip()
    limit_frames(window.controller.queue, allowed=0)
    window.session.touch()
    assert not action.isEnabled()
    assert "not in memory any more" in action.toolTip()
