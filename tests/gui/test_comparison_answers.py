"""Answers of comparisons that come too late, as of one that is not shown any more; and comparisons that are damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.errors import UsageError
from clipdesk.gui.comparisons import asked as comparisons_asked
from clipdesk.gui.comparisons.asked import AskedComparison
from clipdesk.gui.comparisons.data import Changed, Layers, Listed
from clipdesk.gui.comparisons.desk import ComparisonDesk
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.surveys.data import Word
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from tests.gui.conftest import until
from tests.gui.surveys.conftest import images, scenes_words
from tests.gui.test_comparisons import changed, compare

__all__ = ["changed", "images", "scenes_words"]

SETTINGS = make_settings("draft", iterations=3)


class Rendering:
    """Renders no more than steps, each when it may; says what has become of each render."""

    def __init__(self) -> None:
        self.may = threading.Semaphore(0)
        self.log: list[str] = []

    def rendered(self, place: int, _settings: RenderSettings, progress: Callable[[int, int], None]) -> None:
        self.log.append(f"{place} begins")
        for step in range(1, 3):
            assert self.may.acquire(timeout=60)
            try:
                progress(step, 2)
            except BaseException:
                self.log.append(f"{place} is given up")
                raise
        self.log.append(f"{place} is whole")


@pytest.fixture
def asked() -> Rendering:
    return Rendering()


@pytest.fixture
def desk(asked: Rendering, qtbot: QtBot) -> Iterator[ComparisonDesk]:
    desk = ComparisonDesk()
    desk.current = cast("AskedComparison", asked)
    yield desk
    asked.may.release(8)
    assert desk.close()
    desk.deleteLater()


def test_a_second_render_ends_the_first_that_was_given_up(desk: ComparisonDesk, asked: Rendering, qtbot: QtBot) -> None:
    told: list[tuple[int, float]] = []
    ended: list[int] = []
    desk.rendering.connect(lambda _, place, share: told.append((place, share)))
    desk.rendered.connect(lambda _, place, __: ended.append(place))
    desk.ask_render(1, SETTINGS)
    until(qtbot, lambda: asked.log == ["1 begins"])
    desk.stop_render()
    desk.ask_render(2, SETTINGS)
    # The first comes to its next step only now.
    asked.may.release(3)
    until(qtbot, lambda: ended == [2])
    assert asked.log == ["1 begins", "1 is given up", "2 begins", "2 is whole"]
    assert told == [(2, 0.5), (2, 1.0)]


def test_a_step_that_is_told_as_its_render_is_given_up_is_not_shown(
    desk: ComparisonDesk, asked: Rendering, qtbot: QtBot
) -> None:
    told: list[float] = []
    ended: list[object] = []
    desk.rendering.connect(lambda _, __, share: told.append(share))
    desk.rendered.connect(lambda _, __, triple: ended.append(triple))
    steps = threading.Event()
    desk._told.connect(lambda *_: steps.set(), type=Qt.ConnectionType.DirectConnection)
    desk.ask_render(1, SETTINGS)
    asked.may.release()
    assert steps.wait(60), "the step is on its way to this thread"
    desk.stop_render()
    asked.may.release()
    until(qtbot, lambda: ended == [None])
    assert told == []


def test_what_comes_of_another_unit_or_comparison_is_not_shown(
    changed: Path,
    images: Path,
    scenes_words: None,
    window: MainWindow,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AskedComparison, "read_words", lambda *_: None)
    monkeypatch.setattr(AskedComparison, "words", lambda *_: ((Word("red", 0.9, False),),) * 2)
    compare(window, qtbot, changed, images)
    desk, unit = window.comparisons.desk, window.comparisons.page.unit
    until(qtbot, lambda: "red" in unit.halves[1].words.label.text())
    current, other = desk.current, object()
    assert unit.changed is not None
    place = unit.changed.place
    for asked, at in ((other, place), (current, place + 1)):
        desk.worded.emit(asked, at, ((Word("old", 0.9, False),),) * 2)
        desk.answered.emit(asked, at, ())
        desk.rendering.emit(asked, at, 0.5)
        assert "red" in unit.halves[1].words.label.text()
        assert unit.halves[1].title.isVisible()
        assert unit.button.isVisible()
    desk.rendering.emit(current, place, 0.5)
    assert unit.progress.value() == 50
    assert unit.stop_button.isVisible()


class Opened:
    """A comparison that is sound."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self) -> list[Changed]:
        return []

    def layers(self) -> Layers:
        return Layers((), (), ())


def test_a_damaged_comparison_is_said_and_another_one_is_shown(
    desk: ComparisonDesk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_sound(folder: Path) -> Opened:
        if "damaged" in folder.name:
            raise UsageError(f"The comparison in {folder} is damaged")
        return Opened(folder)

    desk.current = None
    folders = [Path("damaged"), Path("sound"), Path("damaged too")]
    monkeypatch.setattr(comparisons_asked, "comparisons_of", lambda _: [(folder, None) for folder in folders])
    monkeypatch.setattr(comparisons_asked, "listed", lambda found: [Listed(path, path.name) for path, _ in found])
    monkeypatch.setattr(AskedComparison, "open", open_sound)
    said: list[str] = []
    desk.failed.connect(lambda problem: said.append(problem.message))
    desk.listed.connect(lambda found: said.append(", ".join(each.name for each in found)))
    desk.opened.connect(lambda asked, *_: said.append(f"opened {asked.folder}"))
    desk.look("weights")
    until(qtbot, lambda: len(said) == 3)
    assert said == ["The comparison in damaged is damaged", "damaged, sound, damaged too", "opened sound"]
    said.clear()
    shown = desk.current
    desk.look("weights", Path("damaged too"))
    until(qtbot, lambda: len(said) == 2)
    assert said == ["The comparison in damaged too is damaged", "damaged, sound, damaged too"]
    assert desk.current is shown
