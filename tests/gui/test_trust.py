"""Checkpoints from anybody, in the window: a refused one leaves what is open; an archive is asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.opening import Opening
from clipdesk.models import trust
from tests.archives import make_archive
from tests.conftest import small_vit
from tests.gui.conftest import LAYER, until


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())


def answer(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> list[str]:
    """Answer the questions of trust; gives the names that were asked about."""
    asked: list[str] = []
    left = list(answers)

    def confirm(_: Opening, name: str) -> bool:
        asked.append(name)
        return left.pop(0)

    monkeypatch.setattr(Opening, "confirm_trust", confirm)
    return asked


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.touch, "it is empty"),
        (Path.mkdir, "is a folder without a checkpoint in it"),
        (lambda path: torch.save({"weight": torch.zeros(3)}, path), "is of another network"),
        (lambda path: torch.save(Path, path), "it holds more than weights"),
        (lambda path: torch.save(small_vit().state_dict() | {"x": torch.zeros(3)}, path), "is no part of a CLIP"),
    ],
)
def test_a_refused_checkpoint_leaves_the_model_that_is_open(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    name = window.session.model_name
    make(tmp_path / "x.pt")
    window.opening.open(str(tmp_path / "x.pt"))
    until(qtbot, lambda: reason in window.notice.message)
    assert window.session.model_name == name
    assert window.architecture.shows_tree
    window.architecture.choose(LAYER)
    assert window.neurons.model.rowCount() == 256


def test_an_archive_is_asked_about_and_no_leaves_the_model_that_is_open(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name, path = answer(monkeypatch, False), window.session.model_name, str(make_archive(tmp_path / "jit.pt"))
    window.opening.open(path)
    until(qtbot, lambda: asked == [path])
    assert window.session.model_name == name
    assert window.architecture.shows_tree
    assert not window.notice.isVisible()


def test_an_archive_that_is_trusted_opens_and_is_asked_about_once(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> None:
    asked, path = answer(monkeypatch, True), str(make_archive(tmp_path / "jit.pt"))
    window.opening.open(path)
    until(qtbot, lambda: str(window.session.model_name) == path)
    window.opening.open("demo")
    until(qtbot, lambda: str(window.session.model_name) == "demo")
    window.opening.open(str(checkpoint))
    until(qtbot, lambda: str(window.session.model_name) == str(checkpoint))
    window.opening.open(path)
    until(qtbot, lambda: str(window.session.model_name) == path)
    assert asked == [path]


def test_the_question_says_why_and_no_is_its_default(window: MainWindow) -> None:
    question = window.opening.trust_question("/far/away/<b>jit.pt")
    assert question.text().startswith("<b>jit.pt is a TorchScript archive")
    assert "contains code, which runs" in question.text()
    default = question.defaultButton()
    assert default is not None
    assert question.standardButton(default) == QMessageBox.StandardButton.Cancel
    question.deleteLater()
