"""render(): the one loop of activation maximization, as a generator."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clipdesk.errors import RenderError, UsageError
from clipdesk.models.loading import resolve_device
from clipdesk.network.capture import frozen
from clipdesk.network.faults import explained
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.grids import Likeness, seeds_of_variants
from clipdesk.render.objectives import Objective, ResolvedTarget, resolved
from clipdesk.render.optimization import Optimization
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.start import check_start
from clipdesk.render.targets import Target


class Frame:
    """The state after one step. Its methods look at the running render: call them before pulling the next frame.

    They raise what `render` does for a device that has too little memory or fails.

    Attributes:
        step: Steps done, from 1.
        iterations: Steps in all.
        activations: What each picture's objective was in this step, under its transforms, float32, (pictures,); of a
            grid of variants the mean.
        penalties: What each regulariser that is on took off each picture's objective in this step, weighted, by name,
            float32, (pictures,) each.
    """

    def __init__(
        self,
        step: int,
        iterations: int,
        activations: NDArray[np.float32],
        penalties: dict[str, NDArray[np.float32]],
        optimization: Optimization,
    ) -> None:
        self.step, self.iterations, self.activations, self.penalties = step, iterations, activations, penalties
        self._optimization = optimization

    def images(self) -> NDArray[np.uint8]:
        """The pictures now, (pictures, size, size, 3); a grid of variants is larger than the size asked for."""
        with self._optimization.explained():
            return self._optimization.images()

    def alphas(self) -> NDArray[np.uint8] | None:
        """How much the network looked at each pixel so far, (pictures, size, size); None where it is not asked for."""
        with self._optimization.explained():
            return self._optimization.alphas()

    def clean_activations(self) -> NDArray[np.float32]:
        """Each picture's activation as it would be saved: whole, without transforms or noise, (pictures,)."""
        with self._optimization.explained():
            return self._optimization.clean_activations()


def render(
    model: nn.Module,
    targets: Sequence[Target | ResolvedTarget],
    settings: RenderSettings | None = None,
    *,
    seeds: Sequence[int] | None = None,
    inspector: LayerInspector | None = None,
    sources: Sources | None = None,
) -> Iterator[Frame]:
    """Render pictures that excite the targets, all side by side, each from its own random numbers.

    To pause is not to pull; to stop is to close the generator. A picture does not depend on the others in its batch.

    Args:
        model: A CLIP. Left as it was; on another device or in another precision than asked for, a copy is used.
        targets: What each picture is to excite; those that `resolve` has checked are not checked again.
        settings: How; the default is ClipDesk's own recipe.
        seeds: A seed for each target; by default `settings.seed` for all.
        inspector: The model's inspector, to save tracing it again.
        sources: Reads the files that settings and targets name; those that it has read before are not read again.

    Returns:
        A generator of `settings.iterations` frames.

    Raises:
        UsageError: at once, if a target is not there, or it cannot begin as asked; from the generator, if a file of the
            settings cannot be read.
        ClipDeskError: at once, if the device is not there.
        RenderError: out of memory; from the generator also an activation that is not a number.
        DeviceLostError: the device has failed.
    """
    settings = settings or make_settings()
    check_start(settings)
    seeds = [settings.seed] * len(targets) if seeds is None else seeds
    if len(seeds) != len(targets):
        raise UsageError(f"There are {len(targets)} targets but {len(seeds)} seeds")
    device = resolve_device(settings.device)
    with explained(len(seeds), device):
        model = _as_needed(model, device)
    with frozen(model), explained(len(seeds), device):
        inspector = inspector or LayerInspector(model)
        sources = sources or Sources()
        checked = resolved(targets, inspector, sources)
        variants = [target for target in checked for _ in range(settings.grid**2)]
        objective = Objective(variants, model, sources)
        views = [target for target in variants for _ in range(settings.views)]
        of_views = objective if settings.views == 1 else Objective(views, model, sources)
        likeness = Likeness(checked, inspector) if settings.grid > 1 and settings.diversity > 0 else None
    every = seeds_of_variants(seeds, settings.grid**2)
    begin = partial(Optimization, model, objective, of_views, likeness, settings, every, sources)
    return _frames(model, begin, len(every), settings.iterations)


def _frames(model: nn.Module, begin: Callable[[], Optimization], pictures: int, iterations: int) -> Iterator[Frame]:
    with frozen(model), explained(pictures, next(model.parameters()).device):
        optimization = begin()
        try:
            for step in range(1, iterations + 1):
                activations, penalties = optimization.step(step)
                if not np.isfinite(activations).all():
                    raise RenderError(f"The activation is not a number at step {step}. Try a lower learning rate")
                yield Frame(step, iterations, activations, penalties, optimization)
        finally:
            optimization.end()


def _as_needed(model: nn.Module, device: torch.device) -> nn.Module:
    """The model itself if it is in float32 on the device, else a copy that is."""
    first = next(model.parameters())
    same_place = first.device.type == device.type and device.index in (None, first.device.index)
    if same_place and all(p.dtype == torch.float32 for p in model.parameters()):
        return model
    return copy.deepcopy(model).float().to(device)
