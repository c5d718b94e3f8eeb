"""Jobs of a window's tests: what is asked for, what has been kept, and what the queue's file says."""

from __future__ import annotations

from pathlib import Path

from clipdesk.export.png import read_recipe
from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs.status import Status
from clipdesk.jobs.store import JobStore, default_store
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit
from tests.gui.conftest import LAYER


def units(*indices: int) -> tuple[Unit, ...]:
    return tuple(Unit(layer=LAYER, index=i) for i in indices)


def set_steps(window: MainWindow, iterations: int) -> None:
    window.parameters.show_settings(make_settings(iterations=iterations, image_size=64, views=1))


def made(folder: Path) -> list[tuple[str, int]]:
    """The pictures that were kept: the label of each one's target, and its steps."""
    recipes = [read_recipe(path) for path in (folder / "results").glob("*.png")]
    return sorted((recipe.target.label, recipe.steps) for recipe in recipes)


def whole(targets: tuple[Unit, ...], iterations: int) -> list[tuple[str, int]]:
    """What `made` says if each of these was finished once."""
    return sorted((target.label, iterations) for target in targets)


def statuses() -> list[Status]:
    store = JobStore(default_store())
    found = [stored.status for stored in store.jobs()]
    store.close()
    return found
