"""A recipe for tests that need one."""

from __future__ import annotations

from clipdesk.export.recipe import Activations, Recipe
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target, Unit

REACHED = Activations(start=0.1, end=2.0, best=2.5, picture=2.25)
SILENT = Activations(start=0, end=0, best=0, picture=0)
WORSE = Activations(start=0.082, end=0, best=0.082, picture=0.0002)


def make_recipe(
    target: Target | None = None,
    settings: RenderSettings | None = None,
    model: str = "demo",
    steps: int | None = None,
    activation: Activations = REACHED,
) -> Recipe:
    """A recipe as a finished render of this target would have it."""
    settings = settings or RenderSettings()
    return Recipe(
        clipdesk="0.1.0",
        torch="2.15.0",
        model=model,
        target=target or Unit(layer="visual.conv1", index=4),
        settings=settings,
        steps=steps or settings.iterations,
        activation=activation,
        device="cpu",
        seconds=1.5,
        date="2026-11-24T10:00:00+00:00",
    )
