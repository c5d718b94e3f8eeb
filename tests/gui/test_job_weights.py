"""A job renders with the weights that it was asked for with, whatever becomes of their file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytestqt.qtbot import QtBot

from clipdesk.checksums import read_sha256
from clipdesk.export.png import read_recipe
from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs import here
from clipdesk.jobs.status import Status
from tests.gui.conftest import finished, run_of, until
from tests.gui.jobs import made, set_steps, units

pytestmark = pytest.mark.usefixtures("own_queue")


def other_weights(source: Path, path: Path) -> None:
    """Another checkpoint of the same form."""
    torch.manual_seed(1)
    state = torch.load(source, weights_only=True)
    torch.save({name: value + 0.01 * torch.randn(value.shape).to(value) for name, value in state.items()}, path)


def test_a_checkpoint_that_is_overwritten_and_opened_again_renders_its_new_weights(
    new_window: Callable[..., MainWindow], qtbot: QtBot, checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.pt"
    shutil.copy(checkpoint, path)
    window = new_window(str(path))
    window.opening.open()
    until(qtbot, lambda: window.session.model is not None)
    set_steps(window, 5)
    window.asking.render(units(2))
    until(qtbot, lambda: run_of(window).state is Status.DONE)
    before = read_sha256(path)
    other_weights(checkpoint, path)
    window.opening.open(str(path))
    until(qtbot, lambda: window.session.model is not None and window.session.model.weights == read_sha256(path))
    set_steps(window, 5)
    window.asking.render(units(2))
    until(qtbot, lambda: run_of(window, 2).state is Status.DONE)
    first, second = (next(iter(run_of(window, number).tracks.values())).result for number in (1, 2))
    assert first is not None
    assert second is not None
    assert (first.recipe.weights, second.recipe.weights) == (before, read_sha256(path))
    assert first.recipe.weights != second.recipe.weights
    assert (first.image != second.image).any()


def test_a_checkpoint_that_changes_while_its_batch_runs_changes_no_picture(
    new_window: Callable[..., MainWindow],
    qtbot: QtBot,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(here, "usual_group", lambda *_: 1)
    path = tmp_path / "mine.pt"
    shutil.copy(checkpoint, path)
    before = read_sha256(path)
    window = new_window(str(path))
    window.opening.open()
    until(qtbot, lambda: window.session.model is not None)
    set_steps(window, 40)
    window.asking.add_batch(units(1, 2, 3))
    run = run_of(window)
    until(qtbot, lambda: run.step > 1)
    other_weights(checkpoint, path)
    until(qtbot, lambda: run.state.finished)
    recipes = [read_recipe(picture) for picture in (tmp_path / "results").glob("*.png")]
    assert {recipe.weights for recipe in recipes} == {before}
    # What could not be rendered on the old weights says so, and nothing was rendered on the new ones.
    assert len(recipes) + sum(bool(track.reason) for track in run.tracks.values()) == 3
    if run.state is Status.FAILED:
        assert "other weights" in run.reason
    # The next job takes the new ones, once they are open.
    window.opening.open(str(path))
    until(qtbot, lambda: window.session.model is not None and window.session.model.weights == read_sha256(path))
    set_steps(window, 5)
    window.asking.render(units(4))
    until(qtbot, lambda: run_of(window, 2).state is Status.DONE)


def test_a_dropped_picture_of_other_weights_is_refused_and_the_queue_goes_on(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, checkpoint: Path
) -> None:
    set_steps(window, 5)
    window.asking.render(units(1))
    until(qtbot, lambda: run_of(window).state is Status.DONE)
    (picture,) = (tmp_path / "results").glob("*.png")
    kept = read_recipe(picture).model_copy(update={"weights": 64 * "0"})
    window.asking.render_again(kept)
    window.asking.add_batch(units(2))
    refused = run_of(window, 2)
    until(qtbot, lambda: finished(window))
    assert refused.state is Status.FAILED
    assert refused.reason in window.notice.message
    assert "weights" in refused.reason
    assert run_of(window, 3).state is Status.DONE
    assert len(made(tmp_path)) == 2
